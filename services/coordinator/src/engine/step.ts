import { agentContract, Failure, FAILURES, type ArtifactMap, type Fact, type FailureFact, type Result, type Task } from '#contracts';
import { fitsOnBus, type Draft } from './draft.js';
import { isApproval, milliseconds, type CompiledPipeline, type RunSpec } from './pipeline.js';
import { elementOf, isElement, isSettled, isUndo, keyOf, undoOf, undone, type RunState, type StepState } from './run-state.js';

/**
 * What one step does, in words:
 *
 *   pending ─ needs settled ─┬─ `when` is false ──► skipped
 *                            ├─ approve ──► waiting ── a person or the clock ──► succeeded | failed
 *                            ├─ forEach ──► fanned-out ── all elements settled ──► succeeded | failed | cancelled
 *                            └─ run ──► [blocked ── lock granted ──►] dispatched ── result of this very attempt ──► succeeded | failed
 *                                                                     ▲    └─ retryable failure or no answer, tries left ──► backing-off ─┐
 *                                                                     └──────────────────────── its time has come ───────────────────────┘
 *
 * An element of a fan-out and an undo are steps like any other, from `run` on. A cancel or a failure elsewhere turns what has not settled into `cancelled` (wind-down.ts).
 */

/**
 * Beyond the time limit: for the queue in front of the agent, the redelivery after a crash, and the harness's own stop. Only then is an attempt given up.
 * Generous, because it is the last resort: too short, and every attempt that still queues gets another one queued behind it.
 */
export const GRACE_MS = 30 * 60_000;

/** All its needs have settled well. */
export function start(draft: Draft, key: string): void {
  const spec = draft.spec(key);
  const condition = draft.pipeline.conditions.get(key);
  try {
    if (condition && !condition.holds(scope(draft))) {
      draft.set(key, { status: 'skipped' });
      draft.emit('step-skipped', { stepId: key });
      return;
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    fail(draft, key, { code: error.code, detail: error.detail });
    return;
  }
  if (isApproval(spec)) {
    draft.set(key, { status: 'waiting', startedAt: draft.at, wakeAt: draft.at + milliseconds(spec.approve.expires) });
    draft.emit('approval-requested', { stepId: key, roles: spec.approve.roles });
  } else if (spec.forEach) {
    fanOut(draft, key, list(draft, spec.forEach));
  } else {
    begin(draft, key, bind(draft, spec));
  }
}

function fanOut(draft: Draft, key: string, each: readonly string[]): void {
  const spec = draft.runSpec(key);
  each.forEach((artifact, index) => {
    const id = elementOf(key, index);
    if (!draft.find(id)) draft.create(id, spec.run);
    draft.set(id, { ...FRESH, inputs: bind(draft, spec, artifact) });
  });
  for (let index = each.length; draft.find(elementOf(key, index)); index++) draft.set(elementOf(key, index), { ...FRESH, status: 'skipped' });
  draft.set(key, { status: 'fanned-out', elements: each.length, startedAt: draft.at });
  draft.emit('step-fanned-out', { stepId: key, count: each.length });
}

/** A step as it was before it ever began, but for its attempts and its place. */
export const FRESH = {
  status: 'pending', tries: 0, inputs: {}, outputs: {}, facts: {}, failure: undefined, elements: undefined, wakeAt: undefined, startedAt: undefined, finishedAt: undefined,
} as const satisfies Partial<StepState>;

/** Starts elements while fewer than `concurrency` are under way, and settles the fan-out when all elements have. */
export function feed(draft: Draft, key: string): void {
  const elements = elementsOf(draft, key);
  let free = draft.runSpec(key).concurrency - elements.filter((element) => element.status !== 'pending' && !isSettled(element)).length;
  for (const element of elements) {
    if (free <= 0 || draft.run.ending) break;
    if (element.status !== 'pending') continue;
    begin(draft, element.stepId, element.inputs);
    if (!isSettled(draft.step(element.stepId))) free--;
  }
  if (elementsOf(draft, key).every(isSettled)) settleFanOut(draft, key);
}

export function elementsOf(draft: Draft, key: string): StepState[] {
  return Array.from({ length: draft.step(key).elements ?? 0 }, (_, index) => draft.step(elementOf(key, index)));
}

/** Elements have settled: the whole is as bad as its worst element. */
export function settleFanOut(draft: Draft, key: string): void {
  const elements = elementsOf(draft, key);
  const failed = elements.filter((element) => element.status === 'failed').sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0))[0];
  if (failed) {
    draft.set(key, { status: 'failed', failure: failed.failure });
    draft.emit('step-failed', { stepId: key, failure: failed.failure });
  } else if (elements.some((element) => element.status === 'cancelled')) {
    cancelStep(draft, key);
  } else {
    const names = Object.keys(agentContract(draft.runSpec(key).run)?.outputs ?? {});
    const outputs: ArtifactMap = Object.fromEntries(names.map((name) => [name, elements.flatMap((element) => element.outputs[name] ?? [])]));
    draft.set(key, { status: 'succeeded', outputs, facts: { ...sums(elements), elements: elements.length } });
    // Without the outputs: every element's event has its own, and all of them may not fit into one message.
    draft.emit('step-succeeded', { stepId: key, count: elements.length, facts: draft.step(key).facts });
  }
}

