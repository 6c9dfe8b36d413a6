import { limitOf } from '../access.js';
import { ApiError, notFound, ok } from '../request.js';
import { publicUser } from '../shapes/accounts.js';
import type { Route } from '../route.js';

/** What is about nothing in particular: the root, which clients ask for the scopes of their token, limits, and people. */
export const metaRoutes: Record<string, Route> = {
  'meta/root': async ({ world, actor }) => ({ status: 200, body: root(world.apiUrl), headers: actor.kind === 'user' ? { 'x-oauth-scopes': 'repo' } : undefined }),
  'users/get-authenticated': async ({ world, actor }) => {
    if (actor.kind === 'installation') throw new ApiError(403, 'Resource not accessible by integration');
    if (actor.kind !== 'user') throw new ApiError(401, 'Requires authentication');
    return ok(publicUser(world, actor.login));
  },
  'rate-limit/get': async ({ world, actor }) => {
    const core = limitOf(world, actor);
    return ok({ resources: { core, search: { ...core, limit: 30, used: 0, remaining: 30 } }, rate: core });
  },
  'meta/get': async () => ok({ verifiable_password_authentication: false }),
  'users/get-by-username': async ({ world, params }) => {
    const login = params.username as string;
    if (!world.accounts.has(login.toLowerCase())) throw notFound();
    return ok(publicUser(world, login));
  },
};

function root(api: string): Record<string, string> {
  const paths = {
    current_user_url: 'user', current_user_authorizations_html_url: 'settings/connections/applications{/client_id}', authorizations_url: 'authorizations', code_search_url: 'search/code?q={query}{&page,per_page,sort,order}',
    commit_search_url: 'search/commits?q={query}{&page,per_page,sort,order}', emails_url: 'user/emails', emojis_url: 'emojis', events_url: 'events', feeds_url: 'feeds', followers_url: 'user/followers', following_url: 'user/following{/target}',
    gists_url: 'gists{/gist_id}', issue_search_url: 'search/issues?q={query}{&page,per_page,sort,order}', issues_url: 'issues', keys_url: 'user/keys', label_search_url: 'search/labels?q={query}&repository_id={repository_id}{&page,per_page}',
    notifications_url: 'notifications', organization_url: 'orgs/{org}', organization_repositories_url: 'orgs/{org}/repos{?type,page,per_page,sort}', organization_teams_url: 'orgs/{org}/teams', public_gists_url: 'gists/public', rate_limit_url: 'rate_limit',
    repository_url: 'repos/{owner}/{repo}', repository_search_url: 'search/repositories?q={query}{&page,per_page,sort,order}', current_user_repositories_url: 'user/repos{?type,page,per_page,sort}', starred_url: 'user/starred{/owner}{/repo}',
    starred_gists_url: 'gists/starred', user_url: 'users/{user}', user_organizations_url: 'user/orgs', user_repositories_url: 'users/{user}/repos{?type,page,per_page,sort}', user_search_url: 'search/users?q={query}{&page,per_page,sort,order}',
  };
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, `${api}/${path}`]));
}
