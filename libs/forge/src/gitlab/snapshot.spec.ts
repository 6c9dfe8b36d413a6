import { mkdtemp, rm, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startGitLab, type GitLabSimulator } from '#testing';
import { withoutQuickActions } from './words.js';
import { forgeFor } from './gitlab-under-test.js';

let gitlab: GitLabSimulator;
let cache: string;
let count = 0;
beforeAll(async () => { gitlab = await startGitLab(); cache = await mkdtemp(join(tmpdir(), 'pullwright-cache-')); });
afterEach(() => gitlab.reset());
afterAll(async () => { await gitlab.close(); await rm(cache, { recursive: true }); });

/** More than are read one by one, some of them other in an archive than in the repository, one absent there. */
const FILES = {
  ...Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`src/f${i}.js`, `// ${i}\n`])), '.gitattributes': 'secret.txt export-ignore\nversion.txt export-subst\n', 'secret.txt': 'not in archives', 'version.txt': '$Format:%H$\n',
};
const on = async (more: Record<string, string> = {}) => {
  const project = await gitlab.createProject(`acme/read-${++count}`, FILES);
  return { project, forge: await forgeFor(gitlab, project.url, project.accessToken('reporter', ['read_api']), more) };
};

test.each(['archive', 'blobs'])('shows the repository and not the archive, read by %s', async (reader) => {
  const { project, forge } = await on({ GITLAB_READER: reader });
  const snapshot = await forge.open(project.url);
  expect(snapshot.entries.map(({ path, size, blob }) => `${path} ${size} ${blob}`).join('\n')).toBe((await project.git('ls-tree', '-r', '--format=%(path) %(objectsize) %(objectname)', 'main')));
  const contents = await snapshot.readMany(Object.keys(FILES));
  expect([...contents].map(([path, content]) => [path, content.toString()])).toEqual(Object.entries(FILES));
  const blobs = gitlab.calls.filter(({ operation, path }) => operation === 'getApiV4ProjectsIdRepositoryBlobsShaRaw' && path.includes(`/${project.id}/`)).length;
  expect(blobs).toBe(reader === 'archive' ? 2 : Object.keys(FILES).length);
});

test('a commit that was read once is read from the cache, as far as that is what it should be', async () => {
  const { project, forge } = await on({ FORGE_CACHE: cache });
  await (await forge.open(project.url)).readMany(Object.keys(FILES));
  for (const folder of (await readdir(cache, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !entry.name.endsWith('.tree')).slice(0, 3)) await writeFile(join(folder.parentPath, folder.name), 'changed');
  const before = gitlab.calls.length;
  const contents = await (await forge.open(project.url)).readMany(Object.keys(FILES));
  expect([...contents].map(([path, content]) => [path, content.toString()])).toEqual(Object.entries(FILES));
  // The project, the branch, the root, and what was changed.
  expect(gitlab.calls.length - before).toBe(6);
});

test('an archive that breaks off is the forge’s failure, and reading a file does not need one', async () => {
  const { project, forge } = await on();
  gitlab.faults.add({ kind: 'truncated' }, { operation: 'getApiV4ProjectsIdRepositoryArchive' });
  await expect(forge.open(project.url)).rejects.toMatchObject({ code: 'forge-unavailable', detail: expect.stringContaining('archive') });
  const commit = await project.git('rev-parse', 'main');
  expect((await forge.readFile(project.url, commit, 'src/f7.js', 100))?.toString()).toBe('// 7\n');
  for (const path of ['src', 'gone.js', 'src/f7.js/x']) expect(await forge.readFile(project.url, commit, path, 100)).toBeUndefined();
  await expect(forge.readFile(project.url, commit, 'src/f7.js', 3)).rejects.toMatchObject({ code: 'repository-too-large' });
});

test('the token goes nowhere else: a project that has moved is told, and no redirect is followed', async () => {
  const { project, forge } = await on();
  const address = project.url;
  project.rename('acme/renamed');
  await expect(forge.open(address)).rejects.toMatchObject({ code: 'repository-moved', detail: expect.stringContaining('acme/renamed') });
  await expect((await forgeFor(gitlab, project.url, 'glpat-of-nobody')).open(project.url)).rejects.toMatchObject({ code: 'forge-unauthorized' });
});

test.each([
  ['/close', String.raw`\/close`], ['a /close', 'a /close'], ['  /close', String.raw`  \/close`], ['```\n/close\n```\n/close', '```\n/close\n```\n\\/close'], ['~~~~\n```\n/a\n~~~~\n/b', '~~~~\n```\n/a\n~~~~\n\\/b'], ['// comment', '// comment'], ['/1', '/1'],
])('%j as words of a description is %j', (text, shown) => { expect(withoutQuickActions(text)).toBe(shown); });
