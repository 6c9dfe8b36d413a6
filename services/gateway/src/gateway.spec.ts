import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ArtifactStore, compareBundle, diskBlobs, readBundle } from '#artifacts';
import { Bus, itemsIn, provision } from '#bus';
import { loadConfig } from '#config';
import { CommandReply, Failure, RunBundle, RunEvent, RunView, type RunEvents, StartRun, subjects } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { createGateway } from './gateway.module.js';
import { settingsOf } from './gateway-settings.js';
import { RunBatch } from './responses.js';
import { newRunId } from './run-id.js';

/** The gateway on a real NATS. The coordinator's place is taken by whatever the test answers on the bus. */
let nats: TestNats;
let far: Bus;
let app: NestExpressApplication;
let url: string;
let folder: string;
let store: ArtifactStore;

const run = (runId: string, more: Partial<RunView> = {}): RunView => ({
  runId, pipeline: 'test-generation', pipelineVersion: 1, repository: '/repo', params: {}, status: 'running', requestedBy: 'rest', createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z', ...more,
});
const event = (runId: string, seq: number, type: RunEvent['type'] = 'step-dispatched'): RunEvent => ({ runId, seq, type, at: '2026-01-01T00:00:00Z' });

beforeAll(async () => {
  nats = await startNats();
  far = await Bus.open({ servers: nats.url, name: 'coordinator' });
  await provision(far);
  folder = await mkdtemp(join(tmpdir(), 'pullwright-gateway-'));
  store = new ArtifactStore(diskBlobs(folder));
  app = await createGateway(await Bus.open({ servers: nats.url, name: 'gateway' }), store, { ...settingsOf(loadConfig({})), timing: { answerMs: 300, heartbeatMs: 200 } });
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(async () => {
  await app.close();
  await far.close();
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
});

let stops: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

const known = (schedule: Record<string, unknown>) => ({ ...schedule, createdAt: '2026-01-01T00:00:00Z', nextAt: '2026-01-01T00:00:00Z' });

/** Answers queries by name until the end of the test. */
async function answer(queries: Record<string, (data: Record<string, unknown>) => unknown>): Promise<void> {
  stops.push(far.respond(subjects.allQueries, async (name, data) => {
    const handler = queries[name];
    if (!handler) throw new Failure('internal', `the test does not answer ${name}`);
    return handler(data as Record<string, unknown>);
  }));
  // A round trip on the same connection: the server knows the subscription now.
  await far.health();
}

/** Starts that share a message are answered one by one, together. */
async function obey(reply: (name: string, data: unknown) => CommandReply): Promise<void> {
  const reader = await far.consume('coordinator-commands', { batch: 500 }, async (batch) => {
    for (const message of batch) {
      const name = message.subject.split('.').at(-1) as string;
      const answer = name === 'start-runs' ? { replies: itemsIn(message.data, 'starts').map((start) => reply('start-run', start)) } : reply(name, message.data);
      if (message.replyTo) far.reply(message.replyTo, answer);
      message.ackLater();
    }
  });
  stops.push(() => reader.stop());
}

const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });

async function problem(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = await response.json() as Record<string, unknown>;
  expect(body).toMatchObject({ type: expect.stringMatching(/^https:\/\/pullwright\.dev\/problems\/[a-z0-9-]+$/), title: expect.any(String), status: response.status });
  return body;
}

