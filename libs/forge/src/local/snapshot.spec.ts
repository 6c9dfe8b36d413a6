import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { gitRepository, type TestRepository } from '#testing';
import { readObjects } from './objects.js';
import type { Snapshot } from '../forge.js';
import { openSnapshot } from './snapshot.js';

const made: TestRepository[] = [];
const opened: Snapshot[] = [];
const repository = async () => { const one = await gitRepository(); made.push(one); return one; };
const open = async (path: string, ref?: string) => { const one = await openSnapshot(path, ref); opened.push(one); return one; };
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await Promise.all(made.splice(0).map((one) => one.remove()));
});

test('shows the commit, never the working tree or the index', async () => {
  const repo = await repository();
  const commit = await repo.commit({ 'a.html': 'committed', 'sub/b.html': 'b' });
  writeFileSync(join(repo.path, 'a.html'), 'changed');
  writeFileSync(join(repo.path, 'staged.html'), 'staged');
  await repo.git('add', 'staged.html');

  const snapshot = await open(repo.path);
  expect(snapshot).toMatchObject({ repository: repo.path, commit, branch: 'main' });
  expect(snapshot.entries.map(({ path, mode, type, size }) => ({ path, mode, type, size }))).toEqual([
    { path: 'a.html', mode: '100644', type: 'blob', size: 9 }, { path: 'sub/b.html', mode: '100644', type: 'blob', size: 1 },
  ]);
  const contents = await snapshot.readMany(['sub/b.html', 'a.html', 'staged.html', 'nowhere']);
  expect([...contents].map(([path, content]) => [path, content.toString()])).toEqual([['sub/b.html', 'b'], ['a.html', 'committed']]);
});

test('names a branch only when the ref is one', async () => {
  const repo = await repository();
  const first = await repo.commit({ a: '1' });
  await repo.git('tag', '-a', 'v1', '-m', 'v1');
  await repo.git('branch', 'other/topic');
  const second = await repo.commit({ a: '2' });

  expect(await open(repo.path, 'main')).toMatchObject({ commit: second, branch: 'main' });
  expect(await open(repo.path, 'refs/heads/other/topic')).toMatchObject({ commit: first, branch: 'other/topic' });
  for (const ref of ['v1', first, first.slice(0, 10), 'main~1']) {
    const snapshot = await open(repo.path, ref);
    expect(snapshot.commit).toBe(first);
    expect(snapshot.branch).toBeUndefined();
  }
  await repo.git('checkout', '--quiet', '--detach');
  expect((await open(repo.path)).branch).toBeUndefined();
});

test('reads a bare repository, a linked worktree and a shared clone', async () => {
  const repo = await repository();
  const commit = await repo.commit({ a: 'x' });
  await repo.git('clone', '--quiet', '--bare', '.', 'bare.git');
  await repo.git('worktree', 'add', '--quiet', '-b', 'linked', 'tree');
  await repo.git('clone', '--quiet', '--shared', '.', 'shared');
  for (const [folder, branch] of [['bare.git', 'main'], ['tree', 'linked'], ['shared', 'main']] as const) {
    const snapshot = await open(join(repo.path, folder));
    expect(snapshot).toMatchObject({ commit, branch });
    expect((await snapshot.readMany(['a'])).get('a')?.toString()).toBe('x');
  }
});

test('says what is wrong with the repository or the ref', async () => {
  const repo = await repository();
  await expect(open(repo.path)).rejects.toMatchObject({ code: 'repository-empty' });
  await repo.commit({ 'src/a': 'x' });
  await expect(open(join(repo.path, 'none'))).rejects.toMatchObject({ code: 'repository-not-found', detail: join(repo.path, 'none') });
  await expect(open(join(repo.path, 'src'))).rejects.toMatchObject({ code: 'repository-not-found' });
  await expect(open(join(repo.path, 'src/a'))).rejects.toMatchObject({ code: 'repository-not-found' });
  for (const ref of ['gone', '--help', '-x', 'main:src/a', ':/Change', 'HEAD^{tree}', 'a b', '']) {
    await expect(open(repo.path, ref)).rejects.toMatchObject({ code: 'ref-not-found' });
  }
  mkdirSync(join(repo.path, 'src/.git'));
  writeFileSync(join(repo.path, 'src/.git/HEAD'), 'ref: refs/heads/main\n');
  await expect(open(join(repo.path, 'src'))).rejects.toMatchObject({ code: 'repository-not-found' });
});

