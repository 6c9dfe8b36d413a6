import { z } from 'zod';
import { ArtifactMap } from './values.js';
import { Fact, RunId } from './ids.js';

/** What a step gave, kept under what it was given: the next step that is given the same gets it at once. */
export const Memo = z.object({
  outputs: ArtifactMap, facts: z.record(z.string(), Fact),
  /** What it took. */
  durationMs: z.number().min(0),
  runId: RunId, at: z.iso.datetime({ offset: true }),
});
export type Memo = z.infer<typeof Memo>;