/** The facts of a fan-out: numbers add up over the elements; flags and words of single elements have no meaning for the whole. */
function sums(elements: readonly StepState[]): Record<string, Fact> {
  const facts: Record<string, number> = {};
  for (const element of elements) for (const [name, fact] of Object.entries(element.facts)) if (typeof fact === 'number') facts[name] = (facts[name] ?? 0) + fact;
  return facts;
}

/** From here on the step has its inputs. Whoever needs a lock queues for it first. */
export function begin(draft: Draft, stepId: string, inputs: ArtifactMap): void {
  draft.set(stepId, { inputs, tries: 0, startedAt: draft.at });
  if (!draft.runSpec(stepId).lock) { dispatch(draft, stepId); return; }
  draft.set(stepId, { status: 'blocked', locked: true });
  draft.claim(stepId);
}

export function dispatch(draft: Draft, stepId: string): void {
  const spec = draft.runSpec(stepId);
  const { attempt, tries, inputs } = draft.step(stepId);
  if (spec.undo && !isUndo(stepId) && tries === 0) recordUndo(draft, stepId, spec.undo);
  draft.set(stepId, { status: 'dispatched', attempt: attempt + 1, tries: tries + 1, inputs, wakeAt: noAnswerAt(draft, stepId) });
  const task = taskOf(draft.pipeline, draft.run, draft.step(stepId));
  if (!fitsOnBus(task)) {
    fail(draft, stepId, { code: 'message-too-large', detail: `${stepId} has too many input artifacts` });
    return;
  }
  draft.command(task);
  draft.emit('step-dispatched', { stepId, attempt: attempt + 1, agent: task.agent });
}

/** When an attempt that leaves now is given up. */
export const noAnswerAt = (draft: Draft, stepId: string): number => draft.at + milliseconds(draft.runSpec(stepId).timeout) + GRACE_MS;

/** The task of a dispatched step: made again from the stored state, it is the same again. */
export function taskOf(pipeline: CompiledPipeline, run: Pick<RunState, 'runId' | 'params' | 'repository' | 'ref' | 'cache'>, step: StepState): Task {
  const spec = pipeline.definition.steps[keyOf(step.stepId)] as RunSpec;
  return {
    runId: run.runId, stepId: step.stepId, attempt: step.attempt, agent: isUndo(step.stepId) ? spec.undo as string : spec.run,
    inputs: step.inputs, params: run.params, repository: run.repository, ref: run.ref, timeLimitMs: milliseconds(spec.timeout), cache: run.cache,
  };
}

/** Written in the same transaction that dispatches the step, so that no effect can exist without the record of how to take it back. Its place is that of the step's last beginning. */
function recordUndo(draft: Draft, stepId: string, agent: string): void {
  const id = undoOf(stepId);
  if (!draft.find(id)) draft.create(id, agent);
  else draft.set(id, { ...FRESH, position: draft.nextPosition(), inputs: draft.step(id).status === 'pending' ? draft.step(id).inputs : {} });
}

/** The outputs of what is undone, by name, and its inputs where it has no such output; those that it had before a retry where it has neither now. */
export function undoInputs(draft: Draft, undoId: string): ArtifactMap {
  const step = draft.step(undone(undoId));
  const inputs: ArtifactMap = { ...draft.step(undoId).inputs };
  for (const name of Object.keys(agentContract(draft.step(undoId).agent ?? '')?.inputs ?? {})) {
    const bound = step.outputs[name] ?? step.inputs[name];
    if (bound !== undefined) inputs[name] = bound;
  }
  return inputs;
}

