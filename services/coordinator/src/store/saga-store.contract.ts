import type { RunState, StepState } from '../engine/run-state.js';
import type { Place, Window, WindowedStart } from '../admission.js';
import { Conflict, type Changes, type LockPlace, type NewRun, type OutboxEntry, type RunChange, type SagaStore } from './saga-store.js';

export interface TablesUnderTest {
  /** One more store on the same tables, as another process has it. */
  connect(): SagaStore;
  /** The tables have a pipeline with this hash. */
  pin(hash: string, definition: unknown): Promise<void>;
  /** Time passes for everything that is stored. */
  pass(ms: number): Promise<void>;
  remove(): Promise<void>;
}

const HASH = 'a'.repeat(64);
const INPUTS = { feature: `sha256:${'0'.repeat(64)}`, cases: [`sha256:${'1'.repeat(64)}`] };
let runs = 0;
const newRunId = (): string => `run_${String(++runs).padStart(26, '0')}`;

const step = (stepId: string, position: number, change: Partial<StepState> = {}): StepState => ({
  stepId, position, agent: 'crawler/crawl', status: 'dispatched', attempt: 1, tries: 1, inputs: INPUTS, outputs: {}, facts: { features: 3 }, locked: false, startedAt: 1_700_000_000_001, ...change,
});

function begun(runId: string, { steps = [step('a', 0)], key, repository = '/repo' }: { steps?: StepState[]; key?: string; repository?: string } = {}): RunChange {
  const run: RunState = { runId, repository, ref: 'main', params: { depth: 'smoke', count: 2 }, cache: false, status: 'running', seq: 2, updatedAt: 1_700_000_000_123, steps: new Map(steps.map((each) => [each.stepId, each])) };
  const created: NewRun = { runId, pipeline: 'sample', repository, ref: 'main', params: run.params, cache: false, requestedBy: 'ann', pipelineHash: HASH, ...key !== undefined && { idempotency: { key, requestHash: `hash of ${key}` } } };
  const at = new Date(run.updatedAt).toISOString();
  return { run, from: 0, created, rewritten: true, steps, events: [[{ runId, seq: 1, type: 'run-started', at, by: 'ann' }, { runId, seq: 2, type: 'step-dispatched', at, stepId: 'a', attempt: 1 }]] };
}

/** The `nth` commit after the beginning. */
function moved({ run }: RunChange, nth: number, steps: StepState[], change: Partial<RunState> = {}, checkAt?: number): RunChange {
  const seq = run.seq + nth;
  const at = run.updatedAt + nth;
  return {
    run: { ...run, seq, updatedAt: at, ...change }, from: seq - 1, steps, rewritten: Object.keys(change).length > 0 || checkAt !== undefined, checkAt,
    events: [[{ runId: run.runId, seq, type: 'step-succeeded', at: new Date(at).toISOString(), stepId: 'a' }]],
  };
}

const changes = (change: Partial<Changes>): Changes => ({ runs: [], leaving: [], joining: [], ...change });
const place = (runId: string, name: string, stepId = 'a'): LockPlace => ({ name, runId, stepId });

const asking = (starts: string[], ...windows: Window[]): WindowedStart[] => starts.map((start) => ({ start, windows }));
/** The kinds of the limits that hold each of these back. */
async function full(store: SagaStore, ...wanted: Array<readonly [RunChange, readonly Place[]]>): Promise<string[][]> {
  return (await store.occupy(wanted.map(([{ run }, places]) => ({ runId: run.runId, stepId: 'a', attempt: 1, places })))).map((places) => places.map(({ kind }) => kind));
}
/** Windows of a minute that nobody else uses. */
function windows<T extends Array<{ max: number }>>(...given: T): { [K in keyof T]: Window } {
  return given.map(({ max }) => ({ kind: 'runs-per-repository', key: newRunId(), max, windowSeconds: 60 })) as { [K in keyof T]: Window };
}

/** The settled entries of the outbox that tell of this run. */
async function entriesOf(store: SagaStore, runId: string): Promise<OutboxEntry[]> {
  return (await store.unpublished(1_000, [])).filter(({ dispatched, events }) => dispatched.some((each) => each.runId === runId) || events.some(([event]) => event?.runId === runId));
}

