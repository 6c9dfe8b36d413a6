import type { InstallationState, SimulatedApp, World } from '../world.js';

export function nodeId(kind: string, id: number | string): string {
  return `${kind}_${Buffer.from(`${kind}:${id}`).toString('base64url')}`;
}

/** `simple-user`. */
export function user(world: World, login: string) {
  const account = world.account(login, login.endsWith('[bot]') ? 'Bot' : 'User');
  const api = `${world.apiUrl}/users/${encodeURIComponent(account.login)}`;
  return {
    login: account.login, id: account.id, node_id: nodeId('U', account.id), avatar_url: `${world.url}/avatars/u/${account.id}?v=4`, gravatar_id: '', url: api, html_url: `${world.url}/${account.type === 'Bot' ? `apps/${account.login.replace('[bot]', '')}` : account.login}`,
    followers_url: `${api}/followers`, following_url: `${api}/following{/other_user}`, gists_url: `${api}/gists{/gist_id}`, starred_url: `${api}/starred{/owner}{/repo}`, subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`, repos_url: `${api}/repos`, events_url: `${api}/events{/privacy}`, received_events_url: `${api}/received_events`, type: account.type, site_admin: false,
  };
}

/** `public-user`. */
export function publicUser(world: World, login: string) {
  const { createdAt } = world.account(login);
  return { ...user(world, login), name: login, company: null, blog: '', location: null, email: null, hireable: null, bio: null, public_repos: 0, public_gists: 0, followers: 0, following: 0, created_at: createdAt, updated_at: createdAt };
}

/** `integration`: the App as others see it; its owner is an account of its own. */
export function app(world: World, { id, slug, clientId, permissions, events }: SimulatedApp) {
  return {
    id, slug, node_id: nodeId('A', id), client_id: clientId, owner: user(world, 'app-owner'), name: slug, description: null, external_url: 'https://example.com', html_url: `${world.url}/apps/${slug}`,
    created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z', permissions: { metadata: 'read', ...permissions }, events,
  };
}

export function installation(world: World, state: InstallationState) {
  const { id, app: { id: appId, slug, clientId }, owner, repositories, permissions, events, suspendedAt, createdAt } = state;
  const account = world.account(owner);
  return {
    id, client_id: clientId, account: user(world, owner), repository_selection: repositories === 'all' ? 'all' : 'selected', access_tokens_url: `${world.apiUrl}/app/installations/${id}/access_tokens`, repositories_url: `${world.apiUrl}/installation/repositories`,
    html_url: `${world.url}/${account.type === 'Organization' ? `organizations/${owner}/` : ''}settings/installations/${id}`, app_id: appId, app_slug: slug, target_id: account.id, target_type: account.type,
    permissions: { metadata: 'read', ...permissions }, events, created_at: createdAt, updated_at: suspendedAt ?? createdAt, single_file_name: null, has_multiple_single_files: false, single_file_paths: [],
    suspended_by: suspendedAt === undefined ? null : user(world, owner), suspended_at: suspendedAt ?? null,
  };
}