/** A result of the attempt that the step waits for. */
export function answer(draft: Draft, result: Result): void {
  const fields = { stepId: result.stepId, attempt: result.attempt, agent: result.agent, durationMs: result.durationMs };
  if (result.status === 'failed') { fail(draft, result.stepId, result.failure, fields); return; }
  const contract = agentContract(result.agent);
  const problem = contract && outputProblem(contract.outputs, result.outputs);
  if (problem) { fail(draft, result.stepId, { code: 'output-invalid', detail: problem }, fields); return; }
  const facts: Record<string, Fact> = Object.fromEntries(Object.entries(result.facts).filter(([name]) => contract?.facts.includes(name)));
  if (result.reused) Object.assign(facts, { reused: 1, savedMs: Math.round(result.reused.savedMs) });
  draft.set(result.stepId, { status: 'succeeded', outputs: result.outputs, facts, failure: undefined });
  draft.emit('step-succeeded', { ...fields, outputs: result.outputs, facts });
}

function outputProblem(slots: Record<string, { many?: boolean; optional?: boolean }>, outputs: ArtifactMap): string | undefined {
  for (const name of Object.keys(outputs)) if (!Object.hasOwn(slots, name)) return `${name.slice(0, 64)} is not an output of this agent`;
  for (const [name, slot] of Object.entries(slots)) {
    const output = outputs[name];
    if (output === undefined ? !slot.optional : Array.isArray(output) !== Boolean(slot.many)) return `${name} must be ${slot.many ? 'a list' : 'one artifact'}`;
  }
  return undefined;
}

/** Tries again when the failure allows it, tries are left, and the run still wants the result; otherwise the step has failed for good, and the run with it. */
export function fail(draft: Draft, stepId: string, failure: FailureFact, fields: { attempt?: number; agent?: string; durationMs?: number } = {}): void {
  const step = draft.step(stepId);
  const spec = draft.spec(stepId);
  const wanted = isUndo(stepId) || !draft.run.ending;
  if (!isApproval(spec) && wanted && FAILURES[failure.code].retryable && step.tries < spec.retry.attempts) {
    const delayMs = Math.round(Math.min(milliseconds(spec.retry.maxDelay), milliseconds(spec.retry.delay) * spec.retry.factor ** (step.tries - 1)));
    draft.set(stepId, { status: 'backing-off', failure, wakeAt: draft.at + delayMs });
    draft.emit('step-retrying', { stepId, attempt: step.attempt, ...fields, failure, delayMs });
    return;
  }
  if (draft.run.ending === 'cancelled' && failure.code === 'cancelled' && !isUndo(stepId)) { cancelStep(draft, stepId, fields); return; }
  draft.set(stepId, { status: 'failed', failure });
  draft.emit(isUndo(stepId) ? 'undo-parked' : 'step-failed', { stepId, ...fields, failure });
  if (isUndo(stepId)) return;
  draft.setRun({ ending: draft.run.ending ?? 'failed', failure: draft.run.failure ?? failure });
}

/** What never got an attempt out is cancelled without a word of its own: the event of its fan-out or its run says it. */
export function cancelStep(draft: Draft, stepId: string, fields: { attempt?: number; agent?: string; durationMs?: number } = {}): void {
  const silent = isElement(stepId) && draft.step(stepId).status === 'pending';
  draft.set(stepId, { status: 'cancelled' });
  if (!silent) draft.emit('step-cancelled', { stepId, ...fields });
}

function scope(draft: Draft): Parameters<NonNullable<ReturnType<Draft['pipeline']['conditions']['get']>>['holds']>[0] {
  const steps = draft.pipeline.order.map((key) => [key, { status: draft.step(key).status, facts: draft.step(key).facts }] as const);
  return { params: draft.run.params, steps: Object.fromEntries(steps) };
}

/** Inputs by `with`; `each` is the element's artifact. A missing output (its step was skipped) leaves the input out. */
function bind(draft: Draft, spec: RunSpec, each?: string): ArtifactMap {
  const inputs: ArtifactMap = {};
  for (const [name, reference] of Object.entries(spec.with)) {
    const many = agentContract(spec.run)?.inputs[name]?.many;
    const bound = reference === 'each' ? each : many ? list(draft, reference) : output(draft, reference);
    if (bound !== undefined) inputs[name] = bound;
  }
  return inputs;
}

function output(draft: Draft, reference: string): ArtifactMap[string] | undefined {
  const [key, name] = reference.split('.') as [string, string];
  return draft.step(key).outputs[name];
}
function list(draft: Draft, reference: string): string[] {
  return [output(draft, reference) ?? []].flat();
}
