import type { Result } from '#contracts';
import { Draft, type Decision } from './draft.js';
import { isApproval, type CompiledPipeline } from './pipeline.js';
import { retry } from './retry.js';
import { hasEnded, isElement, isSettled, isUndo, keyOf, type RunState } from './run-state.js';
import { answer, dispatch, elementsOf, fail, feed, noAnswerAt, start } from './step.js';
import { windDown } from './wind-down.js';

/**
 * The life of a run, in words. `running` while any step is at work, `waiting` while only people can bring it on, `succeeded` when every step has
 * succeeded or was skipped. The first failure for good, or a cancel (`cancelling`), makes it wind down: see wind-down.ts; `compensating` while undos
 * run; then `failed` or `cancelled`. A retry makes an ended run `running` again. What a single step does is told in step.ts.
 *
 * Messages arrive at least once, late and in any order. Nothing here remembers which it has seen, because every signal names what it is for:
 * a result counts only while its step is dispatched with that very attempt (attempts never repeat), a timer only while the step still has one that is
 * due, a lock only while the step is blocked, a start only on a run without steps, a retry only when
 * it is none of those that began a round. Whatever comes twice or too late finds another state and changes nothing.
 */
export type Signal =
  | { type: 'start'; by: string }
  | { type: 'result'; result: Result }
  /** The time of the step's timer may have come. */
  | { type: 'timer'; stepId: string }
  /** The step's task still stands in line at the coordinator: its time limit is for its agent, and begins anew. */
  | { type: 'queued'; stepId: string; attempt: number }
  /** The answer to a claim, and later the news that the step's turn has come. */
  | { type: 'lock'; stepId: string; granted: boolean }
  | { type: 'cancel'; by: string }
  | { type: 'retry'; by: string; fromStep?: string; commandId: string }
  | { type: 'approval'; by: string; stepId: string; decision: 'approve' | 'reject'; role: string };

/** Pure: the same arguments give the same decision. `at` is the database's time in milliseconds. */
export function decide(pipeline: CompiledPipeline, run: RunState, signal: Signal, at: number): Decision {
  const draft = new Draft(pipeline, run, Math.max(at, run.updatedAt));
  if (receive(draft, signal)) advance(draft);
  return draft.decision();
}

/** Whether the signal counts. */
function receive(draft: Draft, signal: Signal): boolean {
  // Its start comes later in the same batch: until then nobody can have heard of the run.
  if (signal.type !== 'start' && draft.all().length === 0) { draft.refuse('unknown-run', 'the run has not started'); return false; }
  switch (signal.type) {
    case 'start': return startRun(draft, signal.by);
    case 'result': return receiveResult(draft, signal.result);
    case 'timer': return receiveTimer(draft, signal.stepId);
    case 'queued': return receiveQueued(draft, signal);
    case 'lock': return receiveLock(draft, signal);
    case 'cancel': return cancelRun(draft, signal.by);
    case 'retry': return retryRun(draft, signal);
    case 'approval':
    default: return decideApproval(draft, signal);
  }
}

function startRun(draft: Draft, by: string): boolean {
  if (draft.all().length > 0) { draft.repeat(); return false; }
  for (const [key, spec] of Object.entries(draft.pipeline.definition.steps)) draft.create(key, isApproval(spec) ? undefined : spec.run);
  draft.emit('run-started', { by });
  return true;
}

function receiveResult(draft: Draft, result: Result): boolean {
  const step = draft.find(result.stepId);
  if (step?.status !== 'dispatched' || step.attempt !== result.attempt || step.agent !== result.agent) return false;
  answer(draft, result);
  return true;
}

function receiveTimer(draft: Draft, stepId: string): boolean {
  const step = draft.find(stepId);
  if (step?.wakeAt === undefined || step.wakeAt > draft.at) return false;
  if (step.status === 'dispatched') fail(draft, stepId, { code: 'no-answer' }, { attempt: step.attempt });
  else if (step.status === 'backing-off') dispatch(draft, stepId);
  else {
    draft.emit('approval-expired', { stepId });
    fail(draft, stepId, { code: 'approval-expired' });
  }
  return true;
}

function receiveQueued(draft: Draft, { stepId, attempt }: { stepId: string; attempt: number }): boolean {
  const step = draft.find(stepId);
  if (step?.status !== 'dispatched' || step.attempt !== attempt) return false;
  draft.set(stepId, { wakeAt: noAnswerAt(draft, stepId) });
  draft.emit('step-queued', { stepId, attempt });
  return true;
}

function receiveLock(draft: Draft, signal: { stepId: string; granted: boolean }): boolean {
  if (draft.find(signal.stepId)?.status !== 'blocked') return false;
  if (signal.granted) dispatch(draft, signal.stepId);
  else draft.emit('step-blocked', { stepId: signal.stepId });
  return true;
}

