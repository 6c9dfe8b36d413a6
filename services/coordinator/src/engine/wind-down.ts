import type { Draft } from './draft.js';
import { begin, cancelStep, elementsOf, settleFanOut, undoInputs } from './step.js';
import { isApproval } from './pipeline.js';
import { isSettled, isUndo } from './run-state.js';

/**
 * A run that will end `failed` or `cancelled`, in three stages; each call goes as far as it can.
 *
 * 1. Nothing new starts. Steps that are not at work are cancelled. After a failure, steps at work may finish: their results are kept for a retry.
 *    After a cancel they are dropped at once, except those with an undo: taking back what may still be happening would race with it.
 * 2. Every recorded undo is dispatched, one at a time, in the reverse order of the steps' starts. An undo that fails for good is parked for people, and the next one goes on.
 * 3. The run ends.
 */
export function windDown(draft: Draft): void {
  stopSteps(draft);
  if (draft.all().some((step) => step.status === 'dispatched' && !isUndo(step.stepId))) return;
  const undos = draft.all().filter((step) => isUndo(step.stepId)).sort((a, b) => b.position - a.position);
  while (!undos.some((undo) => !isSettled(draft.step(undo.stepId)) && draft.step(undo.stepId).status !== 'pending')) {
    const next = undos.find((undo) => draft.step(undo.stepId).status === 'pending');
    if (!next) { end(draft); return; }
    if (draft.run.status !== 'compensating') {
      draft.setRun({ status: 'compensating' });
      draft.emit('run-compensating');
    }
    begin(draft, next.stepId, undoInputs(draft, next.stepId));
  }
}

function stopSteps(draft: Draft): void {
  for (const step of draft.all()) {
    if (isSettled(step) || isUndo(step.stepId) || step.status === 'fanned-out') continue;
    if (step.status === 'dispatched' && (draft.run.ending === 'failed' || hasUndo(draft, step.stepId))) continue;
    cancelStep(draft, step.stepId);
  }
  for (const step of draft.all()) {
    if (step.status === 'fanned-out' && elementsOf(draft, step.stepId).every(isSettled)) settleFanOut(draft, step.stepId);
  }
}

function hasUndo(draft: Draft, stepId: string): boolean {
  const spec = draft.spec(stepId);
  return !isApproval(spec) && spec.undo !== undefined;
}

function end(draft: Draft): void {
  const status = draft.run.ending === 'cancelled' ? 'cancelled' : 'failed';
  draft.setRun({ status, finishedAt: draft.at });
  draft.emit(status === 'cancelled' ? 'run-cancelled' : 'run-failed', { failure: draft.run.failure });
}
