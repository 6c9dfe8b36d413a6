import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startGitHub, type GitHubSimulator, type SimulatedRepository } from '#testing';
import { grantAccess } from '../forges.js';
import { objectId } from '../object-id.js';
import { runId } from '../publication.contract.js';
import { forgeFor, settingsFor } from './github-under-test.js';

/** What goes wrong at GitHub: a clear end by its code, and nothing half-published. */

let github: GitHubSimulator;
let made = 0;
beforeAll(async () => { github = await startGitHub(); });
afterEach(() => { github.faults.clear(); github.observe(undefined); });
afterAll(() => github.close());

const BRANCH = 'pullwright/tests';
const repository = (owner = 'acme') => github.createRepository(`${owner}/trouble-${++made}`, { 'src/app.js': 'app' });
const forge = (repo: { url: string }) => forgeFor(settingsFor(github), repo.url);
async function publish(repo: SimulatedRepository, using = forge(repo), baseCommit = '') {
  return (await using).publish({
    repository: repo.url, baseCommit: baseCommit || await repo.head(), baseBranch: 'main', branch: BRANCH, folder: 'e2e', dependsOn: ['src/app.js'], title: 'Tests', body: () => 'Description', runId: runId(1),
    files: new Map([['e2e/home.spec.ts', Buffer.from('// home\n')]]),
  });
}
async function expectNothing(repo: SimulatedRepository): Promise<void> {
  expect(await repo.branches()).toEqual(['main']);
  expect(repo.pulls).toEqual([]);
}
async function expectOne(repo: SimulatedRepository): Promise<void> {
  expect(await repo.git('rev-list', '--count', `main..${BRANCH}`)).toBe('1');
  expect(repo.pulls).toMatchObject([{ state: 'open' }]);
}

describe('done, and answered with 502', () => {
  test.each(['git/create-tree', 'git/create-commit', 'git/create-ref', 'pulls/create'])('%s: there is one of everything all the same', async (operation) => {
    const repo = await repository();
    github.faults.add({ kind: 'bad-gateway', done: true }, { operation });
    expect(await publish(repo)).toMatchObject({ outcome: 'opened' });
    await expectOne(repo);
  });

  test('a comment: one', async () => {
    const repo = await repository();
    await publish(repo);
    github.faults.add({ kind: 'bad-gateway', done: true }, { operation: 'issues/create-comment' });
    const { url } = await (await forge(repo)).comment({ repository: repo.url, pullRequest: 1, mark: 'status', body: 'One' });
    expect(await (await forge(repo)).comment({ repository: repo.url, pullRequest: 1, mark: 'status', body: 'Two' })).toEqual({ url });
    expect(repo.comments(1).map(({ body }) => body)).toEqual(['<!-- pullwright:status -->\nTwo']);
  });
});

describe('limits', () => {
  test('a secondary limit that is over soon is waited for', async () => {
    const repo = await repository();
    github.faults.add({ kind: 'secondary-rate-limit', retryAfterSeconds: 1 }, { operation: 'git/create-tree' });
    expect(await publish(repo)).toMatchObject({ outcome: 'opened' });
  });

  test('a limit that is not over soon ends the step, which may be tried again', async () => {
    const repo = await repository();
    github.faults.add({ kind: 'primary-rate-limit', resetInSeconds: 3_000 }, { operation: 'git/create-tree', times: 10 });
    await expect(publish(repo)).rejects.toMatchObject({ code: 'forge-limited', retryable: true });
    await expectNothing(repo);
  });
});

describe('the repository, between crawl and publication', () => {
  test('renamed', async () => {
    const repo = await repository();
    const [using, commit, url] = [await forge(repo), await repo.head(), repo.url];
    await repo.rename('renamed');
    await expect(publish({ ...repo, url, head: () => Promise.resolve(commit) }, Promise.resolve(using), commit)).rejects.toMatchObject({ code: 'repository-moved', detail: expect.stringContaining('acme/renamed') });
    await expectNothing(github.repository('acme/renamed'));
  });

  test('deleted', async () => {
    const repo = await repository();
    const [using, commit] = [await forge(repo), await repo.head()];
    await repo.delete();
    await expect(publish(repo, Promise.resolve(using), commit)).rejects.toMatchObject({ code: 'repository-not-found' });
    await expect(forge(repo)).rejects.toMatchObject({ code: 'forge-unauthorized', detail: expect.stringContaining('not installed') });
  });

  test('archived', async () => {
    const repo = await repository();
    await repo.archive();
    await expect(publish(repo)).rejects.toMatchObject({ code: 'repository-archived' });
    await expectNothing(repo);
  });

  test('its default branch protected: nothing of ours goes there', async () => {
    const repo = await repository();
    repo.protect();
    expect(await publish(repo)).toMatchObject({ outcome: 'opened' });
  });

  test('our branch protected', async () => {
    const repo = await repository();
    await publish(repo);
    const tip = await repo.head(BRANCH);
    repo.protect(BRANCH);
    await repo.commit({ 'README.md': 'new' });
    await expect(publish(repo)).rejects.toMatchObject({ code: 'forge-forbidden', detail: expect.stringContaining(BRANCH) });
    expect(await repo.head(BRANCH)).toBe(tip);
  });
});

