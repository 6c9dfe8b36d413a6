import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOf, subjects, type RunEvent, type Task, type Told } from '#contracts';
import { Stage, newRunId } from './test/stage.js';

const HOUR_MS = 3_600_000;

const PIPELINES = {
  undo: `name: undo
version: 1
steps:
  a: { run: crawler/crawl, undo: pr-publisher/close, retry: { delay: 10ms } }
  b: { run: crawler/crawl, needs: [a], undo: pr-publisher/close, retry: { delay: 10ms } }
  c: { run: crawler/crawl, needs: [b], retry: { delay: 10ms } }
`,
  lockedUndo: `name: locked-undo
version: 1
steps:
  a: { run: crawler/crawl, lock: repository, undo: pr-publisher/close }
  b: { run: crawler/crawl, needs: [a] }
`,
  lock: `name: lock
version: 1
steps:
  a: { run: crawler/crawl, lock: repository, retry: { delay: 10ms } }
`,
};

let stage: Stage;
beforeAll(async () => { stage = await Stage.open(PIPELINES); });
afterAll(async () => { await stage.close(); });
beforeEach(async () => {
  stage.behaviour = () => ({});
  stage.taken.length = 0;
  await stage.startCoordinator();
});
afterEach(async () => { await stage.stopCoordinators(); });

/** The run's events on the bus by number, in the order of the stream. */
async function published(runId: string): Promise<Map<number, RunEvent>> {
  const events = new Map<number, RunEvent>();
  const { streams } = stage.bus.manager;
  const { state } = await streams.info('PULLWRIGHT_EVENTS');
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const { told = [] } = (await streams.getMessage('PULLWRIGHT_EVENTS', { seq }))?.json<Told>() ?? {};
    for (const event of told.flatMap(eventsOf)) if (event.runId === runId && !events.has(event.seq)) events.set(event.seq, event);
  }
  return events;
}

const line = (event: RunEvent) => [event.type, event.stepId].filter(Boolean).join(' ');

/** How many tasks are at work now and were at most, per repository. */
function watch(): Map<string, { now: number; most: number }> {
  const work = new Map<string, { now: number; most: number }>();
  stage.behaviour = async (task) => {
    const here = work.get(task.repository) ?? { now: 0, most: 0 };
    work.set(task.repository, here);
    here.now++;
    here.most = Math.max(here.most, here.now);
    await sleep(30);
    here.now--;
    return {};
  };
  return work;
}

describe('a whole run', () => {
  test('of test-generation goes from the crawl to the pull request', async () => {
    const runId = await stage.start('test-generation', { params: { depth: 'smoke' } });
    await stage.reaches(runId, 'succeeded');
    const steps = await stage.steps(runId);
    expect(Object.fromEntries([...steps].map(([id, step]) => [id, step.status]))).toEqual({
      crawl: 'succeeded', design: 'succeeded', review: 'skipped', write: 'succeeded', publish: 'succeeded', 'publish~undo': 'skipped',
      'design/0': 'succeeded', 'design/1': 'succeeded', 'design/2': 'succeeded',
    });
    const write = stage.taken.find((task) => task.stepId === 'write');
    expect(write).toMatchObject({ runId, attempt: 1, agent: 'engineer/write', params: { depth: 'smoke', framework: 'playwright', approval: false }, repository: '/repo', timeLimitMs: 600_000 });
    expect(write?.inputs['cases']).toHaveLength(3);

    const events = await stage.events(runId);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(line).at(0)).toBe('run-started');
    expect(events.map(line).at(-1)).toBe('run-succeeded');
  });

  test('publishes its events in their order', async () => {
    const runId = await stage.start('test-generation');
    await stage.reaches(runId, 'succeeded');
    const stored = await stage.events(runId);
    await stage.until(async () => (await published(runId)).size === stored.length, 'all events on the bus');
    expect([...(await published(runId)).values()]).toEqual(stored);
  });

  test('waits at the gate and goes on when a person approves', async () => {
    const runId = await stage.start('test-generation', { params: { approval: true } });
    await stage.reaches(runId, 'waiting');
    expect((await stage.steps(runId)).get('review')).toMatchObject({ status: 'waiting', roles: ['qa-lead'] });
    const decision = { runId, stepId: 'review', decision: 'approve', requestedBy: 'bo' };
    expect(await stage.command('decide-approval', { ...decision, role: 'intern' })).toMatchObject({ ok: false, failure: { code: 'bad-request' } });
    expect(await stage.command('decide-approval', { ...decision, role: 'qa-lead' })).toEqual({ ok: true, runId, repeated: false });
    expect(await stage.command('decide-approval', { ...decision, role: 'qa-lead' })).toEqual({ ok: true, runId, repeated: true });
    await stage.reaches(runId, 'succeeded');
  });

  test('fails with the first failed step’s failure, and a retry finishes it', async () => {
    stage.behaviour = (task) => (task.stepId === 'design/1' ? { failure: 'nothing-to-test' } : {});
    const runId = await stage.start('test-generation');
    await stage.reaches(runId, 'failed');
    expect((await stage.run(runId)).failure).toEqual({ code: 'nothing-to-test' });
    stage.behaviour = () => ({});
    expect(await stage.command('retry-run', { runId, requestedBy: 'ann' })).toMatchObject({ ok: true });
    await stage.reaches(runId, 'succeeded');
    expect(stage.taken.filter((task) => task.stepId.startsWith('design/')).map((task) => `${task.stepId}#${task.attempt}`).sort()).toEqual(['design/0#1', 'design/1#1', 'design/1#2', 'design/2#1']);
    expect(stage.taken.filter((task) => task.stepId === 'crawl')).toHaveLength(1);
  });
});

