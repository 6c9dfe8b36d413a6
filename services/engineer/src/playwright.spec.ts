import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { childEnvironment } from '#config';
import { TestCases, type RepoMap } from '#contracts';
import { sampleMap, startSampleSite, type SampleServer } from '#testing';
import { write } from './write.js';

/** The generated project in the hands of the real compiler, the real Playwright and a real browser. */

const modules = dirname(dirname(dirname(createRequire(import.meta.url).resolve('@playwright/test/package.json'))));
const sampleCases = async () => TestCases.array().parse(JSON.parse(await readFile(join(import.meta.dirname, '../../../libs/testing/src/sample-cases.json'), 'utf8')));
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function project(map: RepoMap, cases: TestCases[]): Promise<{ folder: string; tests: number }> {
  const root = await mkdtemp(join(tmpdir(), 'pullwright-engineer-'));
  folders.push(root);
  const { manifest, files } = write(map, cases);
  for (const [path, content] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  await symlink(modules, join(root, 'node_modules'));
  return { folder: join(root, manifest.folder), tests: manifest.tests.length };
}

function run(cli: string, args: string[], folder: string, env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(modules, cli), ...args], { cwd: folder, env: { ...childEnvironment(), ...env }, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}
const compile = (folder: string) => run('typescript/bin/tsc', ['--project', '.'], folder);
const list = (folder: string) => run('@playwright/test/cli.js', ['test', '--list'], folder, { BASE_URL: 'http://localhost:1' });

async function outcomes(folder: string, server: SampleServer, timeout: number): Promise<string[]> {
  const { output } = await run('@playwright/test/cli.js', ['test', '--reporter=json', `--timeout=${timeout}`], folder, { BASE_URL: server.baseUrl, PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH: childEnvironment(['CHROMIUM_PATH'])['CHROMIUM_PATH'] ?? '/usr/bin/chromium' });
  interface Suite { suites?: Suite[]; specs: Array<{ title: string; ok: boolean }> }
  const collect = (suite: Suite): string[] => [...suite.specs.map(({ title, ok }) => `${ok ? 'passed' : 'failed'}: ${title}`), ...(suite.suites ?? []).flatMap(collect)];
  return (JSON.parse(output) as { suites: Suite[] }).suites.flatMap(collect);
}

test('compiles under tsc --strict, is listed, and passes against the site it was made from', async () => {
  const { folder, tests } = await project(sampleMap(), await sampleCases());
  expect(await compile(folder)).toEqual({ code: 0, output: '' });
  expect((await list(folder)).output).toContain(`Total: ${tests} tests in 2 files`);
  const server = await startSampleSite();
  try {
    const ran = await outcomes(folder, server, 15_000);
    expect(ran.filter((line) => !line.startsWith('passed'))).toEqual([]);
    expect(ran).toHaveLength(tests);
  } finally {
    await server.close();
  }
}, 120_000);

test('fails, every test of it, against a page that is the same at every address', async () => {
  const { folder, tests } = await project(sampleMap(), await sampleCases());
  const server = await startSampleSite('<!doctype html><title>Constant</title><h1>Constant page</h1>');
  try {
    const ran = await outcomes(folder, server, 2_000);
    expect(ran.filter((line) => !line.startsWith('failed'))).toEqual([]);
    expect(ran).toHaveLength(tests);
  } finally {
    await server.close();
  }
}, 180_000);

test('words of the repository cannot become code', async () => {
  const hostile = ["'); process.exit(7); ('", '`${process.exit(7)}`', '*/ throw 7 /*', '\\', '\u2028x', '</script>'];
  const map = sampleMap();
  const cases = await sampleCases();
  const words = hostile.join(' ');
  for (const screen of map.screens) {
    screen.title &&= words;
    for (const element of screen.elements) if (element.id === 'send') { element.name = words; element.text = words; }
  }
  for (const design of cases) {
    design.title = words;
    for (const testCase of design.cases) {
      testCase.title = `${words} ${testCase.id}`;
      for (const one of [...testCase.steps, ...testCase.expectations, ...testCase.given]) {
        if ('target' in one && one.target?.element === 'send') one.target.candidates = [{ by: 'role', role: 'button', name: words }];
        if ('data' in one && one.data) one.data = one.data.kind === 'literal' ? { kind: 'literal', value: words } : { ...one.data, prefix: words };
        if ('dataName' in one && one.dataName) one.dataName = 'constructor; process.exit(7)';
        if ('title' in one) one.title = words;
        if ('path' in one && one.path) one.path = `${one.path}?q=${words}`;
      }
    }
  }
  map.stack.start = { command: words, root: '', port: 4100 };
  const { folder, tests } = await project(map, cases);
  expect(await compile(folder)).toEqual({ code: 0, output: '' });
  expect(await list(folder)).toMatchObject({ code: 0, output: expect.stringContaining(`Total: ${tests} tests in 2 files`) });
}, 60_000);
