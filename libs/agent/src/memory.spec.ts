import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactStore, diskBlobs } from '#artifacts';
import { Bus, provision } from '#bus';
import { loadConfig } from '#config';
import { AgentContract, registerAgents, Results, subjects, type ArtifactId, type Feature, type Result, type Task } from '#contracts';
import { gitRepository, startNats, type TestNats, type TestRepository } from '#testing';
import { Memory } from './memory.js';
import { serveAgents } from './service.js';

const MODULE = new URL('../test/memo.agent.ts', import.meta.url).href;
const slots = { inputs: { feature: { kind: 'feature@1' } }, outputs: { cases: { kind: 'test-cases@1' } }, facts: ['ran'] };
const READS = AgentContract.parse({ ...slots, memo: { commit: true } });
registerAgents({ 'memo-sample/think': AgentContract.parse({ ...slots, memo: {} }), 'memo-sample/read': READS, 'memo-sample/act': AgentContract.parse(slots), 'memo-sample/blind': AgentContract.parse({ ...slots, memo: { params: ['file'] } }) });

const FEATURE: Feature = {
  kind: 'feature@1', name: 'login', title: 'Login', commit: '0123456789abcdef0123456789abcdef01234567', depth: 'smoke', behaviours: [], existing: [],
  map: { screens: [], behaviours: [] }, leftOut: [],
};

let folder: string;
let nats: TestNats;
let bus: Bus;
let store: ArtifactStore;
let feature: ArtifactId;
let repository: TestRepository;
let stops: Array<() => Promise<void>>;
const waiting = new Map<string, (result: Result) => void>();
let count = 0;

beforeAll(async () => {
  [folder, nats, repository] = await Promise.all([mkdtemp(join(tmpdir(), 'pullwright-memory-')), startNats(), gitRepository({ 'a.html': 'a' })]);
  const config = loadConfig({}, { NATS_URL: nats.url, ARTIFACT_DIR: join(folder, 'artifacts'), CONCURRENCY: '1' });
  bus = await Bus.open({ servers: nats.url, name: 'test' });
  await provision(bus);
  store = new ArtifactStore(diskBlobs(config.ARTIFACT_DIR));
  feature = await store.put('feature@1', FEATURE);
  const results = await bus.consume('coordinator-results', { batch: 1 }, async ([message]) => { await message?.ack(); for (const result of Results.parse(message?.data).results) waiting.get(result.runId)?.(result); });
  const service = await serveAgents('memo-sample', MODULE, config);
  stops = [() => service.stop(), () => results.stop(), () => bus.close(), () => nats.remove(), () => repository.remove(), () => rm(folder, { recursive: true, force: true })];
}, 60_000);
afterAll(async () => { for (const stop of stops) await stop(); });

/** A file of its own for each test, to which the handlers add a line for each time that they run. */
let file: string;
beforeEach(() => { file = join(folder, `ran-${count}`); });
const ran = async (): Promise<number> => (await readFile(file, 'utf8').catch(() => '')).length;

function newTask(agent: string, changes: Partial<Task> = {}): Task {
  return { runId: `run_01jabcdefghjkmnpqrstvw${String(++count).padStart(4, '0')}`, stepId: 'a', attempt: 1, agent, inputs: { feature }, params: { file }, repository: repository.path, timeLimitMs: 20_000, ...changes };
}

async function perform(agent: string, changes: Partial<Task> = {}): Promise<Extract<Result, { status: 'succeeded' }>> {
  const task = newTask(agent, changes);
  const result = new Promise<Result>((resolve) => { waiting.set(task.runId, resolve); });
  await bus.publish(subjects.task(agent), task, { id: task.runId });
  const done = await result;
  if (done.status !== 'succeeded') throw new Error(`${done.failure.code} ${done.failure.detail}`);
  return done;
}

test('a step that is given the same reuses what was made, and tells what that saved', async () => {
  const first = await perform('memo-sample/think');
  expect(first.reused).toBeUndefined();
  const second = await perform('memo-sample/think', { repository: '/another/one', ref: 'other' });
  expect(second).toMatchObject({ outputs: first.outputs, facts: first.facts, reused: { savedMs: expect.any(Number) } });
  expect(second.reused?.savedMs).toBeGreaterThan(0);
  expect(second.durationMs + (second.reused?.savedMs ?? 0)).toBeGreaterThanOrEqual(200);
  expect(await ran()).toBe(1);
});

