import type { Draft } from './draft.js';
import { FRESH, undoInputs } from './step.js';
import { isElement, isSettled, isUndo, keyOf, undoOf, type StepState } from './run-state.js';

/**
 * Puts an ended run back to work. Begins again: what did not succeed, what was undone (its effect is gone), `fromStep`, and everything behind these.
 * What came before is kept with its outputs; so are the good elements of a fan-out whose list has not changed.
 */
export function retry(draft: Draft, fromStep: string | undefined): void {
  const again = new Set(draft.all().filter((step) => !isUndo(step.stepId) && beginsAgain(draft, step, fromStep)).map((step) => step.stepId));
  const stale = new Set([...again].flatMap((stepId) => [...draft.pipeline.downstream.get(keyOf(stepId)) ?? []]));
  if (fromStep !== undefined && !isElement(fromStep)) stale.add(fromStep);
  // An undo that is done means that the effect is gone. Any other effect may be there: of a step that is kept, that begins again, that perhaps never will, or whose undo is parked.
  for (const undo of draft.all()) if (isUndo(undo.stepId) && undo.status !== 'succeeded') draft.set(undo.stepId, { ...FRESH, inputs: undoInputs(draft, undo.stepId) });
  for (const step of draft.all()) {
    if (isUndo(step.stepId)) continue;
    const key = keyOf(step.stepId);
    // Elements wait as skipped rows: the new list may be shorter, or the step may not run at all this time.
    if (stale.has(key)) draft.set(step.stepId, isElement(step.stepId) ? { ...FRESH, status: 'skipped' } : FRESH);
    else if (again.has(step.stepId)) draft.set(step.stepId, keepsElements(step) ? { status: 'fanned-out', outputs: {}, facts: {}, failure: undefined, finishedAt: undefined } : { ...FRESH, inputs: step.inputs });
  }
}

function beginsAgain(draft: Draft, step: StepState, fromStep: string | undefined): boolean {
  if (step.stepId === fromStep || (fromStep !== undefined && isElement(fromStep) && step.stepId === keyOf(fromStep))) return true;
  if (step.status === 'failed' || step.status === 'cancelled') return true;
  if (step.status === 'skipped') return false;
  const undoIds = [undoOf(step.stepId), ...Array.from({ length: step.elements ?? 0 }, (_, index) => undoOf(`${step.stepId}/${index}`))];
  return undoIds.some((id) => { const undo = draft.find(id); return undo !== undefined && isSettled(undo) && undo.status !== 'skipped'; });
}

const keepsElements = (step: StepState): boolean => step.elements !== undefined;