describe('the credential', () => {
  test('revoked in the middle', async () => {
    const repo = await repository('revoked');
    const using = await forge(repo);
    github.observe({ arrived({ operation }) { if (operation === 'git/create-commit') github.installationOf('revoked').revokeTokens(); } });
    await expect(publish(repo, Promise.resolve(using))).rejects.toMatchObject({ code: 'forge-unauthorized' });
    await expectNothing(repo);
  });

  test('is not accepted', async () => {
    const repo = await repository();
    await expect(grantAccess(settingsFor(github, { GITHUB_APP_ID: '999999' }), repo.url, 'read', 1_000)).rejects.toMatchObject({ code: 'forge-unauthorized' });
    const { GITHUB_APP_ID: _id, ...rest } = settingsFor(github);
    await expect(grantAccess({ ...rest, GITHUB_APP_ID: undefined }, repo.url, 'read', 1_000)).rejects.toMatchObject({ code: 'forge-unauthorized', detail: expect.stringContaining('GITHUB_TOKEN') });
  });

  test('lacks a permission', async () => {
    const repo = await repository('narrow');
    github.install('narrow', { permissions: { metadata: 'read', contents: 'read' } });
    await expect(grantAccess(settingsFor(github), repo.url, 'write', 1_000)).rejects.toMatchObject({ code: 'forge-forbidden', detail: expect.stringContaining('contents: write') });
    expect(await grantAccess(settingsFor(github), repo.url, 'read', 1_000)).toMatchObject({ forge: 'github', token: expect.stringMatching(/^ghs_/) });
  });

  test('is good for one repository and one use, and for as long as the step may take', async () => {
    const [repo, other] = [await repository(), await repository()];
    const read = await forgeFor(settingsFor(github), repo.url, 'read');
    await expect(publish(repo, Promise.resolve(read))).rejects.toMatchObject({ code: 'forge-forbidden' });
    await expect(read.open(other.url)).rejects.toMatchObject({ code: 'repository-not-found' });
    const { token } = await grantAccess(settingsFor(github), repo.url, 'read', 1_000) as { token: string };
    expect((await fetch(`${github.apiUrl}/repos/${other.fullName}`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(404);
    expect(await grantAccess(settingsFor(github), repo.url, 'read', 1_000)).toMatchObject({ token });
    expect(await grantAccess(settingsFor(github), repo.url, 'read', 3_590_000)).not.toMatchObject({ token });
  });

  test('of one user instead of an app', async () => {
    const repo = await github.createRepository(`solo/app-${++made}`, { 'src/app.js': 'app' }, { organization: false, install: false });
    const { GITHUB_APP_ID: _id, ...settings } = settingsFor(github, { GITHUB_TOKEN: github.personToken('solo') });
    expect(await publish(repo, forgeFor({ ...settings, GITHUB_APP_ID: undefined }, repo.url))).toMatchObject({ outcome: 'opened' });
    await expectOne(repo);
  });
});

test.each<[string, string, string]>([
  ['another server', 'https://example.org/acme/app', 'repository-not-found'], ['no name', 'acme', 'bad-request'], ['a folder too many', 'acme/app/tree', 'bad-request'], ['a query', 'acme/app?x=1', 'bad-request'], ['dots', 'acme/..', 'bad-request'],
])('an address with %s is refused', async (_what, path, code) => {
  await expect(grantAccess(settingsFor(github), path.startsWith('https') ? path : `${github.url}/${path}`, 'read', 1_000)).rejects.toMatchObject({ code });
  await expect(grantAccess(settingsFor(github), 'git@github.com:acme/app.git', 'read', 1_000)).rejects.toMatchObject({ code: 'bad-request', detail: expect.stringContaining('https://github.com/acme/app') });
});

test('hundreds of files go in pieces, and bytes that are no text arrive as they are', async () => {
  const repo = await repository();
  const files = new Map<string, Buffer>(Array.from({ length: 450 }, (_, i) => [`e2e/many/${i}.spec.ts`, Buffer.from(`// ${i}\n`)]));
  files.set('e2e/bytes.png', Buffer.from([0, 255, 137, 80, 13, 10]));
  const from = github.calls.length;
  const { commit } = await (await forge(repo)).publish({ repository: repo.url, baseCommit: await repo.head(), baseBranch: 'main', branch: BRANCH, folder: 'e2e', dependsOn: [], title: 'Tests', body: () => '', runId: runId(1), files });
  const trees = github.calls.slice(from).filter(({ operation }) => operation === 'git/create-tree').map(({ body }) => (body as { tree: unknown[]; base_tree?: string }));
  expect(trees.map(({ tree }) => tree.length)).toEqual([200, 200, 52]);
  expect(trees.every(({ base_tree: base }) => base !== undefined)).toBe(true);
  expect(await repo.git('diff', '--shortstat', 'main', commit)).toContain('452 files changed');
  expect(await repo.git('rev-parse', `${commit}:e2e/bytes.png`)).toBe(objectId('blob', files.get('e2e/bytes.png') as Buffer, commit));
});
