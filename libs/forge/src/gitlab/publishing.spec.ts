import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Failure, type PullRequest } from '#contracts';
import { startGitLab, type GitLabSimulator, type SimulatedProject } from '#testing';
import type { HostedForge, Publication } from '../forge.js';
import { runId } from '../publication.contract.js';
import { forgeFor } from './gitlab-under-test.js';

let gitlab: GitLabSimulator;
let count = 0;
/** What was killed still waits for its answers. */
const dead: Array<Promise<unknown>> = [];
beforeAll(async () => { gitlab = await startGitLab(); });
afterEach(() => gitlab.reset());
afterAll(async () => { await gitlab.close(); await Promise.allSettled(dead); });

const BRANCH = 'pullwright/tests';
type Changes = Partial<Omit<Publication, 'files'>> & { files?: Record<string, string> };
interface Stage { project: SimulatedProject; address: string; token: string; forge: HostedForge; base: string; publish(changes?: Changes, by?: HostedForge): Promise<PullRequest> }

async function stage(files: Record<string, string> = { 'src/app.js': 'app', 'index.html': '<h1>Home</h1>' }): Promise<Stage> {
  const project = await gitlab.createProject(`acme/shop-${++count}`, files);
  const address = project.url;
  const token = project.accessToken('developer');
  const forge = await forgeFor(gitlab, project.url, token);
  const base = await project.git('rev-parse', 'main');
  return {
    project, address, token, forge, base,
    publish: ({ files: changed = { 'e2e/home.spec.ts': '// home\n' }, ...more } = {}, by = forge) => by.publish({
      repository: address, baseCommit: base, baseBranch: 'main', branch: BRANCH, folder: 'e2e', dependsOn: ['src/app.js'], title: 'Tests for the home page', body: () => 'What is covered', runId: runId(1), ...more,
      files: new Map(Object.entries(changed).map(([path, content]) => [path, Buffer.from(content)])),
    }),
  };
}
const onlyOne = async ({ project }: Stage, outcome: PullRequest) => {
  expect(project.mergeRequests).toMatchObject([{ state: 'opened', sourceBranch: BRANCH, targetBranch: 'main', sha: outcome.commit }]);
  expect(await project.git('rev-parse', BRANCH)).toBe(outcome.commit);
  expect(await project.git('rev-parse', `${BRANCH}^{tree}`)).toBe(outcome.tree);
};
/**
 * Kills a publication: its first calls that match are answered, and then none is any more, so it is as good as dead; should it outlive its own time limit, its token is good for nothing.
 * Answers false when it ended before it could be killed. What a kill leaves behind differs only by the writes before it.
 */
async function killed(at: Stage, changes: Changes, answered: number, matches: (method: string) => boolean = () => true): Promise<boolean> {
  let seen = 0;
  const { promise: killing, resolve: kill } = Promise.withResolvers<boolean>();
  const token = gitlab.anotherToken(at.token);
  gitlab.observe({ arrived: ({ method }) => { if (!matches(method) || ++seen <= answered) return undefined; kill(true); return new Promise<void>(() => undefined); } });
  const running = at.publish(changes, await forgeFor(gitlab, at.address, token));
  dead.push(running.catch(() => undefined));
  const was = await Promise.race([killing, running.then(() => false)]);
  gitlab.observe(undefined);
  gitlab.revoke(token);
  return was;
}

