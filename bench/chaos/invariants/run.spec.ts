import { Pipeline, type RunEvent } from '#contracts';
import type { LedgerLine } from '../effects.js';
import type { RunEvidence } from '../evidence.js';
import { checkFollowed } from './follower.js';
import { Locks } from './locks.js';
import { checkRun } from './run.js';

/** A checker that finds nothing proves nothing: each way in which a run could be wrong is shown to it once. */
const RUN = 'run_00000000000000000000000000';
const START = Date.parse('2026-01-01T00:00:00.000Z');

const definition = Pipeline.parse({
  name: 'sample', version: 1,
  steps: {
    reserve: { run: 'worker/work', undo: 'worker/undo', retry: { attempts: 2 } },
    charge: { run: 'worker/work', needs: ['reserve'], undo: 'worker/undo', retry: { attempts: 2 } },
    review: { approve: { roles: ['lead'], expires: '10s' }, needs: ['charge'] },
    finish: { run: 'worker/work', needs: ['review'], retry: { attempts: 2 } },
  },
});

type Told = [type: RunEvent['type'], stepId?: string, attempt?: number, more?: Partial<RunEvent>];
const events = (...told: Told[]): RunEvent[] => told.map(([type, stepId, attempt, more], index) => ({ runId: RUN, seq: index + 1, type, at: new Date(START + index * 100).toISOString(), stepId, attempt, ...more }));
const lines = (...what: Array<[what: LedgerLine['what'], step: string, attempt: number]>): LedgerLine[] => what.map(([kind, step, attempt], index) => ({ at: START + index * 100, run: RUN, step, attempt, what: kind, repository: '/r', pid: 1 }));
const steps = (states: Record<string, string>): RunEvidence['steps'] => Object.entries(states).map(([id, status]) => ({ id, status, attempt: 1, inputs: {}, outputs: {} }));

const SUCCEEDED: Told[] = [
  ['run-started'], ['step-dispatched', 'reserve', 1], ['step-succeeded', 'reserve', 1], ['step-dispatched', 'charge', 1], ['step-succeeded', 'charge', 1], ['approval-requested', 'review'], ['run-waiting'],
  ['approval-decided', 'review', undefined, { decision: 'approve' }], ['step-succeeded', 'review'], ['step-dispatched', 'finish', 1], ['run-resumed'], ['step-succeeded', 'finish', 1], ['run-succeeded'],
];
const FAILED: Told[] = [
  ['run-started'], ['step-dispatched', 'reserve', 1], ['step-succeeded', 'reserve', 1], ['step-dispatched', 'charge', 1], ['step-failed', 'charge', 1], ['run-compensating'],
  ['step-dispatched', 'charge~undo', 1], ['step-succeeded', 'charge~undo', 1], ['step-dispatched', 'reserve~undo', 1], ['step-succeeded', 'reserve~undo', 1], ['run-failed'],
];
const good: RunEvidence = {
  runId: RUN, status: 'succeeded', seq: SUCCEEDED.length, repository: '/r', definition, events: events(...SUCCEEDED), record: undefined,
  steps: steps({ reserve: 'succeeded', charge: 'succeeded', review: 'succeeded', finish: 'succeeded' }), ledger: lines(['effect', 'reserve', 1], ['effect', 'charge', 1], ['effect', 'finish', 1]),
};
const undone: RunEvidence = {
  ...good, status: 'failed', failure: 'nothing-to-test', seq: FAILED.length, events: events(...FAILED), steps: steps({ 'reserve': 'succeeded', 'charge': 'failed', 'reserve~undo': 'succeeded', 'charge~undo': 'succeeded' }),
  ledger: lines(['effect', 'reserve', 1], ['effect', 'charge', 1], ['undo', 'charge~undo', 1], ['undo', 'reserve~undo', 1]),
};
const told = (...changed: Told[]) => ({ events: events(...changed), seq: changed.length });
const without = (all: Told[], index: number, ...instead: Told[]): Told[] => [...all.slice(0, index), ...instead, ...all.slice(index + 1)];
const found = (run: RunEvidence, disturbances: Array<{ from: number; to: number }> = []) => [...new Set(checkRun(run, disturbances).violations.map(({ invariant }) => invariant))];

