import { z } from 'zod';
import { ArtifactView, Limit, PipelineView, RunEvent, RunId, RunView, Schedule, StepView } from '#contracts';
import { IGNORED_BECAUSE } from './forge-delivery.js';
import { Problem } from './problem.js';

/** What callers get, beside the views of the contracts. */

export const Accepted = z.object({
  runId: RunId,
  status: z.enum(['started', 'stored']).describe('`started`: carried out. `stored`: the coordinator is away; it is carried out when it is back.'),
  repeated: z.boolean().describe('An earlier request had the same Idempotency-Key; this is its run.'),
}).meta({ id: 'Accepted' });
export type Accepted = z.infer<typeof Accepted>;

export const RunBatch = z.object({
  runs: z.array(z.union([Accepted, z.object({ problem: Problem.describe('This run was refused; the others are not touched by it.') })])).describe('One entry for each run of the request, in its order.'),
}).meta({ id: 'RunBatch' });
export type RunBatch = z.infer<typeof RunBatch>;

const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().optional().describe('Send it as `cursor` to go on; absent on the last page.') });
export interface Page<T> { items: T[]; next?: string }

export const RunPage = page(RunView).meta({ id: 'RunPage' });
export const StepPage = page(StepView).meta({ id: 'StepPage' });
export const ArtifactPage = page(ArtifactView).meta({ id: 'ArtifactPage' });
export const EventPage = page(RunEvent).meta({ id: 'EventPage' });
export const LimitPage = page(Limit).meta({ id: 'LimitPage' });
export const SchedulePage = page(Schedule).meta({ id: 'SchedulePage' });
export const PipelinePage = page(PipelineView).meta({ id: 'PipelinePage' });

export const Delivered = z.object({
  delivery: z.string(),
  status: z.enum(['stored', 'ignored']).describe('`stored`: durable, and dealt with by a run of the pipeline `forge-event`. `ignored`: nothing follows from it.'),
  reason: z.enum(IGNORED_BECAUSE).optional().describe('Why it was ignored.'),
}).meta({ id: 'Delivered' });
export type Delivered = z.infer<typeof Delivered>;

export const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
export type Health = z.infer<typeof Health>;
