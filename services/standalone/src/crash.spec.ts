import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Bus } from '#bus';
import { childEnvironment } from '#config';
import { eventsOf, subjects, type RunView, type StepView, type Told } from '#contracts';
import { exampleFiles, gitRepository, startNats, startPostgres, type TestNats, type TestPostgres, type TestRepository } from '#testing';

/**
 * Every service as a process of its own, each killed with SIGKILL in the middle of one run and started again: the run
 * still ends with one branch, one commit and one pull request. Runs the build, as a deployment does.
 */
const ROOT = new URL('../../../', import.meta.url).pathname;
const SERVICES = ['coordinator', 'crawler', 'case-generator', 'engineer', 'pr-publisher', 'gateway'] as const;
type Service = (typeof SERVICES)[number];

let nats: TestNats;
let postgres: TestPostgres;
let repository: TestRepository;
let store: string;
let bus: Bus;
let environment: Record<string, string>;
const ports = {} as Record<Service, number>;
const processes = new Map<Service, ChildProcess>();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function start(service: Service): void {
  const child = spawn(process.execPath, [join(ROOT, `dist/services/${service}/src/main.js`)], {
    env: { ...environment, PORT: String(ports[service]), HEALTH_PORT: String(ports[service]) }, stdio: ['ignore', 'ignore', 'inherit'],
  });
  processes.set(service, child);
}

async function kill(service: Service): Promise<void> {
  const child = processes.get(service) as ChildProcess;
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${service} ended by itself (${child.exitCode ?? child.signalCode})`);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function ready(service: Service): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`http://127.0.0.1:${ports[service]}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(`${service} does not become ready`);
}

const get = async <T>(path: string): Promise<T> => (await fetch(`http://127.0.0.1:${ports.gateway}/api/v1/${path}`)).json() as Promise<T>;

beforeAll(async () => {
  [nats, postgres, store, repository] = await Promise.all([startNats(), startPostgres(), mkdtemp(join(tmpdir(), 'pullwright-store-')), exampleFiles('site').then(gitRepository)]);
  environment = { ...childEnvironment(), NATS_URL: nats.url, DATABASE_URL: postgres.url, ARTIFACT_DIR: store, LOG_LEVEL: 'error' };
  const cli = (command: string) => promisify(execFile)(process.execPath, [join(ROOT, 'dist/services/cli/src/main.js'), command], { env: environment });
  await cli('migrate');
  await cli('provision');
  for (const service of SERVICES) ports[service] = await freePort();
  for (const service of SERVICES) start(service);
  await Promise.all(SERVICES.map(ready));
  bus = await Bus.open({ servers: nats.url, name: 'crash-test' });
}, 120_000);

afterAll(async () => {
  await bus?.close();
  await Promise.all([...processes.keys()].map(kill));
  await Promise.all([nats.remove(), postgres.stop(), repository.remove(), rm(store, { recursive: true, force: true })]);
});

test('each service killed in turn: one run, one branch, one commit, one pull request', async () => {
  const before = await repository.git('rev-parse', 'HEAD');
  const victims = new Map<string, Service>([['crawl', 'crawler'], ['design/0', 'case-generator'], ['write', 'engineer'], ['publish', 'pr-publisher']]);
  const killed: Service[] = [];
  const restarts: Array<Promise<void>> = [];
  const restart = async (service: Service) => {
    await kill(service);
    killed.push(service);
    start(service);
    await ready(service);
  };
  let ended = Promise.withResolvers<void>();
  bus.subscribe(subjects.told, (data) => {
    for (const { type, stepId = '' } of (data as Told).told.flatMap(eventsOf)) {
      if (/^run-(succeeded|failed|cancelled)$/.test(type)) ended.resolve();
      const victim = type === 'step-dispatched' ? victims.get(stepId) : undefined;
      if (!victim) continue;
      victims.delete(stepId);
      restarts.push(restart(victim));
      // While the task waits to be delivered again, those who wait for its result die as well.
      if (victim === 'case-generator') restarts.push(restart('coordinator'), restart('gateway'));
    }
  });
  const response = await fetch(`http://127.0.0.1:${ports.gateway}/api/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ repository: repository.path }) });
  expect(response.status).toBe(202);
  const { runId } = await response.json() as { runId: string };
  await ended.promise;
  await Promise.all(restarts);

  expect(killed.sort()).toEqual([...SERVICES].sort());
  const steps = (await get<{ items: StepView[] }>(`runs/${runId}/steps`)).items;
  expect(await get<RunView>(`runs/${runId}`)).toMatchObject({ status: 'succeeded' });
  expect(steps.find(({ stepId }) => stepId === 'publish')?.facts).toMatchObject({ branch: 'pullwright/tests' });
  expect((await repository.git('for-each-ref', '--format=%(refname)', 'refs/heads')).split('\n')).toEqual(['refs/heads/main', 'refs/heads/pullwright/tests']);
  expect(await repository.git('rev-list', '--count', `${before}..pullwright/tests`)).toBe('1');
  expect(await repository.git('rev-parse', 'HEAD')).toBe(before);
  expect(await repository.git('status', '--porcelain')).toBe('');
  expect(await repository.git('fsck', '--strict', '--no-dangling')).toBe('');

  // Started again on the same commit, it finds the same tree and opens nothing.
  ended = Promise.withResolvers<void>();
  await fetch(`http://127.0.0.1:${ports.gateway}/api/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ repository: repository.path }) });
  await ended.promise;
  expect(await repository.git('rev-list', '--count', `${before}..pullwright/tests`)).toBe('1');
}, 300_000);
