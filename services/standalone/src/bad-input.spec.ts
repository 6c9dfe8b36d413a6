import { Logger } from '@nestjs/common';
import { parse } from '@babel/parser';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitRepository, startNats, startPostgres, type TestNats, type TestPostgres, type TestRepository } from '#testing';
import { startStandalone, type Standalone } from './standalone.js';

/**
 * Repositories that nobody would show: each ends in an error that says what to change, or in a run that says what it skipped. All runs share one standalone and go at
 * once, so a step that crashes or hangs for one of them shows in the others too.
 */
const BRANCH = 'pullwright/tests';
const page = (title: string, body: string) => `<!doctype html><html lang="en"><head><title>${title}</title></head><body>${body}</body></html>`;
const SITE = {
  'index.html': page('Home', '<h1>Welcome</h1><a href="about.html">About us</a>'),
  'about.html': page('About', '<h1>About us</h1><a href="index.html">Back home</a>'),
};
/** Titles, labels and file names at once. */
const HOSTILE = ['new\nline', 'quo\'te"s', 'back`tick', '${process.exit()}', 'star*\\slash', '-leading', '__proto__', 'constructor', 'x'.repeat(120), '\u202ertl', 'esc\u001b[31mred', '$(id); rm -rf', 'hash#q?x=1', '\u2028separator', "'); throw 1; //"];
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

interface RunView { status: string; failure?: { code: string; detail?: string } }
interface Ended extends RunView { runId: string; artifacts: Array<{ kind: string; artifactId: string }> }

let nats: TestNats;
let postgres: TestPostgres;
let home: string;
let standalone: Standalone;
let marker: string;
const repositories: TestRepository[] = [];
const folders: string[] = [];

beforeAll(async () => {
  Logger.overrideLogger(['error']);
  [nats, postgres, home, marker] = await Promise.all([startNats(), startPostgres(), mkdtemp(join(tmpdir(), 'pullwright-home-')), mkdtemp(join(tmpdir(), 'pullwright-marker-'))]);
  folders.push(home, marker);
  Object.assign(process.env, { NATS_URL: nats.url, DATABASE_URL: postgres.url, PORT: '0' });
  standalone = await startStandalone(home);
}, 120_000);

afterAll(async () => {
  await standalone?.stop();
  await Promise.all([nats.remove(), postgres.stop(), ...repositories.map((repository) => repository.remove()), ...folders.map((folder) => rm(folder, { recursive: true, force: true }))]);
});

async function repositoryOf(files: Parameters<typeof gitRepository>[0] = {}): Promise<TestRepository> {
  const repository = await gitRepository(files);
  repositories.push(repository);
  return repository;
}

/** Commits entries that no working tree has to hold, on top of HEAD. */
async function commitEntries(repository: TestRepository, entries: ReadonlyArray<{ mode: string; path: string; object: string }>): Promise<void> {
  await repository.gitWith(entries.map(({ mode, path, object }) => `${mode} ${object}\t${path}\0`).join(''), 'update-index', '-z', '--index-info');
  await repository.git('commit', '--quiet', '--message', 'Entries');
}

