import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveApi, type Api } from './api.js';
import { description } from './description.js';
import { operations } from './operations.js';
import { ok } from './request.js';
import { startGitHub, type GitHubSimulator } from './simulator.js';
import { ArmedFaults } from '../faults.js';
import { WebhookSender } from './webhooks.js';
import { World } from './world.js';

let github: GitHubSimulator;
beforeAll(async () => {
  github = await startGitHub();
  await github.createRepository('acme/shop', { 'a.txt': 'a' });
});
afterAll(() => github.close());

const ask = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${github.apiUrl}${path}`, { method, headers: { authorization: `Bearer ${github.personToken('acme')}` }, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
};

test('every operation of the description is served, and no other', () => {
  const sender = new WebhookSender(() => { throw new Error('nothing is sent'); }, () => undefined, 0);
  expect(Object.keys(operations(sender)).sort()).toEqual(description().operationIds.sort());
});

test.each([
  ['a key that is not known', 'POST', '/repos/acme/shop/git/blobs', { content: 'x', enc: 'utf-8' }, 'body/enc is not in the description'],
  ['a key that is not known, deep inside', 'POST', '/repos/acme/shop/git/trees', { tree: [{ path: 'a', mode: '100644', type: 'blob', content: 'x', size: 1 }] }, 'body/tree/0/size is not in the description'],
  ['a mode that there is not', 'POST', '/repos/acme/shop/git/trees', { tree: [{ path: 'a', mode: '100600', type: 'blob', content: 'x' }] }, 'body/tree/0/mode must be equal to one of the allowed values'],
  ['a wrong type', 'POST', '/repos/acme/shop/pulls', { title: 1, head: 'a', base: 'main' }, 'body/title must be string'],
  ['a key that is missing', 'POST', '/repos/acme/shop/git/commits', { tree: 'x' }, "must have required property 'message'"],
  ['a query that is not known', 'GET', '/repos/acme/shop/pulls?status=open', undefined, 'query status is not in the description'],
  ['a query with a wrong value', 'GET', '/repos/acme/shop/pulls?state=merged', undefined, 'query state must be equal to one of the allowed values'],
  ['a path parameter that is no number', 'GET', '/repos/acme/shop/pulls/one', undefined, 'path pull_number must be integer'],
  ['a body where there is none', 'DELETE', '/repos/acme/shop/git/refs/heads/x', { force: true }, 'the operation takes no body'],
  ['an operation that there is not', 'POST', '/repos/acme/shop/git/everything', {}, 'GitHub has no such operation'],
])('a request with %s is answered with an error, and remembered', async (_, method, path, body, complaint) => {
  const answer = await ask(method, path, body);
  expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(answer.text).toContain(complaint.replaceAll('"', '\\"'));
  expect(github.takeViolations().join('\n')).toContain(complaint);
});

test('a violation that nobody took makes close() throw', async () => {
  const other = await startGitHub();
  await fetch(`${other.apiUrl}/nothing`);
  await expect(other.close()).rejects.toThrow('GET /nothing: GitHub has no such operation');
});

test('what git finds wrong makes close() throw', async () => {
  const other = await startGitHub();
  const repository = await other.createRepository('acme/broken', { 'a.txt': 'a' });
  const blob = await repository.git('rev-parse', 'HEAD:a.txt');
  const { rm } = await import('node:fs/promises');
  await rm(`${repository.path}/objects/${blob.slice(0, 2)}/${blob.slice(2)}`);
  await expect(other.close()).rejects.toThrow(/missing blob|git fsck/);
});

test('an answer that is not as described is caught, whichever way it is wrong', async () => {
  const world = new World('/nonexistent', { entries: 1, bytes: 1 }, () => undefined, () => false);
  const violations: string[] = [];
  let body: unknown;
  const api: Api = { world, routes: { 'meta/get': () => Promise.resolve(ok(body)), 'users/get-by-username': () => Promise.resolve({ status: 418, body: {} }) }, faults: new ArmedFaults(), calls: [], violations, observer: () => undefined };
  const server = createServer((request, response) => { const url = new URL(request.url ?? '', 'http://x'); void serveApi(api, request, response, url, url.pathname); });
  await new Promise<void>((listening) => { server.listen(0, '127.0.0.1', listening); });
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const complaints = async (wrong: unknown) => {
    body = wrong;
    const { status } = await fetch(`${at}/meta`);
    return [status, violations.splice(0).join('; ')];
  };
  expect(await complaints({ verifiable_password_authentication: false })).toEqual([200, '']);
  expect(await complaints({})).toEqual([500, expect.stringContaining("must have required property 'verifiable_password_authentication'") as string]);
  expect(await complaints({ verifiable_password_authentication: 'no' })).toEqual([500, expect.stringContaining('must be boolean') as string]);
  expect(await complaints({ verifiable_password_authentication: false, invented: 1 })).toEqual([500, expect.stringContaining('body/invented is not in the description') as string]);
  await fetch(`${at}/users/x`);
  expect(violations).toEqual([expect.stringContaining('status 418 is not in the description')]);
  server.closeAllConnections();
  server.close();
});
