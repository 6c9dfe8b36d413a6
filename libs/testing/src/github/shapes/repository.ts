import type { Level } from '../repository.js';
import type { RepositoryState, World } from '../world.js';
import { nodeId, user } from './accounts.js';

const LEVELS: Level[] = ['read', 'triage', 'write', 'maintain', 'admin'];

/** The five answers that a level gives. */
export function permissionFlags(level: Level) {
  const upTo = LEVELS.indexOf(level);
  return { admin: upTo >= 4, maintain: upTo >= 3, push: upTo >= 2, triage: upTo >= 1, pull: upTo >= 0 };
}

export function repositoryUrl(world: World, { owner, name }: RepositoryState): string {
  return `${world.apiUrl}/repos/${owner}/${name}`;
}

/** `repository`, as it stands in pull requests and webhooks. */
export function repository(world: World, state: RepositoryState) {
  const { id, owner, name, defaultBranch, archived, createdAt, pushedAt } = state;
  const api = repositoryUrl(world, state);
  const html = `${world.url}/${owner}/${name}`;
  const open = [...state.issues.values()].filter((pull) => pull.state === 'open').length;
  const below = (path: string) => `${api}/${path}`;
  return {
    id, node_id: nodeId('R', id), name, full_name: `${owner}/${name}`, private: state.private, owner: user(world, owner), html_url: html, description: null, fork: false, url: api,
    forks_url: below('forks'), keys_url: below('keys{/key_id}'), collaborators_url: below('collaborators{/collaborator}'), teams_url: below('teams'), hooks_url: below('hooks'), issue_events_url: below('issues/events{/number}'),
    events_url: below('events'), assignees_url: below('assignees{/user}'), branches_url: below('branches{/branch}'), tags_url: below('tags'), blobs_url: below('git/blobs{/sha}'), git_tags_url: below('git/tags{/sha}'),
    git_refs_url: below('git/refs{/sha}'), trees_url: below('git/trees{/sha}'), statuses_url: below('statuses/{sha}'), languages_url: below('languages'), stargazers_url: below('stargazers'), contributors_url: below('contributors'),
    subscribers_url: below('subscribers'), subscription_url: below('subscription'), commits_url: below('commits{/sha}'), git_commits_url: below('git/commits{/sha}'), comments_url: below('comments{/number}'),
    issue_comment_url: below('issues/comments{/number}'), contents_url: below('contents/{+path}'), compare_url: below('compare/{base}...{head}'), merges_url: below('merges'), archive_url: below('{archive_format}{/ref}'),
    downloads_url: below('downloads'), issues_url: below('issues{/number}'), pulls_url: below('pulls{/number}'), milestones_url: below('milestones{/number}'), notifications_url: below('notifications{?since,all,participating}'),
    labels_url: below('labels{/name}'), releases_url: below('releases{/id}'), deployments_url: below('deployments'), created_at: createdAt, updated_at: pushedAt, pushed_at: pushedAt,
    git_url: html.replace(/^http/, 'git').concat('.git'), ssh_url: `git@${new URL(world.url).hostname}:${owner}/${name}.git`, clone_url: `${html}.git`, svn_url: html, homepage: null, size: 0, stargazers_count: 0, watchers_count: 0, language: null,
    has_issues: true, has_projects: true, has_downloads: true, has_wiki: true, has_pages: false, has_discussions: false, forks_count: 0, mirror_url: null, archived, disabled: false, open_issues_count: open, license: null,
    allow_forking: true, is_template: false, web_commit_signoff_required: false, topics: [] as string[], visibility: state.private ? 'private' : 'public', forks: 0, open_issues: open, watchers: 0, default_branch: defaultBranch,
  };
}

/** `full-repository`. */
export function fullRepository(world: World, state: RepositoryState, level: Level) {
  return {
    ...repository(world, state), permissions: permissionFlags(level), allow_squash_merge: true, allow_merge_commit: true, allow_rebase_merge: true, allow_auto_merge: false, delete_branch_on_merge: false, network_count: 0, subscribers_count: 0,
  };
}