describe('every error is problem details', () => {
  it.each([
    ['an unknown route', () => fetch(`${url}/nowhere`), 404, 'unknown-route'],
    ['an unknown method', () => fetch(`${url}/api/v1/runs`, { method: 'DELETE' }), 404, 'unknown-route'],
    ['a path that is no UTF-8', () => fetch(`${url}/api/v1/runs/%ff`), 400, 'malformed-request'],
    ['a body that is no JSON', () => post('/api/v1/runs', '{"repository":'), 400, 'malformed-request'],
    ['a body that is too large', () => post('/api/v1/runs', { repository: 'x'.repeat(100_000) }), 413, 'body-too-large'],
    ['a body in an unknown encoding', () => post('/api/v1/runs', '{}', { 'content-encoding': 'rot13' }), 415, 'unsupported-encoding'],
    ['an answer nobody can give', async () => { const runId = newRunId(); await answer({ 'get-run': () => ({ ok: true, item: run(runId) }) }); return fetch(`${url}/api/v1/runs/${runId}/events`, { headers: { accept: 'image/png' } }); }, 406, 'not-acceptable'],
    ['an id that is none', () => fetch(`${url}/api/v1/runs/run_1`), 400, 'bad-request'],
    ['an artifact that is not there', () => fetch(`${url}/api/v1/artifacts/sha256:${'0'.repeat(64)}`), 404, 'artifact-missing'],
    ['a coordinator that is away', () => fetch(`${url}/api/v1/runs`), 503, 'bus-unavailable'],
  ])('%s', async (_, request, status, type) => {
    const response = await request();
    expect(response.status).toBe(status);
    expect((await problem(response))['type']).toBe(`https://pullwright.dev/problems/${type}`);
  });

  it('names each wrong field, what is wrong and what to do', async () => {
    const body = await problem(await post('/api/v1/runs', { repository: './here', approval: 'yes', surprise: 1 }));
    expect(body).toMatchObject({ status: 400, code: 'bad-request' });
    const errors = body['errors'] as Array<{ field: string; message: string; remedy: string }>;
    expect(errors.map(({ field }) => field).toSorted()).toEqual(['', 'approval', 'repository']);
    for (const { message, remedy } of errors) expect([message.length > 0, remedy.length > 0]).toEqual([true, true]);
  });

  it.each([['--upload-pack=x'], ['a b'], ['a\u0000b'], ['']])('refuses the ref %j', async (ref) => {
    expect(await problem(await post('/api/v1/runs', { repository: '/repo', ref }))).toMatchObject({ status: 400, errors: [{ field: 'ref' }] });
  });

  it('refuses credentials in an address', async () => {
    const response = await post('/api/v1/runs', { repository: 'https://user:secret@example.com/x.git' });
    expect(JSON.stringify(await problem(response))).not.toContain('secret');
    expect(response.status).toBe(400);
  });

  it.each([
    ['unknown-run', 404], ['wrong-state', 409], ['idempotency-mismatch', 422], ['unknown-pipeline', 404], ['database-unavailable', 503], ['internal', 500],
  ] as const)('%s of the coordinator is %i', async (code, status) => {
    await obey(() => ({ ok: false, failure: { code, detail: 'inner words' } }));
    const response = await post(`/api/v1/runs/${newRunId()}/cancel`);
    expect(response.status).toBe(status);
    expect(await problem(response)).toMatchObject({ code, type: `https://pullwright.dev/problems/${code}` });
    expect(response.headers.has('retry-after')).toBe(status === 503);
  });

  it('keeps the detail of its own faults to itself', async () => {
    await obey(() => ({ ok: false, failure: { code: 'internal', detail: 'password of the database' } }));
    expect(JSON.stringify(await problem(await post(`/api/v1/runs/${newRunId()}/cancel`)))).not.toContain('password');
  });

  it('says when to come back after too many runs', async () => {
    await obey(() => ({ ok: false, failure: { code: 'rate-limited' }, retryAfterSeconds: 90 }));
    const response = await post('/api/v1/runs', { repository: '/repo' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '90']);
  });
});

