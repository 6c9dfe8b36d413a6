import { createSign } from 'node:crypto';
import { startGitHub, type GitHubSimulator } from './simulator.js';
import { asApp, asInstallation, client, refusal } from './test/octokit.js';

let github: GitHubSimulator;
beforeAll(async () => {
  github = await startGitHub();
  await github.createRepository('acme/shop', { 'a.txt': 'a' }, { collaborators: { alice: 'write', bob: 'read' } });
  await github.createRepository('acme/other', { 'b.txt': 'b' });
});
afterAll(() => github.close());
const shop = { owner: 'acme', repo: 'shop' };

function jwt(claims: Record<string, unknown>, key = github.app.privateKey, alg = 'RS256'): string {
  const signed = [{ alg, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
}

test('the App is who signs with its key, now, for ten minutes at most', async () => {
  const now = Math.floor(Date.now() / 1000);
  const ask = (token: string) => fetch(`${github.apiUrl}/app`, { headers: { authorization: `Bearer ${token}` } }).then(async (response) => [response.status, (await response.json() as { message?: string; slug?: string }).message ?? 'ok'] as const);
  const right = { iat: now - 60, exp: now + 540, iss: github.app.id };
  expect(await ask(jwt(right))).toEqual([200, 'ok']);
  expect(await ask(jwt({ ...right, iss: github.app.clientId }))).toEqual([200, 'ok']);
  expect(await ask(jwt({ ...right, iat: now - 900, exp: now - 300 }))).toEqual([401, expect.stringContaining("'Expiration time'") as string]);
  expect(await ask(jwt({ ...right, exp: now + 3600 }))).toEqual([401, expect.stringContaining('too far in the future') as string]);
  expect(await ask(jwt({ ...right, iat: now + 300 }))).toEqual([401, expect.stringContaining("'Issued at'") as string]);
  expect((await ask(jwt({ ...right, iss: 1 })))[0]).toBe(404);
  expect((await ask(jwt(right, undefined, 'none')))[0]).toBe(401);
  const [head, body] = jwt(right).split('.');
  expect((await ask(`${head}.${body}.AAAA`))[0]).toBe(401);
  expect(await ask('ghs_unknown')).toEqual([401, 'Bad credentials']);
});

test('a token reaches what it was narrowed to, and nothing else', async () => {
  const token = await asInstallation(github, 'acme/shop', { repositories: ['shop'], permissions: { contents: 'read' } });
  expect((await token.rest.apps.listReposAccessibleToInstallation()).data.repositories.map((one) => one.name)).toEqual(['shop']);
  expect((await token.rest.repos.get(shop)).data).toMatchObject({ full_name: 'acme/shop', private: true, default_branch: 'main' });
  expect((await token.rest.git.getRef({ ...shop, ref: 'heads/main' })).status).toBe(200);
  expect(await refusal(token.rest.repos.get({ owner: 'acme', repo: 'other' }))).toMatchObject({ status: 404, message: 'Not Found' });
  expect(await refusal(token.rest.git.createBlob({ ...shop, content: 'x' }))).toMatchObject({ status: 403, message: 'Resource not accessible by integration', headers: { 'x-accepted-github-permissions': 'contents=write' } });
  expect(await refusal(token.rest.pulls.list(shop))).toMatchObject({ status: 403 });
  expect(await refusal(token.rest.users.getAuthenticated())).toMatchObject({ status: 403 });
  expect(await refusal(token.rest.apps.getAuthenticated())).toMatchObject({ status: 401 });
});

test('a token cannot be wider than its installation', async () => {
  const { rest } = asApp(github).octokit;
  const { data: { id, permissions } } = await rest.apps.getOrgInstallation({ org: 'acme' });
  expect(permissions).toMatchObject({ contents: 'write', issues: 'read', metadata: 'read' });
  expect(await refusal(rest.apps.createInstallationAccessToken({ installation_id: id, permissions: { administration: 'write' } }))).toMatchObject({ status: 422, message: 'The permissions requested are not granted to this installation.' });
  expect(await refusal(rest.apps.createInstallationAccessToken({ installation_id: id, permissions: { issues: 'write' } }))).toMatchObject({ status: 422 });
  expect(await refusal(rest.apps.createInstallationAccessToken({ installation_id: id, repositories: ['nothing'] }))).toMatchObject({ status: 422, message: expect.stringContaining('does not exist or is not accessible') as string });
  expect(await refusal(rest.apps.getInstallation({ installation_id: 1 }))).toMatchObject({ status: 404 });
  const long = await rest.apps.createInstallationAccessToken({ installation_id: id, headers: { 'x-github-stateless-s2s-token': 'enabled' } });
  expect(long.data.token.length).toBeGreaterThan(400);
  expect((await new (client(github))({ auth: long.data.token }).rest.repos.get(shop)).status).toBe(200);
});

test('revoked, suspended, narrowed and uninstalled: what an installation loses, its tokens lose', async () => {
  await github.createRepository('globex/site', { 'a.txt': 'a' });
  const site = { owner: 'globex', repo: 'site' };
  const installation = github.installationOf('globex');
  const first = await asInstallation(github, 'globex/site');
  await first.rest.apps.revokeInstallationAccessToken();
  expect(await refusal(first.rest.repos.get(site))).toMatchObject({ status: 401, message: 'Bad credentials' });
  const second = await asInstallation(github, 'globex/site');
  installation.revokeTokens();
  expect(await refusal(second.rest.repos.get(site))).toMatchObject({ status: 401 });
  const third = await asInstallation(github, 'globex/site');
  installation.suspend();
  expect(await refusal(third.rest.repos.get(site))).toMatchObject({ status: 403, message: 'This installation has been suspended' });
  installation.unsuspend();
  expect((await third.rest.repos.get(site)).status).toBe(200);
  github.install('globex', { permissions: { contents: 'read' } });
  expect(await refusal(third.rest.git.createBlob({ ...site, content: 'x' }))).toMatchObject({ status: 403 });
  installation.removeRepository('site');
  expect(await refusal(third.rest.repos.get(site))).toMatchObject({ status: 404 });
  github.installationOf('globex').uninstall();
  expect(await refusal(asInstallation(github, 'globex/site'))).toMatchObject({ status: 404 });
}, 120_000);

test('people may what their level says, and nobody sees what is private', async () => {
  const person = (login: string) => new (client(github))({ auth: github.personToken(login) });
  const [alice, bob, eve, nobody] = [person('alice'), person('bob'), person('eve'), new (client(github))()];
  expect((await alice.rest.git.createBlob({ ...shop, content: 'x' })).status).toBe(201);
  expect(await refusal(bob.rest.git.createBlob({ ...shop, content: 'x' }))).toMatchObject({ status: 403 });
  expect(await refusal(eve.rest.repos.get(shop))).toMatchObject({ status: 404 });
  expect(await refusal(nobody.rest.repos.get(shop))).toMatchObject({ status: 404 });
  const app = await asInstallation(github, 'acme/shop');
  const levels = await Promise.all(['acme', 'alice', 'bob', 'eve'].map(async (username) => (await app.rest.repos.getCollaboratorPermissionLevel({ ...shop, username })).data.permission));
  expect(levels).toEqual(['admin', 'write', 'read', 'none']);
  expect(await refusal(app.rest.repos.getCollaboratorPermissionLevel({ ...shop, username: 'never-heard-of' }))).toMatchObject({ status: 404 });
});

test('a repository that was renamed leads to its new name, one that is archived takes nothing, one that is deleted is gone', async () => {
  const moving = await github.createRepository('acme/moving', { 'a.txt': 'a' });
  const at = { owner: 'acme', repo: 'moving' };
  const token = await asInstallation(github, 'acme/moving');
  await moving.rename('moved');
  expect((await token.rest.repos.get(at)).data.name).toBe('moved');
  expect((await fetch(`${github.apiUrl}/repos/acme/moving/git/ref/heads/main`, { redirect: 'manual', headers: { authorization: `Bearer ${github.personToken('acme')}` } })).status).toBe(301);
  expect((await token.rest.git.createBlob({ ...at, content: 'x' })).status).toBe(201);
  await moving.archive();
  expect(await refusal(token.rest.git.createBlob({ owner: 'acme', repo: 'moved', content: 'y' }))).toMatchObject({ status: 403, message: 'Repository was archived so is read-only.' });
  expect((await token.rest.git.getRef({ owner: 'acme', repo: 'moved', ref: 'heads/main' })).status).toBe(200);
  await moving.delete();
  expect(await refusal(token.rest.repos.get({ owner: 'acme', repo: 'moved' }))).toMatchObject({ status: 404 });
});

test('a protected branch and workflows are out of reach for the App', async () => {
  const guarded = await github.createRepository('acme/guarded', { 'a.txt': 'a' });
  const at = { owner: 'acme', repo: 'guarded' };
  const { rest } = await asInstallation(github, 'acme/guarded');
  const base = await guarded.head();
  const commit = async (path: string) => {
    const { data: { sha: tree } } = await rest.git.createTree({ ...at, base_tree: base, tree: [{ path, mode: '100644', type: 'blob', content: 'x' }] });
    return (await rest.git.createCommit({ ...at, message: 'x', tree, parents: [base] })).data.sha;
  };
  guarded.protect();
  expect(await refusal(rest.git.updateRef({ ...at, ref: 'heads/main', sha: await commit('b.txt') }))).toMatchObject({ status: 422, message: 'Cannot update this protected ref.' });
  expect((await rest.repos.getBranch({ ...at, branch: 'main' })).data.protected).toBe(true);
  expect(await refusal(rest.git.createRef({ ...at, ref: 'refs/heads/pullwright/tests', sha: await commit('.github/workflows/ci.yml') }))).toMatchObject({ status: 403, headers: { 'x-accepted-github-permissions': 'workflows=write' } });
  expect(await guarded.branches()).toEqual(['main']);
});
