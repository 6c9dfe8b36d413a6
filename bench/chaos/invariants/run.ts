import { isDisturbed, type Disturbance, type RunEvidence, type Violation } from '../evidence.js';
import { checkHistory } from './history.js';
import { checkWorld, type WorldCount } from './world.js';

/** Longest silence of a run that waits for no person, while nothing is broken, and whatever is broken: no fault lasts as long, and a lease ends after 15 s. */
const SILENCE_MS = { undisturbed: 45_000, ever: 120_000 };
/** A person's refusal, and what the pipelines of the suite fail with when the run asks for it. */
const ASKED_FOR = ['approval-rejected', 'approval-expired', 'nothing-to-test'];

export interface CheckedRun extends WorldCount { violations: Violation[]; lost: boolean }

/** Everything that must hold for one run. */
export function checkRun(run: RunEvidence, disturbances: readonly Disturbance[]): CheckedRun {
  const violations: Violation[] = [];
  const complain = (invariant: string, detail: string) => { violations.push({ invariant, runId: run.runId, detail }); };
  checkHistory(run.definition, run.events, run.seq, complain);
  const lost = !hasEnded(run) && !waitsVisibly(run);
  if (lost) complain('every run ends', `it is ${run.status}; ${run.steps.filter(({ status }) => !['succeeded', 'skipped', 'pending'].includes(status)).map(({ id, status, attempt }) => `${id} ${status} (attempt ${attempt})`).join(', ')}`);
  const world = lost ? { duplicated: 0, repeated: 0 } : checkWorld(run, disturbances, complain);
  checkAnswers(run, complain);
  checkSilence(run, disturbances, complain);
  const [from, to] = [run.events[0], run.events.at(-1)].map((event) => Date.parse(event?.at ?? '')) as [number, number];
  if (run.status === 'failed' && !ASKED_FOR.includes(run.failure ?? '') && !isDisturbed(disturbances, from, to)) complain('no failure without a cause', `it has failed with ${run.failure}, and nothing was broken`);
  return { ...world, violations, lost };
}

const hasEnded = ({ status }: RunEvidence): boolean => ['succeeded', 'failed', 'cancelled'].includes(status);
const waitsVisibly = ({ status, steps }: RunEvidence): boolean => status === 'waiting' && steps.some((step) => step.status === 'waiting');

/** What callers were told is what has happened. */
function checkAnswers({ record, events, status }: RunEvidence, complain: (invariant: string, detail: string) => void): void {
  if (!record) return;
  if (record.cancelled && !events.some(({ type }) => type === 'run-cancelling')) complain('nothing lost', 'a cancel was accepted and nothing came of it');
  if (record.cancelled && record.retries === 0 && status !== 'cancelled') complain('nothing lost', `a cancel was accepted, and the run is ${status}`);
  const decided = events.filter(({ type }) => type === 'approval-decided').map(({ decision }) => decision);
  for (const { decision, answer, status: code } of record.decisions) {
    if (code === 202 && answer === 'started' && !decided.includes(decision)) complain('approval', `${decision} was accepted; decided was ${decided.join(', ') || 'nothing'}`);
  }
}

function checkSilence({ events }: RunEvidence, disturbances: readonly Disturbance[], complain: (invariant: string, detail: string) => void): void {
  events.forEach(({ type, at }, index) => {
    const next = events[index + 1];
    if (!next || next.type === 'run-retried' || type === 'run-waiting' || type === 'step-blocked') return;
    const [from, to] = [Date.parse(at), Date.parse(next.at)];
    const most = isDisturbed(disturbances, from, to) ? SILENCE_MS.ever : SILENCE_MS.undisturbed;
    if (to - from > most) complain('nobody starves', `nothing happened for ${to - from} ms after event ${index + 1} (${type}); at most ${most}`);
  });
}
