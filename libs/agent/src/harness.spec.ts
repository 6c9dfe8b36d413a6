import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openArtifactStore, type ArtifactStore } from '#artifacts';
import { Bus, provision } from '#bus';
import { loadConfig, type Config } from '#config';
import { AgentContract, registerAgents, Results, subjects, type ArtifactId, type Feature, type Result, type Task } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { serveAgents } from './service.js';

const run = promisify(execFile);
const AGENTS_MODULE = new URL('../test/design.agent.js', import.meta.url).href;
registerAgents({ 'harness-sample/design': AgentContract.parse({ inputs: { feature: { kind: 'feature@1' } }, outputs: { cases: { kind: 'test-cases@1' } }, facts: ['cases', 'leftOut'] }) });
const FEATURE: Feature = {
  kind: 'feature@1', name: 'login', title: 'Login', commit: '0123456789abcdef0123456789abcdef01234567', depth: 'smoke', behaviours: [], existing: [],
  map: { screens: [], behaviours: [] }, leftOut: [],
};

let folder: string;
let nats: TestNats;
let bus: Bus;
let store: ArtifactStore;
let config: Config;
let feature: ArtifactId;
let service: { stop(): Promise<void> };
let results: { stop(): Promise<void> };
const waiting = new Map<string, (result: Result) => void>();
let runs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullwright-harness-'));
  nats = await startNats();
  process.env.MODEL_KEY = 'a secret of the host';
  config = loadConfig({}, { NATS_URL: nats.url, NATS_PASSWORD: 'unused', ARTIFACT_DIR: join(folder, 'artifacts'), CONCURRENCY: '2' });
  bus = await Bus.open({ servers: nats.url, name: 'test' });
  await provision(bus);
  store = openArtifactStore(config);
  feature = await store.put('feature@1', FEATURE);
  results = await bus.consume('coordinator-results', { batch: 10 }, async (batch) => {
    for (const message of batch) {
      await message.ack();
      for (const result of Results.parse(message.data).results) waiting.get(`${result.runId}.${result.attempt}`)?.(result);
    }
  });
  service = await serveAgents('harness-sample', AGENTS_MODULE, config);
});
afterAll(async () => {
  await service.stop();
  await results.stop();
  await bus.close();
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
  delete process.env.MODEL_KEY;
});

function newTask(behaviour: string, changes: Partial<Task> = {}): Task {
  runs += 1;
  return {
    runId: `run_01jabcdefghjkmnpqrstvw${String(runs).padStart(4, '0')}`, stepId: 'design/0', attempt: 1, agent: 'harness-sample/design',
    inputs: { feature }, params: { behaviour }, repository: '/srv/repository', timeLimitMs: 20_000, ...changes,
  };
}

function resultOf(task: Task): Promise<Result> {
  return new Promise((resolve) => { waiting.set(`${task.runId}.${task.attempt}`, resolve); });
}

async function send(task: Task, id = `${task.runId}.${task.attempt}`): Promise<void> {
  await bus.publish(subjects.task(task.agent), task, { id });
}

async function perform(task: Task): Promise<Result> {
  const result = resultOf(task);
  await send(task);
  return result;
}

async function performed(behaviour: string, changes: Partial<Task> = {}): Promise<Result> {
  return perform(newTask(behaviour, changes));
}

async function unacknowledged(): Promise<number> {
  // The result is published before the task is acknowledged: the last ack may be on its way.
  for (let tries = 0; ; tries++) {
    const { num_ack_pending, num_pending } = await bus.manager.consumers.info('PULLWRIGHT_TASKS', 'harness-sample-design');
    if (num_ack_pending + num_pending === 0 || tries === 50) return num_ack_pending + num_pending;
    await sleep(20);
  }
}

test('a task becomes an artifact, a result with its id, and an acknowledged message', async () => {
  const result = await performed('well');
  expect(result).toMatchObject({ status: 'succeeded', agent: 'harness-sample/design', stepId: 'design/0', attempt: 1, facts: { cases: 0, leftOut: 0 } });
  if (result.status !== 'succeeded') return;
  const cases = await store.get('test-cases@1', result.outputs.cases as string);
  expect(cases).toMatchObject({ feature: 'login', title: 'Login' });
  expect(await unacknowledged()).toBe(0);
});