test('a run that went well, and one that was taken back, are in order', () => {
  expect(found(good)).toEqual([]);
  expect(found(undone)).toEqual([]);
});

test.each<[string, RunEvidence, string]>([
  ['a run that stands still', { ...good, status: 'running' }, 'every run ends'],
  ['a run that waits for nobody', { ...good, status: 'waiting' }, 'every run ends'],
  ['a gap in the events', { ...good, events: good.events.filter(({ seq }) => seq !== 4) }, 'event order'],
  ['an event twice', { ...good, events: [...good.events, good.events.at(-1) as RunEvent] }, 'event order'],
  ['an event before its time', { ...good, events: good.events.map((event) => (event.seq === 5 ? { ...event, at: '2025-12-31T00:00:00.000Z' } : event)) }, 'event order'],
  ['two ends of a round', { ...good, ...told(...SUCCEEDED, ['run-failed']) }, 'event order'],
  ['an attempt twice', { ...good, ...told(...without(SUCCEEDED, 3, ['step-dispatched', 'charge', 1], ['step-retrying', 'charge', 1], ['step-dispatched', 'charge', 1])) }, 'stale attempt'],
  ['a second dispatch of an open step', { ...good, ...told(...without(SUCCEEDED, 3, ['step-dispatched', 'charge', 1], ['step-dispatched', 'charge', 2])) }, 'stale attempt'],
  ['a result of an attempt that was given up', { ...good, ...told(...without(SUCCEEDED, 3, ['step-dispatched', 'charge', 1], ['step-retrying', 'charge', 1], ['step-dispatched', 'charge', 2])) }, 'stale attempt'],
  ['a result that comes twice', { ...good, ...told(...without(SUCCEEDED, 4, ['step-succeeded', 'charge', 1], ['step-succeeded', 'charge', 1])) }, 'stale attempt'],
  ['more tries than allowed', { ...good, ...told(...without(SUCCEEDED, 3, ['step-dispatched', 'charge', 1], ['step-retrying', 'charge', 1], ['step-dispatched', 'charge', 2], ['step-retrying', 'charge', 2], ['step-dispatched', 'charge', 3]), ['step-succeeded', 'charge', 3]) }, 'retries bounded'],
  ['a step that is not taken back', { ...undone, ...told(...without(without(FAILED, 9), 8)) }, 'undo'],
  ['the wrong order of taking back', { ...undone, ...told(...FAILED.slice(0, 6), ...FAILED.slice(8, 10), ...FAILED.slice(6, 8), ...FAILED.slice(10)) }, 'undo'],
  ['what never began is taken back', { ...undone, ...told(...FAILED.slice(0, 3), ['step-failed', 'charge'], ...FAILED.slice(5)) }, 'undo'],
  ['an effect that still stands', { ...undone, ledger: undone.ledger.slice(0, 3) }, 'undo'],
  ['an effect after it was taken back', { ...undone, ledger: [...undone.ledger, ...lines(['effect', 'charge', 1])] }, 'undo'],
  ['success taken back', { ...good, ledger: [...good.ledger, ...lines(['undo', 'reserve~undo', 1])], steps: [...good.steps, ...steps({ 'reserve~undo': 'skipped' })] }, 'undo'],
  ['success without an effect', { ...good, ledger: good.ledger.slice(1) }, 'nothing lost'],
  ['an effect twice', { ...good, ledger: [...good.ledger, ...lines(['effect', 'finish', 1])] }, 'effect once'],
  ['an undo twice', { ...undone, ledger: [...undone.ledger, ...lines(['undo', 'reserve~undo', 1])] }, 'effect once'],
  ['an undo that nobody ordered', { ...undone, ledger: [...undone.ledger, ...lines(['undo', 'reserve~undo', 2])] }, 'effect once'],
  ['an effect that nobody ordered', { ...good, ledger: [...good.ledger, ...lines(['effect', 'finish', 2])] }, 'effect once'],
  ['a step before its approval', { ...good, ...told(...SUCCEEDED.slice(0, 7), ...SUCCEEDED.slice(9)) }, 'approval'],
  ['two decisions', { ...good, ...told(...without(SUCCEEDED, 7, SUCCEEDED[7] as Told, ['approval-decided', 'review', undefined, { decision: 'reject' }])) }, 'approval'],
  ['an approval that expires early', { ...good, ...told(...SUCCEEDED.slice(0, 7), ['approval-expired', 'review'], ['step-failed', 'review'], ['run-failed']) }, 'approval'],
  ['a failure without a cause', { ...undone, failure: 'store-unavailable' }, 'no failure without a cause'],
  ['silence', { ...good, events: good.events.map((event) => (event.seq > 3 ? { ...event, at: new Date(START + 600_000 + event.seq).toISOString() } : event)) }, 'nobody starves'],
])('%s is found', (_what, run, invariant) => {
  expect(found(run)).toContain(invariant);
});

