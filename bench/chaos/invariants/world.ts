import type { RunEvent } from '#contracts';
import { isDisturbed, type Disturbance, type RunEvidence } from '../evidence.js';

/**
 * What the world outside must look like: an effect for every step that succeeded, none for what was taken back, none that nobody ordered. The world is idempotent as agents demand of it:
 * under one key (run and step) an effect counts once until it is taken back; after that, only one of a later attempt than any that had been ordered by then counts. The same attempt of an undo
 * counts once: when it comes again, late, it must not take back what has been done anew since.
 */
export interface WorldCount {
  /** Effects that counted a second time. */
  duplicated: number;
  /** Executions of an attempt that had been executed before, or that came after the undo, and that a fault explains. */
  repeated: number;
}

export function checkWorld(run: RunEvidence, disturbances: readonly Disturbance[], complain: (invariant: string, detail: string) => void): WorldCount {
  const count: WorldCount = { duplicated: 0, repeated: 0 };
  const began = Date.parse(run.events[0]?.at ?? '');
  const unexplained = (at: number): boolean => !isDisturbed(disturbances, began, at);
  for (const stepId of new Set(run.ledger.map(({ step }) => step.replace(/~undo$/, '')))) {
    const dispatched = dispatches(run.events, stepId);
    const undoDispatched = dispatches(run.events, `${stepId}~undo`);
    const executed = new Set<number>();
    const undone = new Set<number>();
    let applied = false;
    /** Attempts up to this one were ordered before the undo. */
    let takenBack = 0;
    for (const { step, what, attempt, at } of run.ledger) {
      if (step === `${stepId}~undo` && what === 'undo') {
        const order = undoDispatched.get(attempt);
        if (order === undefined) complain('effect once', `${step}: attempt ${attempt} was executed, and never ordered`);
        if (undone.has(attempt)) {
          count.repeated += 1;
          if (unexplained(at)) complain('effect once', `${step}: attempt ${attempt} was executed again, and nothing was broken`);
          continue;
        }
        undone.add(attempt);
        applied = false;
        takenBack = Math.max(takenBack, ...[...dispatched].filter(([, seq]) => seq < (order ?? Infinity)).map(([number]) => number));
      }
      if (step !== stepId || what !== 'effect') continue;
      if (!dispatched.has(attempt)) complain('effect once', `${step}: attempt ${attempt} had an effect, and was never ordered`);
      if (executed.has(attempt)) {
        count.repeated += 1;
        if (unexplained(at)) { count.duplicated += 1; complain('effect once', `${step}: attempt ${attempt} was executed again, and nothing was broken`); }
      }
      executed.add(attempt);
      if (attempt <= takenBack) {
        count.repeated += 1;
        if (unexplained(at)) complain('undo', `${step}: attempt ${attempt} had its effect after it was taken back, and nothing was broken`);
      } else {
        applied = true;
      }
    }
    checkOutcome(run, stepId, applied, complain);
  }
  for (const { id, status } of run.steps) {
    const acts = run.definition.steps[id.replace(/(\/\d+)?(~undo)?$/, '')];
    const isWhole = run.steps.some((other) => other.id.startsWith(`${id}/`)) || (acts !== undefined && 'run' in acts && acts.forEach !== undefined && !id.includes('/'));
    if (status === 'succeeded' && acts !== undefined && 'run' in acts && !isWhole && !id.endsWith('~undo') && !run.ledger.some(({ step, what }) => step === id && what === 'effect')) complain('nothing lost', `${id} has succeeded without its effect`);
  }
  return count;
}

function checkOutcome(run: RunEvidence, stepId: string, applied: boolean, complain: (invariant: string, detail: string) => void): void {
  const of = (id: string) => run.steps.find((step) => step.id === id)?.status;
  const undo = of(`${stepId}~undo`);
  if (undo === undefined) return;
  if ((run.status === 'failed' || run.status === 'cancelled') && applied && undo !== 'failed') complain('undo', `${stepId} still stands in a run that is ${run.status} (its undo: ${undo})`);
  if (of(stepId) === 'succeeded' && undo !== 'succeeded' && undo !== 'failed' && !applied) complain('undo', `${stepId} has succeeded and was taken back (its undo: ${undo})`);
}

/** `seq` of the order of each attempt. */
function dispatches(events: readonly RunEvent[], stepId: string): Map<number, number> {
  return new Map(events.filter((event) => event.type === 'step-dispatched' && event.stepId === stepId).map(({ attempt, seq }) => [attempt as number, seq]));
}
