import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Octokit } from 'octokit';
import { signingKey } from './signature.js';
import { startGitHub, type GitHubSimulator } from './simulator.js';
import { asInstallation, client, refusal } from './test/octokit.js';
import type { SimulatedRepository } from './repository.js';

const run = promisify(execFile);
let github: GitHubSimulator;
let shop: SimulatedRepository;
let rest: Octokit['rest'];
let base: string;
const at = { owner: 'acme', repo: 'shop' };

beforeAll(async () => {
  github = await startGitHub({ treeLimit: { entries: 8, bytes: 7_000_000 } });
  shop = await github.createRepository('acme/shop', { 'README.md': 'Shop\n', 'src/a.js': 'a\n', 'src/b.js': 'b\n', 'bin/go': { mode: '100755', content: '#!/bin/sh\n' }, link: { mode: '120000', content: 'src/a.js' }, vendor: { mode: '160000', content: 'b'.repeat(40) } });
  ({ rest } = await asInstallation(github, 'acme/shop'));
  base = await shop.head();
});
afterAll(() => github.close());

const listed = async (tree: string) => (await shop.git('ls-tree', '-r', tree)).split('\n').map((line) => line.replace(/ \w+ (\w{7})\w+\t/, ' $1 ')).map((line) => line.split(' ')).map(([mode, , path]) => `${mode} ${path}`);

test('a tree on a base changes what is named alone; without a base it is what is named alone', async () => {
  const changed = (await rest.git.createTree({ ...at, base_tree: base, tree: [
    { path: 'src/a.js', mode: '100644', type: 'blob', sha: null }, { path: 'src/deep/c.js', mode: '100755', type: 'blob', content: 'c\n' }, { path: 'README.md/now', mode: '100644', type: 'blob', content: 'a folder\n' },
  ] })).data;
  expect(await listed(changed.sha)).toEqual(['100644 README.md/now', '100755 bin/go', '120000 link', '100644 src/b.js', '100755 src/deep/c.js', '160000 vendor']);
  expect(changed.tree.map((entry) => `${entry.type} ${entry.path}`)).toEqual(['tree README.md', 'tree bin', 'blob link', 'tree src', 'commit vendor']);
  const alone = (await rest.git.createTree({ ...at, tree: [{ path: 'x', mode: '100644', type: 'blob', content: 'x' }] })).data.sha;
  expect(await listed(alone)).toEqual(['100644 x']);
  const grafted = (await rest.git.createTree({ ...at, base_tree: base, tree: [{ path: 'src', mode: '040000', type: 'tree', sha: alone }] })).data.sha;
  expect(await listed(grafted)).toContain('100644 src/x');
  expect(await listed(grafted)).not.toContain('100644 src/a.js');
  const without = (await rest.git.createTree({ ...at, base_tree: base, tree: [{ path: 'src', mode: '040000', type: 'tree', sha: null }] })).data.sha;
  expect(await listed(without)).toEqual(['100644 README.md', '100755 bin/go', '120000 link', '160000 vendor']);
}, 120_000);

test('a tree that cannot be is refused with 422', async () => {
  const blob = { mode: '100644' as const, type: 'blob' as const };
  const wrong: Array<[object, RegExp]> = [
    [{ ...blob, path: 'nothing', sha: null }, /BadObjectState/], [{ ...blob, path: 'a', sha: '0'.repeat(40) }, /is not a valid blob/], [{ ...blob, path: 'a' }, /either tree.sha or tree.content/],
    [{ ...blob, path: 'a', content: 'x', sha: base }, /not both/], [{ ...blob, path: '/a', content: 'x' }, /start with a slash/], [{ ...blob, path: 'a/../b', content: 'x' }, /malformed path/], [{ ...blob, path: '.git/config', content: 'x' }, /malformed path/],
  ];
  for (const [entry, message] of wrong) expect(await refusal(rest.git.createTree({ ...at, base_tree: base, tree: [entry] }))).toMatchObject({ status: 422, message: expect.stringMatching(message) as string });
  expect(await refusal(rest.git.createTree({ ...at, base_tree: 'f'.repeat(40), tree: [{ ...blob, path: 'a', content: 'x' }] }))).toMatchObject({ status: 422, message: 'base_tree is not a valid tree oid' });
});