test.each([
  ['exit', 'agent-crashed', 'exit code 3'],
  ['signal', 'agent-crashed', 'signal SIGSEGV'],
  ['rejects', 'agent-crashed', 'exit code 1'],
  ['babble', 'agent-crashed', 'signal SIGKILL'],
  ['throws', 'internal', 'TypeError'],
  ['failure', 'nothing-to-test', 'on purpose'],
  ['shape', 'output-invalid', expect.stringContaining('cases: test-cases@1')],
  ['extra', 'output-invalid', 'no output more'],
  ['facts', 'output-invalid', 'fact leftOut is not a number, a flag or a short word'],
  ['nothing', 'output-invalid', 'what the agent returned is not an object'],
])('an agent that goes wrong (%s) fails the step with %s, and the next task works', async (behaviour, code, detail) => {
  expect(await performed(behaviour)).toMatchObject({ status: 'failed', failure: { code, detail } });
  expect(await performed('well')).toMatchObject({ status: 'succeeded' });
  expect(await unacknowledged()).toBe(0);
});

test('a hung handler is killed at its time limit', async () => {
  const started = performance.now();
  expect(await performed('hang', { timeLimitMs: 700 })).toMatchObject({ status: 'failed', failure: { code: 'agent-timeout', detail: '700 ms' } });
  expect(performance.now() - started).toBeLessThan(8_000);
  expect(await performed('well')).toMatchObject({ status: 'succeeded' });
});

test('a cancelled run is stopped, others go on', async () => {
  const [cancelled, other] = [newTask('wait'), newTask('wait', { timeLimitMs: 4_000 })];
  const outcomes = Promise.all([resultOf(cancelled), resultOf(other)]);
  const running = Promise.all([cancelled, other].map((task) => new Promise<void>((resolve) => { bus.subscribe(subjects.progressOf(task.runId), () => { resolve(); }); })));
  await Promise.all([send(cancelled), send(other)]);
  await running;
  bus.notify(subjects.cancel(cancelled.runId), {});
  expect(await outcomes).toMatchObject([{ failure: { code: 'cancelled' } }, { failure: { code: 'agent-timeout' } }]);
  expect(await unacknowledged()).toBe(0);
});

test('an undo of a cancelled run goes on', async () => {
  const undo = newTask('wait', { stepId: 'design/0~undo', timeLimitMs: 1_500 });
  const outcome = resultOf(undo);
  const running = new Promise<void>((resolve) => { bus.subscribe(subjects.progressOf(undo.runId), () => { resolve(); }); });
  await send(undo);
  await running;
  bus.notify(subjects.cancel(undo.runId), {});
  expect(await outcome).toMatchObject({ failure: { code: 'agent-timeout' } });
});

test('the process sees nothing but the variables it needs, and a folder of its own', async () => {
  const [first, second] = await Promise.all([performed('environment'), performed('environment')]);
  const seen = await Promise.all([first, second].map(async (result) => {
    if (result.status !== 'succeeded') throw new Error(result.failure.code);
    return JSON.parse((await store.get('test-cases@1', result.outputs.cases as string)).title) as { environment: Record<string, string>; folder: string };
  }));
  for (const { environment, folder: own } of seen) {
    const allowed = ['HOME', 'LANG', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'PATH', 'TMPDIR'];
    expect(Object.keys(environment).filter((name) => !allowed.includes(name))).toEqual([]);
    expect(environment.TMPDIR).toBe(own);
    await expect(access(own)).rejects.toMatchObject({ code: 'ENOENT' });
  }
  expect(seen[0]?.folder).not.toBe(seen[1]?.folder);
});

