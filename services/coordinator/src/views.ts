import { agentContract, MAX_MESSAGE_BYTES, type ArtifactMap, type ArtifactView, type Limit, type Pipeline, type RunView, type Schedule, type StepView } from '#contracts';
import { isApproval } from './engine/pipeline.js';
import { keyOf, type StepState } from './engine/run-state.js';
import type { LimitEntity, RunEntity, ScheduleEntity } from './store/entities.js';

/** Rows as the gateway sees them. */

export function runView(run: RunEntity, movedAt: ReadonlyMap<string, Date>): RunView {
  return {
    runId: run.id, pipeline: run.pipeline.name, pipelineVersion: run.pipeline.version, repository: run.repository, ref: run.ref ?? undefined, params: run.params,
    status: run.status, requestedBy: run.requestedBy, createdAt: run.createdAt.toISOString(), updatedAt: (movedAt.get(run.id) ?? run.createdAt).toISOString(), finishedAt: run.finishedAt?.toISOString(),
    failure: run.failure ?? undefined, cache: run.cache ?? undefined, tenant: run.tenant ?? undefined, priority: run.priority ?? undefined,
  };
}

export function scheduleView(row: ScheduleEntity): Schedule {
  const { id: scheduleId, cron, timeZone, pipeline, repository, params, requestedBy } = row;
  return {
    scheduleId, cron, timeZone, pipeline, repository, ref: row.ref ?? undefined, params, cache: row.cache ?? undefined, tenant: row.tenant ?? undefined, priority: row.priority ?? undefined, requestedBy, createdAt: row.createdAt.toISOString(), nextAt: row.nextAt.toISOString(),
    lastAt: row.lastAt?.toISOString(), lastRunId: row.lastRunId ?? undefined, lastFailure: row.lastFailure ?? undefined,
  };
}

/** Long lists of artifacts are left out where the view alone would pass the size bound of the bus; `list-artifacts` has them page by page. */
export function stepView(step: StepState, definition: Pipeline): StepView {
  const spec = definition.steps[keyOf(step.stepId)];
  const view: StepView = {
    stepId: step.stepId, agent: step.agent, status: step.status, attempt: step.attempt, inputs: step.inputs, outputs: step.outputs, facts: step.facts,
    failure: step.failure, roles: spec && isApproval(spec) ? spec.approve.roles : undefined,
    startedAt: instant(step.startedAt), finishedAt: instant(step.finishedAt),
  };
  return Buffer.byteLength(JSON.stringify(view)) < MAX_MESSAGE_BYTES * 0.9 ? view : { ...view, inputs: withoutLists(step.inputs), outputs: withoutLists(step.outputs) };
}

const instant = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString());

function withoutLists(artifacts: ArtifactMap): ArtifactMap {
  return Object.fromEntries(Object.entries(artifacts).filter(([, artifact]) => !Array.isArray(artifact)));
}

export function limitView({ windowSeconds, ...limit }: LimitEntity): Limit {
  return { ...limit, ...windowSeconds !== null && { windowSeconds } };
}

/** One artifact and the step that made it. */
export interface MadeArtifact { stepId: string; agent: string; name: string; artifactId: string; finishedAt: number }

/** The lineage of a run is in its steps, in their order, by output names and lists. A fan-out itself is left out: its elements made the artifacts. */
export function artifactsOf(steps: Iterable<StepState>): MadeArtifact[] {
  return [...steps].filter(({ status, elements }) => status === 'succeeded' && elements === undefined).flatMap(({ stepId, agent = '', outputs, finishedAt = 0 }) =>
    Object.entries(outputs).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, ids]) => [ids].flat().map((artifactId) => ({ stepId, agent, name, artifactId, finishedAt }))));
}

export function artifactView({ artifactId, name, stepId, agent, finishedAt }: MadeArtifact, runId: string): ArtifactView {
  return { artifactId, name, stepId, runId, kind: agentContract(agent)?.outputs[name]?.kind ?? 'unknown', createdAt: new Date(finishedAt).toISOString() };
}
