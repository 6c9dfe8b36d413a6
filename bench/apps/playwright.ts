import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { chromium } from '@playwright/test';
import { childEnvironment } from '#config';

const RUN_LIMIT_MS = 900_000;
const CLI = join(dirname(createRequire(import.meta.url).resolve('@playwright/test/package.json')), 'cli.js');

const launchOptions = () => ({ executablePath: childEnvironment(['CHROMIUM_PATH'])['CHROMIUM_PATH'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });

export interface TestRun {
  /** File, describes and title: unique in a suite. */
  test: string;
  /** The same as `--grep` sees it. */
  titlePath: string;
  passed: boolean;
  /** First lines of the error. */
  error?: string;
}

export interface SuiteOptions {
  /** Checkout that holds the generated tests. */
  checkout: string;
  /** Paths of the generated specs in it: the repository may have others beside them. */
  specs: readonly string[];
  /** The tests run against each of them; `only`: nothing but the test of this title path there. */
  targets: ReadonlyArray<{ baseUrl: string; only?: string }>;
  /** Times each test runs. */
  repeat: number;
  /** Milliseconds that an action or expectation may take. */
  patience: number;
  workers: number;
  testIdAttribute: string;
}

/** Runs the generated tests in headless Chromium, without retries, and returns an entry per test, target and repetition. Throws when Playwright cannot load them. */
export async function runSuite(options: SuiteOptions): Promise<TestRun[]> {
  if (options.specs.length === 0 || options.targets.length === 0) return [];
  const config = join(options.checkout, 'bench.playwright.config.mjs');
  const reportFile = join(options.checkout, 'bench.report.json');
  const settings = {
    testDir: options.checkout, testMatch: options.specs.map((path) => join(options.checkout, path).replaceAll(/[\\*?[\]{}()!+@]/g, '\\$&')), outputDir: join(options.checkout, 'bench.results'),
    fullyParallel: true, retries: 0, workers: options.workers, forbidOnly: true, repeatEach: options.repeat,
    reporter: [['json', { outputFile: reportFile }]],
    timeout: options.patience * 6, expect: { timeout: options.patience },
    use: { launchOptions: launchOptions(), actionTimeout: options.patience, navigationTimeout: options.patience * 3, testIdAttribute: options.testIdAttribute },
  };
  const projects = options.targets.map(({ baseUrl, only }, i) => ({ name: `target-${i}`, use: { baseURL: baseUrl }, ...(only !== undefined && { grep: `${only.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$` }) }));
  await writeFile(config, `const projects = ${JSON.stringify(projects)};
export default { ...${JSON.stringify(settings)}, projects: projects.map(({ grep, ...project }) => (grep === undefined ? project : { ...project, grep: new RegExp(grep) })) };\n`);
  await rm(reportFile, { force: true });
  const output = await runCli(options.checkout, ['test', '--config', config]);
  const text = await readFile(reportFile, 'utf8').catch((cause: unknown) => { throw new Error(`Playwright wrote no report:\n${output}`, { cause }); });
  const report = JSON.parse(text) as Report;
  if (report.errors.length > 0) throw new Error(`Playwright could not load the tests:\n${report.errors.map((error) => error.message).join('\n')}`);
  return report.suites.flatMap((suite) => collect(suite, []));
}

interface Report { suites: Suite[]; errors: Array<{ message: string }> }
interface Suite { title: string; suites?: Suite[]; specs: Array<{ title: string; tests: Array<{ results: Array<{ status: string; errors?: Array<{ message?: string }> }> }> }> }

function collect(suite: Suite, above: string[]): TestRun[] {
  const titles = [...above, suite.title];
  const own = suite.specs.flatMap((spec) => spec.tests.map((test): TestRun => {
    const result = test.results.at(-1);
    const error = result?.errors?.[0]?.message;
    const path = [...titles, spec.title];
    return {
      test: path.join(' › '), titlePath: path.join(' '), passed: result?.status === 'passed',
      ...(error !== undefined && { error: stripVTControlCharacters(error).split('\n').slice(0, 12).join('\n') }),
    };
  }));
  return [...own, ...(suite.suites ?? []).flatMap((inner) => collect(inner, titles))];
}

/** Exit code 1 means that tests failed, which the report tells in full, so only the output is of interest. */
async function runCli(cwd: string, args: string[]): Promise<string> {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer) => { output = (output + chunk.toString('utf8')).slice(-8_000); };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const timer = setTimeout(() => { child.kill('SIGKILL'); }, RUN_LIMIT_MS);
  await new Promise<void>((resolve, reject) => { child.once('error', reject).once('close', () => { resolve(); }); });
  clearTimeout(timer);
  return output;
}

/**
 * Tells Playwright that the tests of a spec will fail. It ends a worker with its browser after each failure that it did not expect, which costs far more than the test.
 * The hook stands for the whole file wherever it is written.
 */
export const expectingFailure = (spec: Buffer): Buffer => Buffer.concat([spec, Buffer.from('\ntest.beforeEach(() => { test.fail(); });\n')]);

/** What `getByTestId` looks for, as the nearest Playwright configuration above a spec says. */
export async function testIdAttribute(checkout: string, spec: string): Promise<string> {
  for (let folder = dirname(spec); ; folder = dirname(folder)) {
    for (const extension of ['ts', 'mts', 'js', 'mjs', 'cjs']) {
      const text = await readFile(join(checkout, folder, `playwright.config.${extension}`), 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return null; throw error; });
      if (text !== null) return /testIdAttribute['"]?\s*:\s*['"]([\w-]+)['"]/.exec(text)?.[1] ?? 'data-testid';
    }
    if (folder === '.' || folder === '') return 'data-testid';
  }
}

/** The page as a browser shows it after its scripts have run, with the scripts taken out. */
export async function renderedPage(url: string): Promise<string> {
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage();
    await page.goto(url, { waitUntil: 'networkidle' });
    await page.evaluate('document.querySelectorAll("script, link[rel=modulepreload], link[rel=preload]").forEach((element) => element.remove())');
    return `<!doctype html>\n${await page.content()}`;
  } finally {
    await browser.close();
  }
}