/** What every saga store must do, whatever keeps its tables. */
export function sagaStoreContract(name: string, open: () => Promise<TablesUnderTest>): void {
  describe(`saga store on ${name}`, () => {
    let tables: TablesUnderTest;
    let store: SagaStore;
    let other: SagaStore;
    beforeAll(async () => {
      tables = await open();
      await tables.pin(HASH, { name: 'sample', version: 1, steps: {} });
    });
    beforeEach(() => { [store, other] = [tables.connect(), tables.connect()]; });
    afterAll(async () => { await tables.remove(); });

    test('a run is read as it was written, by every store, its steps in their places', async () => {
      const runId = newRunId();
      const change = begun(runId, { steps: [step('b', 1, { status: 'waiting', agent: undefined, wakeAt: 1_700_000_600_000 }), step('a', 0, { failure: { code: 'internal' }, elements: 2, locked: true })] });
      await store.commit(changes({ runs: [change] }));
      const read = await other.load([runId, newRunId()]);
      expect([...read.keys()]).toEqual([runId]);
      expect(read.get(runId)).toEqual({ checkAt: undefined, pipelineHash: HASH, run: { ...change.run, steps: new Map(['a', 'b'].map((id) => [id, change.run.steps.get(id)])) } });
      expect([...read.get(runId)?.run.steps.keys() ?? []]).toEqual(['a', 'b']);
    });

    test('a commit appends to the log, writes the steps that it names, and keeps the others', async () => {
      const runId = newRunId();
      const change = begun(runId, { steps: [step('a', 0), step('b', 1)] });
      await store.commit(changes({ runs: [change] }));
      const done = step('a', 0, { status: 'succeeded', finishedAt: 1_700_000_000_200 });
      await other.commit(changes({ runs: [moved(change, 1, [done], { status: 'failed', ending: 'failed', failure: { code: 'cancelled' }, lastRetry: 'r1', finishedAt: 1_700_000_000_200 })] }));
      const read = (await store.load([runId])).get(runId);
      expect(read?.run).toMatchObject({ status: 'failed', ending: 'failed', failure: { code: 'cancelled' }, lastRetry: 'r1', seq: 3, finishedAt: 1_700_000_000_200 });
      expect(read?.run.steps.get('a')).toEqual(done);
      expect(read?.run.steps.get('b')).toEqual(step('b', 1));
    });

    test('of two who have read the same version one commits, and the other leaves no trace', async () => {
      const [first, second] = [begun(newRunId()), begun(newRunId())];
      await store.commit(changes({ runs: [first, second] }));
      await store.commit(changes({ runs: [moved(first, 1, [])] }));
      const late = changes({ runs: [moved(second, 1, [step('a', 0, { status: 'failed' })]), moved(first, 1, [])], joining: [place(second.run.runId, 'repository:/late')] });
      await expect(other.commit(late)).rejects.toThrow(Conflict);
      expect((await store.load([second.run.runId])).get(second.run.runId)).toMatchObject({ run: { seq: 2 } });
      expect((await store.load([second.run.runId])).get(second.run.runId)?.run.steps.get('a')?.status).toBe('dispatched');
      expect(await store.first(['repository:/late'])).toEqual([]);
      await tables.pass(6_000);
      expect(await entriesOf(store, second.run.runId)).toMatchObject([{ events: [...first.events, ...second.events] }]);
    });

    test('of two at the very same time one commits', async () => {
      const change = begun(newRunId());
      await store.commit(changes({ runs: [change] }));
      const results = await Promise.allSettled([store, other, tables.connect()].map(async (each) => each.commit(changes({ runs: [moved(change, 1, [])] }))));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(results.filter((result) => result.status === 'rejected' && result.reason instanceof Conflict)).toHaveLength(2);
    });

    test('a run begins once, and so does what an idempotency key stands for', async () => {
      const change = begun(newRunId(), { key: `key ${newRunId()}` });
      const key = change.created?.idempotency?.key as string;
      await store.commit(changes({ runs: [change] }));
      await expect(other.commit(changes({ runs: [begun(change.run.runId)] }))).rejects.toThrow(Conflict);
      const twin = begun(newRunId(), { key });
      await expect(other.commit(changes({ runs: [twin] }))).rejects.toThrow(Conflict);
      expect((await other.load([twin.run.runId])).size).toBe(0);
      expect(new Map(await other.byIdempotencyKey([key, 'unknown']))).toEqual(new Map([[key, expect.objectContaining({ runId: change.run.runId, requestHash: `hash of ${key}` })]]));
    });

    test('a run that does not exist cannot be moved', async () => {
      await expect(store.commit(changes({ runs: [moved(begun(newRunId()), 1, [])] }))).rejects.toThrow(Conflict);
    });

    test('a run pins only what is there', async () => {
      const change = begun(newRunId());
      await expect(store.commit(changes({ runs: [{ ...change, created: { ...change.created as NewRun, pipelineHash: 'b'.repeat(64) } }] }))).rejects.toMatchObject({ code: '23503' });
      expect((await store.load([change.run.runId])).size).toBe(0);
      expect(await store.pipelines([HASH, 'b'.repeat(64)])).toEqual([{ hash: HASH, definition: { name: 'sample', version: 1, steps: {} } }]);
    });

    test('what a commit has told stays in the outbox until somebody says that it is published', async () => {
      const runId = newRunId();
      const change = begun(runId);
      const { entry } = await store.commit(changes({ runs: [change] }));
      expect(await entriesOf(other, runId)).toEqual([]);
      await tables.pass(6_000);
      expect(await entriesOf(other, runId)).toEqual([{
        entry, again: false, events: change.events,
        dispatched: [{ runId, repository: '/repo', ref: 'main', params: change.run.params, cache: false, pipelineHash: HASH, step: change.steps[0] }],
      }]);
      other.published([entry as string]);
      await other.commit(changes({ runs: [begun(newRunId())] }));
      expect(await entriesOf(store, runId)).toEqual([]);
    });

    test('an entry belongs to its coordinator while that is heard, and to whoever takes it up then', async () => {
      const runId = newRunId();
      await store.beat();
      const { entry } = await store.commit(changes({ runs: [begun(runId)] }));
      await tables.pass(6_000);
      await store.beat();
      expect(await entriesOf(other, runId)).toEqual([]);
      expect((await store.unpublished(1_000, [entry as string])).map((each) => each.entry)).not.toContain(entry);
      expect(await entriesOf(store, runId)).toHaveLength(1);
      await tables.pass(11_000);
      await other.beat();
      expect(await entriesOf(other, runId)).toHaveLength(1);
      expect(await entriesOf(tables.connect(), runId)).toEqual([]);
      await other.retire();
      expect(await entriesOf(tables.connect(), runId)).toHaveLength(1);
    });

    test('whoever dies between publishing and saying so leaves the entry to others', async () => {
      const runId = newRunId();
      const { entry } = await store.commit(changes({ runs: [begun(runId)] }));
      store.published([entry as string]);
      await tables.pass(6_000);
      expect(await entriesOf(other, runId)).toHaveLength(1);
      expect(await entriesOf(store, runId)).toEqual([]);
    });

    test('a commit that fails forgets no entry', async () => {
      const runId = newRunId();
      const change = begun(runId);
      const { entry } = await store.commit(changes({ runs: [change] }));
      store.published([entry as string]);
      await expect(store.commit(changes({ runs: [moved(change, 7, [])] }))).rejects.toThrow(Conflict);
      await tables.pass(6_000);
      expect(await entriesOf(other, runId)).toHaveLength(1);
      await store.commit(changes({ runs: [begun(newRunId())] }));
      expect(await entriesOf(other, runId)).toEqual([]);
    });

    test('a task of the outbox that its step no longer waits for is left out; its events are not', async () => {
      const runId = newRunId();
      const change = begun(runId, { steps: [step('a', 0), step('b', 1)] });
      await store.commit(changes({ runs: [change] }));
      await store.commit(changes({ runs: [moved(change, 1, [step('a', 0, { status: 'backing-off' }), step('b', 1, { attempt: 2 })])] }));
      await tables.pass(6_000);
      const [entry] = await entriesOf(other, runId);
      expect(entry).toMatchObject({ dispatched: [], events: change.events });
    });

    test('runs are due by the clock of the tables, the longest overdue first, and only at the time that was set last', async () => {
      const now = await store.now();
      const [late, second, first, cleared] = Array.from({ length: 4 }, () => begun(newRunId())) as [RunChange, RunChange, RunChange, RunChange];
      const names = new Map(Object.entries({ late, second, first, cleared }).map(([name, { run }]) => [run.runId, name]));
      const due = async () => (await other.dueRuns(1_000)).flatMap((runId) => names.get(runId) ?? []);
      await store.commit(changes({ runs: [{ ...late, checkAt: now + 60_000 }, { ...second, checkAt: now - 1_000 }, { ...first, checkAt: now - 2_000 }, { ...cleared, checkAt: now - 3_000 }] }));
      await store.commit(changes({ runs: [moved(cleared, 1, [], { status: 'failed', finishedAt: now })] }));
      expect(await due()).toEqual(['first', 'second']);
      await tables.pass(61_000);
      expect(await due()).toEqual(['first', 'second', 'late']);
      expect(await other.dueRuns(2)).toHaveLength(2);
    });

    test('whoever found nothing due sets a later time, unless another was set meanwhile', async () => {
      const was = (await store.now()) - 1_000;
      const [looked, reset] = [begun(newRunId()), begun(newRunId())];
      await store.commit(changes({ runs: [{ ...looked, checkAt: was }, { ...reset, checkAt: was }] }));
      await other.commit(changes({ runs: [moved(reset, 1, [], {}, was + 500)] }));
      await store.checkLater([looked, reset].map(({ run: { runId } }) => ({ runId, was, next: was + 60_000 })));
      const read = await other.load([looked.run.runId, reset.run.runId]);
      expect([looked, reset].map(({ run: { runId } }) => read.get(runId)?.checkAt)).toEqual([was + 60_000, was + 500]);
    });

    test('a commit that rewrites nothing leaves everything but steps and events as it was', async () => {
      const change = begun(newRunId());
      await store.commit(changes({ runs: [{ ...change, checkAt: 1_900_000_000_000 }] }));
      await store.commit(changes({ runs: [{ ...moved(change, 1, [step('a', 0, { status: 'succeeded' })]), checkAt: 1_950_000_000_000 }] }));
      const read = (await other.load([change.run.runId])).get(change.run.runId);
      expect(read).toMatchObject({ checkAt: 1_900_000_000_000, run: { status: 'running', seq: 3, updatedAt: change.run.updatedAt + 1 } });
      expect(read?.run.steps.get('a')?.status).toBe('succeeded');
    });

    test('queues go by the order of joining; each commit says who is first in those it has touched', async () => {
      const name = `repository:/${newRunId()}`;
      const steps = [step('a', 0, { status: 'blocked', locked: true })];
      const [one, two, three] = [begun(newRunId(), { steps }), begun(newRunId(), { steps }), begun(newRunId(), { steps })] as [RunChange, RunChange, RunChange];
      const at = (change: RunChange) => place(change.run.runId, name);
      expect(await store.commit(changes({ runs: [one, two], joining: [at(one), at(two)] }))).toMatchObject({ first: [at(one)] });
      expect(await other.commit(changes({ runs: [three], joining: [at(three)] }))).toMatchObject({ first: [at(one)] });
      expect(await store.commit(changes({ runs: [moved(two, 1, [])], leaving: [at(two)] }))).toMatchObject({ first: [at(one)] });
      expect((await store.overlookedHolders(1_000)).filter((holder) => holder.name === name)).toEqual([at(one)]);
      expect(await store.commit(changes({ runs: [moved(one, 1, [])], leaving: [at(one)] }))).toMatchObject({ first: [at(three)] });
      await store.commit(changes({ runs: [moved(three, 1, [step('a', 0, { locked: true })])] }));
      expect(await other.first([name, 'repository:/none'])).toEqual([at(three)]);
      expect((await other.overlookedHolders(1_000)).filter((holder) => holder.name === name)).toEqual([]);
      expect(await store.commit(changes({ runs: [moved(three, 2, [])], leaving: [at(three)] }))).toMatchObject({ first: [] });
      expect(await other.first([name])).toEqual([]);
    });

    test('a window counts each start once, up to its limit, and says when one leaves it', async () => {
      const [window] = windows({ max: 3 });
      const admit = async (each: SagaStore, ...starts: string[]) => (await each.admit(asking(starts, window))).map(({ retryAfterSeconds, quotas }) => retryAfterSeconds === undefined ? quotas[0]?.remaining : 'refused');
      expect(await admit(store, 'a')).toEqual([2]);
      await tables.pass(40_000);
      expect(await admit(other, 'b', 'a', 'c', 'd')).toEqual([1, 1, 0, 'refused']);
      const [refused] = await store.admit(asking(['e'], window));
      expect(refused?.quotas).toMatchObject([{ kind: window.kind, max: 3, windowSeconds: 60, remaining: 0 }]);
      expect(refused?.retryAfterSeconds).toBeGreaterThan(10);
      expect(refused?.retryAfterSeconds).toBeLessThanOrEqual(20);
      await tables.pass(21_000);
      expect(await admit(store, 'e', 'f')).toEqual([0, 'refused']);
      // One that is not refused any more is still the same start.
      expect(await admit(store, 'a', 'b')).toEqual([0, 0]);
    });

    test('of two windows both must have room, and a refusal takes none', async () => {
      const [narrow, wide] = windows({ max: 1 }, { max: 2 });
      const answers = await store.admit([...asking(['a', 'b'], narrow, wide), ...asking(['c', 'd'], wide)]);
      expect(answers.map(({ retryAfterSeconds }) => retryAfterSeconds === undefined)).toEqual([true, false, true, false]);
    });

    test('a limit that was lowered lets in again when enough have left', async () => {
      const [window] = windows({ max: 3 });
      for (const start of ['a', 'b', 'c']) { await store.admit(asking([start], window)); await tables.pass(10_000); }
      const seconds = async (max: number) => (await store.admit(asking(['d'], { ...window, max })))[0]?.retryAfterSeconds ?? 0;
      // Started 30, 20 and 10 seconds ago.
      expect(Math.ceil((await seconds(3)) / 10)).toBe(3);
      expect(Math.ceil((await seconds(1)) / 10)).toBe(5);
      expect(await seconds(0)).toBe(60);
    });

    test('of many at the very same time as many are admitted as there is room', async () => {
      const some = windows({ max: 10 }, { max: 12 });
      const each = [store, other, tables.connect()];
      const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => (each[index % 3] as SagaStore).admit(asking([`s${index}`], ...(index % 2 ? some : some.toReversed())))));
      expect(answers.filter(([answer]) => answer?.retryAfterSeconds === undefined)).toHaveLength(10);
    });

    test('a task has its places from all stores until its step moves on', async () => {
      const [first, second, third] = [begun(newRunId()), begun(newRunId()), begun(newRunId())];
      await store.commit(changes({ runs: [first, second, third] }));
      const narrow: Place = { kind: 'concurrency-per-repository', key: newRunId(), max: 1 };
      const wide: Place = { kind: 'concurrency-per-tenant', key: newRunId(), max: 2 };
      expect(await full(store, [first, [narrow, wide]], [second, [narrow, wide]], [third, [wide]])).toEqual([[], [narrow.kind], []]);
      expect(await full(other, [first, [narrow, wide]], [second, [narrow, wide]])).toEqual([[], [narrow.kind, wide.kind]]);
      await other.commit(changes({ runs: [moved(first, 1, [step('a', 0, { attempt: 2 })])] }));
      expect(await full(store, [second, [narrow, wide]])).toEqual([[]]);
      await store.commit(changes({ runs: [moved(second, 1, [step('a', 0, { status: 'succeeded' })]), moved(third, 1, [step('a', 0, { status: 'failed' })])] }));
      await store.forgetStarts(1_000_000);
      expect(await full(other, [first, [wide]])).toEqual([[]]);
    });

    test('of many at the very same time as many get a place as there are', async () => {
      const all = Array.from({ length: 24 }, () => begun(newRunId()));
      await store.commit(changes({ runs: all }));
      const places: Place[] = [{ kind: 'concurrency-per-service', key: newRunId(), max: 5 }, { kind: 'concurrency-per-tenant', key: newRunId(), max: 7 }];
      const answers = await Promise.all(all.map(async ({ run }, index) => ([store, other][index % 2] as SagaStore).occupy([{ runId: run.runId, stepId: 'a', attempt: 1, places: index % 3 ? places : places.toReversed() }])));
      expect(answers.filter(([full]) => full?.length === 0)).toHaveLength(5);
    });

    test('starts of long ago are forgotten, and others are not', async () => {
      const [window] = windows({ max: 1 });
      await store.admit(asking(['a'], window));
      await store.forgetStarts(100);
      expect((await store.admit(asking(['b'], window)))[0]?.retryAfterSeconds).toBeDefined();
      await tables.pass(101_000);
      await store.forgetStarts(100);
      expect((await store.admit(asking(['a', 'b'], window))).map(({ retryAfterSeconds }) => retryAfterSeconds !== undefined)).toEqual([false, true]);
    });
  });
}