describe('one merge request for a purpose', () => {
  test('once a person has committed it is left alone, and one note says so however often it is tried', async () => {
    const at = await stage();
    await at.publish();
    const theirs = await at.project.commit({ 'e2e/home.spec.ts': '// better\n' }, { branch: BRANCH, by: 'grace' });
    for (let time = 0; time < 3; time++) await expect(at.publish({ runId: runId(2 + time), files: { 'e2e/x.spec.ts': 'x' } })).rejects.toMatchObject({ code: 'branch-taken' });
    expect(await at.project.git('rev-parse', BRANCH)).toBe(theirs);
    expect(at.project.notes(1).map(({ body }) => body)).toEqual([expect.stringContaining('Somebody else has committed')]);
  });

  test('closed by a person means no, until somebody asks again: then it is opened again', async () => {
    const at = await stage();
    const first = await at.publish();
    await at.project.closeMergeRequest(1, 'grace');
    const before = gitlab.calls.length;
    expect(await at.publish({ runId: runId(2), files: { 'e2e/x.spec.ts': 'x' } })).toMatchObject({ outcome: 'declined', number: 1 });
    expect(gitlab.calls.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await at.project.git('rev-parse', BRANCH)).toBe(first.commit);
    const again = await at.publish({ runId: runId(3), files: { 'e2e/x.spec.ts': 'x' }, askedAgain: true });
    expect(again).toMatchObject({ outcome: 'updated', number: 1 });
    await onlyOne(at, again);
  });

  test('a person who removed the branch has said no as well', async () => {
    const at = await stage();
    await at.publish();
    await at.project.deleteBranch(BRANCH, 'grace');
    expect(await at.publish({ runId: runId(2) })).toMatchObject({ outcome: 'declined' });
  });

  test('closed with the reason when the base has all of it; new tests open it again', async () => {
    const at = await stage();
    await at.publish();
    const tree = (path: string) => at.project.git('show', `${BRANCH}:${path}`).then((text) => `${text}\n`);
    await at.project.commit({ 'e2e/home.spec.ts': await tree('e2e/home.spec.ts'), 'e2e/.pullwright.json': await tree('e2e/.pullwright.json') });
    expect(await at.publish({ runId: runId(2) })).toMatchObject({ outcome: 'closed', number: 1 });
    expect(at.project.mergeRequests).toMatchObject([{ state: 'closed' }]);
    expect(at.project.notes(1)).toMatchObject([{ body: expect.stringContaining('is on `main` already') }]);
    await expect(at.project.git('rev-parse', '--verify', `refs/heads/${BRANCH}`)).rejects.toThrow();
    expect(await at.publish({ runId: runId(3) })).toMatchObject({ outcome: 'unchanged' });
    const next = await at.publish({ runId: runId(4), files: { 'e2e/home.spec.ts': '// home\n', 'e2e/x.spec.ts': 'x' } });
    expect(next).toMatchObject({ outcome: 'opened', number: 1, createdBy: runId(4) });
    await onlyOne(at, next);
  });

  test('a base that moved where the branch has changed something too cannot be taken in: nothing is touched, and the way out is said', async () => {
    const at = await stage();
    const first = await at.publish();
    const blob = await at.project.git('rev-parse', `${BRANCH}:e2e/home.spec.ts`);
    await at.project.commit({ 'e2e/home.spec.ts': '// by hand\n', 'e2e/.pullwright.json': JSON.stringify({ generatedBy: 'Pullwright', files: { 'e2e/home.spec.ts': blob } }) });
    await expect(at.publish({ runId: runId(2) })).rejects.toMatchObject({ code: 'stale-base', detail: expect.stringContaining('close it and delete the branch') });
    expect(await at.project.git('rev-parse', BRANCH)).toBe(first.commit);
  });

  test('a title and a description that a person has edited stay; ours are kept up to date', async () => {
    const at = await stage();
    await at.publish();
    await at.publish({ runId: runId(2), title: 'Other tests', files: { 'e2e/x.spec.ts': 'x' } });
    expect(at.project.mergeRequests[0]).toMatchObject({ title: 'Other tests' });
    const person = gitlab.personToken('ada');
    await fetch(`${gitlab.url}/api/v4/projects/${at.project.id}/merge_requests/1`, { method: 'PUT', headers: { 'private-token': person, 'content-type': 'application/json' }, body: JSON.stringify({ title: 'By hand' }) });
    await at.publish({ runId: runId(3), title: 'Yet others', files: { 'e2e/y.spec.ts': 'y' } });
    expect(at.project.mergeRequests[0]).toMatchObject({ title: 'By hand' });
  });

  test('what the repository asks of it: a draft, labels and reviewers; who is no member is told and fails nothing', async () => {
    const at = await stage();
    at.project.member('grace', 'developer');
    const opened = await at.publish({ policy: { draft: true, labels: ['tests'], reviewers: ['grace', 'nobody'], teamReviewers: ['acme/qa'], assignees: [], codeOwners: true } });
    expect(at.project.mergeRequests).toMatchObject([{ title: 'Draft: Tests for the home page', labels: ['tests'] }]);
    expect(opened.notes).toEqual([expect.stringContaining('acme/qa'), expect.stringContaining('nobody')]);
    expect(await at.publish()).toMatchObject({ outcome: 'opened' });
  });

  test('words of the repository do not become commands of GitLab', async () => {
    const at = await stage();
    await at.publish({ body: () => 'First\n/merge\n  /close\n```sh\n/merge in code\n```\n/label ~x' });
    expect(at.project.mergeRequests[0]?.description).toContain('First\n\\/merge\n  \\/close\n```sh\n/merge in code\n```\n\\/label ~x');
    expect(await at.publish({ body: () => 'First\n/merge\n  /close\n```sh\n/merge in code\n```\n/label ~x' })).toMatchObject({ outcome: 'opened' });
  });
});

