import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ArtifactStore, diskBlobs } from '#artifacts';
import { Bus, itemsIn, provision } from '#bus';
import { loadConfig } from '#config';
import { subjects, type CommandReply, type Quota, type StartRun } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { createGateway } from './gateway.module.js';
import { settingsOf } from './gateway-settings.js';
import { Problem } from './problem.js';
import { RunBatch } from './responses.js';

/** The gateway on a real NATS; the coordinator's place is taken by these answers. */
let nats: TestNats;
let far: Bus;
let app: NestExpressApplication;
let url: string;
let folder: string;
let stops: Array<() => Promise<void>>;
const asked: Array<{ name: string; data: unknown }> = [];
let reply: (start: StartRun) => CommandReply;

beforeAll(async () => {
  nats = await startNats();
  far = await Bus.open({ servers: nats.url, name: 'coordinator' });
  await provision(far);
  folder = await mkdtemp(join(tmpdir(), 'pullwright-gateway-'));
  app = await createGateway(await Bus.open({ servers: nats.url, name: 'gateway' }), new ArtifactStore(diskBlobs(folder)), { ...settingsOf(loadConfig({})), timing: { answerMs: 2_000, heartbeatMs: 200 } });
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  const stopAnswering = far.respond(subjects.allQueries, async (name, data) => {
    asked.push({ name, data });
    return name === 'list-limits' ? { ok: true, items: [LIMIT] } : { ok: true, item: data };
  });
  const reader = await far.consume('coordinator-commands', { batch: 100 }, async (messages) => {
    for (const message of messages) {
      const isShared = message.subject.endsWith('.start-runs');
      if (message.replyTo) far.reply(message.replyTo, isShared ? { replies: itemsIn(message.data, 'starts').map((start) => reply(start as StartRun)) } : reply(message.data as StartRun));
      message.ackLater();
    }
  });
  stops = [stopAnswering, async () => reader.stop()];
  await far.health();
});
afterAll(async () => {
  await app.close();
  await Promise.all(stops.map(async (stop) => stop()));
  await far.close();
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => { asked.length = 0; });

const LIMIT = { kind: 'runs-per-repository', key: '/srv/a b', max: 5, windowSeconds: 60 };
const QUOTAS: Quota[] = [
  { kind: 'runs-per-user', max: 10, windowSeconds: 3_600, remaining: 4, resetSeconds: 1_800.2 },
  { kind: 'runs-per-repository', max: 5, windowSeconds: 60, remaining: 0, resetSeconds: 12.01 },
];
const REFUSED: CommandReply = { ok: false, failure: { code: 'rate-limited', detail: 'runs-per-repository' }, retryAfterSeconds: 12.01, quotas: QUOTAS };
const send = (method: string, path: string, body?: unknown) =>
  fetch(url + path, { method, headers: { 'content-type': 'application/json' }, ...body === undefined ? {} : { body: JSON.stringify(body) } });

describe('a start that a window concerns', () => {
  it('is told what is left', async () => {
    reply = ({ runId }) => ({ ok: true, runId, repeated: false, quotas: QUOTAS });
    const response = await send('POST', '/api/v1/runs', { repository: '/repo' });
    expect(response.status).toBe(202);
    expect(response.headers.get('ratelimit-policy')).toBe('"runs-per-user";q=10;w=3600, "runs-per-repository";q=5;w=60');
    expect(response.headers.get('ratelimit')).toBe('"runs-per-user";r=4;t=1801, "runs-per-repository";r=0;t=13');
    expect(Object.keys(await response.json() as object)).toEqual(['runId', 'status', 'repeated']);
  });

  it('is refused with the time to come back', async () => {
    reply = () => REFUSED;
    const response = await send('POST', '/api/v1/runs', { repository: '/repo' });
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('13');
    expect(response.headers.get('ratelimit')).toContain('"runs-per-repository";r=0;t=13');
    expect(Problem.parse(await response.json())).toMatchObject({ status: 429, code: 'rate-limited', detail: 'runs-per-repository', retryAfterSeconds: 13 });
  });

  it('is refused in a batch alone, and the whole batch where nothing has started', async () => {
    reply = ({ runId, repository }) => repository === '/full' ? REFUSED : { ok: true, runId, repeated: false };
    const some = await send('POST', '/api/v1/run-batches', { runs: [{ repository: '/full' }, { repository: '/repo' }] });
    expect([some.status, RunBatch.parse(await some.json()).runs]).toMatchObject([202, [{ problem: { status: 429, retryAfterSeconds: 13 } }, { status: 'started' }]]);
    const none = await send('POST', '/api/v1/run-batches', { runs: [{ repository: '/full' }, { repository: '/full' }] });
    expect([none.status, none.headers.get('retry-after')]).toEqual([429, '13']);
  });

  it('has no such headers without a window', async () => {
    reply = ({ runId }) => ({ ok: true, runId, repeated: false });
    const response = await send('POST', '/api/v1/runs', { repository: '/repo' });
    expect([...response.headers.keys()].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  });
});

describe('limits', () => {
  it('are listed', async () => {
    expect(await (await send('GET', '/api/v1/limits')).json()).toEqual({ items: [LIMIT] });
  });

  it('are set and removed by kind and key', async () => {
    const path = `/api/v1/limits/${LIMIT.kind}/${encodeURIComponent(LIMIT.key)}`;
    const set = await send('PUT', path, { max: 5, windowSeconds: 60 });
    expect([set.status, await set.json()]).toEqual([200, LIMIT]);
    expect((await send('DELETE', path)).status).toBe(204);
    expect(asked).toEqual([{ name: 'set-limit', data: LIMIT }, { name: 'remove-limit', data: { kind: LIMIT.kind, key: LIMIT.key } }]);
  });

  it.each([
    ['an unknown kind', 'runs-per-moon/x', { max: 1 }, 'kind'],
    ['a window without its length', 'runs-per-user/x', { max: 1 }, 'windowSeconds'],
    ['a length without a window', 'concurrency-per-tenant/x', { max: 1, windowSeconds: 5 }, 'windowSeconds'],
    ['less than nothing', 'concurrency-per-tenant/x', { max: -1 }, 'max'],
  ])('refuse %s', async (_, path, body, field) => {
    const response = await send('PUT', `/api/v1/limits/${path}`, body);
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'bad-request', errors: [{ field }] }]);
    expect(asked).toEqual([]);
  });
});