const files = (count: number, size: number) => Array.from({ length: count }, (_, index) => ({ path: `f${index}`, mode: '100644' as const, type: 'blob' as const, content: 'x'.repeat(size) }));

test('more than GitHub takes at once for a tree ends at its gateway', async () => {
  expect(await refusal(rest.git.createTree({ ...at, base_tree: base, tree: files(251, 1) }))).toMatchObject({ status: 502 });
  expect(await refusal(rest.git.createTree({ ...at, base_tree: base, tree: files(3, 1_000_000) }))).toMatchObject({ status: 502 });
  expect((await rest.git.createTree({ ...at, base_tree: base, tree: files(250, 10) })).status).toBe(201);
}, 120_000);

test('a large tree is cut off and says so; below it can be walked', async () => {
  const all = (await rest.git.getTree({ ...at, tree_sha: 'main', recursive: '1' })).data;
  expect(all).toMatchObject({ sha: base, truncated: false });
  expect(all.tree.map(({ mode, type, path }) => `${mode} ${type} ${path}`)).toEqual(['100644 blob README.md', '040000 tree bin', '100755 blob bin/go', '120000 blob link', '040000 tree src', '100644 blob src/a.js', '100644 blob src/b.js', '160000 commit vendor']);
  const more = await shop.commit({ 'src/c.js': 'c' }, { branch: 'larger' });
  const cut = (await rest.git.getTree({ ...at, tree_sha: more, recursive: 'true' })).data;
  expect(cut.truncated).toBe(true);
  expect(cut.tree).toHaveLength(8);
  const below = (await rest.git.getTree({ ...at, tree_sha: cut.tree.find((entry) => entry.path === 'src')?.sha as string })).data;
  expect(below.tree.map((entry) => entry.path)).toEqual(['a.js', 'b.js', 'c.js']);
  expect(await refusal(rest.git.getTree({ ...at, tree_sha: 'e'.repeat(40) }))).toMatchObject({ status: 404 });
});