describe('what goes wrong', () => {
  test('a coordinator that stops in the middle: another one finishes', async () => {
    const gate = Promise.withResolvers<void>();
    stage.behaviour = async (task) => { if (task.stepId === 'design/0') await gate.promise; return {}; };
    const runId = await stage.start('test-generation');
    await stage.until(() => stage.taken.some((task) => task.stepId === 'design/0'), 'the first design');
    await stage.stopCoordinators();
    gate.resolve();
    await sleep(50);
    await stage.startCoordinator();
    await stage.reaches(runId, 'succeeded');
    expect(new Set(stage.taken.map((task) => `${task.stepId}#${task.attempt}`)).size).toBe(stage.taken.length);
  });

  test('a commit whose tasks and events never left: the sweeper publishes them', async () => {
    stage.behaviour = (task) => (task.stepId === 'crawl' ? 'silent' : {});
    const runId = await stage.start('test-generation');
    await stage.until(() => stage.taken.length === 1, 'the first task');
    await stage.stopCoordinators();
    // As after a crash between commit and publish, with a bus that has lost everything.
    await stage.bus.manager.streams.purge('PULLWRIGHT_TASKS');
    await stage.bus.manager.streams.purge('PULLWRIGHT_EVENTS');
    await stage.nats.restart();
    await stage.database.query(
      `INSERT INTO outbox (at, rows) SELECT now() - interval '1 minute', '[' || string_agg(format('"%s",%s', run_id, seq), ',') || ']' FROM log WHERE run_id = $1`, [runId]);
    stage.behaviour = () => ({});
    await stage.startCoordinator();
    await stage.reaches(runId, 'succeeded');
    expect(stage.taken.filter((task) => task.stepId === 'crawl').map((task) => task.attempt)).toEqual([1, 1]);
    const stored = await stage.events(runId);
    await stage.until(async () => (await published(runId)).size === stored.length, 'all events on the bus again');
  });

  test('duplicates and late results change nothing', async () => {
    stage.behaviour = async (task) => {
      for (const copy of ['x', 'y']) await stage.answer(task, {}, `${task.runId}.${task.stepId}.${task.attempt}.${copy}`);
      await stage.answer({ ...task, attempt: task.attempt + 1 }, { failure: 'internal' }, `${task.runId}.${task.stepId}.later`);
      return {};
    };
    const runId = await stage.start('test-generation');
    await stage.reaches(runId, 'succeeded');
    const events = (await stage.events(runId)).map(line);
    expect(new Set(events).size).toBe(events.length);
  });

  test('two coordinators at once do everything once', async () => {
    await stage.startCoordinator();
    const runs = await Promise.all(Array.from({ length: 20 }, async () => stage.start('test-generation')));
    for (const runId of runs) await stage.reaches(runId, 'succeeded');
    const tasks = stage.taken.map((task) => `${task.runId}.${task.stepId}.${task.attempt}`);
    expect(tasks).toHaveLength(20 * 6);
    expect(new Set(tasks).size).toBe(tasks.length);
  });

  test('a database that hangs up in the middle', async () => {
    stage.behaviour = async () => { await sleep(20); return {}; };
    const runs = await Promise.all(Array.from({ length: 10 }, async () => stage.start('test-generation')));
    await stage.until(() => stage.taken.length > 10, 'the work has begun');
    await stage.database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pullwright-coordinator'`);
    for (const runId of runs) await stage.reaches(runId, 'succeeded');
    const tasks = stage.taken.map((task) => `${task.runId}.${task.stepId}.${task.attempt}`);
    expect(new Set(tasks).size).toBe(tasks.length);
  });

  test('a bus that restarts in the middle', async () => {
    stage.behaviour = async () => { await sleep(20); return {}; };
    const runs = await Promise.all(Array.from({ length: 5 }, async () => stage.start('test-generation')));
    await stage.until(() => stage.taken.length > 5, 'the work has begun');
    await stage.nats.restart();
    for (const runId of runs) await stage.reaches(runId, 'succeeded');
  });

  test('a message that is no result is dropped; what is behind it goes on', async () => {
    await stage.bus.publish(subjects.result('crawler'), { runId: 'nonsense' }, { id: newRunId() });
    await stage.bus.publish(subjects.result('crawler'), { runId: newRunId(), stepId: 'a', attempt: 1, agent: 'crawler/crawl', durationMs: 1, status: 'failed', failure: { code: 'internal', detail: 'unknown run' } }, { id: newRunId() });
    const runId = await stage.start('test-generation');
    await stage.reaches(runId, 'succeeded');
    await stage.until(async () => (await stage.bus.manager.streams.info('PULLWRIGHT_RESULTS')).state.messages === 0, 'no result left');
  });

  test('a result the database cannot take does not hold up its batch', async () => {
    stage.behaviour = (task) => (task.stepId === 'crawl' ? 'silent' : {});
    const [poisoned, good] = await Promise.all([stage.start('test-generation'), stage.start('test-generation')]);
    await stage.until(() => stage.taken.length === 2, 'both crawls');
    const task = (runId: string) => stage.taken.find((each) => each.runId === runId) as Task;
    await stage.database.query(`ALTER TABLE log ADD CONSTRAINT refuses CHECK (run_id <> '${poisoned}' OR steps NOT LIKE '%"status":"failed"%')`);
    await Promise.all([stage.answer(task(poisoned), { failure: 'no-web-front-end' }, newRunId()), stage.answer(task(good), {})]);
    await stage.reaches(good, 'succeeded');
    await stage.database.query('ALTER TABLE log DROP CONSTRAINT refuses');
    await stage.answer(task(poisoned), {});
    await stage.reaches(poisoned, 'succeeded');
  });
});