const post = (body: object) => fetch(`${standalone.url}/api/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const get = async <T>(path: string): Promise<T> => await (await fetch(`${standalone.url}/api/v1/${path}`)).json() as T;

async function run(repository: string, ref?: string): Promise<Ended> {
  const { runId } = await (await post({ repository, ...(ref !== undefined && { ref }) })).json() as { runId: string };
  // The event stream ends with the run.
  await (await fetch(`${standalone.url}/api/v1/runs/${runId}/events`, { headers: { accept: 'text/event-stream' } })).text();
  const [view, { items }] = await Promise.all([get<RunView>(`runs/${runId}`), get<{ items: Ended['artifacts'] }>(`runs/${runId}/artifacts?limit=100`)]);
  return { ...view, runId, artifacts: items };
}

async function artifact<T>(ended: Ended, kind: string): Promise<T> {
  const found = ended.artifacts.find((one) => one.kind === kind);
  if (!found) throw new Error(`${ended.runId} (${ended.status} ${ended.failure?.code ?? ''} ${ended.failure?.detail ?? ''}) made no ${kind}`);
  return get<T>(`artifacts/${found.artifactId}`);
}

/** Everything of a repository that a run must leave as it is. */
async function stateOf(path: string, git: TestRepository['git']): Promise<object> {
  const bytes = (name: string) => readFile(join(path, '.git', name), 'base64').catch(() => null);
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).map((entry) => join(entry.parentPath, entry.name)).filter((file) => !file.startsWith(join(path, '.git'))).sort();
  const refs = (await git('for-each-ref', '--format=%(objectname) %(refname)')).split('\n').filter((line) => !line.endsWith(BRANCH));
  const times = await Promise.all(files.map(async (file) => [file, (await stat(file).catch(() => undefined))?.mtimeMs]));
  return { head: await bytes('HEAD'), index: await bytes('index'), config: await bytes('config'), refs, times };
}

describe('what cannot be a run', () => {
  test('each says what is wrong', async () => {
    const plain = await mkdtemp(join(tmpdir(), 'pullwright-plain-'));
    folders.push(plain);
    const [empty, site, library, broken] = await Promise.all([repositoryOf(), repositoryOf(SITE), repositoryOf({ 'main.c': 'int main() {}\n' }), repositoryOf(SITE)]);
    await appendFile(join(broken.path, '.git/config'), '[[[\n');
    const ended = await Promise.all([run(plain), run(join(plain, 'nowhere')), run(empty.path), run(site.path, 'no-such-branch'), run(library.path), run(broken.path)]);
    expect(ended.map(({ status, failure }) => [status, failure?.code])).toEqual([
      ['failed', 'repository-not-found'], ['failed', 'repository-not-found'], ['failed', 'repository-empty'], ['failed', 'ref-not-found'], ['failed', 'no-web-front-end'], ['failed', 'repository-unreadable'],
    ]);
    expect(ended[0]?.failure?.detail).toBe(plain);
    expect(ended[3]?.failure?.detail).toBe('no-such-branch');
    expect(ended[4]?.failure?.detail).toContain('1 .c');
  }, 60_000);

  test.each(['--upload-pack=touch x', '-x', 'main:index.html', 'a b', 'a\u0000b'])('the ref %j is refused by its field', async (ref) => {
    const answer = await post({ repository: '/tmp', ref });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'bad-request', errors: [{ field: 'ref', message: 'a branch, a tag or a commit' }] });
  });

  test('a relative path is refused by its field', async () => {
    const answer = await post({ repository: '../somewhere' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'repository' }] });
  });
});

test('links, submodules, large files, other encodings, deep markup and a strange manifest are left out by name; the config of the repository starts nothing', async () => {
  const repository = await repositoryOf({
    ...SITE, 'latin.html': Buffer.from(page('Caf\u00e9', '<h1>Caf\u00e9</h1>'), 'latin1'), 'zero.html': '<h1>\0</h1>', 'deep.html': page('Deep', '<div>'.repeat(20_000)),
    'large.js': 'var filler = 1;\n'.repeat(3_300_000), 'package.json': '{"name": {}, "scripts": [1], "dependencies": {"express": {}, "__proto__": {"x": 1}}, "workspaces": 5}',
  });
  const blob = await repository.gitWith('/etc/passwd', 'hash-object', '-w', '--stdin');
  await commitEntries(repository, [{ mode: '120000', path: 'secrets.html', object: blob }, { mode: '160000', path: 'module', object: '1'.repeat(40) }]);
  const hook = join(marker, 'hook');
  await writeFile(hook, `#!/bin/sh\ntouch '${join(marker, 'started')}'\n`);
  await chmod(hook, 0o755);
  await mkdir(join(marker, 'hooks'));
  for (const name of ['reference-transaction', 'post-index-change', 'pre-commit', 'post-commit']) { await writeFile(join(marker, 'hooks', name), `#!/bin/sh\n'${hook}'\n`); await chmod(join(marker, 'hooks', name), 0o755); }
  await appendFile(join(repository.path, '.git/config'), `[core]\n\thooksPath = ${marker}/hooks\n\tfsmonitor = ${hook}\n\tsshCommand = ${hook}\n\tpager = ${hook}\n[filter "x"]\n\tclean = ${hook}\n\tsmudge = ${hook}\n[diff]\n\texternal = ${hook}\n[alias]\n\tls-tree = !${hook}\n`);
  await writeFile(join(repository.path, '.git/info/attributes'), '* filter=x\n');
  const git = (...args: string[]) => repository.git('-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', ...args);
  const before = await stateOf(repository.path, git);
  const ended = await run(repository.path);
  expect([ended.status, ended.failure]).toEqual(['succeeded', undefined]);
  expect(await stateOf(repository.path, git)).toEqual(before);
  expect((await readdir(marker)).sort()).toEqual(['hook', 'hooks']);
  const { leftOut } = await artifact<{ leftOut: Array<{ reason: string; what: string }> }>(ended, 'repo-map@1');
  expect(leftOut.map(({ reason, what }) => `${reason} ${what}`)).toEqual(expect.arrayContaining(['symlink secrets.html', 'submodule module', 'file-too-large large.js', 'invalid-utf8 latin.html', 'binary-file zero.html']));
  expect(await git('diff', '--name-only', `HEAD...${BRANCH}`)).toMatch(/^(e2e\/\S+\n?)+$/);
}, 90_000);

