import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { openArtifactStore } from '#artifacts';
import { Bus, provision } from '#bus';
import { loadConfig, type Config } from '#config';
import { AgentContract, registerAgents, Results, subjects, type Result, type Task } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { createAgentService } from './service.js';

let folder: string;
let nats: TestNats;
let bus: Bus;
let config: Config;
let app: INestApplication;
let address: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullwright-service-'));
  nats = await startNats();
  bus = await Bus.open({ servers: nats.url, name: 'test' });
  registerAgents({ 'harness-sample/design': AgentContract.parse({ inputs: { feature: { kind: 'feature@1' } }, outputs: { cases: { kind: 'test-cases@1' } }, facts: ['cases', 'leftOut'] }) });
  config = loadConfig({}, { NATS_URL: nats.url, ARTIFACT_DIR: join(folder, 'artifacts'), CONCURRENCY: '1', LOG_LEVEL: 'error' });
  app = await createAgentService('harness-sample', new URL('../test/design.agent.ts', import.meta.url).href, config);
  await app.listen(0, '127.0.0.1');
  address = await app.getUrl();
});
afterEach(async () => {
  await app.close();
  await bus.close();
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
});

async function status(path: string): Promise<number> {
  return (await fetch(`${address}${path}`)).status;
}

test('is alive always, and ready when bus and store take a write', async () => {
  expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 503]);
  await provision(bus);
  expect(await status('/health/ready')).toBe(200);

  await rename(config.ARTIFACT_DIR, `${config.ARTIFACT_DIR}.gone`);
  await writeFile(config.ARTIFACT_DIR, '');
  expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 503]);
});

test('finishes the step it works on when it is told to stop', async () => {
  await provision(bus);
  const feature = await openArtifactStore(config).put('feature@1', {
    kind: 'feature@1', name: 'login', title: 'Login', commit: '0123456789abcdef0123456789abcdef01234567', depth: 'smoke', behaviours: [], existing: [], map: { screens: [], behaviours: [] }, leftOut: [],
  });
  const task: Task = {
    runId: 'run_01jabcdefghjkmnpqrstvwxyz0', stepId: 'design', attempt: 1, agent: 'harness-sample/design', inputs: { feature },
    params: { behaviour: 'slow', milliseconds: 800, file: join(folder, 'ran') }, repository: '/srv/repository', timeLimitMs: 10_000,
  };
  const result = Promise.withResolvers<Result>();
  const reader = await bus.consume('coordinator-results', { batch: 1 }, async ([message]) => { await message?.ack(); result.resolve(Results.parse(message?.data).results[0] as Result); });
  const running = new Promise<void>((resolve) => { bus.subscribe(subjects.progressOf(task.runId), () => { resolve(); }); });
  await bus.publish(subjects.task(task.agent), task, { id: 'task' });
  await running;
  await app.close();
  expect(await result.promise).toMatchObject({ status: 'succeeded' });
  expect((await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages).toBe(0);
  await reader.stop();
});
