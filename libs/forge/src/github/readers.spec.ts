import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { githubMcpCommand, startGitHub, startGitHubMcp, type GitHubMcp, type GitHubSimulator, type SimulatedRepository } from '#testing';
import { forgeFor, settingsFor } from './github-under-test.js';

let github: GitHubSimulator;
let mcp: GitHubMcp;
let folder: string;
let program: string;
let made = 0;
beforeAll(async () => {
  github = await startGitHub({ treeLimit: { entries: 60, bytes: 1_000_000 } });
  mcp = await startGitHubMcp({ host: github.url });
  folder = await mkdtemp(join(tmpdir(), 'pullwright-readers-'));
  program = join(folder, 'github-mcp-server');
  const { command, args } = githubMcpCommand();
  await writeFile(program, `#!/bin/sh\nexec ${[command, ...args.slice(0, -1)].map((word) => `'${word}'`).join(' ')} "$@"\n`);
  await chmod(program, 0o755);
});
afterEach(() => { github.faults.clear(); });
afterAll(async () => {
  await mcp.close();
  await github.close();
  await rm(folder, { recursive: true, force: true });
});

const files = () => Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`src/file-${i}.js`, `// ${i}\n`]));
const repository = (more: Record<string, string | Buffer> = {}) => github.createRepository(`acme/read-${++made}`, { ...files(), ...more });
/** Everything of a commit, as text that can be compared. */
async function everything(repo: SimulatedRepository, settings: Record<string, string>) {
  const snapshot = await (await forgeFor(settingsFor(github, settings), repo.url, 'read')).open(repo.url);
  const contents = await snapshot.readMany(snapshot.entries.map(({ path }) => path));
  await snapshot.close();
  const { commit, branch, entries, skipped } = snapshot;
  return JSON.stringify({ commit, branch, entries, skipped, contents: [...contents].map(([path, content]) => [path, content.toString('base64')]) });
}
const requests = (from: number, { fullName }: SimulatedRepository) => github.calls.slice(from).filter(({ path }) => path.startsWith(`/repos/${fullName}/`)).map(({ operation }) => operation);

test('all readers show the same, byte for byte: what an archive leaves out or changes, empty and binary files, links, what MCP damages', async () => {
  const repo = await repository({
    '.gitattributes': 'hidden.js export-ignore\nstamped.js export-subst\n', 'hidden.js': '// hidden\n', 'stamped.js': '// $Format:%H$\n', 'empty.js': '', 'bytes.png': Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 255]),
    'latin1.txt': Buffer.from('caf\xe9\n', 'latin1'), 'bom.html': '\ufeff<p>ö</p>\r\n', 'large.txt': 'x'.repeat(1_200_000), 'ä/ü.json': '{}', 'sp ace/per%cent?#.js': '1',
  });
  const seen = new Map<string, string>();
  for (const [name, settings] of Object.entries<Record<string, string>>({
    blobs: { GITHUB_READER: 'blobs' }, tarball: { GITHUB_READER: 'tarball' }, 'mcp over http': { GITHUB_READER: 'mcp', GITHUB_MCP: mcp.url }, 'mcp over stdio': { GITHUB_READER: 'mcp', GITHUB_MCP: program },
  })) seen.set(name, await everything(repo, settings));
  expect(JSON.parse(seen.get('blobs') as string).entries).toHaveLength(22);
  expect(new Set(seen.values()).size).toBe(1);
  expect(mcp.calls).toContain('get_file_contents');
}, 120_000);

test('the tarball takes two requests for all files, beside the few that say what is there', async () => {
  const repo = await repository();
  const from = github.calls.length;
  await everything(repo, {});
  const asked = requests(from, repo);
  expect(asked.filter((operation) => operation === 'git/get-blob')).toEqual([]);
  expect(asked.filter((operation) => operation === 'repos/download-tarball-archive')).toHaveLength(1);
  expect(asked.length).toBeLessThanOrEqual(8);
});

