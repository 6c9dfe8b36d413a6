import type { Pipeline, PipelineStep, RunEvent } from '#contracts';

/**
 * What must hold in the events of one run, which are its history: told in order and without gaps, one dispatch for each attempt and one end for each dispatch, retries within their bound,
 * undo of exactly what had begun and in reverse, approvals decided once and nothing begun before.
 */
type Complaint = (invariant: string, detail: string) => void;

const UNDO = /~undo$/;
const keyOf = (stepId: string): string => stepId.replace(/(\/\d+)?(~undo)?$/, '');
const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const milliseconds = (duration: string): number => Number.parseInt(duration, 10) * (UNITS[duration.replace(/^\d+/, '')] ?? Number.NaN);

export function checkHistory(definition: Pipeline, events: readonly RunEvent[], seq: number, complain: Complaint): void {
  checkOrder(events, seq, complain);
  checkAttempts(definition, events, complain);
  checkUndo(definition, events, complain);
  checkApprovals(definition, events, complain);
}

function checkOrder(events: readonly RunEvent[], seq: number, complain: Complaint): void {
  events.forEach((event, index) => {
    if (event.seq !== index + 1) complain('event order', `event ${index + 1} has the number ${event.seq}`);
    const before = events[index - 1];
    if (before && before.at > event.at) complain('event order', `event ${event.seq} was at ${event.at}, before its predecessor`);
  });
  if (events.length !== seq) complain('event order', `${events.length} events, and the run counts ${seq}`);
  if (events[0]?.type !== 'run-started') complain('event order', `begins with ${events[0]?.type}`);
  const ends = events.filter(({ type }) => /^run-(succeeded|failed|cancelled)$/.test(type)).length;
  const rounds = 1 + events.filter(({ type }) => type === 'run-retried').length;
  if (ends > rounds) complain('event order', `${ends} ends in ${rounds} rounds`);
}

function checkAttempts(definition: Pipeline, events: readonly RunEvent[], complain: Complaint): void {
  const last = new Map<string, number>();
  const open = new Map<string, number>();
  let tries = new Map<string, number>();
  for (const { type, stepId = '', attempt } of events) {
    if (type === 'run-retried') tries = new Map();
    if (type === 'step-dispatched') {
      if (open.has(stepId)) complain('stale attempt', `${stepId} was dispatched again while attempt ${open.get(stepId)} was open`);
      if (attempt !== (last.get(stepId) ?? 0) + 1) complain('stale attempt', `${stepId}: attempt ${attempt} after ${last.get(stepId) ?? 0}`);
      last.set(stepId, attempt as number);
      open.set(stepId, attempt as number);
      tries.set(stepId, (tries.get(stepId) ?? 0) + 1);
      const most = retriesOf(definition.steps[keyOf(stepId)]);
      if ((tries.get(stepId) as number) > most) complain('retries bounded', `${stepId}: ${tries.get(stepId)} tries, at most ${most}`);
    } else if (['step-succeeded', 'step-failed', 'step-retrying', 'undo-parked', 'step-cancelled'].includes(type)) {
      if (attempt !== undefined && open.get(stepId) !== attempt) complain('stale attempt', `${stepId}: ${type} of attempt ${attempt}, and open was ${open.get(stepId) ?? 'none'}`);
      open.delete(stepId);
    }
  }
}

function retriesOf(step: PipelineStep | undefined): number {
  return step && 'run' in step ? step.retry.attempts : 0;
}

function checkUndo(definition: Pipeline, events: readonly RunEvent[], complain: Complaint): void {
  const hasUndo = (stepId: string): boolean => { const step = definition.steps[keyOf(stepId)]; return step !== undefined && 'run' in step && step.undo !== undefined; };
  /** Begun and not taken back, in the order in which they began. */
  let standing: string[] = [];
  let undoing: string | undefined;
  for (const { type, stepId = '' } of events) {
    const undone = stepId.replace(UNDO, '');
    if (type === 'run-retried') standing = [];
    else if (type === 'step-dispatched' && !UNDO.test(stepId)) {
      if (hasUndo(stepId) && !standing.includes(stepId)) standing.push(stepId);
    } else if (type === 'step-dispatched' && undoing !== undone) {
      if (!standing.includes(undone)) complain('undo', `${undone} was taken back, and was not standing`);
      else if (standing.at(-1) !== undone) complain('undo', `${undone} was taken back before ${standing.at(-1)}, which had begun later`);
      undoing = undone;
    } else if ((type === 'step-succeeded' || type === 'undo-parked') && UNDO.test(stepId)) {
      standing = standing.filter((one) => one !== undone);
      undoing = undefined;
    } else if ((type === 'run-failed' || type === 'run-cancelled') && standing.length > 0) complain('undo', `${type} while ${standing.join(', ')} stood`);
  }
}

function checkApprovals(definition: Pipeline, events: readonly RunEvent[], complain: Complaint): void {
  for (const [key, step] of Object.entries(definition.steps)) {
    if (!('approve' in step)) continue;
    const dependents = Object.entries(definition.steps).filter(([, other]) => other.needs.includes(key)).map(([name]) => name);
    let asked: number | undefined;
    let settled = '';
    for (const { type, stepId = '', at, decision } of events) {
      if (type === 'run-retried') settled = settled === 'approve' ? settled : '';
      if (stepId === key && type === 'approval-requested') [asked, settled] = [Date.parse(at), ''];
      if (stepId === key && (type === 'approval-decided' || type === 'approval-expired')) {
        if (asked === undefined) complain('approval', `${key}: ${type}, and nobody was asked`);
        if (settled !== '') complain('approval', `${key}: ${type} after it was settled (${settled})`);
        if (type === 'approval-expired' && Date.parse(at) - (asked ?? 0) < milliseconds(step.approve.expires)) complain('approval', `${key} expired after ${Date.parse(at) - (asked ?? 0)} ms of ${step.approve.expires}`);
        settled = decision ?? 'expired';
      }
      if (type === 'step-dispatched' && dependents.includes(keyOf(stepId)) && settled !== 'approve') complain('approval', `${stepId} began and ${key} was ${settled || 'open'}`);
    }
  }
}
