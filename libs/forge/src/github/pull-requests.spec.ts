import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startGitHub, type GitHubSimulator, type SimulatedRepository } from '#testing';
import type { Publication } from '../forge.js';
import { runId } from '../publication.contract.js';
import { forgeFor, settingsFor } from './github-under-test.js';

/** One pull request per purpose, seen from GitHub's side; docs/pull-requests.md tells the states. */

let github: GitHubSimulator;
let made = 0;
beforeAll(async () => { github = await startGitHub(); });
afterEach(() => { github.faults.clear(); github.observe(undefined); });
afterAll(() => github.close());

const BRANCH = 'pullwright/tests';
const repository = (files: Record<string, string> = {}) => github.createRepository(`acme/purpose-${++made}`, { 'src/app.js': 'app', ...files }, { collaborators: { ada: 'write' } });
async function publish(repo: SimulatedRepository, n: number, change: Partial<Omit<Publication, 'files'>> & { files?: Record<string, string> } = {}) {
  const { files = { 'e2e/home.spec.ts': '// home\n' }, ...rest } = change;
  return (await forgeFor(settingsFor(github), repo.url)).publish({
    repository: repo.url, baseCommit: await repo.head(), baseBranch: 'main', branch: BRANCH, folder: 'e2e', dependsOn: ['src/app.js'], title: `Tests ${n}`, body: () => `Description ${n}`, runId: runId(n),
    files: new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])), ...rest,
  });
}
const commentsOn = (repo: SimulatedRepository) => repo.comments(1).map(({ body }) => body);

describe('while only Pullwright has committed', () => {
  test('it is updated in place: one pull request, its description too', async () => {
    const repo = await repository();
    const first = await publish(repo, 1);
    expect(first).toMatchObject({ outcome: 'opened', forge: 'github', number: 1, url: `${repo.url}/pull/1`, look: `${repo.url}/pull/1` });
    expect(await publish(repo, 2, { files: { 'e2e/cart.spec.ts': '// cart\n' } })).toMatchObject({ outcome: 'updated', number: 1 });
    expect(repo.pulls).toMatchObject([{ number: 1, state: 'open', title: 'Tests 2', body: expect.stringMatching(/^Description 2\n/) }]);
    expect(commentsOn(repo)).toEqual([]);
  });

  test('the commit is made by the app, without an author of our own, and verified', async () => {
    const repo = await repository();
    const from = github.calls.length;
    const { commit } = await publish(repo, 1);
    const [made] = github.calls.slice(from).filter(({ operation }) => operation === 'git/create-commit');
    expect(Object.keys(made?.body as object).sort()).toEqual(['message', 'parents', 'tree']);
    expect(await repo.git('log', '-1', '--format=%an', commit)).toContain('[bot]');
  });

  test('a title or a description that a person has edited stays', async () => {
    const repo = await repository();
    const { number = 0 } = await publish(repo, 1);
    const token = github.personToken('ada');
    await fetch(`${github.apiUrl}/repos/${repo.fullName}/pulls/${number}`, { method: 'PATCH', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ title: 'Ours' }) });
    await publish(repo, 2, { files: { 'e2e/cart.spec.ts': '// cart\n' } });
    expect(repo.pulls).toMatchObject([{ title: 'Ours', body: expect.stringMatching(/^Description 1\n/) }]);
  });
});

test('once a person has committed it is left alone, with one comment that is edited in place', async () => {
  const repo = await repository();
  await publish(repo, 1);
  const theirs = await repo.commit({ 'e2e/home.spec.ts': '// better\n' }, { branch: BRANCH, by: 'ada' });
  for (const n of [2, 3]) await expect(publish(repo, n, { files: { 'e2e/x.spec.ts': `// ${n}\n` } })).rejects.toMatchObject({ code: 'branch-taken' });
  expect(await repo.head(BRANCH)).toBe(theirs);
  expect(commentsOn(repo)).toEqual([expect.stringContaining('Somebody else has committed')]);
});

test('a stranger’s comment with the mark is not taken for ours', async () => {
  const repo = await repository();
  await publish(repo, 1);
  await repo.comment(1, '<!-- pullwright:status -->\nall is well', 'ada');
  await repo.commit({ a: '1' }, { branch: BRANCH, by: 'ada' });
  await expect(publish(repo, 2, { files: { 'e2e/x.spec.ts': 'x' } })).rejects.toMatchObject({ code: 'branch-taken' });
  expect(commentsOn(repo)).toEqual(['<!-- pullwright:status -->\nall is well', expect.stringContaining('Somebody else')]);
});