test('a branch is made once, moves forward, is forced when told so, and goes', async () => {
  const next = await shop.commit({ 'n.txt': 'n' }, { branch: 'next' });
  const ref = { ...at, ref: 'heads/bot/one' };
  expect((await rest.git.createRef({ ...at, ref: 'refs/heads/bot/one', sha: base })).data).toMatchObject({ ref: 'refs/heads/bot/one', object: { sha: base, type: 'commit' } });
  expect(await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/bot/one', sha: base }))).toMatchObject({ status: 422, message: 'Reference already exists' });
  expect(await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/bot', sha: base }))).toMatchObject({ status: 422, message: 'Reference update failed' });
  expect(await refusal(rest.git.createRef({ ...at, ref: 'heads/x', sha: base }))).toMatchObject({ status: 422 });
  expect(await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/x', sha: 'd'.repeat(40) }))).toMatchObject({ status: 422, message: 'Object does not exist' });
  expect((await rest.git.updateRef({ ...ref, sha: next })).data.object.sha).toBe(next);
  expect(await refusal(rest.git.updateRef({ ...ref, sha: base }))).toMatchObject({ status: 422, message: 'Update is not a fast forward' });
  expect((await rest.git.updateRef({ ...ref, sha: base, force: true })).data.object.sha).toBe(base);
  expect((await rest.git.listMatchingRefs({ ...at, ref: 'heads/bot' })).data.map((one) => one.ref)).toEqual(['refs/heads/bot/one']);
  expect((await rest.git.deleteRef(ref)).status).toBe(204);
  expect(await refusal(rest.git.getRef(ref))).toMatchObject({ status: 404 });
  expect(await refusal(rest.git.updateRef({ ...ref, sha: base }))).toMatchObject({ status: 422, message: 'Reference does not exist' });
});

test('of those that make the same branch, or its pull request, at the same time, one does', async () => {
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => rest.git.createRef({ ...at, ref: 'refs/heads/race', sha: base }).then(({ status }) => status, (error: { status: number }) => error.status)));
  expect(outcomes.sort((one, other) => one - other)).toEqual([201, 422, 422, 422]);
  await shop.commit({ 'r.txt': 'r' }, { branch: 'race' });
  const pulls = await Promise.all([1, 2, 3].map(() => rest.pulls.create({ ...at, title: 'Race', head: 'race', base: 'main' }).then(({ status }) => status, (error: { status: number }) => error.status)));
  expect(pulls.sort((one, other) => one - other)).toEqual([201, 422, 422]);
});

test('bytes come back as they were, encoded or raw', async () => {
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
  const { data: { sha } } = await rest.git.createBlob({ ...at, content: bytes.toString('base64'), encoding: 'base64' });
  expect(Buffer.from((await rest.git.getBlob({ ...at, file_sha: sha })).data.content, 'base64').equals(bytes)).toBe(true);
  const raw = await rest.git.getBlob({ ...at, file_sha: sha, mediaType: { format: 'raw' } });
  expect(Buffer.from(raw.data as unknown as ArrayBuffer).equals(bytes)).toBe(true);
  expect((await rest.git.createBlob({ ...at, content: 'ä' })).data.sha).toBe((await rest.git.createBlob({ ...at, content: 'w6Q=', encoding: 'base64' })).data.sha);
  expect(await refusal(rest.git.getBlob({ ...at, file_sha: base }))).toMatchObject({ status: 404 });
});

test('a commit of the App is signed, and git can tell; one with an author of its own is not', async () => {
  const tree = (await rest.git.getCommit({ ...at, commit_sha: base })).data.tree.sha;
  const signed = (await rest.git.createCommit({ ...at, message: 'Signed', tree, parents: [base] })).data;
  expect(signed).toMatchObject({ verification: { verified: true, reason: 'valid' }, author: { name: 'pullwright[bot]' }, committer: { name: 'GitHub', email: 'noreply@github.com' } });
  expect((await rest.repos.getCommit({ ...at, ref: signed.sha })).data).toMatchObject({ author: { login: 'pullwright[bot]', type: 'Bot' }, commit: { verification: { verified: true } } });
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-signers-'));
  await writeFile(join(folder, 'signers'), `* namespaces="git" ${signingKey()}\n`);
  const verified = await run('git', ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${join(folder, 'signers')}`, 'verify-commit', signed.sha], { cwd: shop.path }).then(() => true, (error: { stderr: string }) => (/ssh-keygen/.test(error.stderr) ? 'no ssh-keygen here' : error.stderr));
  expect([true, 'no ssh-keygen here']).toContain(verified);
  await rm(folder, { recursive: true });
  const own = (await rest.git.createCommit({ ...at, message: 'Own', tree, parents: [base], author: { name: 'Someone', email: 'someone@example.com' } })).data;
  expect(own).toMatchObject({ verification: { verified: false, reason: 'unsigned' }, author: { name: 'Someone' } });
  expect(await refusal(rest.git.createCommit({ ...at, message: 'x', tree: base, parents: [base] }))).toMatchObject({ status: 422, message: 'Tree SHA does not exist' });
  expect(await refusal(rest.git.createCommit({ ...at, message: 'x', tree, parents: ['c'.repeat(40)] }))).toMatchObject({ status: 422 });
});

test('a comparison counts from the merge base, with renames, binaries and lines', async () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join('');
  const one = await shop.commit({ 'old name.txt': lines, 'data.bin': Buffer.from([0, 1, 2]), ':odd.txt': 'odd\n' }, { branch: 'before' });
  await shop.commit({ 'elsewhere.txt': 'x' }, { branch: 'before' });
  await shop.forcePush('after', one);
  const two = await shop.commit({ 'old name.txt': undefined, 'new name.txt': `${lines}one more\n`, 'data.bin': Buffer.from([0, 3]), ':odd.txt': 'odder\nstill\n' }, { branch: 'after' });
  const { data } = await rest.repos.compareCommitsWithBasehead({ ...at, basehead: `before...${two}` });
  expect(data).toMatchObject({ status: 'diverged', ahead_by: 1, behind_by: 1, merge_base_commit: { sha: one } });
  expect(data.files?.map(({ filename, status, additions, deletions, previous_filename: from }) => ({ filename, status, additions, deletions, from }))).toEqual([
    { filename: ':odd.txt', status: 'modified', additions: 2, deletions: 1, from: undefined }, { filename: 'data.bin', status: 'modified', additions: 0, deletions: 0, from: undefined },
    { filename: 'new name.txt', status: 'renamed', additions: 1, deletions: 0, from: 'old name.txt' },
  ]);
  expect(data.files?.[2]?.patch).toContain('+one more');
  expect((await rest.repos.getCommit({ ...at, ref: one })).data.stats).toMatchObject({ additions: 21, deletions: 0 });
});

test('an empty repository has no git database', async () => {
  await github.createRepository('acme/empty');
  const empty = (await asInstallation(github, 'acme/empty')).rest;
  expect(await refusal(empty.git.getRef({ owner: 'acme', repo: 'empty', ref: 'heads/main' }))).toMatchObject({ status: 409, message: 'Git Repository is empty.' });
  expect(await refusal(empty.git.createBlob({ owner: 'acme', repo: 'empty', content: 'x' }))).toMatchObject({ status: 409 });
});

test('the whole tree in two requests, behind a link that needs no token', async () => {
  const redirect = await fetch(`${github.apiUrl}/repos/acme/shop/tarball/${base}`, { redirect: 'manual', headers: { authorization: `Bearer ${github.personToken('acme')}` } });
  expect(redirect.status).toBe(302);
  const bytes = Buffer.from(await (await fetch(redirect.headers.get('location') as string)).arrayBuffer());
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-tarball-'));
  await writeFile(join(folder, 'a.tar.gz'), bytes);
  await run('tar', ['-xzf', 'a.tar.gz'], { cwd: folder });
  expect(await readFile(join(folder, `acme-shop-${base.slice(0, 7)}`, 'src/a.js'), 'utf8')).toBe('a\n');
  await rm(folder, { recursive: true });
});

test('it is cloned over HTTP, with a token alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-clone-'));
  const token = github.personToken('acme');
  const clone = (address: string) => run('git', ['clone', '--quiet', '--depth=1', address, join(folder, String(Math.random()))], { env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' } });
  await clone(`${github.url.replace('http://', `http://x-access-token:${token}@`)}/acme/shop.git`);
  await expect(clone(`${github.url}/acme/shop.git`)).rejects.toMatchObject({ code: 128 });
  await rm(folder, { recursive: true });
});

test('contents: a file, a folder, a link, a submodule, and what is too large to come along', async () => {
  const mine = new (client(github))({ auth: github.personToken('acme') });
  const get = async (path: string) => (await mine.rest.repos.getContent({ ...at, path, ref: base })).data as { type: string; content?: string; encoding?: string; submodule_git_url?: string; size: number };
  expect(Buffer.from((await get('src/a.js')).content as string, 'base64').toString()).toBe('a\n');
  expect((await get('src') as unknown as Array<{ name: string }>).map((one) => one.name)).toEqual(['a.js', 'b.js']);
  expect(await get('link')).toMatchObject({ type: 'file' });
  expect(await get('vendor')).toMatchObject({ type: 'submodule' });
  const large = await shop.commit({ 'large.txt': 'x'.repeat(1_100_000) }, { branch: 'large' });
  expect((await mine.rest.repos.getContent({ ...at, path: 'large.txt', ref: large })).data).toMatchObject({ content: '', encoding: 'none', size: 1_100_000 });
  expect(await refusal(mine.rest.repos.getContent({ ...at, path: 'nowhere' }))).toMatchObject({ status: 404 });
});
