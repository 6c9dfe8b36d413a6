import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { gitRepository, type TestRepository } from '#testing';
import type { Snapshot } from './forge.js';
import type { ForgeUnderTest } from './publication.contract.js';

/** What every forge must show of a commit. */
export function snapshotContract(under: Pick<ForgeUnderTest, 'host'>): void {
  const host = (repo: TestRepository) => under.host(repo);
  const made: TestRepository[] = [];
  const opened: Snapshot[] = [];
  const repository = async () => { const one = await gitRepository(); made.push(one); return one; };
  const open = async (repo: TestRepository, ref?: string) => {
    const { forge, address } = await host(repo);
    const one = await forge.open(address, ref);
    opened.push(one);
    expect(one.repository).toBe(address);
    expect(await forge.resolveRef(address, ref)).toEqual({ commit: one.commit, ...(one.branch !== undefined && { branch: one.branch }) });
    return one;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
    await Promise.all(made.splice(0).map((one) => one.remove()));
  });

  test('lists a commit in git’s order, with sizes, modes and blobs, and reads what is asked for', async () => {
    const repo = await repository();
    const commit = await repo.commit({ 'a.html': 'committed', 'a/x': 'x', 'a.b/y': 'y', 'empty': '', 'sub/b.html': 'b', 'bytes': Buffer.from([0, 255, 254, 10, 13]) });
    await repo.git('update-index', '--chmod=+x', 'sub/b.html');
    await repo.git('commit', '--quiet', '-m', 'Mode');
    const snapshot = await open(repo);
    expect(snapshot).toMatchObject({ commit: await repo.head(), branch: 'main', skipped: [] });
    expect(snapshot.commit).not.toBe(commit);
    expect(snapshot.entries.map(({ mode, type, blob, size, path }) => `${mode} ${type} ${blob} ${String(size).padStart(7)}\t${path}`).join('\n')).toBe(await repo.git('ls-tree', '-r', '-l', 'HEAD'));
    const contents = await snapshot.readMany(['sub/b.html', 'a.html', 'nowhere', 'sub', 'empty', 'bytes']);
    expect([...contents].map(([path, content]) => [path, content.toString('latin1')])).toEqual([['sub/b.html', 'b'], ['a.html', 'committed'], ['empty', ''], ['bytes', '\0\xff\xfe\n\r']]);
  });

  test('names a branch only when the ref is one, and a branch wins over a tag', async () => {
    const repo = await repository();
    const first = await repo.commit({ a: '1' });
    await repo.git('tag', '-a', 'v1', '-m', 'v1');
    await repo.git('branch', 'other/topic');
    await repo.git('tag', 'main');
    const second = await repo.commit({ a: '2' });
    expect(await open(repo, 'main')).toMatchObject({ commit: second, branch: 'main' });
    expect(await open(repo, 'refs/heads/other/topic')).toMatchObject({ commit: first, branch: 'other/topic' });
    for (const ref of ['v1', first, first.slice(0, 10)]) {
      const snapshot = await open(repo, ref);
      expect(snapshot.commit).toBe(first);
      expect(snapshot.branch).toBeUndefined();
    }
  });

  test('says what is wrong with the repository or the ref', async () => {
    const repo = await repository();
    await expect(open(repo)).rejects.toMatchObject({ code: 'repository-empty' });
    await repo.commit({ 'src/a': 'x' });
    for (const ref of ['gone', '--help', 'main:src/a', ':/Change', 'HEAD^{tree}', 'a b', '', '../../x', 'f'.repeat(40)]) await expect(open(repo, ref)).rejects.toMatchObject({ code: 'ref-not-found' });
    const { forge, address } = await host(repo);
    await expect(forge.open(`${address}-gone`)).rejects.toMatchObject({ code: 'repository-not-found', detail: expect.stringContaining(`${address}-gone`) });
  });

  test('carries hostile names, and skips what is not UTF-8', async () => {
    const repo = await repository();
    await repo.commit({});
    const blob = await repo.gitWith('content', 'hash-object', '-w', '--stdin');
    const names = ['new\nline', 'quo"te', "it's", 'tab\there', '-rf', 'ünï/日本', '$(touch x)', ' leading', 'back\\slash', 'per%2Fcent', 'que?ry', '#hash'];
    const lines = [...names.map((name) => Buffer.from(`100644 ${blob}\t${name}\0`)), Buffer.concat([Buffer.from(`100644 ${blob}\tbad-`), Buffer.from([0xff, 0xfe, 0])])];
    await repo.gitWith(Buffer.concat(lines), 'update-index', '-z', '--index-info');
    await repo.git('commit', '--quiet', '-m', 'Names');
    const snapshot = await open(repo);
    expect(snapshot.entries.map(({ path }) => path).sort()).toEqual(names.toSorted());
    expect(snapshot.skipped).toEqual([{ path: 'bad-\ufffd\ufffd', reason: 'invalid-utf8' }]);
    const contents = await snapshot.readMany(names);
    expect([...contents.keys()]).toEqual(names);
    expect([...contents.values()].every((content) => content.toString() === 'content')).toBe(true);
  });

  test('shows links and submodules for what they are and follows neither', async () => {
    const repo = await repository();
    symlinkSync('/etc/passwd', join(repo.path, 'link'));
    await repo.commit({ 'big.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n' });
    await repo.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`);
    await repo.git('commit', '--quiet', '-m', 'Submodule');
    const snapshot = await open(repo);
    expect(snapshot.entries).toMatchObject([
      { path: 'big.bin', size: 130 }, { path: 'link', mode: '120000', type: 'blob', size: 11 }, { path: 'module', mode: '160000', type: 'commit', blob: '1'.repeat(40), size: 0 },
    ]);
    const contents = await snapshot.readMany(['link', 'module', 'big.bin']);
    expect(contents.get('link')?.toString()).toBe('/etc/passwd');
    expect(contents.has('module')).toBe(false);
    expect(contents.get('big.bin')?.toString()).toContain('git-lfs');
  });
}
