import { z } from 'zod';
import { AgentName } from './ids.js';

/** The format of a pipeline file, one page of YAML. `docs/pipelines.md` explains it with examples. */

const Duration = z.string().regex(/^\d+(ms|s|m|h|d)$/, 'a duration such as 500ms, 30s, 10m, 2h or 7d');
const Expression = z.string().min(1).max(500).describe('CEL over `params` and `steps.<step>.facts`, `steps.<step>.status`');
const Key = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');
/** `crawl.map` (an output of a step; all elements' outputs when that step fans out) or `each` (this element of `forEach`). */
const Reference = z.string().regex(/^(each|[a-z][a-z0-9-]*\.[a-zA-Z][A-Za-z0-9]*)$/, '`each`, or `step.output`');

export const Retry = z.strictObject({
  attempts: z.int().min(1).max(100).default(3), delay: Duration.default('1s'), factor: z.number().min(1).max(10).default(2), maxDelay: Duration.default('5m'),
});

const Common = { needs: z.array(Key).default([]), when: Expression.optional() };
export const RunStep = z.strictObject({
  ...Common, run: AgentName, with: z.record(z.string(), Reference).default({}),
  forEach: Reference.optional(), concurrency: z.int().min(1).max(1000).default(16),
  timeout: Duration.default('10m'), retry: Retry.prefault({}),
  lock: z.enum(['repository']).optional(), undo: AgentName.optional(),
});
export const ApprovalStep = z.strictObject({ ...Common, approve: z.strictObject({ roles: z.array(Key).min(1), expires: Duration.default('7d') }) });

export const Param = z.union([
  z.strictObject({ enum: z.array(z.string()).min(1), default: z.string() }),
  z.strictObject({ type: z.literal('boolean'), default: z.boolean() }),
  z.strictObject({ type: z.literal('number'), default: z.number(), min: z.number().optional(), max: z.number().optional() }),
  z.strictObject({ type: z.literal('string'), default: z.string(), maxLength: z.int().default(256) }),
]);

export const Pipeline = z.strictObject({
  name: Key, version: z.int().min(1), description: z.string().max(300).optional(),
  params: z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/), Param).default({}),
  steps: z.record(Key, z.union([RunStep, ApprovalStep])),
}).meta({ id: 'Pipeline' });
export type Pipeline = z.infer<typeof Pipeline>;
export type PipelineStep = Pipeline['steps'][string];