describe('starting a run', () => {
  it('starts one again with what the earlier one had', async () => {
    const earlier = newRunId();
    const commands: StartRun[] = [];
    await answer({ 'get-run': () => ({ ok: true, item: run(earlier, { ref: 'main', params: { depth: 'deep' }, pipeline: 'mine' }) }) });
    await obey((_, data) => { const command = StartRun.parse(data); commands.push(command); return { ok: true, runId: command.runId, repeated: false }; });
    const response = await post(`/api/v1/runs/${earlier}/rerun`, undefined, { 'idempotency-key': 'again' });
    expect(response.status).toBe(202);
    const [command] = commands;
    expect(command).toMatchObject({ pipeline: 'mine', repository: '/repo', ref: 'main', params: { depth: 'deep' }, idempotency: { key: 'again' } });
    expect(command?.runId).not.toBe(earlier);
    expect(response.headers.get('location')).toBe(`/api/v1/runs/${command?.runId}`);
  });

  it('stores a command and answers from the reply', async () => {
    const commands: StartRun[] = [];
    await obey((_, data) => { commands.push(StartRun.parse(data)); return { ok: true, runId: commands[0]?.runId as string, repeated: false }; });
    const response = await post('/api/v1/runs', { repository: '/repo', ref: 'main', depth: 'smoke', params: { extra: 1 } });
    const body = await response.json() as { runId: string };
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe(`/api/v1/runs/${body.runId}`);
    expect(body).toEqual({ runId: commands[0]?.runId, status: 'started', repeated: false });
    expect(commands).toEqual([{ runId: body.runId, pipeline: 'test-generation', repository: '/repo', ref: 'main', params: { extra: 1, depth: 'smoke' }, requestedBy: 'rest' }]);
  });

  it('answers with what is durable when the coordinator is away; it is carried out when it is back', async () => {
    const response = await post('/api/v1/runs', { repository: '/later' });
    expect(response.status).toBe(202);
    const { runId, status } = await response.json() as { runId: string; status: string };
    expect(status).toBe('stored');
    const seen = new Promise<unknown>((resolve) => { void obey((_, data) => { resolve(data); return { ok: true, runId, repeated: false }; }); });
    expect(await seen).toMatchObject({ runId, repository: '/later' });
  });

  it('sends key and hash; equal requests have equal hashes however they are written', async () => {
    const seen: StartRun[] = [];
    await obey((_, data) => { seen.push(StartRun.parse(data)); return { ok: true, runId: seen[0]?.runId as string, repeated: seen.length > 1 }; });
    const headers = { 'idempotency-key': 'key-1' };
    await post('/api/v1/runs', { repository: '/repo', params: { a: 1, b: 2 } }, headers);
    const again = await post('/api/v1/runs', '{"params":{"b":2,"a":1},  "repository":"/repo","pipeline":"test-generation"}', headers);
    await post('/api/v1/runs', { repository: '/other' }, headers);
    expect(await again.json()).toMatchObject({ runId: seen[0]?.runId, repeated: true });
    expect(seen.map(({ idempotency }) => idempotency?.key)).toEqual(['key-1', 'key-1', 'key-1']);
    expect(seen[1]?.idempotency?.requestHash).toBe(seen[0]?.idempotency?.requestHash);
    expect(seen[2]?.idempotency?.requestHash).not.toBe(seen[0]?.idempotency?.requestHash);
  });

  it('names no run for a key that only the coordinator can judge', async () => {
    const response = await post('/api/v1/runs', { repository: '/repo' }, { 'idempotency-key': 'key-2' });
    expect(response.status).toBe(503);
    expect((await problem(response))['detail']).toContain('same Idempotency-Key');
    await obey((_, data) => ({ ok: true, runId: (data as StartRun).runId, repeated: false }));
  });

  it('starts many with one request, each as one of its own, in order', async () => {
    const seen: StartRun[] = [];
    await obey((_, data) => {
      const command = StartRun.parse(data);
      seen.push(command);
      return command.repository === '/refused' ? { ok: false, failure: { code: 'unknown-pipeline', detail: 'none' } } : { ok: true, runId: command.runId, repeated: false };
    });
    // Together more than the body of a single run may be.
    const runs = Array.from({ length: 80 }, (_, index) => ({ repository: index === 7 ? '/refused' : `/${'r'.repeat(1_000)}/${index}`, depth: 'smoke' }));
    const response = await post('/api/v1/run-batches', { runs });
    expect(response.status).toBe(202);
    const { runs: entries } = RunBatch.parse(await response.json());
    const started = new Map(seen.map((command) => [command.repository, command.runId]));
    expect(entries.map((entry, index) => 'problem' in entry ? [entry.problem.status, entry.problem.code] : [entry.status, entry.runId === started.get(runs[index]?.repository as string)]))
      .toEqual(runs.map((_, index) => index === 7 ? [404, 'unknown-pipeline'] : ['started', true]));
    expect(seen.find(({ repository }) => repository === runs[0]?.repository)?.params).toEqual({ depth: 'smoke' });
  });

  it('tells of a batch that came through in parts what became of each run', async () => {
    let messages = 0;
    const reader = await far.consume('coordinator-commands', { batch: 500 }, async (batch) => {
      for (const message of batch) {
        const starts = itemsIn(message.data, 'starts') as StartRun[];
        // The first message is answered, the second has a refusal in it, and nobody answers the others.
        if (message.replyTo && ++messages <= 2) far.reply(message.replyTo, { replies: starts.map(({ runId }, index) => (messages === 2 && index === 1 ? { ok: false, failure: { code: 'rate-limited' } } : { ok: true, runId, repeated: false })) });
        message.ackLater();
      }
    });
    stops.push(() => reader.stop());
    const runs = Array.from({ length: 160 }, () => ({ repository: '/repo' }));
    const response = await post('/api/v1/run-batches', { runs });
    const entries = RunBatch.parse(await response.json()).runs.map((entry) => ('problem' in entry ? entry.problem.status : entry.status));
    expect([response.status, messages, entries.length]).toEqual([202, 4, 160]);
    expect(['started', 'stored', 429].map((status) => entries.filter((entry) => entry === status).length)).toEqual([99, 60, 1]);
  });

  it('refuses of a batch a run that is too large for the bus, and starts the others', async () => {
    await obey((_, data) => ({ ok: true, runId: (data as StartRun).runId, repeated: false }));
    const params = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, 'x'.repeat(250)]));
    const response = await post('/api/v1/run-batches', { runs: [{ repository: '/a' }, { repository: '/b', params }, { repository: '/c' }] });
    const { runs } = RunBatch.parse(await response.json());
    expect(runs).toMatchObject([{ status: 'started' }, { problem: { status: 413, code: 'message-too-large' } }, { status: 'started' }]);
  });

  it('gives each run of a batch a key of its own, which is the same again', async () => {
    const seen: StartRun[] = [];
    await obey((_, data) => { const command = StartRun.parse(data); seen.push(command); return { ok: true, runId: command.runId, repeated: false }; });
    const headers = { 'idempotency-key': 'k'.repeat(200) };
    for (let tries = 0; tries < 2; tries++) expect((await post('/api/v1/run-batches', { runs: [{ repository: '/twice' }, { repository: '/twice' }] }, headers)).status).toBe(202);
    const keys = seen.filter(({ repository }) => repository === '/twice').map(({ idempotency }) => idempotency?.key ?? '');
    expect([keys.length, new Set(keys).size]).toEqual([4, 2]);
    expect(keys.slice(2).toSorted()).toEqual(keys.slice(0, 2).toSorted());
  });

  it('stores a batch for a coordinator that is away', async () => {
    const response = await post('/api/v1/run-batches', { runs: [{ repository: '/later/1' }, { repository: '/later/2' }] });
    expect([response.status, RunBatch.parse(await response.json()).runs]).toMatchObject([202, [{ status: 'stored' }, { status: 'stored' }]]);
    expect(await problem(await post('/api/v1/run-batches', { runs: [{ repository: '/later/3' }] }, { 'idempotency-key': 'away' }))).toMatchObject({ status: 503 });
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    await obey((_, data) => { const { runId, repository } = data as StartRun; if (repository.startsWith('/later/') && heard.push(repository) === 3) all.resolve(); return { ok: true, runId, repeated: false }; });
    await all.promise;
    expect(heard.toSorted()).toEqual(['/later/1', '/later/2', '/later/3']);
  });

  it('starts none of a batch with one that is not valid, none of an empty one, and not more than 500', async () => {
    expect(await problem(await post('/api/v1/run-batches', { runs: [{ repository: '/a' }, { repository: './b' }] }))).toMatchObject({ status: 400, errors: [{ field: 'runs.1.repository' }] });
    expect(await problem(await post('/api/v1/run-batches', { runs: [] }))).toMatchObject({ status: 400, errors: [{ field: 'runs' }] });
    expect(await problem(await post('/api/v1/run-batches', { runs: Array.from({ length: 501 }, () => ({ repository: '/a' })) }))).toMatchObject({ status: 400, errors: [{ field: 'runs' }] });
    expect((await post('/api/v1/run-batches', { runs: [{ repository: 'x'.repeat(2_000_000) }] })).status).toBe(413);
  });

  it('refuses a key that could not be one', async () => {
    expect(await problem(await post('/api/v1/runs', { repository: '/repo' }, { 'idempotency-key': 'x'.repeat(201) }))).toMatchObject({ status: 400, errors: [{ field: 'idempotency-key' }] });
  });
});

