import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { ArtifactId, DecideApproval, Limit, LimitName, Params, Priority, repositoryAddress, RepositoryRef, RunId, RunStatus, ScheduleId, ScheduleRequest, StepId, Tenant } from '#contracts';

/** What callers may send: the only place where the REST API's inputs are described. OpenAPI and the pipes read these. */

/** One repository has one name: what runs are counted, locked and remembered by. */
function problemOf(place: string): string | undefined {
  const address = repositoryAddress(place);
  if (address === undefined) return isAbsolute(place) ? undefined : 'a relative path means nothing to a service; give an absolute path or an address';
  if ('problem' in address) return address.problem;
  return address.canonical === place ? undefined : `write it as ${address.canonical}`;
}

const Cache = z.boolean().optional().describe('`false`: every step is carried out, also where an earlier one was given the same.');

export const StartRunRequest = z.strictObject({
  repository: RepositoryRef.superRefine((place, context) => { const message = problemOf(place); if (message !== undefined) context.addIssue({ code: 'custom', message }); })
    .describe('An absolute path on the machine of the services, or the address of a repository at a forge: `https://<host>/<owner>/<name>`.'),
  ref: z.string().max(256).regex(/^[^-\s~^:?*[\\\p{Cc}][^\s~^:?*[\\\p{Cc}]*$/u, 'a branch, a tag or a commit').optional().describe('Branch, tag or commit; the default branch when it is left out.'),
  pipeline: z.string().min(1).max(64).default('test-generation'),
  depth: z.string().min(1).max(256).optional().describe('Short for params.depth.'),
  framework: z.string().min(1).max(256).optional().describe('Short for params.framework.'),
  approval: z.boolean().optional().describe('Short for params.approval.'),
  cache: Cache,
  tenant: Tenant.optional().describe('Whose run it is; tenants have their turns one after the other. `default` when it is left out.'),
  priority: Priority.optional().describe('Where agents are short of time a higher one goes first; 3 when it is left out.'),
  params: Params.default({}).describe('Parameters of the pipeline; it says which there are.'),
}).meta({ id: 'StartRunRequest' });
export type StartRunRequest = z.infer<typeof StartRunRequest>;

export const AddScheduleRequest = z.strictObject({ cron: ScheduleRequest.shape.cron, timeZone: ScheduleRequest.shape.timeZone.default('UTC'), ...StartRunRequest.shape }).meta({ id: 'AddScheduleRequest' });
export type AddScheduleRequest = z.infer<typeof AddScheduleRequest>;

export const RunBatchRequest = z.strictObject({
  runs: z.array(StartRunRequest).min(1).max(500).describe('Each is started as by POST /api/v1/runs. When one of them is not valid, none is started.'),
}).meta({ id: 'RunBatchRequest' });
export type RunBatchRequest = z.infer<typeof RunBatchRequest>;

export const IdempotencyHeaders = z.object({
  'idempotency-key': z.string().regex(/^[\x21-\x7e]{1,200}$/, '1 to 200 visible ASCII characters').optional()
    .describe('The same key with the same body answers with the first run instead of starting another.'),
});

export const RunPath = z.object({ runId: RunId });
export type RunPath = z.infer<typeof RunPath>;

export const ApprovalPath = z.object({ runId: RunId, stepId: StepId });
export type ApprovalPath = z.infer<typeof ApprovalPath>;

export const SchedulePath = z.object({ scheduleId: ScheduleId });
export type SchedulePath = z.infer<typeof SchedulePath>;

export const ArtifactPath = z.object({ artifactId: ArtifactId });
export type ArtifactPath = z.infer<typeof ArtifactPath>;

export const PageQuery = z.strictObject({
  cursor: z.string().min(1).max(200).optional().describe('`next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
export type PageQuery = z.infer<typeof PageQuery>;

export const RunsQuery = z.strictObject({ ...PageQuery.shape, repository: RepositoryRef.optional(), status: RunStatus.optional() });
export type RunsQuery = z.infer<typeof RunsQuery>;

export const RetryRequest = z.strictObject({ fromStep: StepId.optional().describe('Runs everything from this step on again; the failed steps when it is left out.') })
  .prefault({}).meta({ id: 'RetryRequest' });
export type RetryRequest = z.infer<typeof RetryRequest>;

export const RerunRequest = z.strictObject({ cache: Cache }).prefault({}).meta({ id: 'RerunRequest' });
export type RerunRequest = z.infer<typeof RerunRequest>;

export const ApprovalRequest = z.strictObject(DecideApproval.pick({ decision: true, role: true, comment: true }).shape).meta({ id: 'ApprovalRequest' });
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

export const LimitPath = z.object({
  kind: LimitName.shape.kind,
  key: LimitName.shape.key.describe('The user, repository, tenant or service, percent-encoded; `*` for each that has no limit of its own.'),
});
export type LimitPath = z.infer<typeof LimitPath>;

export const LimitRequest = z.strictObject({
  max: Limit.shape.max.describe('0 lets nothing through.'),
  windowSeconds: Limit.shape.windowSeconds.describe('Of limits that count runs: how long a start is counted.'),
}).meta({ id: 'LimitRequest' });
export type LimitRequest = z.infer<typeof LimitRequest>;

export const EventsQuery = z.strictObject({ ...PageQuery.shape, afterSeq: z.coerce.number().int().min(0).default(0).describe('Only events with a higher `seq`.') });
export type EventsQuery = z.infer<typeof EventsQuery>;

/** Of the forge's id of a delivery: it becomes part of a message's id. */
const DeliveryId = z.string().regex(/^[\w:-]{1,80}$/, 'letters, digits, - and _');

export const GithubHeaders = z.object({
  'x-github-event': z.string().min(1).max(60), 'x-github-delivery': DeliveryId.describe('The same for a redelivery, which therefore changes nothing.'),
});

export const GitlabHeaders = z.object({
  'x-gitlab-event': z.string().min(1).max(60),
  'idempotency-key': DeliveryId.optional().describe('The same when GitLab tries a delivery again, which therefore changes nothing.'), 'x-gitlab-event-uuid': DeliveryId.optional(),
}).refine((headers) => headers['idempotency-key'] !== undefined || headers['x-gitlab-event-uuid'] !== undefined, { path: ['idempotency-key'], message: 'neither Idempotency-Key nor X-Gitlab-Event-UUID' });

export const EventsHeaders = z.object({
  'last-event-id': z.coerce.number().int().min(0).default(0).describe('The `id` of the last event that was seen; the stream goes on after it.'),
});
