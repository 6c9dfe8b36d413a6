/** Documented in docs/cli.md: scripts depend on them. */
export const EXIT = { ok: 0, failure: 1, usage: 2, runFailed: 3, notFound: 5, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a code and what to tell; `hint` is the command to try next. */
export class Exit extends Error {
  constructor(readonly code: ExitCode, message: string, readonly hint?: string) { super(message); }
}