const ended = (runId: string) => run(runId, { status: 'succeeded', finishedAt: '2026-01-01T00:01:00Z' });
const lineage = (runId: string, artifactId: string) => ({ ok: true, items: [{ artifactId, kind: 'pull-request@1', name: 'pullRequest', stepId: 'publish', runId, createdAt: '2026-01-01T00:00:00Z' }] });

const parts = (runId: string, artifactId: string) => ({
  'get-run': () => ({ ok: true, item: ended(runId) }), 'list-artifacts': () => lineage(runId, artifactId), 'list-events': () => ({ ok: true, items: [event(runId, 1, 'run-started')] }),
  'list-steps': () => ({ ok: true, items: [{ stepId: 'crawl', agent: 'crawler/crawl', status: 'succeeded', attempt: 1, inputs: {}, outputs: {}, facts: {} }] }),
  'list-definition': ({ cursor }: { cursor?: string }) => (cursor ? { ok: true, items: ['"sample"}'] } : { ok: true, items: ['{"name":'], next: 'x' }),
});

describe('an export', () => {
  it('is one tar with everything, the same each time', async () => {
    const runId = newRunId();
    const artifactId = await store.put('feature@1', { kind: 'feature@1', name: 'a', title: 'A', commit: '0'.repeat(40), depth: 'smoke', behaviours: [], existing: [], map: { screens: [], behaviours: [] }, leftOut: [] });
    await answer(parts(runId, artifactId));
    const [first, second] = await Promise.all([1, 2].map(async () => Buffer.from(await (await fetch(`${url}/api/v1/runs/${runId}/export`)).arrayBuffer()))) as [Buffer, Buffer];
    expect(second.equals(first)).toBe(true);
    const { manifest, files } = await readBundle(first);
    expect(compareBundle(RunBundle.parse(manifest), files)).toBeUndefined();
    expect([...files.keys()]).toEqual([`artifacts/${artifactId.slice(7)}`, 'events.jsonl', 'lineage.json', 'pipeline.json', 'run.json', 'settings.json', 'steps.json']);
    expect(JSON.parse((files.get('pipeline.json') as Buffer).toString())).toEqual({ name: 'sample' });
    expect(JSON.parse((files.get('settings.json') as Buffer).toString())).toMatchObject({ cache: true, agents: { 'crawler/crawl': { version: 1 } } });
  });

  it('is refused before the end of the run, and when an artifact is gone', async () => {
    const runId = newRunId();
    await answer(parts(runId, `sha256:${'0'.repeat(64)}`));
    expect(await problem(await fetch(`${url}/api/v1/runs/${runId}/export`))).toMatchObject({ status: 404, code: 'artifact-missing' });
    await Promise.all(stops.splice(0).map((stop) => stop()));
    await answer({ 'get-run': () => ({ ok: true, item: run(runId) }) });
    expect(await problem(await fetch(`${url}/api/v1/runs/${runId}/export`))).toMatchObject({ status: 409, code: 'wrong-state' });
  });
});

