import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startGitLab, type GitLabSimulator } from './simulator.js';
import type { SimulatedProject } from './project.js';

let gitlab: GitLabSimulator;
let number = 0;
beforeAll(async () => { gitlab = await startGitLab(); });
afterEach(() => gitlab.check());
afterAll(() => gitlab.close());

const project = async (files: Record<string, string> = { 'a.txt': 'a', 'src/b.txt': 'b' }) => gitlab.createProject(`group/sub/p${++number}`, files);
interface Answer { status: number; headers: Headers; json: unknown }
async function ask(token: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${gitlab.url}/api/v4${path}`, { method, redirect: 'manual', headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await answer.text();
  let json: unknown = text;
  try { json = JSON.parse(text); } catch { /* Raw blobs and the words of a limit are no JSON. */ }
  return { status: answer.status, headers: answer.headers, json };
}
const at = (one: SimulatedProject) => `/projects/${encodeURIComponent(one.path)}`;
const commit = (branch: string, more: Record<string, unknown> = {}) => ({ branch, commit_message: 'Tests', actions: [{ action: 'create', file_path: 'e2e/x.ts', content: 'x' }], ...more });

test('shows a project to its members only, by its path and by its number', async () => {
  const one = await project();
  const token = one.accessToken('developer');
  expect(await ask(token, 'GET', at(one))).toMatchObject({ status: 200, json: { id: one.id, path_with_namespace: one.path, default_branch: 'main', archived: false } });
  expect(await ask(token, 'GET', `/projects/${one.id}`)).toMatchObject({ status: 200 });
  expect(await ask((await project()).accessToken('owner'), 'GET', at(one))).toMatchObject({ status: 404, json: { message: '404 Project Not Found' } });
  expect(await ask('wrong', 'GET', at(one))).toMatchObject({ status: 401 });
});

test('lists a tree page by page behind tokens, folders first, and gives blobs as they are', async () => {
  const one = await project(Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`d/f${i}.txt`, String(i % 2)])));
  const token = one.accessToken('reporter');
  const paths: string[] = [];
  let next: string | undefined = `${at(one)}/repository/tree?recursive=true&pagination=keyset&per_page=10&ref=main`;
  for (let pages = 0; next !== undefined && pages < 5; pages++) {
    const { json, headers } = await ask(token, 'GET', next);
    paths.push(...(json as Array<{ path: string }>).map(({ path }) => path));
    next = /<[^>]*\/api\/v4([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }
  expect(paths).toHaveLength(26);
  expect(paths[0]).toBe('d');
  const blob = await one.git('rev-parse', 'main:d/f1.txt');
  expect(await ask(token, 'GET', `${at(one)}/repository/blobs/${blob}/raw`)).toMatchObject({ status: 200, json: 1 });
});

test('commits all actions at once onto a new branch, and never over one that is there', async () => {
  const one = await project();
  const token = one.accessToken('developer');
  const base = await one.git('rev-parse', 'main');
  const made = await ask(token, 'POST', `${at(one)}/repository/commits`, commit('topic', { start_sha: base }));
  expect(made).toMatchObject({ status: 201, json: { parent_ids: [base], title: 'Tests' } });
  expect(await one.git('log', '-1', '--format=%P', 'topic')).toBe(base);
  expect(await ask(token, 'POST', `${at(one)}/repository/commits`, commit('topic', { start_sha: base }))).toMatchObject({ status: 400, json: { message: expect.stringContaining('already exists') } });
  expect(await ask(token, 'POST', `${at(one)}/repository/commits`, commit('topic'))).toMatchObject({ status: 400, json: { message: 'A file with this name already exists' } });
  expect(await ask(token, 'POST', `${at(one)}/repository/commits`, commit('main', { actions: [{ action: 'update', file_path: 'a.txt', content: 'z' }] }))).toMatchObject({ status: 403 });
  expect(await ask(one.accessToken('reporter'), 'POST', `${at(one)}/repository/commits`, commit('other', { start_sha: base }))).toMatchObject({ status: 403 });
});

test('one open merge request for a source branch; it closes with its branch', async () => {
  const one = await project();
  const token = one.accessToken('developer');
  await one.commit({ 'new.txt': 'n' }, { branch: 'topic' });
  const body = { title: 'T', source_branch: 'topic', target_branch: 'main' };
  expect(await ask(token, 'POST', `${at(one)}/merge_requests`, body)).toMatchObject({ status: 201, json: { iid: 1, state: 'opened' } });
  expect(await ask(token, 'POST', `${at(one)}/merge_requests`, body)).toMatchObject({ status: 409 });
  await one.deleteBranch('topic');
  expect(await ask(token, 'GET', `${at(one)}/merge_requests?source_branch=topic&state=all`)).toMatchObject({ json: [{ state: 'closed', closed_by: { username: 'ada' } }] });
});

test('rebases a merge request onto its target, or says why not', async () => {
  const one = await project();
  const token = one.accessToken('developer');
  await one.commit({ 'new.txt': 'n' }, { branch: 'topic' });
  await ask(token, 'POST', `${at(one)}/merge_requests`, { title: 'T', source_branch: 'topic', target_branch: 'main' });
  const base = await one.commit({ 'a.txt': 'moved' });
  expect(await ask(token, 'PUT', `${at(one)}/merge_requests/1/rebase`)).toMatchObject({ status: 202 });
  expect(await one.git('log', '-1', '--format=%P', 'topic')).toBe(base);
  await one.commit({ 'new.txt': 'theirs' });
  await ask(token, 'PUT', `${at(one)}/merge_requests/1/rebase`);
  const look = () => ask(token, 'GET', `${at(one)}/merge_requests/1?include_rebase_in_progress=true`);
  expect(await look()).toMatchObject({ json: { rebase_in_progress: true } });
  expect(await look()).toMatchObject({ json: { rebase_in_progress: false, merge_error: expect.stringContaining('Rebase failed') } });
});

test('a moved project leads reads to its number and refuses the rest; an archived one takes nothing; a deleted one is gone', async () => {
  const one = await project();
  const token = one.accessToken('maintainer');
  const old = at(one);
  one.rename('group/renamed');
  const moved = await ask(token, 'GET', old);
  expect([moved.status, moved.headers.get('location')]).toEqual([302, `${gitlab.url}/api/v4/projects/${one.id}`]);
  expect(await ask(token, 'POST', `${old}/repository/branches`, { branch: 'x', ref: 'main' })).toMatchObject({ status: 405 });
  one.archive();
  expect(await ask(token, 'POST', `${at(one)}/repository/branches`, { branch: 'x', ref: 'main' })).toMatchObject({ status: 403 });
  one.delete();
  expect(await ask(token, 'GET', at(one))).toMatchObject({ status: 404 });
});

test('refuses what the published description does not know, and what a token may not', async () => {
  const one = await project();
  const token = one.accessToken('developer');
  for (const [method, path, body] of [['GET', '/repository/tree?reff=main'], ['POST', '/repository/commits', commit('x', { forced: true })], ['POST', '/merge_requests', { title: 'T' }], ['GET', '/issues']] as const) {
    expect(await ask(token, method, `${at(one)}${path}`, body)).toMatchObject({ status: 500 });
    expect(gitlab.takeViolations()).toHaveLength(path === '/merge_requests' ? 2 : 1);
  }
  expect(await ask(one.accessToken('developer', ['read_api']), 'POST', `${at(one)}/repository/branches`, { branch: 'x', ref: 'main' })).toMatchObject({ status: 403, json: { error: 'insufficient_scope' } });
  gitlab.revoke(token);
  expect(await ask(token, 'GET', at(one))).toMatchObject({ status: 401, json: { error: 'invalid_token' } });
});

test('faults: limits, a bad gateway after everything was done, truncated answers, cut connections', async () => {
  const one = await project();
  const token = one.accessToken('developer');
  gitlab.faults.add({ kind: 'primary-rate-limit', resetInSeconds: 7 });
  const limited = await ask(token, 'GET', at(one));
  expect([limited.status, limited.headers.get('retry-after'), limited.headers.get('ratelimit-remaining')]).toEqual([429, '7', '0']);
  gitlab.faults.add({ kind: 'bad-gateway', done: true }, { path: /^POST .*commits/ });
  expect(await ask(token, 'POST', `${at(one)}/repository/commits`, commit('topic', { start_branch: 'main' }))).toMatchObject({ status: 502 });
  expect(await one.git('rev-list', '--count', 'main..topic')).toBe('1');
  gitlab.faults.add({ kind: 'truncated' });
  await expect(ask(token, 'GET', at(one))).rejects.toThrow();
  gitlab.faults.add({ kind: 'cut', done: false });
  await expect(ask(token, 'GET', at(one))).rejects.toThrow();
  expect(gitlab.faults.clear()).toBe(0);
});

test('tells its hooks, signed, and again with the same key', async () => {
  const received: Array<{ headers: IncomingHttpHeaders; body: string }> = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => { received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') }); response.writeHead(202).end(); });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  try {
    const one = await project();
    const key = Buffer.from('k'.repeat(32)).toString('base64');
    one.hook(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, 'secret', { signingKey: `whsec_${key}` });
    await one.commit({ 'new.txt': 'n' }, { branch: 'topic' });
    await ask(one.accessToken('developer'), 'POST', `${at(one)}/merge_requests`, { title: 'T', source_branch: 'topic', target_branch: 'main' });
    await one.comment(1, '/pullwright retry', 'ada');
    await gitlab.webhooks.settled();
    await gitlab.webhooks.resend(1);
    expect(received.map(({ headers }) => headers['x-gitlab-event'])).toEqual(['Push Hook', 'Merge Request Hook', 'Note Hook', 'Push Hook']);
    expect(received[3]?.headers['idempotency-key']).toBe(received[0]?.headers['idempotency-key']);
    for (const { headers, body } of received) {
      expect(headers['x-gitlab-token']).toBe('secret');
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', Buffer.from(key, 'base64')).update(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`).digest('base64')}`);
    }
    expect(JSON.parse(received[2]?.body ?? '')).toMatchObject({ object_kind: 'note', object_attributes: { note: '/pullwright retry', noteable_type: 'MergeRequest' }, merge_request: { iid: 1 }, user: { username: 'ada' } });
  } finally {
    receiver.close();
  }
});