test('words that would be code, mark-up or terminal commands elsewhere are words in every file and text', async () => {
  const files = Object.fromEntries(HOSTILE.map((words, i) => [`pages/${i}${words}.html`, page(escaped(words), `<h1>${escaped(words)}</h1><a href="/index.html">${escaped(words)} home</a>`)]));
  const links = HOSTILE.map((words, i) => `<a href="/pages/${encodeURIComponent(`${i}${words}`)}.html" title="${escaped(words)}">${escaped(words)} ${i}</a>`).join('');
  const repository = await repositoryOf({ 'index.html': page('Home &lt;/script&gt;', `<h1>Home</h1>${links}<a href="about.html">&lt;/script&gt; \`$\{evil()}\` */</a>`), 'about.html': SITE['about.html'], ...files });
  const ended = await run(repository.path);
  expect([ended.status, ended.failure]).toEqual(['succeeded', undefined]);
  const { body, title, files: changed } = await artifact<{ body: string; title: string; files: Array<{ path: string }> }>(ended, 'pull-request@1');
  expect(`${title}${body}`).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]|<\/script>/u);
  expect(await repository.git('grep', '--fixed-strings', '-e', 'back`tick', BRANCH, '--', 'e2e')).toContain("name: 'back`tick', exact: true");
  for (const { path } of changed) {
    expect(path).toMatch(/^e2e\/[\w.-]+(\/[\w.-]+)*$/);
    const text = await repository.git('show', `${BRANCH}:${path}`);
    if (path.endsWith('.json')) JSON.parse(text);
    if (!path.endsWith('.ts')) continue;
    const { program } = parse(text, { sourceType: 'module', plugins: ['typescript'] });
    // Nothing of the repository has become a statement of its own: a spec is imports, constants and tests.
    const kinds = program.body.map((statement) => (statement.type === 'ExpressionStatement' && statement.expression.type === 'CallExpression' ? text.slice(statement.start ?? 0, (statement.start ?? 0) + 5) : statement.type));
    expect({ path, odd: kinds.filter((kind) => !/^(test[.(]|ImportDeclaration|VariableDeclaration|FunctionDeclaration|ExportDefaultDeclaration)/.test(kind)) }).toEqual({ path, odd: [] });
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e]/u);
  }
}, 90_000);