describe('schedules', () => {
  it('are added with what a run takes, listed and removed', async () => {
    const asked: unknown[] = [];
    await answer({
      'add-schedule': (data) => { asked.push(data); return { ok: true, item: known(data) }; },
      'list-schedules': () => ({ ok: true, items: [known(asked[0] as Record<string, unknown>)] }),
      'remove-schedule': ({ scheduleId }) => { if (scheduleId !== (asked[0] as { scheduleId: string }).scheduleId) throw new Failure('unknown-schedule'); return { ok: true, item: { scheduleId } }; },
    });
    const added = await post('/api/v1/schedules', { cron: '0 3 * * *', timeZone: 'Europe/Berlin', repository: '/repo', depth: 'deep', cache: false });
    expect(added.status).toBe(201);
    const { scheduleId } = await added.json() as { scheduleId: string };
    expect(asked).toEqual([{ scheduleId, cron: '0 3 * * *', timeZone: 'Europe/Berlin', pipeline: 'test-generation', repository: '/repo', params: { depth: 'deep' }, cache: false, requestedBy: 'rest' }]);
    expect(await (await fetch(`${url}/api/v1/schedules`)).json()).toMatchObject({ items: [{ scheduleId }] });
    expect((await fetch(`${url}/api/v1/schedules/${scheduleId}`, { method: 'DELETE' })).status).toBe(204);
    expect(await problem(await fetch(`${url}/api/v1/schedules/sch_${'0'.repeat(26)}`, { method: 'DELETE' }))).toMatchObject({ status: 404, code: 'unknown-schedule' });
  });

  it.each([['0 3 * *'], ['@daily'], ['0 0 3 * * *'], [undefined]])('refuses the cron %j', async (cron) => {
    expect(await problem(await post('/api/v1/schedules', { cron, repository: '/repo' }))).toMatchObject({ status: 400, errors: [{ field: 'cron' }] });
  });
});