describe('whatever happens on the way', () => {
  test('killed before each of its calls, and done again: one branch, one commit, one merge request', async () => {
    let calls = 0;
    for (let at = await stage(); await killed(at, {}, calls); at = await stage()) {
      calls++;
      const outcome = await at.publish();
      expect(outcome).toMatchObject({ outcome: 'opened', createdBy: runId(1) });
      await onlyOne(at, outcome);
      expect(await at.project.git('rev-list', '--count', `main..${BRANCH}`)).toBe('1');
    }
    expect(calls).toBeGreaterThan(10);
  }, 120_000);

  test('killed before each write of an update on a base that has moved: one commit more, on that base', async () => {
    for (let writes = 0, was = true; was; writes++) {
      const at = await stage();
      await at.publish();
      const moved = await at.project.commit({ 'README.md': 'new' });
      const update: Changes = { runId: runId(2), title: 'Other tests', files: { 'e2e/home.spec.ts': '// home 2\n' } };
      was = await killed(at, update, writes, (method) => method !== 'GET');
      if (!was) expect(writes).toBe(3);
      const outcome = await at.publish(update);
      expect(outcome).toMatchObject({ outcome: 'updated', createdBy: runId(1), baseCommit: moved });
      await onlyOne(at, outcome);
      expect(at.project.mergeRequests).toMatchObject([{ title: 'Other tests' }]);
      expect(await at.project.git('rev-list', '--count', `main..${BRANCH}`)).toBe('2');
    }
  }, 120_000);

  test.each(['postApiV4ProjectsIdRepositoryCommits', 'postApiV4ProjectsIdMergeRequests', 'putApiV4ProjectsIdMergeRequestsMergeRequestIid', 'postApiV4ProjectsIdMergeRequestsNoteableIdNotes'])('a bad gateway after %s had done its work does not do it twice', async (operation) => {
    const at = await stage();
    gitlab.faults.add({ kind: 'bad-gateway', done: true }, { operation });
    const first = await at.publish().catch((error: unknown) => error);
    if (operation.endsWith('Notes')) await at.forge.comment({ repository: at.project.url, pullRequest: 1, mark: 'x', body: 'Hello' }).catch((error: unknown) => expect(error).toMatchObject({ code: 'forge-unavailable' }));
    if (operation.endsWith('Notes')) await at.forge.comment({ repository: at.project.url, pullRequest: 1, mark: 'x', body: 'Hello' });
    gitlab.faults.clear();
    if (first instanceof Failure) throw first;
    await onlyOne(at, first as PullRequest);
    expect(first).toMatchObject({ outcome: 'opened' });
    expect(at.project.notes(1)).toHaveLength(operation.endsWith('Notes') ? 1 : 0);
    expect(await at.project.git('rev-list', '--count', `main..${BRANCH}`)).toBe('1');
  });

  test('reads that break off are done again; a limit is waited for when it is short, and told when it is long', async () => {
    const at = await stage();
    gitlab.faults.add({ kind: 'truncated' }, { path: /repository\/tree/ });
    gitlab.faults.add({ kind: 'cut', done: false }, { path: /branches\/main/ });
    gitlab.faults.add({ kind: 'server-error', status: 503 }, { path: /merge_requests\?/ });
    gitlab.faults.add({ kind: 'primary-rate-limit', resetInSeconds: 1 }, { path: /^POST .*commits/ });
    expect(await at.publish()).toMatchObject({ outcome: 'opened' });
    expect(gitlab.faults.clear()).toBe(0);
    gitlab.faults.add({ kind: 'primary-rate-limit', resetInSeconds: 3600 });
    await expect(at.publish()).rejects.toMatchObject({ code: 'forge-limited', retryable: true });
  });

  test('a token that is revoked in the middle ends it, and another one completes it', async () => {
    const at = await stage();
    gitlab.observe({ done: ({ operation }) => { if (operation === 'postApiV4ProjectsIdRepositoryCommits') gitlab.revoke(at.token); } });
    await expect(at.publish()).rejects.toMatchObject({ code: 'forge-unauthorized' });
    gitlab.observe(undefined);
    const other = await forgeFor(gitlab, at.project.url, at.project.accessToken('developer'));
    const outcome = await other.publish({ repository: at.project.url, baseCommit: at.base, baseBranch: 'main', branch: BRANCH, folder: 'e2e', dependsOn: [], title: 'Tests for the home page', body: () => 'What is covered', runId: runId(1), files: new Map([['e2e/home.spec.ts', Buffer.from('// home\n')]]) });
    await onlyOne(at, outcome);
  });

  test.each<[string, (at: Stage) => void, string]>([
    ['archived', ({ project }) => project.archive(), 'repository-archived'],
    ['renamed', ({ project }) => project.rename('acme/renamed'), 'repository-moved'],
    ['deleted', ({ project }) => project.delete(), 'repository-not-found'],
    ['with our branches protected', ({ project }) => project.protect(BRANCH), 'forge-forbidden'],
    ['one in which we may only read', ({ project, token }) => project.member(gitlab.userOf(token), 'reporter'), 'forge-forbidden'],
  ])('a project that is %s', async (_how, change, code) => {
    const at = await stage();
    change(at);
    await expect(at.publish()).rejects.toMatchObject({ code });
    expect(at.project.mergeRequests).toEqual([]);
    await expect(at.project.git('rev-parse', '--verify', `refs/heads/${BRANCH}`)).rejects.toThrow();
  });

  test.each<[string, (project: SimulatedProject) => void, string | undefined]>([['archived', (project) => project.archive(), 'repository-archived'], ['deleted', (project) => project.delete(), 'repository-not-found'], ['renamed', (project) => project.rename(`acme/renamed-${count}`), undefined]])('a project that is %s while it is published to', async (_how, change, code) => {
    const at = await stage();
    gitlab.observe({ arrived: ({ operation }) => { if (operation === 'postApiV4ProjectsIdRepositoryCommits') change(at.project); } });
    if (code === undefined) await onlyOne(at, await at.publish());
    else await expect(at.publish()).rejects.toMatchObject({ code });
    gitlab.observe(undefined);
  });
});