test('what a fault explains is counted and is no violation', () => {
  const disturbed = [{ from: START, to: START + 1_000 }];
  const { violations, repeated, duplicated } = checkRun({ ...good, ledger: [...good.ledger, ...lines(['effect', 'finish', 1])] }, disturbed);
  expect([violations, repeated, duplicated]).toEqual([[], 1, 0]);
  expect(found({ ...undone, failure: 'store-unavailable' }, disturbed)).toEqual([]);
});

test('a fault explains a standstill of a minute, and none of ten', () => {
  const standing = (ms: number) => ({ ...good, events: good.events.map((event) => (event.seq > 3 ? { ...event, at: new Date(START + ms + event.seq).toISOString() } : event)) });
  expect(found(standing(60_000), [{ from: START, to: START + 1_000 }])).toEqual([]);
  expect(found(standing(600_000), [{ from: START, to: START + 1_000 }])).toEqual(['nobody starves']);
});

test('what a caller was told must be so', () => {
  const record = { number: 1, runId: RUN, pipeline: 'sample', accepted: 'started', startedAt: START, retries: 0, status: 'succeeded', plan: { decision: 'reject', retry: false, follow: false, keyed: false } } as const;
  expect(found({ ...good, record: { ...record, cancelled: true, decisions: [] } })).toEqual(['nothing lost']);
  expect(found({ ...good, record: { ...record, cancelled: false, decisions: [{ decision: 'reject', status: 202, answer: 'started', at: START }] } })).toEqual(['approval']);
});

test('two runs behind one lock at once are found', () => {
  const locks = new Locks();
  locks.add('a', '/r', ['reserve'], events(['step-dispatched', 'reserve', 1], ['step-succeeded', 'reserve', 1]));
  expect(locks.violations()).toEqual([]);
  locks.add('b', '/r', ['reserve'], events(['run-started'], ['step-succeeded', 'other', 1], ['step-dispatched', 'reserve', 1], ['step-succeeded', 'reserve', 1]));
  expect(locks.violations()).toEqual([]);
  locks.add('c', '/r', ['reserve'], events(['step-dispatched', 'reserve', 1], ['step-retrying', 'reserve', 1], ['step-dispatched', 'reserve', 2], ['step-succeeded', 'reserve', 2]));
  expect(locks.violations().map(({ invariant }) => invariant)).toContain('one at a time');
});

test.each([[[1, 2, 4], false], [[1, 2, 2, 3], false], [[2, 3], false], [[1, 2, 3], true]])('a client that saw %j', (seqs, isGood) => {
  expect(checkFollowed({ runId: RUN, seqs, connections: 2, ended: true }, true)).toHaveLength(isGood ? 0 : 1);
  expect(checkFollowed({ runId: RUN, seqs, connections: 2, ended: false }, true)).toHaveLength(isGood ? 1 : 2);
});
