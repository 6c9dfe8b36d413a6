import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { verify } from '@octokit/webhooks-methods';
import { description } from './description.js';
import { startGitHub, type GitHubSimulator } from './simulator.js';
import { asApp, asInstallation, client, refusal } from './test/octokit.js';
import type { SimulatedRepository } from './repository.js';

interface Received { event: string; action?: string; guid: string; signed: boolean; payload: Record<string, never> & { installation?: { id: number } } }

let github: GitHubSimulator;
let shop: SimulatedRepository;
let receiver: Server;
let received: Received[];
let answer: (response: { end: (text: string) => void; statusCode: number }) => void;

beforeAll(async () => {
  github = await startGitHub();
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void (async () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const payload = JSON.parse(body) as Received['payload'] & { action?: string };
      received.push({ event: String(request.headers['x-github-event']), ...(payload.action === undefined ? {} : { action: payload.action }), guid: String(request.headers['x-github-delivery']), signed: await verify(github.app.webhookSecret, body, String(request.headers['x-hub-signature-256'])), payload });
      answer(response);
    })());
  });
  await new Promise<void>((listening) => { receiver.listen(0, '127.0.0.1', listening); });
  github.app.webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/github`;
  received = [];
  answer = (response) => { response.statusCode = 202; response.end('taken'); };
  shop = await github.createRepository('acme/shop', { 'a.txt': 'a' }, { collaborators: { alice: 'write' } });
});
beforeEach(async () => {
  await github.webhooks.settled();
  received = [];
  answer = (response) => { response.statusCode = 202; response.end('taken'); };
});
afterAll(async () => {
  await github.close();
  receiver.closeAllConnections();
  receiver.close();
});

const told = async () => {
  await github.webhooks.settled();
  return received.map(({ event, action }) => (action === undefined ? event : `${event}.${action}`));
};

test('what people do is told, signed, in order, each with an id of its own', async () => {
  await shop.commit({ 'b.txt': 'b' }, { by: 'alice', branch: 'feature' });
  const { rest } = new (client(github))({ auth: github.personToken('alice') });
  const { data: { number } } = await rest.pulls.create({ owner: 'acme', repo: 'shop', title: 'Feature', head: 'feature', base: 'main' });
  await shop.editComment(await shop.comment(number, '/pullwright retry', 'alice'), '/pullwright stop', 'alice');
  await shop.labelPull(number, 'ready');
  await shop.commit({ 'b.txt': 'bb' }, { by: 'alice', branch: 'feature' });
  await shop.closePull(number, 'alice');
  await shop.reopenPull(number, 'alice');
  await shop.merge(number, { by: 'alice' });
  await shop.deleteBranch('feature', 'alice');
  expect(await told()).toEqual([
    'push', 'check_suite.requested', 'pull_request.opened', 'issue_comment.created', 'issue_comment.edited', 'pull_request.labeled', 'push', 'pull_request.synchronize', 'check_suite.requested', 'pull_request.closed', 'pull_request.reopened',
    'push', 'pull_request.closed', 'check_suite.requested', 'push',
  ]);
  expect(received.every((one) => one.signed)).toBe(true);
  expect(new Set(received.map((one) => one.guid)).size).toBe(received.length);
  expect(received.every((one) => one.payload.installation?.id === github.installationOf('acme').id)).toBe(true);
  expect(received[0]?.payload).toMatchObject({ ref: 'refs/heads/feature', created: true, deleted: false, forced: false, head_commit: { added: ['b.txt'], author: { username: 'alice' } }, sender: { login: 'alice' }, repository: { full_name: 'acme/shop' } });
  expect(received[3]?.payload).toMatchObject({ comment: { body: '/pullwright retry', author_association: 'COLLABORATOR' }, issue: { number, pull_request: {} } });
  expect(received[12]?.payload).toMatchObject({ pull_request: { merged: true, merged_by: { login: 'alice' } } });
}, 120_000);

test('what the App does is told to it as well: comments, checks, a check that someone runs again', async () => {
  const { rest } = await asInstallation(github, 'acme/shop');
  const check = (await rest.checks.create({ owner: 'acme', repo: 'shop', name: 'pullwright', head_sha: await shop.head() })).data.id;
  await rest.checks.update({ owner: 'acme', repo: 'shop', check_run_id: check, conclusion: 'failure' });
  await shop.rerequestCheck(check, 'alice');
  await shop.requestCheckAction(check, 'retry', 'alice');
  expect(await told()).toEqual(['check_run.created', 'check_run.completed', 'check_run.rerequested', 'check_run.requested_action']);
  expect(received[3]?.payload).toMatchObject({ requested_action: { identifier: 'retry' } });
  expect(received[2]?.payload).toMatchObject({ check_run: { id: check, conclusion: 'failure', app: { slug: 'pullwright' } }, sender: { login: 'alice' } });
});

test('installations and repositories are told, those that are not subscribed to as well', async () => {
  await github.createRepository('globex/site', { 'a.txt': 'a' });
  const installation = github.installationOf('globex');
  installation.suspend();
  installation.unsuspend();
  installation.removeRepository('site');
  installation.addRepository('site');
  await github.repository('globex/site').rename('page');
  installation.uninstall();
  await github.repository('globex/page').commit({ b: 'b' });
  expect(await told()).toEqual(['installation.created', 'installation.suspend', 'installation.unsuspend', 'installation_repositories.removed', 'installation_repositories.added', 'repository.renamed', 'installation.deleted']);
}, 120_000);

test('a delivery that failed is kept, can be looked at, and is delivered again with the same id', async () => {
  answer = (response) => { response.statusCode = 500; response.end('no'); };
  await shop.commit({ 'c.txt': 'c' });
  await github.webhooks.settled();
  const { rest } = asApp(github).octokit;
  const { data: [, failed] } = await rest.apps.listWebhookDeliveries();
  expect(failed).toMatchObject({ event: 'push', status_code: 500, redelivery: false, status: 'Invalid HTTP Response: 500' });
  const id = failed?.id as number;
  expect((await rest.apps.getWebhookDelivery({ delivery_id: id })).data).toMatchObject({ request: { payload: { ref: 'refs/heads/main' } }, response: { payload: 'no' } });
  answer = (response) => { response.statusCode = 202; response.end('taken'); };
  received = [];
  expect((await rest.apps.redeliverWebhookDelivery({ delivery_id: id })).status).toBe(202);
  expect(await told()).toEqual(['push']);
  expect(received[0]).toMatchObject({ guid: failed?.guid, signed: true });
  expect((await rest.apps.listWebhookDeliveries({ per_page: 1 })).data).toMatchObject([{ guid: failed?.guid, redelivery: true, status_code: 202 }]);
  expect(await refusal(rest.apps.getWebhookDelivery({ delivery_id: 1 }))).toMatchObject({ status: 404 });
});

test('a receiver that is too slow or away has failed', async () => {
  answer = () => undefined;
  const other = await startGitHub({ webhookTimeout: 100 });
  other.app.webhookUrl = github.app.webhookUrl;
  await other.createRepository('acme/slow');
  await other.webhooks.settled();
  other.app.webhookUrl = 'http://127.0.0.1:1/';
  other.installationOf('acme').suspend();
  await other.webhooks.settled();
  const { data: [away, slow] } = await asApp(other).octokit.rest.apps.listWebhookDeliveries();
  expect([slow, away]).toMatchObject([{ event: 'installation', action: 'created', status: 'timed out', status_code: 0 }, { action: 'suspend', status: 'failed to connect to host', status_code: 0 }]);
  await other.close();
});

test('the secret can be changed by the App itself', async () => {
  const { rest } = asApp(github).octokit;
  await rest.apps.updateWebhookConfigForApp({ secret: 'another secret' });
  expect((await rest.apps.getWebhookConfigForApp()).data).toMatchObject({ url: github.app.webhookUrl, content_type: 'json', secret: '********' });
  await shop.commit({ 'f.txt': 'f' });
  expect(await told()).toContain('push');
  expect(github.app.webhookSecret).toBe('another secret');
  expect(received[0]?.signed).toBe(true);
});

test('payloads that GitHub recorded pass, unless they are older than its description; what they lack is named', async () => {
  const examples = JSON.parse(await readFile(createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json'), 'utf8')) as Array<{ name: string; examples: Array<Record<string, unknown>> }>;
  const recorded = examples.flatMap(({ name, examples: payloads }) => payloads.map((payload) => ({ name, action: (payload.action as string | undefined) ?? null, payload })));
  const judged = recorded.map(({ name, action, payload }) => ({ name, complaints: description().webhook(name, action, payload) })).filter(({ complaints }) => complaints[0]?.startsWith('there is no webhook') !== true);
  const passed = judged.filter(({ complaints }) => complaints.length === 0);
  expect([judged.length, passed.length]).toEqual([65, 28]);
  expect([...new Set(passed.map(({ name }) => name))].sort()).toEqual(['check_run', 'check_suite', 'issue_comment', 'ping', 'repository']);
  expect(judged.flatMap(({ name, complaints }) => complaints.map((complaint) => `${name}: ${complaint}`))).toContain("push: payload/repository must have required property 'has_discussions'");
}, 120_000);
