import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ArtifactStore, diskBlobs } from '#artifacts';
import { Bus } from '#bus';
import { loadConfig } from '#config';
import { startGitHub, startNats, type GitHubSimulator, type TestNats } from '#testing';
import { createGateway } from '../gateway.module.js';
import { settingsOf } from '../gateway-settings.js';
import { APP_PERMISSIONS } from './github-app.js';

/** The page of a real gateway, and GitHub's side of the flow at the simulator. The browser is played by fetch, with a cookie jar of one cookie. */
const TOKEN = 'a-token-for-the-set-up';
let nats: TestNats;
let github: GitHubSimulator;
let folder: string;
const apps: NestExpressApplication[] = [];

beforeAll(async () => {
  [nats, github] = await Promise.all([startNats(), startGitHub()]);
  folder = await mkdtemp(join(tmpdir(), 'pullwright-setup-'));
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await nats.remove();
  await rm(folder, { recursive: true, force: true });
  await github.close();
});

let folders = 0;
async function gateway(environment: Record<string, string> = {}): Promise<{ url: string; out: string }> {
  const out = join(folder, `out-${++folders}`);
  const config = loadConfig({ GITHUB_URL: github.url, GITHUB_SETUP_DIR: out, ...environment });
  const app = await createGateway(await Bus.open({ servers: nats.url, name: 'gateway' }), new ArtifactStore(diskBlobs(join(folder, 'artifacts'))), settingsOf(config));
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  apps.push(app);
  return { url: await app.getUrl(), out };
}

const unescaped = (text: string): string => text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

/** The first page, and what its form would send to GitHub. */
async function open(url: string, query = '', headers: Record<string, string> = {}): Promise<{ response: Response; body: string; cookie: string; action: string; manifest: Record<string, unknown> }> {
  const response = await fetch(`${url}/setup/github${query}`, { headers });
  const body = await response.text();
  const action = unescaped(/<form method="post" action="([^"]+)"/.exec(body)?.[1] ?? '');
  const manifest = JSON.parse(unescaped(/name="manifest" value="([^"]+)"/.exec(body)?.[1] ?? '{}')) as Record<string, unknown>;
  return { response, body, action, manifest, cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] as string };
}

/** GitHub asks the person, who agrees; where it leads back to. */
async function agree(action: string, manifest: Record<string, unknown>): Promise<string> {
  const response = await fetch(action, { method: 'POST', body: new URLSearchParams({ manifest: JSON.stringify(manifest) }), redirect: 'manual' });
  expect([response.status, await response.text()]).toEqual([302, '']);
  return response.headers.get('location') as string;
}

const status = async (address: string, headers: Record<string, string>) => (await fetch(address, { headers })).status;
const as = (password: string) => ({ 'x-forwarded-for': '203.0.113.9', authorization: `Basic ${Buffer.from(`ann:${password}`).toString('base64')}` });

