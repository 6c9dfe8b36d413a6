import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bus, provision } from '#bus';
import { loadConfig, type Config } from '#config';
import { AgentContract, registerAgents, Results, subjects, type Result, type Task } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { serveAgents } from './service.js';

const AGENT = 'inline-sample/count';
const MODULE = new URL('../test/inline.agent.ts', import.meta.url).href;
let folder: string;
let nats: TestNats;
let bus: Bus;
let config: Config;
let service: { stop(): Promise<void> };
let results: { stop(): Promise<void> };
const waiting = new Map<string, (result: Result) => void>();
let runs = 0;

beforeAll(async () => {
  registerAgents({ [AGENT]: AgentContract.parse({ facts: ['process'], isolation: 'inline' }) });
  folder = await mkdtemp(join(tmpdir(), 'pullwright-inline-'));
  nats = await startNats();
  config = loadConfig({}, { NATS_URL: nats.url, ARTIFACT_DIR: join(folder, 'artifacts'), CONCURRENCY: '8' });
  bus = await Bus.open({ servers: nats.url, name: 'test' });
  await provision(bus);
  results = await bus.consume('coordinator-results', { batch: 100 }, async (batch) => {
    for (const message of batch) {
      message.ackLater();
      for (const result of Results.parse(message.data).results) waiting.get(result.runId)?.(result);
    }
  });
  service = await serveAgents('inline-sample', MODULE, config);
});
afterAll(async () => {
  await service.stop();
  await results.stop();
  await bus.close();
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
});

function newTask(behaviour: string, changes: Partial<Task> = {}): Task {
  runs += 1;
  return { runId: `run_01jabcdefghjkmnpqrstvw${String(runs).padStart(4, '0')}`, stepId: 'count', attempt: 1, agent: AGENT, inputs: {}, params: { behaviour }, repository: '/srv/repository', timeLimitMs: 20_000, ...changes };
}

async function perform(task: Task): Promise<Result> {
  const result = new Promise<Result>((resolve) => { waiting.set(task.runId, resolve); });
  await bus.publish(subjects.task(task.agent), task, { id: task.runId });
  return result;
}

/** Settles when the handler of the task runs. */
function running(task: Task): Promise<void> {
  return new Promise((resolve) => { bus.subscribe(subjects.progressOf(task.runId), () => { resolve(); }); });
}

test('many tasks at once are answered from inside the service, and acknowledged', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, () => perform(newTask('well'))));
  expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, runId: '', durationMs: 0 })))).toEqual(new Set([
    JSON.stringify({ runId: '', stepId: 'count', attempt: 1, agent: AGENT, durationMs: 0, status: 'succeeded', outputs: {}, facts: { process: process.pid } }),
  ]));
  let left = 1;
  for (let tries = 0; left > 0 && tries < 50; tries++) {
    left = (await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages;
    await sleep(20);
  }
  expect(left).toBe(0);
});

test.each([
  ['throws', 'internal', 'TypeError'],
  ['failure', 'nothing-to-test', 'on purpose'],
  ['foreign', 'nothing-to-test', 'on purpose'],
  ['extra', 'output-invalid', 'no output more'],
  ['facts', 'output-invalid', 'fact process is missing'],
  ['nothing', 'output-invalid', 'what the agent returned is not an object'],
])('a handler that goes wrong (%s) fails the step with %s', async (behaviour, code, detail) => {
  expect(await perform(newTask(behaviour))).toMatchObject({ status: 'failed', failure: { code, detail } });
});

test.each(['wait', 'deaf'])('at its time limit a step is answered, whether its handler listens or not (%s)', async (behaviour) => {
  expect(await perform(newTask(behaviour, { timeLimitMs: 100 }))).toMatchObject({ status: 'failed', failure: { code: 'agent-timeout', detail: '100 ms' } });
});

test('a time limit of months is none of a millisecond', async () => {
  expect(await perform(newTask('well', { timeLimitMs: 90 * 86_400_000 }))).toMatchObject({ status: 'succeeded' });
});

test('a cancelled run is answered at once', async () => {
  const task = newTask('deaf');
  const [started, result] = [running(task), perform(task)];
  await started;
  bus.notify(subjects.cancel(task.runId), {});
  expect(await result).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } });
});

