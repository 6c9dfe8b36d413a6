import { z } from 'zod';
import { AgentContract } from './agents.js';
import { ArtifactView, RunView, StepView } from './messages.js';
import { Params } from './values.js';
import { AgentName, RunId } from './ids.js';

/**
 * A run that was exported: a tar with the layout of every bundle (`manifest.json` first, then the files under `files/`, sorted), so that it is checked like one.
 *   run.json · pipeline.json (the definition that the run has pinned) · events.jsonl · steps.json · lineage.json · settings.json · artifacts/<sha-256>
 * It says nothing that the API does not say, so no secret is in it, and nothing of when or where it was exported: the same run gives the same bytes.
 */
export const RunBundle = z.object({
  kind: z.literal('run@1'), runId: RunId,
  files: z.array(z.object({ path: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int() })),
});
export type RunBundle = z.infer<typeof RunBundle>;

/** `settings.json`: what decided beside the pipeline. The agents are those of its steps. */
export const RunSettings = z.object({ params: Params, cache: z.boolean(), agents: z.record(AgentName, AgentContract) });
export type RunSettings = z.infer<typeof RunSettings>;

/** The documents in it. `lineage` has what `steps` leaves out where a list is long. */
export const RunDocuments = { 'run.json': RunView, 'steps.json': z.array(StepView), 'lineage.json': z.array(ArtifactView), 'settings.json': RunSettings } as const;