test.each(['blobs', 'tarball'])('a listing that is cut off is walked folder by folder (%s)', async (reader) => {
  const many = Object.fromEntries(Array.from({ length: 55 }, (_, i) => [`deep/er/${i}.js`, `${i}`]));
  const repo = await repository(many);
  const { entries } = JSON.parse(await everything(repo, { GITHUB_READER: reader })) as { entries: Array<{ path: string }> };
  expect(entries.map(({ path }) => path)).toEqual((await repo.git('ls-tree', '-r', '--name-only', 'HEAD')).split('\n'));
});

describe('the cache', () => {
  test('makes a second reading of a commit cost nothing but the question which one it is, and believes only what hashes right', async () => {
    const cache = await mkdtemp(join(folder, 'cache-'));
    const repo = await repository();
    const first = await everything(repo, { FORGE_CACHE: cache });
    const from = github.calls.length;
    expect(await everything(repo, { FORGE_CACHE: cache, GITHUB_READER: 'blobs' })).toBe(first);
    expect(requests(from, repo).filter((operation) => /tree|blob|archive/.test(operation ?? ''))).toEqual([]);
    for (const entry of await readdir(cache, { recursive: true, withFileTypes: true })) if (entry.isFile()) { const path = join(entry.parentPath, entry.name); await writeFile(path, (await readFile(path, 'latin1')).replace(/[0-9a]/g, 'b')); }
    expect(await everything(repo, { FORGE_CACHE: cache })).toBe(first);
  });

  test('two commits share what they have in common, two repositories nothing', async () => {
    const cache = await mkdtemp(join(folder, 'cache-'));
    const repo = await repository();
    await everything(repo, { FORGE_CACHE: cache });
    await repo.commit({ 'src/file-0.js': '// new\n' });
    let from = github.calls.length;
    await everything(repo, { FORGE_CACHE: cache });
    expect(requests(from, repo).filter((operation) => operation === 'git/get-blob')).toHaveLength(1);
    const other = await repository();
    from = github.calls.length;
    await everything(other, { FORGE_CACHE: cache });
    expect(requests(from, other)).toContain('repos/download-tarball-archive');
  });
});

describe('a reading that goes wrong', () => {
  test.each([
    ['a tarball that breaks off', { kind: 'truncated' } as const, 'repos/download-tarball-archive', 1], ['a blob that is answered late with 503', { kind: 'server-error', status: 503 } as const, 'git/get-blob', 1],
  ])('%s', async (_what, fault, operation, times) => {
    const repo = await repository();
    github.faults.add(fault, { operation, times });
    const outcome = await everything(repo, { GITHUB_READER: operation === 'git/get-blob' ? 'blobs' : 'tarball' }).then(() => 'read', (error: { code: string }) => error.code);
    expect(['read', 'forge-unavailable']).toContain(outcome);
  });

  test('an MCP server that offers more than the two tools, or is none, is refused', async () => {
    const repo = await repository();
    const all = join(folder, 'all-tools');
    await writeFile(all, (await readFile(program, 'utf8')).replace('"$@"', 'stdio'));
    await chmod(all, 0o755);
    await expect(everything(repo, { GITHUB_READER: 'mcp', GITHUB_MCP: all })).rejects.toMatchObject({ code: 'bad-request', detail: expect.stringContaining('exactly get_file_contents and get_repository_tree') });
    await expect(everything(repo, { GITHUB_READER: 'mcp', GITHUB_MCP: join(folder, 'none') })).rejects.toMatchObject({ code: 'forge-unavailable' });
    await expect(everything(repo, { GITHUB_READER: 'mcp' })).rejects.toMatchObject({ code: 'bad-request' });
  });
});

test('a file at a commit, without a listing', async () => {
  const repo = await repository({ '.pullwright.yaml': 'version: 1\n' });
  const forge = await forgeFor(settingsFor(github), repo.url, 'report');
  const commit = await repo.head();
  expect(String(await forge.readFile(repo.url, commit, '.pullwright.yaml', 100))).toBe('version: 1\n');
  expect(await forge.readFile(repo.url, commit, 'none.yaml', 100)).toBeUndefined();
  expect(await forge.readFile(repo.url, commit, 'src', 100)).toBeUndefined();
  await expect(forge.readFile(repo.url, commit, '.pullwright.yaml', 5)).rejects.toMatchObject({ code: 'repository-too-large' });
});