describe('what people see beside it', () => {
  test('permissions follow the roles of members', async () => {
    const at = await stage();
    for (const [name, role] of [['gus', 'guest'], ['rita', 'reporter'], ['dev', 'developer'], ['mia', 'maintainer'], ['developer-two', 'none']] as const) at.project.member(name, role);
    const permissions = await Promise.all(['gus', 'rita', 'dev', 'mia', 'ada', 'developer-two', '../x'].map((name) => at.forge.permissionOf(at.project.url, name)));
    expect(permissions).toEqual(['read', 'read', 'write', 'admin', 'admin', 'none', 'none']);
  });

  test('a merge request and what differs between two commits can be asked for', async () => {
    const at = await stage();
    const { commit } = await at.publish();
    expect(await at.forge.pullRequest(at.address, 1)).toEqual({ head: BRANCH, headCommit: commit, base: 'main', isOwn: true, state: 'open' });
    expect(await at.forge.pullRequest(at.address, 2)).toBeUndefined();
    const after = await at.project.commit({ 'src/app.js': 'other', 'index.html': undefined, 'a/b/c.js': 'new' });
    expect((await at.forge.changedFiles(at.address, at.base, after))?.sort()).toEqual(['a/b/c.js', 'index.html', 'src/app.js']);
    expect(await at.forge.changedFiles(at.address, 'f'.repeat(40), after)).toBeUndefined();
  });

  test('one status for a name and a commit, brought up to date', async () => {
    const at = await stage();
    const check = { repository: at.project.url, commit: at.base, name: 'pullwright', title: 'Reading the source', summary: '' };
    await at.forge.setCheck(check);
    await at.forge.setCheck(check);
    await at.forge.setCheck({ ...check, title: 'x'.repeat(300), conclusion: 'failure', url: 'https://pullwright.example/runs/1' });
    expect(at.project.statuses).toMatchObject([{ name: 'pullwright', status: 'failed', description: 'x'.repeat(255), targetUrl: 'https://pullwright.example/runs/1' }]);
    await at.forge.setCheck(check);
    expect(at.project.statuses).toMatchObject([{ status: 'running' }]);
  });

  test('a note with the mark by somebody else is not ours to edit', async () => {
    const at = await stage();
    await at.publish();
    await at.project.comment(1, '<!-- pullwright:x -->\nmine', 'grace');
    const { url } = await at.forge.comment({ repository: at.project.url, pullRequest: 1, mark: 'x', body: 'One' });
    expect(await at.forge.comment({ repository: at.project.url, pullRequest: 1, mark: 'x', body: 'Two' })).toEqual({ url });
    expect(at.project.notes(1)).toMatchObject([{ by: 'grace', edited: false }, { body: '<!-- pullwright:x -->\nTwo', edited: true }]);
  });
});
