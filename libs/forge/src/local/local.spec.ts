import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { gitRepository, type TestRepository } from '#testing';
import type { Publication } from '../forge.js';
import { publicationContract, runId } from '../publication.contract.js';
import { snapshotContract } from '../snapshot.contract.js';
import { localForge } from './local-forge.js';

const publish = (publication: Publication) => localForge.publish(publication);
const withdraw = (withdrawal: Parameters<typeof localForge.withdraw>[0]) => localForge.withdraw(withdrawal);
const host = ({ path }: TestRepository) => Promise.resolve({ forge: localForge, address: path });
describe('the local forge keeps the contract of publications', () => publicationContract({
  host,
  async merge(repo, branch, how) {
    if (how === 'merge') await repo.git('merge', '--quiet', '--no-ff', '-m', 'Merge', branch);
    else { await repo.git('merge', '--quiet', '--squash', branch); await repo.git('commit', '--quiet', '-m', 'Merge the tests'); }
  },
}));
describe('the local forge keeps the contract of snapshots', () => snapshotContract({ host }));

const made: TestRepository[] = [];
const repository = async (files: Record<string, string> = { 'src/app.js': 'app' }) => { const one = await gitRepository(files); made.push(one); return one; };
afterEach(() => Promise.all(made.splice(0).map((one) => one.remove())));

const publishTests = async (repo: TestRepository, path = repo.path, files: Record<string, string> = { 'e2e/home.spec.ts': '// home\n' }) => publish(await publicationOf(repo, path, files));
const publicationOf = async (repo: TestRepository, path = repo.path, files: Record<string, string> = { 'e2e/home.spec.ts': '// home\n' }) => ({
  repository: path, baseCommit: await repo.git('rev-parse', 'main'), baseBranch: 'main', branch: 'pullwright/tests', folder: 'e2e', dependsOn: [], title: 'Tests', body: () => '', runId: runId(1),
  files: new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)])),
});

test('HEAD, the index and the working tree stay byte for byte, dirty as they are', async () => {
  const repo = await repository();
  writeFileSync(join(repo.path, 'src/app.js'), 'uncommitted');
  writeFileSync(join(repo.path, 'staged.js'), 'staged');
  await repo.git('add', 'staged.js');
  const state = async () => ({ head: readFileSync(join(repo.path, '.git/HEAD'), 'utf8'), index: createHash('sha256').update(readFileSync(join(repo.path, '.git/index'))).digest('hex'), status: await repo.git('--no-optional-locks', 'status', '--porcelain') });
  const before = await state();
  await publishTests(repo);
  expect(await state()).toEqual(before);
  expect(existsSync(join(repo.path, 'e2e'))).toBe(false);
});

test('the commit is by Pullwright and depends on nothing but base, files and parents', async () => {
  const [one, other] = [await repository(), await repository()];
  const first = await publishTests(one);
  await other.git('config', 'user.name', 'Somebody');
  expect((await publish({ ...(await publicationOf(other)), runId: runId(7) })).commit).toBe(first.commit);
  expect(await one.git('log', '-1', '--format=%an %ae %cn', 'pullwright/tests')).toBe('Pullwright bot@pullwright.invalid Pullwright');
});

test('an older base does not take back what the branch already stands on', async () => {
  const repo = await repository();
  const old = await repo.head();
  await repo.commit({ 'README.md': 'new' });
  const first = await publishTests(repo);
  await expect(publish({ ...(await publicationOf(repo)), baseCommit: old, baseBranch: undefined })).rejects.toMatchObject({ code: 'stale-base' });
  expect(await repo.git('rev-parse', 'pullwright/tests')).toBe(first.commit);
});

test('a bare repository works', async () => {
  const repo = await repository();
  await repo.git('clone', '--quiet', '--bare', '.', 'bare.git');
  const bare = join(repo.path, 'bare.git');
  const { commit } = await publishTests(repo, bare);
  expect(await repo.git('--git-dir', bare, 'rev-parse', 'pullwright/tests')).toBe(commit);
});

test('a branch that is checked out anywhere is not moved under its people', async () => {
  const repo = await repository();
  await publishTests(repo);
  await repo.git('worktree', 'add', '--quiet', '../linked-of-' + repo.path.split('/').at(-1), 'pullwright/tests');
  const linked = join(repo.path, '..', `linked-of-${repo.path.split('/').at(-1)}`);
  try {
    await expect(publishTests(repo, repo.path, { 'e2e/b.spec.ts': 'b' })).rejects.toMatchObject({ code: 'branch-checked-out' });
    expect(await withdraw({ repository: repo.path, branch: 'pullwright/tests', runId: runId(1) })).toEqual({ outcome: 'kept' });
    expect(await publishTests(repo)).toMatchObject({ outcome: 'opened' });
  } finally {
    await repo.git('worktree', 'remove', '--force', linked);
  }
  await repo.git('checkout', '--quiet', 'pullwright/tests');
  await expect(publishTests(repo, repo.path, { 'e2e/b.spec.ts': 'b' })).rejects.toMatchObject({ code: 'branch-checked-out' });
});

