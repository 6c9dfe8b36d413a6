import { z } from 'zod';
import { ForgeEvent } from './forge-event.js';
import { AgentName, ArtifactId, Fact, RepositoryRef, RunId, StepId } from './ids.js';
import { Limit, LimitName, Quota } from './limits.js';
import { Schedule, ScheduleId, ScheduleRequest } from './schedules.js';
import { ArtifactMap, FailureFact, Params, Priority, Tenant, When, Who } from './values.js';

/**
 * Every message on the bus. Identifiers and typed facts only: an artifact's content, source code, prompts and
 * model output travel as artifact ids. Unknown keys are dropped on read, so that an older service understands a newer one.
 */

// ---- commands: gateway → coordinator ------------------------------------------------------------------------------
export const StartRun = z.object({
  runId: RunId, pipeline: z.string().min(1).max(64), repository: RepositoryRef, ref: z.string().max(256).optional(),
  params: Params, requestedBy: Who,
  /** `false`: every step is carried out, also where an earlier one was given the same. */
  cache: z.boolean().optional(),
  tenant: Tenant.optional(), priority: Priority.optional(),
  /** Hash of the request body, when the caller sent an Idempotency-Key: same key and hash answer with the first run. */
  idempotency: z.object({ key: z.string().min(1).max(200), requestHash: z.string().max(64) }).optional(),
}).meta({ id: 'StartRun' });
export const CancelRun = z.object({ runId: RunId, requestedBy: Who }).meta({ id: 'CancelRun' });
/** Runs the failed steps again, or everything from `fromStep` on; what came before is kept. */
export const RetryRun = z.object({ runId: RunId, fromStep: StepId.optional(), requestedBy: Who }).meta({ id: 'RetryRun' });
export const DecideApproval = z.object({ runId: RunId, stepId: StepId, decision: z.enum(['approve', 'reject']), role: z.string().max(64), requestedBy: Who, comment: z.string().max(500).optional() }).meta({ id: 'DecideApproval' });
export type StartRun = z.infer<typeof StartRun>;
export type CancelRun = z.infer<typeof CancelRun>;
export type RetryRun = z.infer<typeof RetryRun>;
export type DecideApproval = z.infer<typeof DecideApproval>;

/** What the coordinator answers on a command's reply subject, after the commit. `runId` is the first run's for a repeated idempotency key. `quotas`: of the windows that a start was counted in. */
export const CommandReply = z.union([
  z.object({ ok: z.literal(true), runId: RunId, repeated: z.boolean().default(false), quotas: z.array(Quota).optional() }),
  z.object({ ok: z.literal(false), failure: FailureFact, retryAfterSeconds: z.number().optional(), quotas: z.array(Quota).optional() }),
]).meta({ id: 'CommandReply' });
export type CommandReply = z.infer<typeof CommandReply>;

/** Many starts in one message. Each is its own: some may be refused, and the others go on. */
export const StartRuns = z.object({ starts: z.array(StartRun).min(1) }).meta({ id: 'StartRuns' });
/** What they are answered with: a reply to each, in order, after the commit of all. Where they would not fit on the bus, quotas are left out and details cut. */
export const StartReplies = z.object({ replies: z.array(CommandReply).min(1) }).meta({ id: 'StartReplies' });
export type StartReplies = z.infer<typeof StartReplies>;

// ---- tasks: coordinator → service ---------------------------------------------------------------------------------
export const Task = z.object({
  runId: RunId, stepId: StepId, attempt: z.int().min(1), agent: AgentName,
  inputs: ArtifactMap, params: Params,
  repository: RepositoryRef, ref: z.string().max(256).optional(),
  /** Milliseconds the handler may take; the harness stops it then. */
  timeLimitMs: z.int().positive(),
  /** `false`: what an earlier step made is not reused. */
  cache: z.boolean().optional(),
}).meta({ id: 'Task' });
export type Task = z.infer<typeof Task>;
/** What the coordinator sends: several tasks of one agent only where its contract says `inline`. One alone, without the list around it, is understood as well. */
export const Tasks = z.object({ tasks: z.array(Task).min(1) }).meta({ id: 'Tasks' });

