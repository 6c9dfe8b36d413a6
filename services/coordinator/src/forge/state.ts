import type { Params } from '#contracts';
import type { Pipelines } from '../pipelines.js';
import { isApproval } from '../engine/pipeline.js';
import { withPristine } from '../engine/pristine.js';
import type { RunState, StepState } from '../engine/run-state.js';
import type { SagaStore } from '../store/saga-store.js';

/** A run with its pipeline's steps in their order, as far as this program knows the pipeline. */
export interface KnownRun { readonly run: RunState; readonly steps: readonly StepState[]; /** The steps at which a person decides, with the roles that may. */ readonly gates: ReadonlyMap<string, readonly string[]> }

/** Unknown ids are missing from the answer, and so are runs of pipelines that this program cannot read. */
export async function knownRuns(store: SagaStore, pipelines: Pipelines, runIds: readonly string[]): Promise<Map<string, KnownRun>> {
  const stored = await store.load(runIds);
  const pinned = await pipelines.pinned((hashes) => store.pipelines(hashes), [...stored.values()].map(({ pipelineHash }) => pipelineHash));
  const known = new Map<string, KnownRun>();
  for (const [runId, { run, pipelineHash }] of stored) {
    const definition = pinned.get(pipelineHash)?.definition;
    if (!definition) continue;
    const steps = withPristine(definition, run.steps);
    const gates = Object.entries(definition.steps).flatMap(([key, spec]) => (isApproval(spec) ? [[key, spec.approve.roles] as const] : []));
    known.set(runId, { run, steps: Object.keys(definition.steps).flatMap((key) => steps.get(key) ?? []), gates: new Map(gates) });
  }
  return known;
}

/** The step at which the run waits for a person. */
export const waitingStep = ({ steps }: KnownRun): StepState | undefined => steps.find(({ status }) => status === 'waiting');

/** Whatever tells of a run, as the parameters of the pipeline that tells it. */
export function reportOf(known: KnownRun): Params {
  const { run, steps, gates } = known;
  const waiting = waitingStep(known);
  return {
    run: run.runId, status: run.status, steps: steps.map(({ stepId, status }) => `${stepId}=${status}`).join(' ').slice(0, 256),
    waitingFor: waiting ? (gates.get(waiting.stepId) ?? []).join(', ').slice(0, 120) : '', failure: run.failure?.code ?? '', detail: run.failure?.detail?.slice(0, 256) ?? '',
    ...evidence(steps),
  };
}

/** What the step that published has told, in a run that has come so far. */
function evidence(steps: readonly StepState[]): Params {
  const { outcome = '', commit = '', tests = 0, routes = 0, covered = 0, leftOut = 0 } = steps.find(({ agent, status }) => agent === 'pr-publisher/open' && status === 'succeeded')?.facts ?? {};
  return { published: outcome, head: commit, tests, routes, covered, leftOut };
}
