import { jest } from '@jest/globals';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGitHub, type GitHubSimulator } from '#testing';
import { EXIT } from './exit-code.js';
import { setUpGithub } from './github-setup.js';

let github: GitHubSimulator;
let folder: string;
let out = '';
let said = '';
beforeAll(async () => { [github, folder] = await Promise.all([startGitHub(), mkdtemp(join(tmpdir(), 'pullwright-github-'))]); });
afterAll(async () => { await github.close(); await rm(folder, { recursive: true, force: true }); });
beforeEach(() => {
  out = said = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => { out += String(text); return true; });
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => { said += String(text); return true; });
});
afterEach(() => { jest.restoreAllMocks(); });

const unescaped = (text: string): string => text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

/** The address that the command tells, within a few seconds. */
async function told(): Promise<string> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await sleep(20)) { const [address] = /http:\/\/127\.0\.0\.1:\d+\/setup\/github/.exec(said) ?? []; if (address) return address; }
  throw new Error(`no address: ${said}`);
}

test('shows a page, follows GitHub back to it, writes the files and tells what comes next', async () => {
  const ended = setUpGithub({ gateway: 'https://pullwright.acme.example', url: github.url, org: 'acme', name: 'Tests', out: join(folder, 'app'), port: 0, json: true });
  const address = await told();
  expect((await fetch(address.replace('/setup', '/else'))).status).toBe(404);
  const page = await fetch(address);
  const [cookie, body] = [(page.headers.get('set-cookie') ?? '').split(';')[0] as string, await page.text()];
  const action = unescaped(/<form method="post" action="([^"]+)"/.exec(body)?.[1] ?? '');
  expect(action).toContain('/organizations/acme/settings/apps/new?state=');
  const agreed = await fetch(action, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ manifest: unescaped(/name="manifest" value="([^"]+)"/.exec(body)?.[1] ?? '') }) });
  expect((await fetch(agreed.headers.get('location') as string, { headers: { cookie } })).status).toBe(200);
  expect(await ended).toBe(EXIT.ok);
  const { slug, files } = JSON.parse(out) as { slug: string; files: { key: string; environment: string } };
  expect([slug, (await stat(files.key)).mode & 0o777]).toEqual(['tests', 0o600]);
  expect(await readFile(files.environment, 'utf8')).toContain('GITHUB_WEBHOOK_SECRET=');
  expect(said).toContain('/installations/new');
  await expect(fetch(address)).rejects.toThrow();
});

test.each([[{ gateway: 'pullwright.acme.example' }, '--gateway'], [{ url: 'ftp://github.example' }, '--url'], [{ name: 'x'.repeat(35) }, '--name']])('wrong usage is told: %j', async (change, option) => {
  await expect(setUpGithub({ gateway: 'https://pullwright.acme.example', url: github.url, name: 'Tests', out: folder, port: 0, ...change })).rejects.toMatchObject({ code: EXIT.usage, message: expect.stringContaining(option) as string });
});