async function together(id: string, ...tasks: unknown[]): Promise<void> { await bus.publish(subjects.task(AGENT), { tasks }, { id }); }
function answerOf(task: Task): Promise<Result> { return new Promise((resolve) => { waiting.set(task.runId, resolve); }); }

async function unsettled(): Promise<number> {
  let left = 1;
  for (let tries = 0; left > 0 && tries < 100; tries++) {
    left = (await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages;
    await sleep(20);
  }
  return left;
}

describe('a message of many tasks', () => {
  test('is worked on in the slots that there are, by all instances, and each task is answered', async () => {
    const other = await serveAgents('inline-sample', MODULE, config);
    const groups = Array.from({ length: 12 }, () => Array.from({ length: 20 }, () => newTask('counted')));
    const answers = Promise.all(groups.flat().map(answerOf));
    await Promise.all(groups.map(async (tasks, index) => together(`many-${index}`, ...tasks)));
    const most = Math.max(...(await answers).map((result) => (result.status === 'succeeded' ? result.facts.process as number : 0)));
    // Both instances are in this process and count together: more than one of them alone may, and no more than both.
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(16);
    expect(await unsettled()).toBe(0);
    await other.stop();
  });

  test('loses nothing but what is no task', async () => {
    const tasks = [newTask('well'), newTask('failure'), newTask('well')];
    const answers = Promise.all(tasks.map(answerOf));
    await together('mixed', tasks[0], 7, { ...tasks[0], runId: 'me' }, tasks[1], { ...tasks[1], agent: 'crawler/crawl' }, null, tasks[2]);
    expect(await answers).toMatchObject([{ status: 'succeeded' }, { status: 'failed', failure: { code: 'nothing-to-test' } }, { status: 'succeeded' }]);
    expect(await unsettled()).toBe(0);
  });

  test('is terminated when there is none in it', async () => {
    const advisory = Promise.withResolvers<unknown>();
    const reader = await bus.consume('coordinator-advisories', { batch: 10 }, async (batch) => { for (const message of batch) { await message.ack(); advisory.resolve(message.data); } });
    await together('poison', 7, {});
    expect(await advisory.promise).toMatchObject({ consumer: 'inline-sample-count' });
    await reader.stop();
    expect(await unsettled()).toBe(0);
  });

  test('is answered for a cancelled run at once, also where that waits for a slot', async () => {
    const busy = Array.from({ length: 8 }, () => newTask('wait', { timeLimitMs: 1_000 }));
    const late = newTask('deaf');
    const [begun, ends] = [running(busy[7] as Task), Promise.all(busy.map(answerOf))];
    const cancelled = answerOf(late);
    await together('line', ...busy, late);
    await begun;
    bus.notify(subjects.cancel(late.runId), {});
    expect((await ends).map((result) => result.status === 'failed' && result.failure.code)).toEqual(busy.map(() => 'agent-timeout'));
    expect(await cancelled).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } });
  });

  test('goes to another instance as a whole when the service stops, and what it waits for is done there', async () => {
    const [quick, slow] = [newTask('well'), newTask('wait', { timeLimitMs: 1_500 })];
    const [first, started] = [answerOf(quick), running(slow)];
    await together('handed-back', quick, slow);
    await Promise.all([first, started]);
    await service.stop();
    expect((await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages).toBe(1);
    // The first one is done again; the bus has its answer already, and drops the copy.
    let copies = 0;
    waiting.set(quick.runId, () => { copies++; });
    const rest = answerOf(slow);
    service = await serveAgents('inline-sample', MODULE, config);
    expect(await rest).toMatchObject({ status: 'failed', failure: { code: 'agent-timeout' } });
    expect(copies).toBe(0);
    expect(await unsettled()).toBe(0);
  });
});

test('a service that stops hands its steps to another instance', async () => {
  const task = newTask('wait', { timeLimitMs: 2_000 });
  const [started, result] = [running(task), perform(task)];
  await started;
  await service.stop();
  expect((await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages).toBe(1);
  service = await serveAgents('inline-sample', MODULE, config);
  expect(await result).toMatchObject({ status: 'failed', failure: { code: 'agent-timeout' } });
});

test('a module without the handlers of the contract fails the boot', async () => {
  await expect(serveAgents('inline-sample', new URL('../test/incomplete.agent.ts', import.meta.url).href, config)).rejects.toMatchObject({ code: 'agent-unknown' });
});