function cancelRun(draft: Draft, by: string): boolean {
  if (draft.run.ending === 'cancelled') { draft.repeat(); return false; }
  if (hasEnded(draft.run)) { draft.refuse('wrong-state', `the run has ended: ${draft.run.status}`); return false; }
  draft.setRun({ ending: 'cancelled', failure: draft.run.failure ?? { code: 'cancelled' }, status: draft.run.status === 'compensating' ? 'compensating' : 'cancelling' });
  draft.emit('run-cancelling', { by });
  return true;
}

/** Commands of retries that a run remembers. */
const RETRIES_KNOWN = 20;

function retryRun(draft: Draft, { by, fromStep, commandId }: Extract<Signal, { type: 'retry' }>): boolean {
  const retries = draft.run.lastRetry?.split(' ') ?? [];
  if (retries.includes(commandId)) { draft.repeat(); return false; }
  if (!hasEnded(draft.run)) { draft.refuse('wrong-state', `the run has not ended: ${draft.run.status}`); return false; }
  if (fromStep !== undefined && !canBeginAgain(draft, fromStep)) { draft.refuse('bad-request', `fromStep: the run has no step ${fromStep}`); return false; }
  if (fromStep === undefined && draft.run.status === 'succeeded') { draft.refuse('wrong-state', 'the run has succeeded; name the step to begin from'); return false; }
  draft.setRun({ status: 'running', ending: undefined, failure: undefined, finishedAt: undefined, lastRetry: [commandId, ...retries].slice(0, RETRIES_KNOWN).join(' ') });
  draft.emit('run-retried', { by, stepId: fromStep });
  retry(draft, fromStep);
  return true;
}

/** Elements of an earlier, longer list are still there, but nobody would begin or settle them. */
function canBeginAgain(draft: Draft, stepId: string): boolean {
  if (isUndo(stepId) || !draft.find(stepId)) return false;
  return !isElement(stepId) || elementsOf(draft, keyOf(stepId)).some((element) => element.stepId === stepId);
}

function decideApproval(draft: Draft, signal: Extract<Signal, { type: 'approval' }>): boolean {
  const step = draft.find(signal.stepId);
  const spec = step && draft.spec(signal.stepId);
  if (!step || !spec || !isApproval(spec)) { draft.refuse('bad-request', `stepId: the run has no approval ${signal.stepId}`); return false; }
  if (!spec.approve.roles.includes(signal.role)) { draft.refuse('bad-request', `role: ${signal.stepId} is decided by ${spec.approve.roles.join(', ')}`); return false; }
  if (step.facts['decision'] === signal.decision) { draft.repeat(); return false; }
  if (step.status !== 'waiting') { draft.refuse('wrong-state', `${signal.stepId} is ${step.status}`); return false; }
  // Its timer may not have been told yet, for example because no coordinator was there: what is decided after the end does not count, whoever looks first.
  if (step.wakeAt !== undefined && step.wakeAt <= draft.at) { draft.refuse('wrong-state', `${signal.stepId} has expired`); return false; }
  const facts = { decision: signal.decision, role: signal.role };
  draft.emit('approval-decided', { stepId: signal.stepId, decision: signal.decision, role: signal.role, by: signal.by });
  if (signal.decision === 'approve') {
    draft.set(signal.stepId, { status: 'succeeded', facts });
    draft.emit('step-succeeded', { stepId: signal.stepId, facts });
  } else {
    draft.set(signal.stepId, { facts });
    fail(draft, signal.stepId, { code: 'approval-rejected' });
  }
  return true;
}

/** Goes on from whatever is settled now. One pass suffices: a step stands behind everything it needs in `order`. */
function advance(draft: Draft): void {
  for (const key of draft.pipeline.order) {
    if (draft.run.ending) break;
    if (draft.step(key).status === 'pending' && isReady(draft, key)) start(draft, key);
    if (draft.step(key).status === 'fanned-out') feed(draft, key);
  }
  if (draft.run.ending) windDown(draft);
  else settle(draft);
}

function isReady(draft: Draft, key: string): boolean {
  return draft.spec(key).needs.every((need) => { const { status } = draft.step(need); return status === 'succeeded' || status === 'skipped'; });
}

function settle(draft: Draft): void {
  const steps = draft.all().filter((step) => !isUndo(step.stepId));
  if (steps.every(isSettled)) {
    // Nothing will be taken back any more.
    for (const undo of draft.all()) if (isUndo(undo.stepId) && undo.status === 'pending') draft.set(undo.stepId, { status: 'skipped' });
    draft.setRun({ status: 'succeeded', finishedAt: draft.at });
    draft.emit('run-succeeded');
    return;
  }
  const working = steps.some((step) => ['blocked', 'dispatched', 'backing-off', 'fanned-out'].includes(step.status));
  if (!working && draft.run.status === 'running') {
    draft.setRun({ status: 'waiting' });
    draft.emit('run-waiting');
  } else if (working && draft.run.status === 'waiting') {
    draft.setRun({ status: 'running' });
    draft.emit('run-resumed');
  }
}
