import { Failure, FailureCode } from '#contracts';

/** What a handler threw, as a failure with a code. Modules of operators cannot have our class: an error named `Failure` with a code of the list is one. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error)) return new Failure('internal', 'not an error', { cause: error });
  const code = error.name === 'Failure' && 'code' in error ? FailureCode.safeParse(error.code).data : undefined;
  // The text of an unexpected error may quote the repository: it is for the log, and goes on no bus.
  return code ? new Failure(code, error.message, { cause: error }) : new Failure('internal', error.name, { cause: error });
}
