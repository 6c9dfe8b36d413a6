import { setTimeout as sleep } from 'node:timers/promises';
import { consumers, subjects, type Limit, type Task } from '#contracts';
import { Dispatcher } from './dispatcher.js';
import { Stage, newRunId } from './test/stage.js';

const PIPELINES = { one: `name: one
version: 1
steps:
  a: { run: crawler/crawl, retry: { attempts: 1 } }
` };

let stage: Stage;
/** Runs by repository whose task is with an agent, now and at most. */
let work: Map<string, { now: number; most: number }>;
let release: PromiseWithResolvers<void>;
const instance = 'spec';

beforeAll(async () => { stage = await Stage.open(PIPELINES); });
afterAll(async () => { await stage.close(); });
beforeEach(async () => {
  work = new Map();
  release = Promise.withResolvers();
  stage.taken.length = 0;
  stage.behaviour = () => ({});
  await Promise.all([stage.startCoordinator(), stage.startCoordinator()]);
});
afterEach(async () => {
  release.resolve();
  await stage.stopCoordinators();
  await stage.database.query('TRUNCATE limits');
});

const limit = async (given: Limit): Promise<void> => {
  // A coordinator that has just started may not be heard yet.
  await stage.until(async () => (await stage.query('set-limit', given).catch(() => undefined))?.ok ?? false, 'a limit');
  await stage.refreshLimits();
};
const start = async (change: object = {}): Promise<string> => {
  const runId = newRunId();
  const reply = await stage.command('start-run', { runId, pipeline: 'one', repository: '/repo', params: {}, requestedBy: 'ann', ...change });
  if (!reply.ok) throw new Error(reply.failure.code);
  return runId;
};
const waiting = (): number => stage.coordinators.reduce((sum, app) => sum + app.get(Dispatcher).waiting, 0);
const ended = async (runs: string[], status = 'succeeded'): Promise<void> => { await Promise.all(runs.map(async (runId) => stage.reaches(runId, status))); };

/** Counts who is at work at a time. */
async function counted(task: Task, key: string, until: Promise<unknown> = sleep(15)): Promise<object> {
  const here = work.get(key) ?? { now: 0, most: 0 };
  work.set(key, here);
  here.now++;
  here.most = Math.max(here.most, here.now);
  await until;
  here.now--;
  return {};
}

/** The agents work on so many tasks at once, as far as the coordinators know; they hear it until the end of the test. */
async function announce(slots: number, provider?: string): Promise<() => void> {
  const say = (count: number): void => { stage.bus.notify(subjects.capacity('crawler/crawl'), { agent: 'crawler/crawl', instance, slots: count, provider }); };
  say(slots);
  await stage.bus.health();
  const timer = setInterval(() => { say(slots); }, 1_000);
  return () => { clearInterval(timer); say(0); };
}

test('of one repository only so many tasks are with the agents, whichever coordinator dispatches them, and all get through', async () => {
  await limit({ kind: 'concurrency-per-repository', key: '*', max: 2 });
  await limit({ kind: 'concurrency-per-repository', key: '/wide', max: 3 });
  stage.behaviour = async (task) => counted(task, task.repository);
  // The agents would take four.
  for (const repository of ['/a', '/wide']) await ended(await Promise.all(Array.from({ length: 16 }, async () => start({ repository }))));
  expect(work.get('/a')?.most).toBeLessThanOrEqual(2);
  expect(work.get('/wide')?.most).toBeLessThanOrEqual(3);
});

test('of one tenant, and of one service', async () => {
  await limit({ kind: 'concurrency-per-tenant', key: 'loud', max: 1 });
  await limit({ kind: 'concurrency-per-service', key: 'crawler', max: 3 });
  stage.behaviour = async (task) => { void counted(task, 'all'); return counted(task, task.repository); };
  const runs = await Promise.all(Array.from({ length: 20 }, async (_, index) => start(index % 2 ? { repository: '/loud', tenant: 'loud' } : { repository: '/other' })));
  await ended(runs);
  expect(work.get('/loud')?.most).toBe(1);
  expect(work.get('all')?.most).toBeLessThanOrEqual(3);
});

test('of one model provider, as the agents that ask it announce it', async () => {
  await limit({ kind: 'concurrency-per-provider', key: 'anthropic', max: 2 });
  stage.behaviour = async (task) => counted(task, task.repository);
  await ended(await Promise.all(Array.from({ length: 12 }, async () => start({ repository: '/no-model' }))));
  expect(work.get('/no-model')?.most).toBeGreaterThan(2);
  const silence = await announce(16, 'anthropic');
  await ended(await Promise.all(Array.from({ length: 12 }, async () => start({ repository: '/model' }))));
  expect(work.get('/model')?.most).toBeLessThanOrEqual(2);
  silence();
});

test('a limit that is raised lets the next ones go at once', async () => {
  await limit({ kind: 'concurrency-per-tenant', key: 'default', max: 0 });
  const runs = await Promise.all([start(), start(), start()]);
  expect([waiting(), stage.taken]).toEqual([3, []]);
  await limit({ kind: 'concurrency-per-tenant', key: 'default', max: 9 });
  await ended(runs);
});

test('what was cancelled while it waited is never handed to an agent', async () => {
  await stage.stopCoordinators();
  await stage.startCoordinator();
  await limit({ kind: 'concurrency-per-tenant', key: 'default', max: 0 });
  const [gone, stays] = [await start(), await start()];
  expect(await stage.command('cancel-run', { runId: gone, requestedBy: 'ann' })).toMatchObject({ ok: true });
  await stage.reaches(gone, 'cancelled');
  await limit({ kind: 'concurrency-per-tenant', key: 'default', max: 1 });
  await stage.reaches(stays, 'succeeded');
  expect(stage.taken.map(({ runId }) => runId)).toEqual([stays]);
});

test('those who wait do not depend on the coordinator that they wait at', async () => {
  await limit({ kind: 'concurrency-per-tenant', key: 'default', max: 0 });
  const runs = await Promise.all(Array.from({ length: 10 }, async () => start()));
  await stage.stopCoordinators();
  await stage.startCoordinator();
  await limit({ kind: 'concurrency-per-tenant', key: 'default', max: 4 });
  await ended(runs);
  expect(stage.taken).toHaveLength(10);
  expect((await stage.database.query('SELECT FROM coordinators')).rows).toHaveLength(1);
});

test('no more is handed over than the agents can take, so that another tenant’s run and a higher priority are next', async () => {
  const silence = await announce(1);
  const order: string[] = [];
  stage.behaviour = async (task) => { order.push(task.repository); await release.promise; return {}; };
  const loud = await Promise.all(Array.from({ length: 60 }, async () => start({ repository: '/loud', tenant: 'loud' })));
  await stage.until(() => waiting() > 0 && order.length > 0, 'a line at the coordinators');
  const held = await stage.bus.held({ stream: 'PULLWRIGHT_TASKS', durable: consumers().find(({ filterSubject }) => filterSubject === subjects.task('crawler/crawl'))?.durable as string });
  expect(held + waiting()).toBe(60);
  expect(held).toBeLessThan(40);
  const [quiet, urgent] = [await start({ repository: '/quiet', tenant: 'quiet' }), await start({ repository: '/urgent', tenant: 'loud', priority: 5 })];
  release.resolve();
  await ended([...loud, quiet, urgent]);
  // Behind those that were handed over before they came, and before most of the others.
  expect(order.indexOf('/urgent')).toBeLessThan(58);
  expect(order.indexOf('/quiet')).toBeLessThan(58);
  silence();
});