// ---- results: service → coordinator -------------------------------------------------------------------------------
const ResultBase = { runId: RunId, stepId: StepId, attempt: z.int().min(1), agent: AgentName, durationMs: z.number().min(0) };
export const Result = z.discriminatedUnion('status', [
  z.object({ ...ResultBase, status: z.literal('succeeded'), outputs: ArtifactMap, facts: z.record(z.string(), Fact),
    /** Outputs and facts are those of an earlier step that was given the same; `savedMs` is what that took longer. */
    reused: z.object({ savedMs: z.number().min(0) }).optional() }),
  z.object({ ...ResultBase, status: z.literal('failed'), failure: FailureFact }),
]).meta({ id: 'Result' });
export type Result = z.infer<typeof Result>;
/** What a service sends: the results that were ready at the same time. One alone, without the list around it, is understood as well. */
export const Results = z.object({ results: z.array(Result).min(1) }).meta({ id: 'Results' });

// ---- events: coordinator → gateway --------------------------------------------------------------------------------
export const RUN_STATUSES = ['running', 'waiting', 'cancelling', 'compensating', 'succeeded', 'failed', 'cancelled'] as const;
export const RunStatus = z.enum(RUN_STATUSES).meta({ id: 'RunStatus' });
export type RunStatus = z.infer<typeof RunStatus>;

/** `pending` waits for others; `blocked` waits for a lock; `backing-off` for its next try; `waiting` for a person. */
export const STEP_STATUSES = ['pending', 'blocked', 'dispatched', 'backing-off', 'waiting', 'fanned-out', 'succeeded', 'skipped', 'failed', 'cancelled'] as const;
export const StepStatus = z.enum(STEP_STATUSES).meta({ id: 'StepStatus' });
export type StepStatus = z.infer<typeof StepStatus>;

export const EVENT_TYPES = [
  'run-started', 'run-waiting', 'run-resumed', 'run-cancelling', 'run-compensating', 'run-succeeded', 'run-failed', 'run-cancelled', 'run-retried',
  'step-dispatched', 'step-queued', 'step-blocked', 'step-fanned-out', 'step-succeeded', 'step-failed', 'step-retrying', 'step-skipped', 'step-cancelled',
  'approval-requested', 'approval-decided', 'approval-expired', 'undo-parked',
] as const;
export const RunEvent = z.object({
  runId: RunId,
  /** 1, 2, 3 … per run, without gaps: the SSE id. */
  seq: z.int().min(1),
  type: z.enum(EVENT_TYPES), at: When,
  stepId: StepId.optional(), attempt: z.int().optional(), agent: AgentName.optional(),
  outputs: ArtifactMap.optional(), facts: z.record(z.string(), Fact).optional(), failure: FailureFact.optional(),
  durationMs: z.number().optional(), delayMs: z.number().optional(), count: z.int().optional(),
  roles: z.array(z.string()).optional(), role: z.string().optional(), decision: z.enum(['approve', 'reject']).optional(), by: Who.optional(),
}).meta({ id: 'RunEvent' });
export type RunEvent = z.infer<typeof RunEvent>;
/** What is stored: the events of one run in one commit, in order; `seq` is the first one's. */
export const RunEvents = z.object({ runId: RunId, seq: z.int().min(1), at: When, events: z.array(RunEvent.omit({ runId: true, seq: true, at: true })).min(1) }).meta({ id: 'RunEvents' });
export type RunEvents = z.infer<typeof RunEvents>;
/** What travels: what one commit tells, of many runs. */
export const Told = z.object({ told: z.array(RunEvents).min(1) }).meta({ id: 'Told' });
export type Told = z.infer<typeof Told>;

export const eventsOf = ({ runId, seq, at, events }: RunEvents): RunEvent[] => events.map((event, index) => ({ runId, seq: seq + index, at, ...event }));

/** Live progress over core NATS: may be lost, never decides anything. `phase` is a fixed word of the agent, not text. */
export const Progress = z.object({ runId: RunId, stepId: StepId, attempt: z.int(), phase: z.string().regex(/^[a-z][a-z-]*$/).max(40), done: z.int().min(0), total: z.int().min(0).optional() }).meta({ id: 'Progress' });
export type Progress = z.infer<typeof Progress>;

/** An instance of an agent service, every two seconds: so many tasks of this agent it works on at once, and whose model it asks, if any. 0 when it stops. */
export const AgentCapacity = z.object({ agent: AgentName, instance: z.string().min(1).max(64), slots: z.int().min(0), provider: z.string().min(1).max(40).optional() }).meta({ id: 'AgentCapacity' });
export type AgentCapacity = z.infer<typeof AgentCapacity>;

