/** One API request and how it was answered. */
export interface RecordedCall {
  /** 1 for the first. */
  number: number;
  /** As the forge's description names it, for instance `git/create-commit` or `postApiV4ProjectsIdMergeRequests`; undefined when it has no such path. */
  operation: string | undefined;
  method: string;
  path: string;
  body: unknown;
  /** undefined while it is not answered, or when the connection was cut. */
  status: number | undefined;
  /** The name of the fault that it met. */
  fault: string | undefined;
}

/**
 * Points at which a test may kill its client. Both are awaited; `arrived`: nothing was done yet; `done`: everything was done, and the answer is not sent yet.
 * `arrived` may answer 'drop': the request counts as lost on its way, the connection is cut and nothing is done.
 */
export interface CallObserver {
  arrived?(call: RecordedCall): void | 'drop' | Promise<void | 'drop'>;
  done?(call: RecordedCall): void | Promise<void>;
}
