import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '#embedded';
import { isGood, measure, type Generated, type Report } from './measure.js';
import { table } from './table.js';

const run = promisify(execFile);

const SERVER = `
import { createServer } from 'node:http';
const pages = { '/': '<h1>Start</h1><details><summary>More</summary><p>Inside</p></details><a href="/next">Next</a>', '/next': '<h1>Second</h1>' };
createServer((request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>' + (pages[request.url] ?? '<h1>Lost</h1>'))).listen(process.env.PORT, '127.0.0.1');
`;

const spec = (body: string) => `import { expect, test } from '@playwright/test';\n${body}\n`;
const GOOD = spec(`test('goes on', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Next' }).click();
  await expect(page.getByRole('heading', { name: 'Second' })).toBeVisible();
});`);
const HOME_ALONE = spec(`test('opens the details', async ({ page }) => {
  await page.goto('/');
  await page.getByText('More').click();
  await expect(page.getByText('Inside')).toBeVisible();
});`);
const WEAK = spec(`test('goes to an address', async ({ page }) => {
  await page.goto('/next');
  await expect(page).toHaveURL(/next/);
});`);
const WRONG = spec(`test('expects what is not there', async ({ page }) => {
  await page.goto('/next');
  await expect(page.getByText('Third')).toBeVisible({ timeout: 200 });
});`);

let app: string;
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'pullwright-bench-app-'));
  await writeFile(join(app, 'server.mjs'), SERVER);
  for (const args of [['init', '-q'], ['add', '-A'], ['-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-q', '-m', 'App']]) await run('git', args, { cwd: app });
});
afterAll(() => rm(app, { recursive: true, force: true }));

async function measured(specs: Record<string, string>): Promise<Report> {
  const port = await freePort();
  const files = new Map(Object.entries(specs).map(([name, text]) => [`e2e/${name}.spec.ts`, Buffer.from(text)]));
  const tests = [...files.keys()].map((file) => ({ id: file, title: file, file, feature: 'f', catches: '', because: [], locators: 0 }));
  const generated: Generated = { manifest: { tests, routes: { found: 2, covered: ['/'] }, leftOut: [{ reason: 'ambiguous', what: 'a link' }] }, files };
  return measure(
    { name: 'two-pages', app, start: `${process.execPath} server.mjs`, baseUrl: `http://127.0.0.1:${port}`, env: { PORT: String(port) }, readyPath: '/', repeat: 2, keep: false },
    () => Promise.resolve(generated),
  );
}

it('accepts tests that pass on the application and on no constant page', async () => {
  const report = await measured({ good: GOOD, 'home-alone': HOME_ALONE });
  expect(report).toMatchObject({ tests: 2, passed: 2, failures: [], fooled: [], homeOnly: [expect.stringContaining('opens the details')], leftOut: { ambiguous: 1 } });
  expect(isGood(report)).toBe(true);
}, 120_000);

it('names the test that a constant page satisfies, and the one that fails', async () => {
  const report = await measured({ weak: WEAK, wrong: WRONG });
  expect(report.fooled).toEqual([expect.stringContaining('goes to an address')]);
  expect(report.failures).toEqual([{ test: expect.stringContaining('expects what is not there'), times: 2, error: expect.stringContaining('Third') }]);
  expect(isGood(report)).toBe(false);
  expect(table([report])).toContain('passes on a constant page: e2e/weak.spec.ts › goes to an address');
}, 120_000);

it('says why an application did not start', async () => {
  const port = await freePort();
  const subject = { name: 'broken', app, start: `${process.execPath} nowhere.mjs`, baseUrl: `http://127.0.0.1:${port}`, env: {}, readyPath: '/', repeat: 1, keep: false };
  const nothing: Generated = { manifest: { tests: [], routes: { found: 0, covered: [] }, leftOut: [] }, files: new Map() };
  await expect(measure(subject, () => Promise.resolve(nothing))).rejects.toThrow(/nowhere\.mjs ended[\s\S]*Cannot find module/);
}, 60_000);