test('a repository cannot make git run a program', async () => {
  const repo = await repository();
  await repo.commit({ 'a.txt': 'x', '.gitattributes': '* filter=evil diff=evil\n' });
  const promised = await repo.git('rev-parse', 'HEAD:a.txt');
  const ran = join(repo.path, 'ran');
  const program = join(repo.path, 'program');
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${ran}\ncat\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(repo.path, '.git/hooks'), { recursive: true });
  writeFileSync(join(repo.path, '.git/hooks/reference-transaction'), `#!/bin/sh\necho hook >> ${ran}\n`);
  chmodSync(join(repo.path, '.git/hooks/reference-transaction'), 0o755);
  for (const [key, value] of Object.entries({
    'core.fsmonitor': program, 'core.sshCommand': program, 'core.pager': program, 'core.editor': program, 'core.gitProxy': program, 'core.alternateRefsCommand': program,
    'filter.evil.clean': program, 'filter.evil.smudge': program, 'diff.evil.textconv': program, 'diff.evil.command': program, 'diff.external': program, 'gpg.program': program,
    'remote.origin.url': `ext::${program}`, 'remote.origin.promisor': 'true', 'remote.origin.partialclonefilter': 'blob:none', 'extensions.partialClone': 'origin',
    'protocol.ext.allow': 'always', 'protocol.allow': 'always', 'core.repositoryFormatVersion': '1',
  })) await repo.git('config', key, value);
  const snapshot = await open(repo.path);
  expect((await snapshot.readMany(['a.txt'])).get('a.txt')?.toString()).toBe('x');

  // Now the blob is missing, and a partial clone would go and fetch it through the program.
  await repo.git('-c', 'extensions.partialClone=', 'prune-packed');
  chmodSync(join(repo.path, '.git/objects', promised.slice(0, 2)), 0o755);
  rmSync(join(repo.path, '.git/objects', promised.slice(0, 2), promised.slice(2)));
  const again = open(repo.path).then((one) => one.skipped.map(({ path }) => path), (error: { code: string }) => error.code);
  expect([['a.txt'], 'repository-unreadable']).toContainEqual(await again);
  expect(existsSync(ran)).toBe(false);
});

test('a missing object fails the read that asks for it, not the next one', async () => {
  const repo = await repository();
  await repo.commit({ a: 'first', b: 'second' });
  const snapshot = await open(repo.path);
  const objects = readObjects(join(repo.path, '.git'));
  const b = snapshot.entries[1]!.blob;
  await expect(objects.read([b, '0'.repeat(40), b])).rejects.toMatchObject({ code: 'repository-unreadable' });
  expect((await objects.read([b])).map(String)).toEqual(['second']);
  await objects.close();
});

test('100,000 files take seconds', async () => {
  const repo = await repository();
  const stream = ['blob\nmark :1\ndata 1\nx\ncommit refs/heads/main\ncommitter Ada <ada@example.org> 0 +0000\ndata 1\nm\n'];
  for (let i = 0; i < 100_000; i++) stream.push(`M 100644 :1 d${i % 300}/f${i}.html\n`);
  await repo.gitWith(stream.join(''), 'fast-import', '--quiet');
  const started = performance.now();
  const snapshot = await open(repo.path);
  const contents = await snapshot.readMany(snapshot.entries.map(({ path }) => path));
  expect(snapshot.entries).toHaveLength(100_000);
  expect(contents.size).toBe(100_000);
  expect(performance.now() - started).toBeLessThan(20_000);
}, 60_000);

test('a blob of 50 MB is listed with its size before anybody reads it', async () => {
  const repo = await repository();
  await repo.commit({ big: Buffer.alloc(50_000_000, 'ab'), small: 's' });
  const snapshot = await open(repo.path);
  expect(snapshot.entries.map(({ size }) => size)).toEqual([50_000_000, 1]);
  const contents = await snapshot.readMany(['big', 'small']);
  expect(contents.get('big')).toHaveLength(50_000_000);
  expect(contents.get('small')?.toString()).toBe('s');
});