test('the page leads to GitHub and back, and the key and the settings are written for their owner alone', async () => {
  const { url, out } = await gateway();
  const { response, action, manifest, cookie } = await open(url, '?organization=acme&name=Tests+for+acme&gateway=https%3A%2F%2Fpullwright.acme.example');
  expect(response.headers.get('set-cookie')).toContain('HttpOnly; SameSite=Lax; Path=/setup/github');
  expect(action).toMatch(new RegExp(`^${github.url}/organizations/acme/settings/apps/new\\?state=[\\w-]{43}$`));
  expect(manifest).toMatchObject({
    name: 'Tests for acme', public: false, hook_attributes: { url: 'https://pullwright.acme.example/api/v1/webhooks/github', active: true }, redirect_url: `${url}/setup/github/done`,
    default_permissions: { metadata: 'read', contents: 'write', pull_requests: 'write', checks: 'write', issues: 'read' }, default_events: ['push', 'pull_request', 'issue_comment', 'check_run', 'check_suite'],
  });
  const done = await fetch(await agree(action, manifest), { headers: { cookie } });
  const page = await done.text();
  expect([done.status, done.headers.get('cache-control')]).toEqual([200, 'no-store']);
  const [environment, key] = (await readdir(out)).sort().map((name) => join(out, name)) as [string, string];
  for (const file of [environment, key]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  const settings = await readFile(environment, 'utf8');
  expect(settings).toMatch(new RegExp(`^GITHUB_URL=${github.url}\nGITHUB_APP_ID=\\d+\nGITHUB_APP_PRIVATE_KEY_FILE='${key}'\nGITHUB_WEBHOOK_SECRET=\\S{16,}\n$`));
  const pem = await readFile(key, 'utf8');
  expect(pem).toContain('PRIVATE KEY');
  expect(page).toContain(key);
  for (const secret of [pem.split('\n')[1] as string, (/SECRET=(\S+)/.exec(settings)?.[1]) as string]) expect(page).not.toContain(secret);
  // There is an App now: from here on only with the token.
  expect((await open(url)).response.status).toBe(403);
});

test('what leads back counts once, in the browser that it began in, with a code that GitHub gave', async () => {
  const { url, out } = await gateway();
  const { action, manifest, cookie } = await open(url);
  const back = await agree(action, manifest);
  const other = await open(url);
  expect(await status(back, {})).toBe(400);
  expect(await status(back, { cookie: other.cookie })).toBe(400);
  expect(await status(back.replace(/state=[^&]+/, `state=${'A'.repeat(43)}`), { cookie: `pullwright_setup=${'A'.repeat(43)}` })).toBe(400);
  expect(await status(back.replace(/code=[^&]+/, 'code=invented'), { cookie })).toBe(400);
  // The state was used up, with whatever code.
  expect(await status(back, { cookie })).toBe(400);
  await expect(readdir(out)).resolves.toEqual([]);
});

test('without a token it is for browsers on this machine alone', async () => {
  const { url } = await gateway();
  expect((await open(url)).response.status).toBe(200);
  for (const name of ['x-forwarded-for', 'forwarded']) expect((await open(url, '', { [name]: 'for=203.0.113.9' })).response.status).toBe(403);
  const configured = await gateway({ GITHUB_WEBHOOK_SECRET: 'there-is-an-app-already' });
  expect((await open(configured.url)).response.status).toBe(403);
});

test('with the token it is for whoever has it, from anywhere and again', async () => {
  const { url } = await gateway({ GITHUB_SETUP_TOKEN: TOKEN, GITHUB_WEBHOOK_SECRET: 'there-is-an-app-already' });
  const refused = await open(url, '', { 'x-forwarded-for': '203.0.113.9' });
  expect([refused.response.status, refused.response.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="Pullwright setup", charset="UTF-8"']);
  expect((await open(url, '', as('another-token-of-mine'))).response.status).toBe(401);
  expect((await open(url, '', as(TOKEN))).response.status).toBe(200);
});

test('what is put in is checked and escaped, and no other page may frame or fill it', async () => {
  const { url } = await gateway();
  const { body, response } = await open(url, `?name=${encodeURIComponent('"><script>x</script>')}`);
  expect(body).not.toContain('<script>');
  expect(response.headers.get('content-security-policy')).toBe(`default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${github.url}; base-uri 'none'; frame-ancestors 'none'`);
  for (const query of ['?organization=a%2Fb', '?gateway=javascript:alert(1)', `?name=${'x'.repeat(35)}`]) expect((await open(url, query)).response.status).toBe(400);
});

test('a folder that cannot be written to is told before GitHub makes an App', async () => {
  await writeFile(join(folder, 'a-file'), '');
  const { url } = await gateway({ GITHUB_SETUP_DIR: join(folder, 'a-file') });
  const { response, body } = await open(url);
  expect([response.status, body]).toEqual([400, expect.stringContaining('cannot be written to')]);
});

test('the page is off unless a folder is named', async () => {
  const { url } = await gateway({ GITHUB_SETUP_DIR: '' });
  const { response, body } = await open(url);
  expect([response.status, (JSON.parse(body) as { code: string }).code]).toEqual([404, 'setup-off']);
});

test('docs/github-app.md gives each permission with its reason', async () => {
  const document = await readFile(new URL('../../../../docs/github-app.md', import.meta.url), 'utf8');
  for (const { permission, level, reason } of APP_PERMISSIONS) expect(document).toContain(`| \`${permission}: ${level}\` | ${reason} |`);
});
