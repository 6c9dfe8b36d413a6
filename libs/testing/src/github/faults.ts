/** Which requests a fault meets: an operation of GitHub's description (`pulls/create`), or a pattern of `METHOD /path`; every request when neither is given. */
export interface FaultTarget {
  operation?: string;
  path?: RegExp;
  /** This many matching requests pass before it; default 0. */
  after?: number;
  /** How many it meets then; default 1. */
  times?: number;
}

export type Fault =
  /** 403 with `x-ratelimit-remaining: 0` and the second at which it begins anew. */
  | { kind: 'primary-rate-limit'; resetInSeconds: number }
  /** 403 or 429; with Retry-After, or without any hint. */
  | { kind: 'secondary-rate-limit'; status?: 403 | 429; retryAfterSeconds?: number }
  /** A bad gateway; `done`: after everything was done. */
  | { kind: 'bad-gateway'; done: boolean }
  /** The same as an answer of the application itself. */
  | { kind: 'server-error'; status: 500 | 503 }
  /** Answers right, later. */
  | { kind: 'slow'; milliseconds: number }
  /** Headers and half of the body, then the connection is cut. */
  | { kind: 'truncated' }
  /** The connection is cut without an answer. */
  | { kind: 'cut'; done: boolean }
  /** 403 `Resource not accessible by integration`. */
  | { kind: 'forbidden' }
  /** 401 `Bad credentials`. */
  | { kind: 'unauthorized' };

export interface Faults {
  add(fault: Fault, target?: FaultTarget): void;
  /** Takes away what has not been met yet, and says how many that were. */
  clear(): number;
}
