/** Which requests a fault meets: an operation of the description (GitHub's `pulls/create`, GitLab's `postApiV4ProjectsIdMergeRequests`), or a pattern of `METHOD /path`; every request when neither is given. */
export interface FaultTarget {
  operation?: string;
  path?: RegExp;
  /** This many matching requests pass before it; default 0. */
  after?: number;
  /** How many it meets then; default 1. */
  times?: number;
}

export type Fault =
  /** GitHub: 403 with `x-ratelimit-remaining: 0` and the second at which it begins anew; GitLab: 429 with the same and Retry-After. */
  | { kind: 'primary-rate-limit'; resetInSeconds: number }
  /** GitHub: 403 or 429, GitLab: 429; with Retry-After, or without any hint. */
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
  /** 403, in the forge's words. */
  | { kind: 'forbidden' }
  /** 401, in the forge's words. */
  | { kind: 'unauthorized' };

export interface Faults {
  add(fault: Fault, target?: FaultTarget): void;
  /** Takes away what has not been met yet, and says how many that were. */
  clear(): number;
}

interface Armed { fault: Fault; target: FaultTarget; passed: number; met: number }

/** The faults that are waiting for their requests; the first that matches is met. */
export class ArmedFaults implements Faults {
  #armed: Armed[] = [];

  add(fault: Fault, target: FaultTarget = {}): void {
    this.#armed.push({ fault, target, passed: 0, met: 0 });
  }

  clear(): number {
    const left = this.#armed.length;
    this.#armed = [];
    return left;
  }

  meets(operation: string | undefined, method: string, path: string): Fault | undefined {
    for (const armed of this.#armed) {
      const { target } = armed;
      if (target.operation !== undefined && target.operation !== operation) continue;
      if (target.path !== undefined && !target.path.test(`${method} ${path}`)) continue;
      if (armed.passed++ < (target.after ?? 0)) continue;
      if (++armed.met >= (target.times ?? 1)) this.#armed.splice(this.#armed.indexOf(armed), 1);
      return armed.fault;
    }
    return undefined;
  }
}
