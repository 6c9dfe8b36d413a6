import { z } from 'zod';
import { FailureCode, type Task } from '#contracts';
import type { ForgeAccess } from '#forge';

/** What the host and the single-use process say to each other, in this order: ready → run → (progress | log)* → done | failed. `abort` may come after run. */
export type ToChild =
  | { type: 'run'; agent: string; task: Task; inputs: Record<string, unknown>; access?: ForgeAccess }
  | { type: 'abort' };

/** The process has worked on hostile input, so the host believes nothing that it says without looking. */
export const FromChild = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), agents: z.array(z.string()) }),
  z.object({ type: z.literal('progress'), phase: z.string(), done: z.number(), total: z.number().optional() }),
  z.object({ type: z.literal('log'), message: z.string() }),
  /** What the handler returned; it is judged against the agent's contract. */
  z.object({ type: z.literal('done'), output: z.unknown() }),
  z.object({ type: z.literal('failed'), code: FailureCode, detail: z.string().optional() }),
]);
export type FromChild = z.infer<typeof FromChild>;
