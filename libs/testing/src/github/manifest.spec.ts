import { startGitHub, type GitHubSimulator } from './simulator.js';
import { asApp, client, refusal } from './test/octokit.js';

let github: GitHubSimulator;
beforeAll(async () => { github = await startGitHub(); });
afterAll(() => github.close());

const MANIFEST = { name: 'Our App', url: 'https://example.com', redirect_url: 'https://example.com/done', hook_attributes: { url: 'https://example.com/hook' }, public: false, default_permissions: { contents: 'write' }, default_events: ['push'] };
const post = (manifest: unknown, path = '/settings/apps/new?state=abc') => fetch(`${github.url}${path}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ manifest: JSON.stringify(manifest) }) });

test('a manifest becomes an App by a code that is good once, and the App can sign in', async () => {
  const response = await post(MANIFEST);
  expect(response.status).toBe(302);
  const back = new URL(response.headers.get('location') as string);
  expect(back.searchParams.get('state')).toBe('abc');
  const code = back.searchParams.get('code') as string;
  const { rest } = new (client(github))();
  const { data } = await rest.apps.createFromManifest({ code });
  expect(data).toMatchObject({ slug: 'our-app', permissions: { contents: 'write' }, events: ['push'], webhook_secret: expect.any(String) as string, client_secret: expect.any(String) as string });
  expect(data.pem).toContain('BEGIN RSA PRIVATE KEY');
  expect(await refusal(rest.apps.createFromManifest({ code }))).toMatchObject({ status: 404 });
  const app = github.apps.find((one) => one.id === data.id);
  expect(app?.webhookUrl).toBe('https://example.com/hook');
  app!.webhookUrl = undefined;
  expect((await asApp(github, app).octokit.rest.apps.getAuthenticated()).data).toMatchObject({ slug: 'our-app' });
  await github.createRepository('acme/shop', { 'a.txt': 'a' });
  github.install('acme', { app });
  expect((await asApp(github, app).octokit.rest.apps.listInstallations()).data).toMatchObject([{ app_slug: 'our-app', permissions: { contents: 'write' } }]);
  expect((await post(MANIFEST, '/organizations/acme/settings/apps/new')).status).toBe(302);
});

test.each([
  [{ ...MANIFEST, name: undefined }, 'name is missing'], [{ ...MANIFEST, redirect_url: undefined }, 'redirect_url is missing'], [{ ...MANIFEST, default_events: ['installation'] }, 'always sent'],
  [{ ...MANIFEST, permissions: {} }, 'permissions is not a key'], [{ ...MANIFEST, hook_attributes: {} }, 'hook_attributes.url'],
])('a manifest that GitHub would not take is refused: %#', async (manifest, complaint) => {
  const response = await post(manifest);
  expect(response.status).toBe(422);
  expect(await response.text()).toContain(complaint);
});