// ---- queries: gateway → coordinator, request and reply over core NATS -------------------------------------------------
export const RunView = z.object({
  runId: RunId, pipeline: z.string(), pipelineVersion: z.int(), repository: RepositoryRef, ref: z.string().optional(), params: Params,
  status: RunStatus, requestedBy: Who, createdAt: When, updatedAt: When, finishedAt: When.optional(), failure: FailureFact.optional(),
  /** `false`: nothing that earlier runs made was reused. */
  cache: z.boolean().optional(),
  tenant: Tenant.optional(), priority: Priority.optional(),
}).meta({ id: 'RunView' });
export const StepView = z.object({
  stepId: StepId, agent: AgentName.optional(), status: StepStatus, attempt: z.int(),
  inputs: ArtifactMap, outputs: ArtifactMap, facts: z.record(z.string(), Fact), failure: FailureFact.optional(),
  roles: z.array(z.string()).optional(), startedAt: When.optional(), finishedAt: When.optional(),
}).meta({ id: 'StepView' });
/** Lineage: which step of which run made which artifact, under which name. */
export const ArtifactView = z.object({ artifactId: ArtifactId, kind: z.string(), name: z.string(), stepId: StepId, runId: RunId, createdAt: When }).meta({ id: 'ArtifactView' });
export type RunView = z.infer<typeof RunView>;
export type StepView = z.infer<typeof StepView>;
export type ArtifactView = z.infer<typeof ArtifactView>;

/** `cursor` is opaque. The coordinator ends a page early when the reply would pass the size bound of the bus. */
const Page = { cursor: z.string().max(200).optional(), limit: z.int().min(1).max(100).default(50) };
const page = <T extends z.ZodType>(item: T) => z.union([
  z.object({ ok: z.literal(true), items: z.array(item), next: z.string().optional() }),
  z.object({ ok: z.literal(false), failure: FailureFact }),
]);
const one = <T extends z.ZodType>(item: T) => z.union([
  z.object({ ok: z.literal(true), item }),
  z.object({ ok: z.literal(false), failure: FailureFact }),
]);
export const PipelineView = z.object({ name: z.string(), version: z.int(), steps: z.array(z.string()) }).meta({ id: 'PipelineView' });
export type PipelineView = z.infer<typeof PipelineView>;

/** Every query: the request's and the reply's shape, by the last token of `pullwright.query.<name>`. */
export const QUERIES = {
  'get-run': { request: z.object({ runId: RunId }), reply: one(RunView) },
  'list-runs': { request: z.object({ ...Page, repository: RepositoryRef.optional(), status: RunStatus.optional() }), reply: page(RunView) },
  'list-steps': { request: z.object({ ...Page, runId: RunId }), reply: page(StepView) },
  'list-artifacts': { request: z.object({ ...Page, runId: RunId }), reply: page(ArtifactView) },
  'list-events': { request: z.object({ ...Page, runId: RunId, afterSeq: z.int().min(0).default(0) }), reply: page(RunEvent) },
  /** The definition that the run has pinned, as JSON, in pieces to be put together. */
  'list-definition': { request: z.object({ ...Page, runId: RunId }), reply: page(z.string()) },
  /** What the steps of all kept runs have made, one item a step: nobody may remove that from the store. */
  'list-references': { request: z.object(Page), reply: page(z.array(ArtifactId)) },
  'list-pipelines': { request: z.object(Page), reply: page(PipelineView) },
  'list-schedules': { request: z.object(Page), reply: page(Schedule) },
  /** The same id again changes nothing. Unlike a command it is not stored for later: who asks is answered, or asks again. */
  'add-schedule': { request: ScheduleRequest, reply: one(Schedule) },
  'remove-schedule': { request: z.object({ scheduleId: ScheduleId }), reply: one(z.object({ scheduleId: ScheduleId })) },
  'list-limits': { request: z.object(Page), reply: page(Limit) },
  /** These two change something, and are answered after the commit. They are asked and not ordered, so that an old one that was stored never undoes a newer one. */
  'set-limit': { request: Limit, reply: one(Limit) },
  'remove-limit': { request: LimitName, reply: one(LimitName) },
} as const;
export type QueryName = keyof typeof QUERIES;

/** Every command, by the last token of `pullwright.command.<name>`. */
export const COMMANDS = { 'start-run': StartRun, 'start-runs': StartRuns, 'cancel-run': CancelRun, 'retry-run': RetryRun, 'decide-approval': DecideApproval, 'forge-event': ForgeEvent } as const;
export type CommandName = keyof typeof COMMANDS;
/** Those that are about one run each. */
export type RunCommandName = Exclude<CommandName, 'start-runs'>;

/** No message, header included, may be larger: what is larger is an artifact. */
export const MAX_MESSAGE_BYTES = 8 * 1024;