describe('reading', () => {
  it('follows the coordinator’s short pages up to the limit, and links to the next with the caller’s filters', async () => {
    const all = Array.from({ length: 7 }, () => newRunId());
    await answer({ 'list-runs': ({ cursor, limit, status }) => {
      expect(status).toBe('running');
      const from = Number(cursor ?? 0);
      const to = Math.min(from + 2, from + Number(limit), all.length);
      return { ok: true, items: all.slice(from, to).map((id) => run(id)), ...(to < all.length ? { next: String(to) } : {}) };
    } });
    const response = await fetch(`${url}/api/v1/runs?limit=5&status=running`);
    const page = await response.json() as { items: RunView[]; next: string };
    expect(page.items.map(({ runId }) => runId)).toEqual(all.slice(0, 5));
    const link = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] as string;
    const last = await (await fetch(url + link)).json() as { items: RunView[]; next?: string };
    expect(last.items.map(({ runId }) => runId)).toEqual(all.slice(5));
    expect(last.next).toBeUndefined();
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=', 'status=gone', 'surprise=1'])('refuses ?%s', async (query) => {
    expect((await problem(await fetch(`${url}/api/v1/runs?${query}`)))['status']).toBe(400);
  });

  it('hands out artifacts as they are stored', async () => {
    const id = await store.put('pull-request@1', {
      kind: 'pull-request@1', forge: 'local', repository: '/repo', branch: 'b', base: 'main', baseCommit: '0'.repeat(40), commit: '0'.repeat(40), tree: '0'.repeat(40),
      outcome: 'opened', title: 't', body: '<script>', files: [], createdBy: newRunId(), look: 'git log',
    });
    const response = await fetch(`${url}/api/v1/artifacts/${id}`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(Buffer.from(await response.arrayBuffer())).toEqual(await store.bytes(id));
  });

  it('is alive always, and ready while JetStream stores', async () => {
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('serves its description', async () => {
    expect(await (await fetch(`${url}/api/openapi.json`)).json()).toMatchObject({ openapi: '3.1.0', paths: { '/api/v1/runs': { post: {}, get: {} } } });
  });
});

const publish = (...groups: RunEvents[]) => far.publish(subjects.told, { told: groups }, { id: newRunId() });
const group = (...events: RunEvent[]): RunEvents => ({ runId: events[0]?.runId as string, seq: events[0]?.seq as number, at: events[0]?.at as string, events: events.map(({ type }) => ({ type })) });
const follow = (runId: string, headers: Record<string, string> = {}) => fetch(`${url}/api/v1/runs/${runId}/events`, { headers: { accept: 'text/event-stream', ...headers } });
const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
/** The database of the coordinator; what is pushed into `events` is committed. */
const stored = (runId: string, events: RunEvent[], more: Partial<RunView> = {}) => answer({
  'get-run': () => ({ ok: true, item: run(runId, more) }),
  'list-events': ({ afterSeq, cursor }) => {
    const left = events.filter(({ seq }) => seq > Number(cursor ?? afterSeq));
    return { ok: true, items: left.slice(0, 2), ...(left.length > 2 ? { next: String(left[1]?.seq) } : {}) };
  },
});
/** Reads until a part of the text has come. */
function reading(response: Response): { until: (part: string) => Promise<string>; rest: () => Promise<string> } {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  const more = async (): Promise<boolean> => { const { value, done } = await reader.read(); text += decoder.decode(value); return !done; };
  return {
    until: async (part) => { while (!text.includes(part)) if (!await more()) throw new Error(`ended without ${part}: ${text}`); return text; },
    rest: async () => { while (await more()); return text; },
  };
}
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const events = (runId: string, from: number, to: number) => numbers(from, to).map((seq) => event(runId, seq));

describe('events', () => {
  it('begins with what is stored, goes on live, and ends with the run', async () => {
    const [runId, other] = [newRunId(), newRunId()];
    await stored(runId, [event(runId, 1, 'run-started'), ...events(runId, 2, 5)]);
    const response = await follow(runId);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const { until, rest } = reading(response);
    await until('id: 5\n');
    await publish(group(event(other, 6)), group(event(runId, 6)), group(event(other, 7, 'run-failed')), group(event(runId, 7), event(runId, 8, 'run-succeeded')));
    const text = await rest();
    expect(ids(text)).toEqual(numbers(1, 8));
    expect(JSON.parse(/^data: (.*"seq":8,.*)$/m.exec(text)?.[1] ?? '')).toEqual(event(runId, 8, 'run-succeeded'));
  });

  it('goes on after Last-Event-ID, and tells a repeated event once', async () => {
    const runId = newRunId();
    await stored(runId, events(runId, 1, 3));
    const { until, rest } = reading(await follow(runId, { 'last-event-id': '1' }));
    await until('id: 3\n');
    await publish(group(event(runId, 2), event(runId, 3)));
    await publish(group(event(runId, 3)), group(event(runId, 3), event(runId, 4)), group(event(runId, 5, 'run-failed')));
    expect(ids(await rest())).toEqual([2, 3, 4, 5]);
  });

  it('fills from the database what was lost or came in another order', async () => {
    const runId = newRunId();
    const all = events(runId, 1, 1);
    await stored(runId, all);
    const { until, rest } = reading(await follow(runId));
    await until('id: 1\n');
    all.push(...events(runId, 2, 7), event(runId, 8, 'run-cancelled'));
    await publish(group(event(runId, 5)), group(event(runId, 3)));
    await publish(group(event(runId, 4)), group(event(runId, 8, 'run-cancelled')));
    expect(ids(await rest())).toEqual(numbers(1, 8));
  });

  it('waits at a hole while the coordinator is away, and tells nothing that comes after it', async () => {
    const runId = newRunId();
    const all = events(runId, 1, 1);
    await stored(runId, all);
    const { until, rest } = reading(await follow(runId));
    await until('id: 1\n');
    await Promise.all(stops.splice(0).map((stop) => stop()));
    all.push(event(runId, 2), event(runId, 3), event(runId, 4, 'run-succeeded'));
    await publish(group(event(runId, 3)), group(event(runId, 4, 'run-succeeded')));
    expect(ids(await until(': still here\n\n'))).toEqual([1]);
    await stored(runId, all);
    expect(ids(await rest())).toEqual([1, 2, 3, 4]);
  });

  it('looks by itself for what nobody has told', async () => {
    const runId = newRunId();
    const all = events(runId, 1, 1);
    await stored(runId, all);
    const { until, rest } = reading(await follow(runId));
    await until('id: 1\n');
    all.push(event(runId, 2, 'run-succeeded'));
    expect(ids(await rest())).toEqual([1, 2]);
  });

  it('keeps for a reader that reads nothing no more than it must, and loses nothing of it', async () => {
    const runId = newRunId();
    const all = events(runId, 1, 1);
    await stored(runId, all);
    const { until, rest } = reading(await follow(runId));
    await until('id: 1\n');
    await Promise.all(stops.splice(0).map((stop) => stop()));
    all.push(...events(runId, 2, 900), event(runId, 901, 'run-succeeded'));
    // Without a coordinator, from a hole on: all of it would have to be kept.
    for (let seq = 3; seq <= 900; seq += 30) await publish(...numbers(seq, Math.min(900, seq + 29)).map((each) => group(event(runId, each))));
    await stored(runId, all);
    expect(ids(await rest())).toEqual(numbers(1, 901));
  });

  it('ends for a run whose stream is lost altogether', async () => {
    const runId = newRunId();
    await stored(runId, [event(runId, 1), event(runId, 2, 'run-succeeded')], { status: 'succeeded', finishedAt: '2026-01-01T00:00:01Z' });
    expect(ids(await (await follow(runId)).text())).toEqual([1, 2]);
    expect((await follow(runId, { 'last-event-id': '2' })).status).toBe(204);
  });

  it('goes on over an end that a retry has followed', async () => {
    const runId = newRunId();
    await stored(runId, [event(runId, 1), event(runId, 2, 'run-failed'), event(runId, 3, 'run-retried'), event(runId, 4)]);
    const { until, rest } = reading(await follow(runId));
    await until('id: 4\n');
    await publish(group(event(runId, 5, 'run-failed'), event(runId, 6, 'run-retried')), group(event(runId, 7, 'run-succeeded')));
    expect(ids(await rest())).toEqual(numbers(1, 7));
  });

  it('drops what is no event, and goes on', async () => {
    const runId = newRunId();
    await stored(runId, []);
    const { until, rest } = reading(await follow(runId));
    await until(': still here\n\n');
    await far.publish(subjects.told, { told: [7, null, { runId }, { runId, seq: 0, events: [] }] }, { id: newRunId() });
    await publish(group(event(runId, 1, 'run-succeeded')));
    expect(ids(await rest())).toEqual([1]);
  });

  it('tells progress between events, without an id, and beats while nothing happens', async () => {
    const runId = newRunId();
    await stored(runId, []);
    const response = await follow(runId);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const until = async (part: string) => { while (!text.includes(part)) text += new TextDecoder().decode((await reader.read()).value); };
    await until(': still here\n\n');
    far.notify(subjects.progress(runId, 'crawl'), { runId, stepId: 'crawl', attempt: 1, phase: 'reading', done: 3, total: 9 });
    await until('event: progress\ndata: {"runId"');
    expect(ids(text)).toEqual([]);
    await reader.cancel();
  });

  it('is a page of JSON for who asks for it', async () => {
    const runId = newRunId();
    await stored(runId, [event(runId, 1), event(runId, 2)]);
    const response = await fetch(`${url}/api/v1/runs/${runId}/events?afterSeq=1`, { headers: { accept: 'application/json' } });
    expect(await response.json()).toEqual({ items: [event(runId, 2)] });
  });

  it('is 404 for a run that is not there', async () => {
    await answer({ 'get-run': () => { throw new Failure('unknown-run'); } });
    expect(await problem(await follow(newRunId()))).toMatchObject({ status: 404, code: 'unknown-run' });
  });
});

describe('shutdown', () => {
  it('ends open streams instead of waiting for them', async () => {
    const runId = newRunId();
    await answer({ 'get-run': () => ({ ok: true, item: run(runId) }), 'list-events': () => ({ ok: true, items: [] }) });
    const other = await createGateway(await Bus.open({ servers: nats.url, name: 'gateway' }), store, settingsOf(loadConfig({})));
    other.useLogger(false);
    await other.listen(0, '127.0.0.1');
    const response = await fetch(`${await other.getUrl()}/api/v1/runs/${runId}/events`);
    await other.close();
    expect(await response.text()).toBe('');
  });
});
