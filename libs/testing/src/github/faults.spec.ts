import { execFileSync } from 'node:child_process';
import type { Octokit } from 'octokit';
import { startGitHub, type GitHubSimulator } from './simulator.js';
import { asInstallation, refusal } from './test/octokit.js';
import type { SimulatedRepository } from './repository.js';

let github: GitHubSimulator;
let shop: SimulatedRepository;
let rest: Octokit['rest'];
const at = { owner: 'acme', repo: 'shop' };

beforeAll(async () => {
  github = await startGitHub();
  shop = await github.createRepository('acme/shop', { 'a.txt': 'a' });
  ({ rest } = await asInstallation(github, 'acme/shop'));
});
afterEach(() => {
  github.observe(undefined);
  expect(github.faults.clear()).toBe(0);
});
afterAll(() => github.close());

const ref = () => rest.git.getRef({ ...at, ref: 'heads/main' });

test('limits come as GitHub words them, once, and say when to come again', async () => {
  const now = Math.floor(Date.now() / 1000);
  github.faults.add({ kind: 'primary-rate-limit', resetInSeconds: 30 });
  const primary = await refusal(ref());
  expect(primary).toMatchObject({ status: 403, message: expect.stringContaining('API rate limit exceeded') as string, headers: { 'x-ratelimit-remaining': '0' } });
  expect(Number(primary.headers['x-ratelimit-reset'])).toBeGreaterThanOrEqual(now + 30);
  github.faults.add({ kind: 'secondary-rate-limit', status: 429, retryAfterSeconds: 7 });
  expect(await refusal(ref())).toMatchObject({ status: 429, message: expect.stringContaining('secondary rate limit') as string, headers: { 'retry-after': '7' } });
  github.faults.add({ kind: 'secondary-rate-limit' });
  expect((await refusal(ref())).headers).not.toHaveProperty('retry-after');
  const { headers } = await ref();
  const left = Number(headers['x-ratelimit-remaining']);
  expect(left).toBeGreaterThan(4900);
  expect((await rest.rateLimit.get()).data.rate).toMatchObject({ limit: 5000, remaining: left });
});

test('a bad gateway after everything was done: the branch is there, the client does not know', async () => {
  const sha = await shop.head();
  github.faults.add({ kind: 'bad-gateway', done: true }, { operation: 'git/create-ref' });
  expect(await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/done', sha }))).toMatchObject({ status: 502 });
  expect(await shop.branches()).toContain('done');
  github.faults.add({ kind: 'bad-gateway', done: false }, { operation: 'git/create-ref' });
  expect(await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/undone', sha }))).toMatchObject({ status: 502 });
  expect(await shop.branches()).not.toContain('undone');
  expect(github.calls.at(-1)).toMatchObject({ operation: 'git/create-ref', status: 502, fault: 'bad-gateway' });
});

test('a target waits for its operation, or its path, lets some pass and meets as many as told', async () => {
  github.faults.add({ kind: 'server-error', status: 503 }, { path: /^GET .*heads\/main$/, after: 1, times: 2 });
  expect((await rest.repos.get(at)).status).toBe(200);
  const outcomes = [];
  for (let index = 0; index < 4; index++) outcomes.push(await ref().then(({ status }) => status, (error: { status: number }) => error.status));
  expect(outcomes).toEqual([200, 503, 503, 200]);
});

test('slow, cut off, cut in the middle, refused and unknown', async () => {
  github.faults.add({ kind: 'slow', milliseconds: 150 });
  const began = performance.now();
  expect((await ref()).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThan(140);
  github.faults.add({ kind: 'truncated' });
  // Octokit takes half an answer for a text, and says 200.
  expect(await ref()).toMatchObject({ status: 200, data: '' });
  github.faults.add({ kind: 'cut', done: false });
  expect((await refusal(ref())).status).toBe(500);
  expect(github.calls.at(-1)?.status).toBeUndefined();
  github.faults.add({ kind: 'cut', done: true }, { operation: 'git/create-ref' });
  await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/cut', sha: await shop.head() }));
  expect(await shop.branches()).toContain('cut');
  github.faults.add({ kind: 'forbidden' });
  expect(await refusal(ref())).toMatchObject({ status: 403, message: 'Resource not accessible by integration' });
  github.faults.add({ kind: 'unauthorized' });
  expect((await fetch(`${github.apiUrl}/repos/acme/shop`, { headers: { authorization: `Bearer ${github.personToken('acme')}` } })).status).toBe(401);
});

test('a client can be killed between every two of its calls, before and after each', async () => {
  const seen: string[] = [];
  github.observe({
    arrived: async ({ operation }) => { seen.push(`arrived ${operation}: ${(await shop.branches()).includes('killed')}`); },
    done: async ({ operation }) => { seen.push(`done ${operation}: ${(await shop.branches()).includes('killed')}`); },
  });
  await rest.git.createRef({ ...at, ref: 'refs/heads/killed', sha: await shop.head() });
  expect(seen).toEqual(['arrived git/create-ref: false', 'done git/create-ref: true']);
  github.observe({ arrived: () => 'drop' });
  await refusal(rest.git.deleteRef({ ...at, ref: 'heads/killed' }));
  expect(await shop.branches()).toContain('killed');
});

test('what a killed client had asked for is done all the same', async () => {
  const script = `await fetch('${github.apiUrl}/repos/acme/shop/git/refs', { method: 'POST', headers: { authorization: 'Bearer ${github.personToken('acme')}' }, body: JSON.stringify({ ref: 'refs/heads/orphan', sha: '${await shop.head()}' }) })`;
  const { promise, resolve } = Promise.withResolvers<void>();
  github.observe({ done: () => { resolve(); return new Promise((later) => { setTimeout(later, 100); }); } });
  const killed = (async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    await promise;
    child.kill('SIGKILL');
  })();
  await killed;
  expect(await shop.branches()).toContain('orphan');
  expect(execFileSync('git', ['rev-parse', 'orphan'], { cwd: shop.path, encoding: 'utf8' }).trim()).toBe(await shop.head());
});