test('progress is seen, thinned out, and only as words and numbers', async () => {
  const task = newTask('progress');
  const seen: unknown[] = [];
  const stop = bus.subscribe(subjects.progressOf(task.runId), (data) => { seen.push(data); });
  await perform(task);
  await bus.health();
  stop();
  const base = { runId: task.runId, stepId: task.stepId, attempt: 1 };
  expect(seen[0]).toEqual({ ...base, phase: 'reading', done: 1, total: 500 });
  expect(seen.slice(-2)).toEqual([{ ...base, phase: 'reading', done: 500, total: 500 }, { ...base, phase: 'writing', done: 1, total: 1 }]);
  expect(seen.length).toBeLessThan(50);
});

test('a task delivered twice runs once', async () => {
  const file = join(folder, 'ran');
  const task = newTask('slow', { params: { behaviour: 'slow', milliseconds: 600, file } });
  const result = resultOf(task);
  await Promise.all([send(task, 'copy-1'), send(task, 'copy-2')]);
  expect(await result).toMatchObject({ status: 'succeeded' });
  expect(await unacknowledged()).toBe(0);
  expect(await readFile(file, 'utf8')).toBe('x');
});

test('what an agent has started ends with it', async () => {
  const file = join(folder, 'pid');
  await performed('grandchild', { params: { behaviour: 'grandchild', file } });
  const pid = Number(await readFile(file, 'utf8'));
  for (let tries = 0; await isRunning(pid) && tries < 100; tries++) await sleep(20);
  expect(await isRunning(pid)).toBe(false);
});

test.each<[string, Partial<Task>, string]>([
  ['an input that is missing', { inputs: {} }, 'bad-request'],
  ['an input that the contract does not have', { inputs: { feature: 'sha256:'.padEnd(71, '0'), constructor: 'sha256:'.padEnd(71, '0') } }, 'bad-request'],
  ['a list where one is asked for', { inputs: { feature: ['sha256:'.padEnd(71, '0')] } }, 'bad-request'],
  ['an input that was never stored', { inputs: { feature: 'sha256:'.padEnd(71, '0') } }, 'artifact-missing'],
])('%s fails the step', async (_what, changes, code) => {
  expect(await performed('well', changes)).toMatchObject({ status: 'failed', failure: { code } });
});

test('an input of another kind is refused', async () => {
  const done = await performed('well');
  if (done.status !== 'succeeded') throw new Error(done.failure.code);
  expect(await performed('well', { inputs: { feature: done.outputs.cases as string } })).toMatchObject({ failure: { code: 'artifact-invalid' } });
});

test('what is no task is terminated, and the advisory says so', async () => {
  const advisory = Promise.withResolvers<unknown>();
  const reader = await bus.consume('coordinator-advisories', { batch: 1 }, async ([message]) => { await message?.ack(); advisory.resolve(message?.data); });
  await bus.publish(subjects.task('harness-sample/design'), { runId: 'run_1', agent: 'crawler/crawl' }, { id: 'poison' });
  expect(await advisory.promise).toMatchObject({ consumer: 'harness-sample-design' });
  await reader.stop();
  expect(await unacknowledged()).toBe(0);
});

test('a service that stops hands its step to another instance', async () => {
  const first = newTask('wait', { timeLimitMs: 3_000 });
  const result = resultOf(first);
  const running = new Promise<void>((resolve) => { bus.subscribe(subjects.progressOf(first.runId), () => { resolve(); }); });
  await send(first);
  await running;
  await service.stop();
  expect((await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages).toBe(1);
  service = await serveAgents('harness-sample', AGENTS_MODULE, config);
  expect(await result).toMatchObject({ status: 'failed', failure: { code: 'agent-timeout' } });
});

test.each([
  ['a handler with a wrong name', 'incomplete.agent.ts', 'agent-unknown'],
  ['a module that cannot be loaded', 'broken.agent.ts', 'agent-crashed'],
])('%s fails the boot', async (_what, file, code) => {
  await expect(serveAgents('harness-sample', new URL(`../test/${file}`, import.meta.url).href, config)).rejects.toMatchObject({ code });
});

/** A process that is dead but that nobody has waited for does not run. */
async function isRunning(pid: number): Promise<boolean> {
  const state = await run('ps', ['-o', 'stat=', '-p', String(pid)]).then(({ stdout }) => stdout.trim(), () => '');
  return state !== '' && !state.startsWith('Z');
}