describe('closed by a person', () => {
  test.each([['with its branch', false], ['and the branch removed', true]])('%s means no until asked again', async (_how, removed) => {
    const repo = await repository();
    const { commit } = await publish(repo, 1);
    await repo.closePull(1, 'ada');
    if (removed) await repo.deleteBranch(BRANCH, 'ada');
    const from = github.calls.length;
    expect(await publish(repo, 2, { files: { 'e2e/x.spec.ts': 'x' } })).toMatchObject({ outcome: 'declined', number: 1, commit, url: `${repo.url}/pull/1` });
    expect(github.calls.slice(from).filter(({ method, path }) => method !== 'GET' && !path.includes('access_tokens'))).toEqual([]);
    expect(await publish(repo, 3, { files: { 'e2e/x.spec.ts': 'x' }, askedAgain: true })).toMatchObject({ outcome: removed ? 'opened' : 'updated', number: 2 });
    expect(repo.pulls.map(({ state }) => state)).toEqual(['closed', 'open']);
  });
});

test('merged, the next one begins anew', async () => {
  const repo = await repository();
  await publish(repo, 1);
  await repo.merge(1, { method: 'squash' });
  expect(await publish(repo, 2)).toMatchObject({ outcome: 'unchanged' });
  expect(await publish(repo, 3, { files: { 'e2e/home.spec.ts': '// home 3\n' } })).toMatchObject({ number: 2 });
  expect(repo.pulls).toMatchObject([{ merged: true }, { state: 'open' }]);
});

test('when the base has it all, it is closed with that reason, which is no person’s no', async () => {
  const repo = await repository();
  const { files } = await publish(repo, 1);
  const contents = Object.fromEntries(await Promise.all(files.map(async ({ path }) => [path, `${await repo.git('show', `${BRANCH}:${path}`)}\n`] as const)));
  await repo.commit(contents, { by: 'ada', message: 'By hand' });
  expect(await publish(repo, 2)).toMatchObject({ outcome: 'closed', number: 1 });
  expect(repo.pulls).toMatchObject([{ state: 'closed', merged: false }]);
  expect(commentsOn(repo)).toEqual([expect.stringContaining('on `main` already')]);
  expect(await repo.branches()).toEqual(['main']);
  expect(await publish(repo, 3, { files: { 'e2e/home.spec.ts': '// home 3\n' } })).toMatchObject({ outcome: 'opened', number: 2 });
});

test('taken back, it is closed by us, and the next one is opened', async () => {
  const repo = await repository();
  await publish(repo, 1);
  const forge = await forgeFor(settingsFor(github), repo.url);
  expect(await forge.withdraw({ repository: repo.url, branch: BRANCH, runId: runId(1) })).toEqual({ outcome: 'removed' });
  expect(repo.pulls).toMatchObject([{ state: 'closed' }]);
  expect(await publish(repo, 2)).toMatchObject({ outcome: 'opened', number: 2, createdBy: runId(2) });
});

test('an older base, after a forced push, does not take back what the branch already stands on', async () => {
  const repo = await repository();
  const old = await repo.head();
  await repo.commit({ 'README.md': 'new' });
  const { commit } = await publish(repo, 1);
  await repo.forcePush('main', old);
  await expect(publish(repo, 2, { files: { 'e2e/x.spec.ts': 'x' } })).rejects.toMatchObject({ code: 'stale-base' });
  expect(await repo.head(BRANCH)).toBe(commit);
});

test('a base that moves while it is being published is taken in', async () => {
  const repo = await repository();
  let moved = false;
  github.observe({ async done({ operation }) { if (operation !== 'pulls/list' || moved) return; moved = true; await repo.commit({ 'README.md': 'new' }, { by: 'ada' }); } });
  expect(await publish(repo, 1)).toMatchObject({ outcome: 'opened', baseCommit: await repo.head() });
  expect(await repo.git('diff', '--name-only', 'main', BRANCH)).toBe('e2e/.pullwright.json\ne2e/home.spec.ts');
});

test('what cannot be had of labels and reviewers is told, and the pull request is there', async () => {
  const repo = await repository({ '.github/CODEOWNERS': '* @nobody-here\n/e2e/ @ada @acme/web ada@example.org\n' });
  const policy = { draft: true, labels: ['tests'], reviewers: ['stranger'], teamReviewers: [], assignees: ['ada'], codeOwners: true };
  const { notes, outcome } = await publish(repo, 1, { policy });
  expect(outcome).toBe('opened');
  expect(notes?.join('\n')).toContain('stranger');
  expect(repo.pulls).toMatchObject([{ draft: true, labels: ['tests'], assignees: ['ada'] }]);
});
