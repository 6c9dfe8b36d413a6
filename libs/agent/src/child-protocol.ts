import type { FailureCode, Task } from '#contracts';

/** What the host and the single-use process say to each other, in this order: ready → run → (progress | log)* → done | failed. `abort` may come after run. */
export type ToChild =
  | { type: 'run'; agent: string; task: Task; inputs: Record<string, unknown> }
  | { type: 'abort' };

export type FromChild =
  | { type: 'ready'; agents: string[] }
  | { type: 'progress'; phase: string; done: number; total?: number }
  | { type: 'log'; message: string }
  /** What the handler returned, judged by the host. */
  | { type: 'done'; output: unknown }
  | { type: 'failed'; code: FailureCode; detail?: string };
