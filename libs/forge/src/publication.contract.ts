import { afterEach, expect, test } from '@jest/globals';
import { gitRepository, type TestRepository } from '#testing';
import type { PullRequest } from '#contracts';
import type { Forge, Publication } from './forge.js';
import { reproduceTree } from './reproduction.js';

/** What every forge must do, driven through the port and seen with git in the repository behind it. */
export interface ForgeUnderTest {
  /** Puts a repository on the forge, and says its address there. */
  host(repository: TestRepository): Promise<{ forge: Forge; address: string }>;
  /** What a person does with the branch's pull request. The working tree, which is on `main`, is brought up to date with it. */
  merge(repository: TestRepository, branch: string, how: 'squash' | 'merge'): Promise<void>;
  /** It cannot merge a base that has moved into the branch, and puts the branch on it instead. */
  rebases?: true;
}

export const runId = (n: number) => `run_${String(n).padStart(26, '0')}`;
const text = (files: Record<string, string>) => new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
const APP = { 'src/app.js': 'app', 'index.html': '<h1>Home</h1>' };
const TESTS = { 'e2e/home.spec.ts': '// home 1\n', 'e2e/locators.json': '[]\n' };

const tip = (repo: TestRepository) => repo.git('rev-parse', 'refs/heads/pullwright/tests');
const listing = async (repo: TestRepository, ref: string) => (await repo.git('ls-tree', '-r', '--name-only', ref)).split('\n');
export function publicationContract(under: ForgeUnderTest): void {
  const made: TestRepository[] = [];
  const hosted = new Map<TestRepository, { forge: Forge; address: string }>();
  const repository = async (files: Record<string, string> = APP) => {
    const one = await gitRepository(files);
    made.push(one);
    hosted.set(one, await under.host(one));
    return one;
  };
  const on = (repo: TestRepository) => hosted.get(repo) as { forge: Forge; address: string };
  afterEach(() => Promise.all(made.splice(0).map((one) => one.remove())));
  /** Then changes files on the base. */
  const merge = async (repo: TestRepository, files: Record<string, string | undefined> = {}, how: 'squash' | 'merge' = 'squash') => {
    await under.merge(repo, 'pullwright/tests', how);
    return repo.commit(files);
  };
  const withdraw = (repo: TestRepository, n: number) => on(repo).forge.withdraw({ repository: on(repo).address, branch: 'pullwright/tests', runId: runId(n) });

  const publishTests = async (repo: TestRepository, changes: Partial<Omit<Publication, 'files'>> & { files?: Record<string, string> } = {}): Promise<PullRequest> => on(repo).forge.publish({
    repository: on(repo).address, baseCommit: changes.baseCommit ?? await repo.git('rev-parse', 'main'), baseBranch: 'main', branch: 'pullwright/tests', folder: 'e2e',
    dependsOn: ['src/app.js'], title: 'Tests for the home page', body: (files) => files.map(({ path, change }) => `${change} ${path}`).join('\n'), runId: runId(1),
    ...changes, files: text(changes.files ?? TESTS),
  });
  test('opens a branch on the base, with the files added and nothing else changed', async () => {
    const repo = await repository();
    const base = await repo.head();
    const pullRequest = await publishTests(repo);
    expect(pullRequest).toMatchObject({
      kind: 'pull-request@1', branch: 'pullwright/tests', base: 'main', baseCommit: base, outcome: 'opened', createdBy: runId(1), commit: await tip(repo), title: 'Tests for the home page',
      files: [{ path: 'e2e/home.spec.ts', change: 'added' }, { path: 'e2e/locators.json', change: 'added' }, { path: 'e2e/.pullwright.json', change: 'added' }],
    });
    expect(pullRequest.body).toContain('added e2e/home.spec.ts');
    expect(await repo.git('rev-parse', 'pullwright/tests^{tree}')).toBe(pullRequest.tree);
    expect(await repo.git('diff', '--name-status', 'main', 'pullwright/tests')).toBe('A\te2e/.pullwright.json\nA\te2e/home.spec.ts\nA\te2e/locators.json');
    expect(await repo.git('show', 'pullwright/tests:e2e/home.spec.ts')).toBe('// home 1');
    expect(await repo.git('log', '-1', '--format=%P', 'pullwright/tests')).toBe(base);
  });

  test('a first settings file is offered beside the folder, once: not where there is one, and not again where people took it out', async () => {
    const offer = Buffer.from('depth: standard\n');
    const repo = await repository();
    expect((await publishTests(repo, { offer })).files).toContainEqual({ path: '.pullwright.yaml', change: 'added' });
    await merge(repo);
    expect(await repo.git('show', 'main:.pullwright.yaml')).toBe('depth: standard');
    await repo.commit({ '.pullwright.yaml': undefined, 'src/app.js': '// moved\n' });
    const later = await publishTests(repo, { offer, files: { 'e2e/home.spec.ts': '// later\n' }, runId: `run_${'0'.repeat(25)}9` });
    expect(later.files.map(({ path }) => path)).not.toContain('.pullwright.yaml');
    const own = await repository({ ...APP, '.pullwright.yaml': '# mine\n' });
    expect((await publishTests(own, { offer })).files.map(({ path }) => path)).not.toContain('.pullwright.yaml');
    await expect(publishTests(own, { files: { '.pullwright.yaml': '# theirs\n' } })).rejects.toMatchObject({ code: 'forbidden-path' });
  });

  test('the same files on the same base are unchanged; the run that opened it gets its answer again', async () => {
    const repo = await repository();
    const first = await publishTests(repo);
    expect(await publishTests(repo)).toEqual(first);
    expect(await publishTests(repo, { runId: runId(2) })).toEqual({ ...first, outcome: 'unchanged' });
    expect(await tip(repo)).toBe(first.commit);
  });

  test('its tree can be made again without the repository, and nothing else passes for it', async () => {
    const repo = await repository({ ...APP, 'e2e/own.spec.ts': '// mine\n', 'e2e/deep/a.txt': 'a', 'ä/ö.txt': 'ö', 'tools/x.sh': 'x' });
    await publishTests(repo, { files: { ...TESTS, 'e2e/old.spec.ts': '// old\n', 'e2e/edited.spec.ts': '// ours\n' } });
    await merge(repo, { 'e2e/edited.spec.ts': '// theirs\n' });
    const files = { 'e2e/home.spec.ts': '// home 2\n', 'e2e/deep/b.spec.ts': '// b\n', 'e2e/edited.spec.ts': '// ours again\n' };
    const { tree, basis, files: changes } = await publishTests(repo, { files });
    expect(new Set(changes.map(({ change }) => change))).toEqual(new Set(['added', 'updated', 'removed', 'kept']));
    const remake = (change: Partial<NonNullable<typeof basis>> = {}, contents: Record<string, string> = files) => () => reproduceTree({ ...basis as NonNullable<typeof basis>, ...change }, text(contents));
    expect(remake()()).toBe(tree);
    expect(remake({}, { ...files, 'e2e/home.spec.ts': '// home 3\n' })).toThrow(expect.objectContaining({ code: 'artifact-corrupt', detail: expect.stringContaining('e2e/home.spec.ts') }));
    for (const path of ['', 'e2e']) {
      expect(remake({ trees: basis?.trees.map((each) => (each.path === path ? { ...each, entries: each.entries.slice(1) } : each)) })).toThrow(expect.objectContaining({ code: 'artifact-corrupt' }));
    }
    expect(remake({ changes: basis?.changes.slice(1) })()).not.toBe(tree);
  });

  test('other files on the same base update the branch, forward only', async () => {
    const repo = await repository();
    const first = await publishTests(repo);
    const second = await publishTests(repo, { files: { 'e2e/cart.spec.ts': '// cart\n' }, runId: runId(2) });
    expect(second).toMatchObject({ outcome: 'updated', createdBy: runId(1) });
    expect(await repo.git('log', '-1', '--format=%P', 'pullwright/tests')).toBe(first.commit);
    expect(await listing(repo, 'pullwright/tests')).toEqual(['e2e/.pullwright.json', 'e2e/cart.spec.ts', 'index.html', 'src/app.js']);
  });

  test('a base that moved elsewhere is taken in', async () => {
    const repo = await repository();
    const first = await publishTests(repo);
    const baseCommit = await repo.head();
    const moved = await repo.commit({ 'README.md': 'new', 'index.html': undefined });
    const second = await publishTests(repo, { baseCommit, runId: runId(2) });
    expect(second).toMatchObject({ outcome: 'updated', baseCommit: moved });
    expect(await repo.git('log', '-1', '--format=%P', 'pullwright/tests')).toBe(under.rebases ? moved : `${first.commit} ${moved}`);
    expect(await repo.git('diff', '--name-only', 'main', 'pullwright/tests')).toBe('e2e/.pullwright.json\ne2e/home.spec.ts\ne2e/locators.json');
    expect(await publishTests(repo, { runId: runId(3) })).toMatchObject({ outcome: 'unchanged', commit: second.commit });
  });

  test('a base that moved under the tests is stale, and says where', async () => {
    const repo = await repository();
    const baseCommit = await repo.head();
    await repo.commit({ 'src/app.js': 'other' });
    await expect(publishTests(repo, { baseCommit })).rejects.toMatchObject({ code: 'stale-base', detail: 'src/app.js' });
    await expect(tip(repo)).rejects.toThrow();
  });

  test('a commit by a person makes the branch theirs', async () => {
    const repo = await repository();
    await publishTests(repo);
    await repo.git('checkout', '--quiet', 'pullwright/tests');
    const theirs = await repo.commit({ 'e2e/home.spec.ts': '// better\n' });
    await repo.git('checkout', '--quiet', 'main');
    await expect(publishTests(repo, { files: { 'e2e/cart.spec.ts': 'x' } })).rejects.toMatchObject({ code: 'branch-taken' });
    await expect(publishTests(repo)).rejects.toMatchObject({ code: 'branch-taken' });
    expect(await withdraw(repo, 1)).toEqual({ outcome: 'kept' });
    expect(await tip(repo)).toBe(theirs);
  });

  test('a branch that Pullwright never made is left alone', async () => {
    const repo = await repository();
    await repo.git('checkout', '--quiet', '-b', 'pullwright/tests');
    const theirs = await repo.commit({ a: '1' });
    await repo.git('checkout', '--quiet', 'main');
    await expect(publishTests(repo)).rejects.toMatchObject({ code: 'branch-taken' });
    expect(await tip(repo)).toBe(theirs);
  });

  test('somebody else’s file on the base is never overwritten', async () => {
    const repo = await repository({ ...APP, 'e2e/home.spec.ts': '// theirs\n' });
    await expect(publishTests(repo)).rejects.toMatchObject({ code: 'forbidden-path', detail: expect.stringContaining('e2e/home.spec.ts') });
    expect(await publishTests(repo, { files: { 'e2e/other.spec.ts': 'x' } })).toMatchObject({ outcome: 'opened' });
    expect(await listing(repo, 'pullwright/tests')).toContain('e2e/home.spec.ts');
  });

  test.each([
    'src/app.js', 'e2e', 'e2e/../src/app.js', 'e2e//x', 'e2e/./x', '/e2e/x', 'e2e/.git/config', 'e2e/.GIT/hooks/x', 'e2e/git~1/x', String.raw`e2e\x`, 'e2e/a\nb', 'e2e/.pullwright.json', 'e2e/.gitattributes', 'e2e/CODEOWNERS', 'e2e/.g\u200Cit/x', '',
  ])('refuses to write %j', async (path) => {
    const repo = await repository();
    await expect(publishTests(repo, { files: { [path]: 'x' } })).rejects.toMatchObject({ code: 'forbidden-path' });
    await expect(tip(repo)).rejects.toThrow();
  });

  test.each(['.', '..', '', '/', '.git', 'e2e/..', '.github', '.github/workflows', '.GitHub/x'])('refuses the folder %j', async (folder) => {
    const repo = await repository();
    await expect(publishTests(repo, { folder, files: { [`${folder}/x`]: 'x' } })).rejects.toMatchObject({ code: 'forbidden-path' });
  });

  test('a file or a link in the place of the folder is not replaced', async () => {
    const repo = await repository({ ...APP, e2e: 'a file' });
    await expect(publishTests(repo)).rejects.toMatchObject({ code: 'forbidden-path' });
    const linked = await repository();
    const target = await linked.gitWith('../../elsewhere', 'hash-object', '-w', '--stdin');
    await linked.git('update-index', '--add', '--cacheinfo', `120000,${target},e2e`);
    await linked.git('commit', '--quiet', '-m', 'Link');
    await expect(publishTests(linked)).rejects.toMatchObject({ code: 'forbidden-path' });
  });

  test('once merged, there is nothing to open; later tests update what is ours', async () => {
    const repo = await repository();
    await publishTests(repo);
    const merged = await merge(repo);
    expect(await publishTests(repo, { runId: runId(2) })).toMatchObject({ outcome: 'unchanged', commit: merged });
    const next = await publishTests(repo, { runId: runId(2), files: { 'e2e/home.spec.ts': '// home 2\n' } });
    expect(next.files).toEqual([{ path: 'e2e/home.spec.ts', change: 'updated' }, { path: 'e2e/locators.json', change: 'removed' }, { path: 'e2e/.pullwright.json', change: 'updated' }]);
    expect(await listing(repo, 'pullwright/tests')).toEqual(['e2e/.pullwright.json', 'e2e/home.spec.ts', 'index.html', 'src/app.js']);
  });

  test('after a real merge the branch starts over from the base', async () => {
    const repo = await repository();
    await publishTests(repo);
    const base = await merge(repo, {}, 'merge');
    const next = await publishTests(repo, { runId: runId(2), files: { 'e2e/home.spec.ts': '// home 2\n' } });
    expect(next).toMatchObject({ outcome: 'opened', createdBy: runId(2) });
    expect(await repo.git('log', '-1', '--format=%P', 'pullwright/tests')).toBe(base);
  });

  test('what a person edited or deleted after the merge stays as they have it', async () => {
    const repo = await repository();
    await publishTests(repo, { files: { ...TESTS, 'e2e/cart.spec.ts': '// cart\n', 'e2e/old.spec.ts': '// old\n' } });
    await merge(repo, { 'e2e/home.spec.ts': '// by hand\n', 'e2e/cart.spec.ts': undefined, 'e2e/old.spec.ts': '// by hand too\n' });
    const next = await publishTests(repo, { runId: runId(2), files: { ...TESTS, 'e2e/home.spec.ts': '// home 2\n', 'e2e/cart.spec.ts': '// cart 2\n', 'e2e/new.spec.ts': '// new\n' } });
    expect(Object.fromEntries(next.files.map(({ path, change }) => [path, change]))).toEqual({
      'e2e/home.spec.ts': 'kept', 'e2e/cart.spec.ts': 'kept', 'e2e/new.spec.ts': 'added', 'e2e/locators.json': 'unchanged', 'e2e/.pullwright.json': 'updated',
    });
    expect(await repo.git('show', 'pullwright/tests:e2e/home.spec.ts')).toBe('// by hand');
    expect(await listing(repo, 'pullwright/tests')).toEqual(expect.arrayContaining(['e2e/old.spec.ts', 'e2e/new.spec.ts']));
    expect(await listing(repo, 'pullwright/tests')).not.toContain('e2e/cart.spec.ts');
  });

  test('a record that is not ours, or claims files elsewhere, opens no door', async () => {
    const repo = await repository({ ...APP, 'e2e/.pullwright.json': '{"mine":true}' });
    await expect(publishTests(repo)).rejects.toMatchObject({ code: 'forbidden-path' });
    const blob = await repo.git('rev-parse', 'HEAD:src/app.js');
    await repo.commit({ 'e2e/.pullwright.json': JSON.stringify({ generatedBy: 'Pullwright', files: { 'src/app.js': blob, 'e2e/../src/app.js': blob, '__proto__': blob } }) });
    await publishTests(repo);
    expect(await listing(repo, 'pullwright/tests')).toContain('src/app.js');
  });

  test('takes back what this run opened, and only that', async () => {
    const repo = await repository();
    expect(await withdraw(repo, 1)).toEqual({ outcome: 'absent' });
    await publishTests(repo);
    expect(await withdraw(repo, 2)).toEqual({ outcome: 'kept' });
    expect(await withdraw(repo, 1)).toEqual({ outcome: 'removed' });
    await expect(tip(repo)).rejects.toThrow();
    expect(await publishTests(repo, { runId: runId(3) })).toMatchObject({ outcome: 'opened', createdBy: runId(3) });
    await publishTests(repo, { runId: runId(4), files: { 'e2e/x.spec.ts': 'x' } });
    for (const n of [3, 4]) expect(await withdraw(repo, n)).toEqual({ outcome: 'kept' });
  });
}
