import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { sign } from '@octokit/webhooks-methods';
import { ArtifactStore, diskBlobs } from '#artifacts';
import { Bus, provision } from '#bus';
import { loadConfig } from '#config';
import { ForgeEvent } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { createGateway } from './gateway.module.js';
import { settingsOf } from './gateway-settings.js';
import { WEBHOOK_BYTES } from './raw-body.js';

/** The gateway on a real NATS; the payloads are what GitHub has recorded. Nobody reads the commands, as when everything behind the bus is down. */
const SECRET = 'a-secret-of-the-app';
const PREVIOUS = 'the-secret-before-it';
const TOKEN = 'a-token-of-gitlab-0';
const SHA = 'a'.repeat(40);

let nats: TestNats;
let far: Bus;
let app: NestExpressApplication;
let url: string;
let folder: string;
let recorded: Map<string, Array<Record<string, unknown>>>;

beforeAll(async () => {
  nats = await startNats();
  far = await Bus.open({ servers: nats.url, name: 'coordinator' });
  await provision(far);
  folder = await mkdtemp(join(tmpdir(), 'pullwright-webhooks-'));
  const settings = settingsOf(loadConfig({ GITHUB_WEBHOOK_SECRET: SECRET, GITHUB_WEBHOOK_SECRET_PREVIOUS: PREVIOUS, GITLAB_URL: 'https://gitlab.example/', GITLAB_WEBHOOK_SECRET: TOKEN }));
  app = await createGateway(await Bus.open({ servers: nats.url, name: 'gateway' }), new ArtifactStore(diskBlobs(folder)), settings);
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  const examples = JSON.parse(await readFile(createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json'), 'utf8')) as Array<{ name: string; examples: Array<Record<string, unknown>> }>;
  recorded = new Map(examples.map((entry) => [entry.name, entry.examples]));
});
afterAll(async () => {
  await app.close();
  await far.close();
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
});

let deliveries = 0;
const newDelivery = (): string => `72d3162e-cc78-11e3-81ab-${String(++deliveries).padStart(12, '0')}`;

async function deliver(event: string, payload: unknown, change: { delivery?: string; secret?: string; headers?: Record<string, string | undefined>; body?: string } = {}): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const body = change.body ?? JSON.stringify(payload);
  const headers = { 'content-type': 'application/json', 'x-github-event': event, 'x-github-delivery': change.delivery ?? newDelivery(), 'x-hub-signature-256': await sign(change.secret ?? SECRET, body), ...change.headers };
  const response = await fetch(`${url}/api/v1/webhooks/github`, { method: 'POST', body, headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string> });
  return { status: response.status, body: await response.json() as Record<string, unknown>, headers: response.headers };
}

/** What the stream of commands holds; it is empty afterwards. */
async function stored(): Promise<ForgeEvent[]> {
  const found: ForgeEvent[] = [];
  const { state: { messages, last_seq: last } } = await far.manager.streams.info('PULLWRIGHT_COMMANDS');
  for (let seq = last - messages + 1; seq <= last; seq++) {
    const message = await far.manager.streams.getMessage('PULLWRIGHT_COMMANDS', { seq });
    if (message) found.push(ForgeEvent.parse(JSON.parse(new TextDecoder().decode(message.data))));
  }
  await far.manager.streams.purge('PULLWRIGHT_COMMANDS');
  return found;
}

const example = (name: string, choose: (payload: Record<string, unknown>) => boolean = () => true): Record<string, unknown> => {
  const found = recorded.get(name)?.find(choose);
  if (!found) throw new Error(`no recorded ${name}`);
  return structuredClone(found);
};
const push = () => ({ ...example('push'), ref: 'refs/heads/main', before: 'b'.repeat(40), after: SHA, deleted: false });

const comment = (body: string, change: { action?: string; pull?: boolean; type?: string } = {}) => {
  const payload = example('issue_comment', ({ action }) => action === 'created') as { action: string; issue: Record<string, unknown>; comment: Record<string, unknown>; sender: Record<string, unknown> };
  payload.action = change.action ?? 'created';
  payload.comment['body'] = body;
  payload.sender['type'] = change.type ?? 'User';
  if (change.pull === false) delete payload.issue['pull_request'];
  else payload.issue['pull_request'] = { url: 'https://api.github.com/x' };
  return payload;
};

const pull = (change: (payload: { pull_request: { head: { ref: string; repo: { full_name: string } } } }) => void) => {
  const payload = example('pull_request', ({ action }) => action === 'closed') as { pull_request: { head: { ref: string; repo: { full_name: string } }; merged: boolean } };
  payload.pull_request.merged = false;
  payload.pull_request.head.ref = 'pullwright/tests';
  change(payload);
  return payload;
};

const gitlab = (event: string, payload: unknown, headers: Record<string, string> = {}) => fetch(`${url}/api/v1/webhooks/gitlab`, { method: 'POST', body: JSON.stringify(payload), headers: { 'content-type': 'application/json', 'x-gitlab-event': event, 'x-gitlab-event-uuid': newDelivery(), 'x-gitlab-token': TOKEN, ...headers } });

/** The word that was stored, or why none was. */
const wordOf = async (...made: Parameters<typeof comment>) => { const { body } = await deliver('issue_comment', comment(...made)); return body['reason'] ?? (await stored())[0]?.word; };

describe('what GitHub has recorded', () => {
  it('is taken or ignored, every payload of the events that are used', async () => {
    const statuses = new Map<string, Set<string>>();
    for (const name of ['push', 'pull_request', 'issue_comment', 'check_run', 'check_suite', 'installation', 'installation_repositories', 'ping']) {
      for (const payload of recorded.get(name) ?? []) {
        const answer = await deliver(name, payload);
        expect([name, payload['action'], answer.status, answer.body['errors']]).toEqual([name, payload['action'], 202, undefined]);
        statuses.set(name, (statuses.get(name) ?? new Set<string>()).add(String(answer.body['reason'] ?? answer.body['status'])));
      }
    }
    expect(Object.fromEntries([...statuses].map(([name, reasons]) => [name, [...reasons].sort()]))).toEqual({
      push: ['not-a-branch', 'stored'], pull_request: ['action-not-used', 'not-our-pull-request'], issue_comment: ['action-not-used', 'not-a-pull-request'], check_run: ['action-not-used', 'stored'],
      check_suite: ['action-not-used', 'stored'], installation: ['action-not-used', 'no-repository', 'stored'], installation_repositories: ['stored'], ping: ['ping'],
    });
    await stored();
  });

  it('an event that is not used is ignored, whatever is in it', async () => {
    expect(await deliver('star', { anything: true })).toMatchObject({ status: 202, body: { status: 'ignored', reason: 'event-not-used' } });
    expect(await deliver('constructor', {})).toMatchObject({ status: 202, body: { reason: 'event-not-used' } });
    expect(await stored()).toEqual([]);
  });

  it('a push becomes small facts', async () => {
    expect(await deliver('push', { ...push(), installation: { id: 7 } })).toMatchObject({ status: 202, body: { status: 'stored' } });
    expect(await stored()).toEqual([{
      runId: expect.stringMatching(/^run_/) as string, forge: 'github', delivery: expect.any(String) as string, event: 'push', action: 'pushed', repository: 'https://github.com/Codertocat/Hello-World',
      sender: 'Codertocat', senderIsBot: false, installation: 7, ref: 'main', sha: SHA, before: 'b'.repeat(40),
    }]);
  });

  it('a comment counts when it is new, of a person, on a pull request, and a line of it begins with the command', async () => {
    expect(await wordOf('/pullwright retry')).toBe('retry');
    expect(await wordOf('Please:\r\n/pullwright   rebase\r\n\r\nThanks')).toBe('rebase');
    expect(await wordOf('/pullwright dance')).toBe('');
    expect(await wordOf('/pullwright')).toBe('');
    expect(await wordOf('> /pullwright retry')).toBe('no-command');
    expect(await wordOf('/pullwrighter retry')).toBe('no-command');
    expect(await wordOf('/pullwright retry', { action: 'edited' })).toBe('action-not-used');
    expect(await wordOf('/pullwright retry', { pull: false })).toBe('not-a-pull-request');
    expect(await wordOf('/pullwright retry', { type: 'Bot' })).toBe('comment-of-a-bot');
  });

  it('a pull request counts when its head is a branch of ours in the same repository', async () => {
    await deliver('pull_request', pull(() => undefined));
    expect(await stored()).toEqual([expect.objectContaining({ event: 'pull-request', action: 'closed', ref: 'pullwright/tests', base: 'master' })]);
    expect((await deliver('pull_request', pull((payload) => { payload.pull_request.head.repo.full_name = 'evil/Hello-World'; }))).body).toMatchObject({ reason: 'not-our-pull-request' });
    expect((await deliver('pull_request', pull((payload) => { payload.pull_request.head.ref = 'feature'; }))).body).toMatchObject({ reason: 'not-our-pull-request' });
  });

  it('an installation is one event for each repository, all with one delivery', async () => {
    const delivery = newDelivery();
    await deliver('installation', { ...example('installation', ({ action }) => action === 'created'), repositories: [{ full_name: 'acme/one' }, { full_name: 'acme/two' }] }, { delivery });
    expect((await stored()).map(({ repository, delivery: id, action }) => [repository, id, action])).toEqual([['https://github.com/acme/one', `${delivery}.0`, 'added'], ['https://github.com/acme/two', `${delivery}.1`, 'added']]);
  });
});

describe('a delivery that is not what it should be', () => {
  it.each([
    ['signed with another secret', { secret: 'somebody elses secret' }, 401, 'signature-invalid'],
    ['not signed', { headers: { 'x-hub-signature-256': undefined } }, 401, 'signature-invalid'],
    ['with the old kind of signature', { headers: { 'x-hub-signature-256': undefined, 'x-hub-signature': 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6' } }, 401, 'signature-invalid'],
    ['with a signature that is none', { headers: { 'x-hub-signature-256': 'sha256=zz' } }, 401, 'signature-invalid'],
    ['as a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'unsupported-media-type'],
    ['compressed', { headers: { 'content-encoding': 'gzip' } }, 415, undefined],
    ['that is not JSON', { body: '{"ref": ' }, 400, 'bad-request'],
  ])('%s is refused, and nothing is stored', async (_, change, status, code) => {
    const answer = await deliver('push', push(), change);
    expect([answer.status, answer.body['code'], answer.headers.get('content-type')]).toEqual([status, code, 'application/problem+json; charset=utf-8']);
    expect(await stored()).toEqual([]);
  });

  it('is refused when one byte differs from what was signed', async () => {
    const body = JSON.stringify(push());
    const answer = await deliver('push', undefined, { body: body.replace('"main"', '"niam"').replace(SHA, SHA.replace('a', 'b')), headers: { 'x-hub-signature-256': await sign(SECRET, body) } });
    expect(answer.status).toBe(401);
  });

  it('names each field that is wrong, and the header that is missing', async () => {
    expect((await deliver('push', { ...push(), after: 'HEAD', repository: { full_name: '../../etc' } })).body['errors']).toEqual(expect.arrayContaining([
      expect.objectContaining({ field: 'after' }), expect.objectContaining({ field: 'repository.full_name', message: 'owner/name' })]));
    expect((await deliver('push', [1])).body['errors']).toEqual([expect.objectContaining({ field: '' })]);
    expect((await deliver('push', push(), { headers: { 'x-github-delivery': undefined } })).body['errors']).toEqual([expect.objectContaining({ field: 'x-github-delivery' })]);
    expect((await deliver('push', push(), { delivery: 'a b' })).status).toBe(400);
    expect(await stored()).toEqual([]);
  });

  it('is taken up to 25 MB, and refused beyond, whether its length is told or not', async () => {
    const full = JSON.stringify({ ...push(), padding: '' });
    const largest = full.replace('"padding":""', `"padding":"${'x'.repeat(WEBHOOK_BYTES - Buffer.byteLength(full))}"`);
    expect(Buffer.byteLength(largest)).toBe(WEBHOOK_BYTES);
    expect((await deliver('push', undefined, { body: largest })).status).toBe(202);
    expect(await stored()).toHaveLength(1);
    expect((await deliver('push', undefined, { body: `${largest} ` })).status).toBe(413);
    expect(await chunked(WEBHOOK_BYTES + 1)).toBe(413);
    expect(await stored()).toEqual([]);
  });
});

/** A body whose length nobody tells. */
async function chunked(bytes: number): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sending = httpRequest(`${url}/api/v1/webhooks/github`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': newDelivery(), 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'transfer-encoding': 'chunked' } }, (response) => { response.resume(); resolve(response.statusCode); });
  sending.on('error', reject);
  const piece = Buffer.alloc(1024 * 1024, 0x20);
  for (let left = bytes; left > 0; left -= piece.length) sending.write(left < piece.length ? piece.subarray(0, left) : piece);
  sending.end();
  return promise;
}

it('the secret before is taken while it is configured, and one before that is not', async () => {
  expect((await deliver('push', push(), { secret: PREVIOUS })).status).toBe(202);
  expect((await deliver('push', push(), { secret: 'the-secret-before-that' })).status).toBe(401);
  await stored();
});

it('a delivery that comes again is stored once', async () => {
  const delivery = newDelivery();
  for (let time = 0; time < 3; time++) expect((await deliver('push', push(), { delivery })).status).toBe(202);
  expect(await stored()).toHaveLength(1);
});

describe('GitLab', () => {
  const project = { path_with_namespace: 'acme/web/shop' };

  it('tells the same events', async () => {
    await gitlab('Push Hook', { object_kind: 'push', ref: 'refs/heads/main', before: 'b'.repeat(40), after: SHA, user_username: 'ann', project });
    await gitlab('Note Hook', { object_kind: 'note', user: { username: 'ann' }, project, object_attributes: { id: 5, note: '/pullwright stop', noteable_type: 'MergeRequest', action: 'create' }, merge_request: { iid: 3, source_branch: 'pullwright/tests', target_branch: 'main' } });
    await gitlab('Merge Request Hook', { object_kind: 'merge_request', user: { username: 'ann' }, project, object_attributes: { iid: 3, action: 'close', source_branch: 'pullwright/tests', target_branch: 'main', source_project_id: 1, target_project_id: 1, last_commit: { id: SHA } } });
    expect(await stored()).toEqual([
      expect.objectContaining({ forge: 'gitlab', repository: 'https://gitlab.example/acme/web/shop', event: 'push', ref: 'main', sha: SHA }),
      expect.objectContaining({ event: 'comment', word: 'stop', pullRequest: 3, comment: 5, base: 'main' }),
      expect.objectContaining({ event: 'pull-request', action: 'closed', pullRequest: 3, base: 'main' }),
    ]);
  });

  it('is known by its token, and a delivery by its key', async () => {
    expect((await gitlab('Push Hook', {}, { 'x-gitlab-token': `${TOKEN}x` })).status).toBe(401);
    expect((await gitlab('Push Hook', { object_kind: 'push' })).status).toBe(400);
    const payload = { object_kind: 'push', ref: 'refs/heads/main', before: 'b'.repeat(40), after: SHA, user_username: 'ann', project };
    for (let time = 0; time < 2; time++) expect((await gitlab('Push Hook', payload, { 'idempotency-key': 'one-key' })).status).toBe(202);
    expect(await stored()).toHaveLength(1);
  });
});

it('without a secret no delivery is taken', async () => {
  const other = await createGateway(await Bus.open({ servers: nats.url, name: 'gateway' }), new ArtifactStore(diskBlobs(folder)), settingsOf(loadConfig({})));
  other.useLogger(false);
  await other.listen(0, '127.0.0.1');
  const response = await fetch(`${await other.getUrl()}/api/v1/webhooks/github`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  expect([response.status, (await response.json() as { code: string }).code]).toEqual([404, 'webhooks-not-set-up']);
  await other.close();
});

it('a bus that cannot store says so, and when to come again', async () => {
  await far.manager.streams.delete('PULLWRIGHT_COMMANDS');
  const delivery = newDelivery();
  const refused = await deliver('push', push(), { delivery });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  await provision(far);
  expect((await deliver('push', push(), { delivery })).status).toBe(202);
  expect(await stored()).toHaveLength(1);
});