test('another parameter or another input is not the same', async () => {
  const other = await store.put('feature@1', { ...FEATURE, title: 'Logout' });
  await perform('memo-sample/think');
  await perform('memo-sample/think', { params: { file, depth: 'deep' } });
  await perform('memo-sample/think', { inputs: { feature: other } });
  expect(await ran()).toBe(3);
});

test('a parameter that the agent is not given makes no difference', async () => {
  const first = await perform('memo-sample/blind', { params: { file, depth: 'smoke' } });
  expect(first.facts).toEqual({ ran: 1 });
  expect((await perform('memo-sample/blind', { params: { file, depth: 'deep' } })).reused).toBeDefined();
});

test('without the cache it is carried out, and found by the next', async () => {
  expect((await perform('memo-sample/think', { cache: false })).reused).toBeUndefined();
  expect((await perform('memo-sample/think', { cache: false })).reused).toBeUndefined();
  expect((await perform('memo-sample/think')).reused).toBeDefined();
  expect(await ran()).toBe(2);
});

test('an agent with an effect outside is always carried out', async () => {
  await perform('memo-sample/act');
  await perform('memo-sample/act');
  expect(await ran()).toBe(2);
});

test('an agent that reads the repository is carried out once for each commit, whatever names it', async () => {
  await perform('memo-sample/read');
  expect((await perform('memo-sample/read', { ref: 'main' })).reused).toBeDefined();
  const before = await repository.head();
  await repository.commit({ 'a.html': 'b' });
  expect((await perform('memo-sample/read')).reused).toBeUndefined();
  await repository.git('branch', 'old', before);
  // The branch is part of what such an agent sees.
  expect((await perform('memo-sample/read', { ref: 'old' })).reused).toBeUndefined();
  expect((await perform('memo-sample/read', { ref: 'old' })).reused).toBeDefined();
  expect(await ran()).toBe(3);
});

test('what was read while the branch moved is not kept', async () => {
  await perform('memo-sample/read', { params: { file, moves: true } });
  expect(await ran()).toBe(1);
  await perform('memo-sample/read', { params: { file, moves: true } });
  expect(await ran()).toBe(2);
});

test('a repository that cannot be read is the agent’s to tell', async () => {
  await perform('memo-sample/read', { repository: '/nowhere' });
  await perform('memo-sample/read', { repository: '/nowhere' });
  expect(await ran()).toBe(2);
});

test('damaged or missing artifacts are made again', async () => {
  const first = await perform('memo-sample/think');
  const hex = (first.outputs['cases'] as string).slice('sha256:'.length);
  const path = join(folder, 'artifacts/artifacts/sha256', hex.slice(0, 2), hex.slice(2, 4), hex);
  await rm(path);
  expect((await perform('memo-sample/think')).reused).toBeUndefined();
  expect((await perform('memo-sample/think')).reused).toBeDefined();
  expect(await ran()).toBe(2);
});

test('too old does not count, and a changed program finds nothing', async () => {
  const task = newTask('memo-sample/read');
  const memory = (agentsModuleUrl: string, maxAgeDays: number) => new Memory({ store, agentsModuleUrl, maxAgeDays, forges: loadConfig({}) });
  const key = await memory(MODULE, 7).keyOf(task, READS) as string;
  await store.memos.write(key, { outputs: {}, facts: {}, durationMs: 1, runId: task.runId, at: new Date(Date.now() - 2 * 86_400_000).toISOString() });
  expect(await memory(MODULE, 3).recall(key)).toBeDefined();
  expect(await memory(MODULE, 1).recall(key)).toBeUndefined();
  expect(await memory(new URL('../src/index.ts', import.meta.url).href, 7).keyOf(task, READS)).not.toBe(key);
  expect(await memory(MODULE, 0).keyOf(task, READS)).toBeUndefined();
});