test('a branch in the way of ours is named', async () => {
  const repo = await repository();
  await repo.git('branch', 'pullwright');
  await expect(publishTests(repo)).rejects.toMatchObject({ code: 'branch-taken', detail: expect.stringContaining('pullwright') });
});

test('the base of a publication is never its own branch', async () => {
  const repo = await repository();
  const { commit } = await publishTests(repo);
  await expect(publish({ repository: repo.path, baseCommit: commit, baseBranch: 'pullwright/tests', branch: 'pullwright/tests', folder: 'e2e', files: new Map(), dependsOn: [], title: '', body: () => '', runId: runId(1) }))
    .rejects.toMatchObject({ code: 'branch-taken' });
});

test('siblings with names that are no UTF-8, submodules and links come through unharmed', async () => {
  const repo = await repository();
  const blob = await repo.gitWith('x', 'hash-object', '-w', '--stdin');
  const line = (name: Buffer | string) => Buffer.concat([Buffer.from(`100644 ${blob}\t`), Buffer.from(name), Buffer.from([0])]);
  await repo.gitWith(Buffer.concat([line(Buffer.from([0x65, 0x32, 0x65, 0x2f, 0xff])), line('new\nline'), line('e2e/quo"te'), Buffer.from(`160000 ${'1'.repeat(40)}\tmodule\0`)]), 'update-index', '-z', '--index-info');
  await repo.git('commit', '--quiet', '-m', 'Names');
  await publishTests(repo);
  expect(await repo.git('diff', '--name-status', 'main', 'pullwright/tests')).toBe('A\te2e/.pullwright.json\nA\te2e/home.spec.ts');
});

test('publishing runs nothing that the repository configures', async () => {
  const repo = await repository({ 'src/app.js': 'app', '.gitattributes': '* filter=evil text eol=crlf\n' });
  const ran = join(repo.path, 'ran');
  const program = join(repo.path, 'program');
  writeFileSync(program, `#!/bin/sh\necho "$*" >> ${ran}\ncat\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(repo.path, '.git/hooks'), { recursive: true });
  for (const hook of ['reference-transaction', 'post-commit', 'pre-commit', 'post-checkout', 'post-index-change']) writeFileSync(join(repo.path, '.git/hooks', hook), readFileSync(program), { mode: 0o755 });
  for (const [key, value] of Object.entries({ 'core.fsmonitor': program, 'filter.evil.clean': program, 'gpg.program': program, 'commit.gpgSign': 'true', 'diff.external': program, 'i18n.commitEncoding': 'latin1', 'core.autocrlf': 'true' })) {
    writeFileSync(join(repo.path, '.git/config'), `${readFileSync(join(repo.path, '.git/config'), 'utf8')}[${key.split('.').length === 3 ? `${key.split('.')[0]} "${key.split('.')[1]}"` : key.split('.')[0]}]\n\t${key.split('.').at(-1)} = ${value}\n`);
  }
  const head = readFileSync(join(repo.path, '.git/refs/heads/main'), 'utf8').trim();
  await publish({ repository: repo.path, baseCommit: head, baseBranch: 'main', branch: 'pullwright/tests', folder: 'e2e', files: new Map([['e2e/a.spec.ts', Buffer.from('a\n')]]), dependsOn: [], title: 'Tests', body: () => '', runId: runId(1) });
  expect(await withdraw({ repository: repo.path, branch: 'pullwright/tests', runId: runId(1) })).toEqual({ outcome: 'removed' });
  expect(existsSync(ran)).toBe(false);
});

test('two publications at once: one moves the branch, the other is told to try again or finds its work done', async () => {
  const repo = await repository();
  const outcomes = await Promise.allSettled([1, 2, 3].map((n) => publishTests(repo, repo.path, { 'e2e/home.spec.ts': `// ${n}\n` })));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : []));
  expect(failures.every((code) => code === 'forge-unavailable')).toBe(true);
  expect(outcomes.length - failures.length).toBeGreaterThanOrEqual(1);
  expect(await repo.git('rev-list', '--count', 'main..pullwright/tests')).toBe(String(outcomes.length - failures.length));
});