test('a link in the place of the test folder is not followed', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'pullwright-outside-'));
  folders.push(outside);
  const repository = await repositoryOf(SITE);
  await commitEntries(repository, [{ mode: '120000', path: 'e2e', object: await repository.gitWith(outside, 'hash-object', '-w', '--stdin') }]);
  const ended = await run(repository.path);
  expect([ended.status, ended.failure]).toEqual(['failed', { code: 'forbidden-path', detail: 'e2e is not a folder' }]);
  expect(await readdir(outside)).toEqual([]);
  expect(await repository.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
}, 60_000);

test('programs that never end, and files that include themselves, are given up', async () => {
  const react = (app: string) => repositoryOf({
    'package.json': '{"dependencies": {"react": "18.2.0", "react-dom": "18.2.0"}, "devDependencies": {"vite": "5.0.0"}}', 'index.html': page('App', '<div id="root"></div><script type="module" src="/src/main.jsx"></script>'),
    'src/main.jsx': "import { createRoot } from 'react-dom/client'; import App from './App.jsx'; createRoot(document.getElementById('root')).render(<App />);", 'src/App.jsx': app,
  });
  const endless = await Promise.all([
    react('while (true) {}\nexport default function App() { return <h1>Hi</h1>; }'),
    react('const r = /^(a+)+$/; const a = Array(1e9).fill(r.test("a".repeat(60) + "!")); export default function App() { return <h1>{"x".repeat(1e9)}{a.length}</h1>; }'),
    react(`export default function App() { return ${'<div>'.repeat(20_000)}${'</div>'.repeat(20_000)}; }`),
    repositoryOf({ 'package.json': '{"scripts": {"start": "node app.js"}, "dependencies": {"express": "4.18.2", "ejs": "3.1.9"}}', 'views/index.ejs': '<h1>Hi</h1><%- include("index") %>', 'app.js': "require('./app'); const app = require('express')(); app.set('view engine', 'ejs'); app.get('/', (req, res) => res.render('index')); app.listen(3000);" }),
  ]);
  const ended = await Promise.all(endless.map(({ path }) => run(path)));
  expect(ended.map(({ status, failure }) => [status, failure?.code])).toEqual(endless.map(() => ['failed', 'nothing-to-test']));
  const maps = await Promise.all(ended.map((one) => artifact<{ leftOut: unknown[] }>(one, 'repo-map@1')));
  expect(maps.map(({ leftOut }) => leftOut.length > 0)).toEqual(maps.map(() => true));
}, 120_000);

test('two runs at once make one pull request', async () => {
  const repository = await repositoryOf(SITE);
  const ended = await Promise.all([run(repository.path), run(repository.path)]);
  const pullRequests = await Promise.all(ended.map((one) => artifact<{ outcome: string; commit: string }>(one, 'pull-request@1')));
  expect(pullRequests.map(({ outcome }) => outcome).sort()).toEqual(['opened', 'unchanged']);
  expect(new Set(pullRequests.map(({ commit }) => commit)).size).toBe(1);
  expect(await repository.git('rev-list', '--count', `main..${BRANCH}`)).toBe('1');
}, 60_000);

test('a hundred thousand files are no obstacle', async () => {
  const repository = await repositoryOf();
  const many = Array.from({ length: 100_000 }, (_, i) => `M 100644 :1 d${i % 100}/e${Math.floor(i / 100) % 100}/f${i}.${['js', 'txt', 'ts', 'png'][i % 4]}\n`);
  await repository.gitWith(['blob\nmark :1\ndata 2\nx\n\n', 'commit refs/heads/main\ncommitter Test <test@example.com> 1767225600 +0000\ndata 1\nx\n', ...Object.entries(SITE).map(([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`), ...many].join(''), 'fast-import', '--quiet');
  const ended = await run(repository.path);
  expect([ended.status, ended.failure]).toEqual(['succeeded', undefined]);
  expect(await artifact<{ counts: { files: number } }>(ended, 'repo-map@1')).toMatchObject({ counts: { files: 100_002 } });
}, 90_000);
