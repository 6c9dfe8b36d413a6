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
  config = loadConfig({}, { NATS_URL: nats.url, ARTIFACT_DIR: join(folder, 'artifacts'), CONCURRENCY: '64' });
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