describe('a pinned pipeline', () => {
  test('is the one that the run began with, whatever the file says now', async () => {
    stage.behaviour = (task) => (task.stepId === 'a' ? 'silent' : {});
    const runId = await stage.start('undo');
    await stage.until(() => stage.taken.length === 1, 'the first task');
    await stage.stopCoordinators();
    await stage.writePipeline('undo', PIPELINES.undo.replace('version: 1', 'version: 2').replace(/ {2}c: .*\n/, ''));
    await stage.startCoordinator();
    await stage.answer(stage.taken[0] as Task, {});
    await stage.reaches(runId, 'succeeded');
    expect((await stage.run(runId)).pipelineVersion).toBe(1);
    expect(stage.taken.map((task) => task.stepId)).toEqual(['a', 'b', 'c']);
    await stage.writePipeline('undo', PIPELINES.undo);
  });

  test('that this program cannot read stops its own runs only', async () => {
    stage.behaviour = () => 'silent';
    const runId = await stage.start('undo');
    await stage.until(() => stage.taken.length === 1, 'the first task');
    await stage.stopCoordinators();
    await stage.database.query(`INSERT INTO pipelines VALUES ('later', 'later', 9, '{"from": "the future"}')`);
    await stage.database.query(`UPDATE runs SET pipeline_hash = 'later' WHERE id = $1`, [runId]);
    await stage.startCoordinator();
    stage.behaviour = () => ({});
    const [stuck, good] = await Promise.all([stage.command('cancel-run', { runId, requestedBy: 'bo' }), stage.start('test-generation')]);
    expect(stuck).toMatchObject({ ok: false, failure: { code: 'internal' } });
    await stage.reaches(good, 'succeeded');
    expect((await stage.run(runId)).status).toBe('running');
  });
});

describe('taking back', () => {
  test('a failure undoes what was done, in reverse', async () => {
    stage.behaviour = (task) => (task.stepId === 'c' ? { failure: 'no-web-front-end' } : {});
    const runId = await stage.start('undo');
    await stage.reaches(runId, 'failed');
    expect(stage.taken.map((task) => task.stepId)).toEqual(['a', 'b', 'c', 'b~undo', 'a~undo']);
  });

  test('a cancel tells the agents, waits for what can be undone, and undoes it', async () => {
    const told = Promise.withResolvers<unknown>();
    stage.behaviour = async (task) => { if (task.stepId !== 'b') return {}; await told.promise; return { failure: 'cancelled' }; };
    const runId = await stage.start('undo');
    const stopListening = stage.bus.subscribe(subjects.cancel(runId), told.resolve);
    await stage.until(() => stage.taken.some((task) => task.stepId === 'b'), 'b at work');
    expect(await stage.command('cancel-run', { runId, requestedBy: 'bo' })).toMatchObject({ ok: true });
    await stage.reaches(runId, 'cancelled');
    stopListening();
    expect(stage.taken.map((task) => task.stepId)).toEqual(['a', 'b', 'b~undo', 'a~undo']);
    expect(await stage.command('cancel-run', { runId, requestedBy: 'bo' })).toEqual({ ok: true, runId, repeated: true });
  });
});

describe('the lock of a repository', () => {
  test('is held by one run at a time, in the order of asking, over two coordinators', async () => {
    await stage.startCoordinator();
    const work = watch();
    const runs: string[] = [];
    for (let n = 0; n < 5; n++) runs.push(await stage.start('lock', { repository: '/one' }));
    const others = await Promise.all([1, 2, 3].map(async () => stage.start('lock', { repository: '/two' })));
    for (const runId of [...runs, ...others]) await stage.reaches(runId, 'succeeded');
    expect(work.get('/one')?.most).toBe(1);
    expect(work.get('/two')?.most).toBe(1);
    expect(stage.taken.filter((task) => task.repository === '/one').map((task) => task.runId)).toEqual(runs);
    expect((await stage.database.query('SELECT * FROM locks')).rows).toEqual([]);
  });

  test('passes on when its holder fails or a waiting run is cancelled', async () => {
    const gate = Promise.withResolvers<void>();
    stage.behaviour = async () => { await gate.promise; return { failure: 'no-web-front-end' }; };
    const first = await stage.start('lock');
    await stage.until(() => stage.taken.length === 1, 'the holder at work');
    const second = await stage.start('lock');
    const third = await stage.start('lock');
    expect((await stage.events(second)).map(line)).toEqual(['run-started', 'step-blocked a']);
    expect(await stage.command('cancel-run', { runId: second, requestedBy: 'bo' })).toMatchObject({ ok: true });
    gate.resolve();
    await stage.reaches(first, 'failed');
    await stage.reaches(second, 'cancelled');
    await stage.reaches(third, 'failed');
    expect(stage.taken.map((task) => task.runId)).toEqual([first, third]);
  });

  test('is queued for again by an undo, behind those who were waiting', async () => {
    const gate = Promise.withResolvers<void>();
    stage.behaviour = async (task) => { if (task.stepId === 'b') { await gate.promise; return { failure: 'no-web-front-end' }; } return {}; };
    const undone = await stage.start('locked-undo');
    await stage.until(() => stage.taken.some((task) => task.stepId === 'b'), 'b at work, the lock free again');
    const hold = Promise.withResolvers<void>();
    const before = stage.behaviour;
    stage.behaviour = async (task) => { if (task.runId === holder) await hold.promise; return before(task); };
    const holder = newRunId();
    await stage.start('lock', { runId: holder });
    await stage.until(() => stage.taken.some((task) => task.runId === holder), 'another run holds the lock');
    gate.resolve();
    await stage.until(async () => (await stage.steps(undone)).get('a~undo')?.status === 'blocked', 'the undo waits');
    hold.resolve();
    await stage.reaches(undone, 'failed');
    expect(stage.taken.map((task) => task.stepId)).toEqual(['a', 'b', 'a', 'a~undo']);
  });

  test('wakes a waiting step even when the coordinator dies before it could', async () => {
    const gate = Promise.withResolvers<void>();
    stage.behaviour = async () => { await gate.promise; return {}; };
    const first = await stage.start('lock');
    const second = await stage.start('lock');
    await stage.until(() => stage.taken.length === 1, 'the holder at work');
    await stage.stopCoordinators();
    // The holder's release was committed, and nobody was told.
    await stage.database.query('DELETE FROM locks WHERE run_id = $1', [first]);
    await stage.startCoordinator();
    gate.resolve();
    await stage.reaches(second, 'succeeded');
  });
});

describe('timers', () => {
  test('a step that nobody answers is dispatched again with the next attempt', async () => {
    stage.behaviour = (task) => (task.attempt === 1 ? 'silent' : {});
    const runId = await stage.start('lock');
    await stage.until(() => stage.taken.length === 1, 'the first attempt');
    await stage.pass(HOUR_MS, [runId]);
    await stage.reaches(runId, 'succeeded');
    expect((await stage.events(runId)).find((event) => event.type === 'step-retrying')).toMatchObject({ stepId: 'a', attempt: 1, failure: { code: 'no-answer' } });
  });

  test('an approval expires', async () => {
    const runId = await stage.start('test-generation', { params: { approval: true } });
    await stage.reaches(runId, 'waiting');
    await stage.pass(7 * 24 * HOUR_MS, [runId]);
    await stage.reaches(runId, 'failed');
    expect((await stage.run(runId)).failure?.code).toBe('approval-expired');
  });
});
