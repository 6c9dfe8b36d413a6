import type { CommentRecord, LabelRecord, PullRecord, RepositoryState, World } from '../world.js';
import { app, nodeId, user } from './accounts.js';
import { repository, repositoryUrl } from './repository.js';

export function label(world: World, state: RepositoryState, { id, name, color, description }: LabelRecord) {
  return { id, node_id: nodeId('LA', id), url: `${repositoryUrl(world, state)}/labels/${encodeURIComponent(name)}`, name, color, default: false, description };
}

export function labelsOf(world: World, state: RepositoryState, pull: PullRecord) {
  return pull.labels.flatMap((name) => { const record = state.labels.get(name.toLowerCase()); return record === undefined ? [] : label(world, state, record); });
}

/** What people are to the repository. */
function association(world: World, state: RepositoryState, login: string): string {
  const level = world.level(state, login);
  return login.toLowerCase() === state.owner.toLowerCase() ? 'OWNER' : level === 'none' || (level === 'read' && !state.collaborators.has(login.toLowerCase())) ? 'NONE' : 'COLLABORATOR';
}

/** `pull-request-simple`, as lists have it. */
export function pullSimple(world: World, state: RepositoryState, pull: PullRecord) {
  const api = repositoryUrl(world, state);
  const url = `${api}/pulls/${pull.number}`;
  const html = `${world.url}/${state.owner}/${state.name}/pull/${pull.number}`;
  const end = (ref: string, sha: string) => ({ label: `${state.owner}:${ref}`, ref, sha, user: user(world, state.owner), repo: repository(world, state) });
  const issue = `${api}/issues/${pull.number}`;
  return {
    id: pull.id, node_id: nodeId('PR', pull.id), url, html_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch`, issue_url: issue, commits_url: `${url}/commits`, review_comments_url: `${url}/comments`, review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${issue}/comments`, statuses_url: `${api}/statuses/${pull.headSha}`, number: pull.number, state: pull.state, locked: false, title: pull.title, user: user(world, pull.author), body: pull.body, labels: labelsOf(world, state, pull), milestone: null,
    active_lock_reason: null, created_at: pull.createdAt, updated_at: pull.updatedAt, closed_at: pull.closedAt, merged_at: pull.mergedAt, merge_commit_sha: pull.mergeCommit, assignee: pull.assignees[0] === undefined ? null : user(world, pull.assignees[0]),
    assignees: pull.assignees.map((login) => user(world, login)), requested_reviewers: pull.reviewers.map((login) => user(world, login)), requested_teams: pull.teams.map((slug) => team(world, state, slug)),
    head: end(pull.head, pull.headSha), base: end(pull.base, pull.baseSha),
    _links: Object.fromEntries(Object.entries({ self: url, html, issue, comments: `${issue}/comments`, review_comments: `${url}/comments`, review_comment: `${api}/pulls/comments{/number}`, commits: `${url}/commits`, statuses: `${api}/statuses/${pull.headSha}` }).map(([name, href]) => [name, { href }])),
    author_association: association(world, state, pull.author), auto_merge: null, draft: pull.draft,
  };
}

export function team(world: World, state: RepositoryState, slug: string) {
  const id = world.account(`${state.owner}/${slug}`, 'Organization').id;
  const url = `${world.apiUrl}/organizations/${world.account(state.owner).id}/team/${id}`;
  return { id, node_id: nodeId('T', id), url, members_url: `${url}/members{/member}`, name: slug, description: null, permission: 'pull', privacy: 'closed', notification_setting: 'notifications_enabled', html_url: `${world.url}/orgs/${state.owner}/teams/${slug}`, repositories_url: `${url}/repos`, slug, parent: null, type: 'organization', organization_id: world.account(state.owner).id };
}

/** `pull-request`: with what git says about it. */
export async function pull(world: World, state: RepositoryState, record: PullRecord) {
  const { store } = state;
  const base = record.state === 'open' ? await store.peel(`refs/heads/${record.base}`, 'commit') ?? record.baseSha : record.baseSha;
  const fork = await store.mergeBase(base, record.headSha);
  const [files, commits] = await Promise.all([store.diff(fork, record.headSha), store.log([record.headSha, `^${fork ?? base}`])]);
  const mergeable = record.state === 'open' ? await store.mergedTree(base, record.headSha) !== undefined : null;
  const comments = [...state.comments.values()].filter((comment) => comment.issue === record.number).length;
  return {
    ...pullSimple(world, state, record), merged: record.mergedAt !== null, mergeable, rebaseable: mergeable, mergeable_state: mergeable === null ? 'unknown' : mergeable ? (record.draft ? 'draft' : 'clean') : 'dirty', merged_by: record.mergedBy === null ? null : user(world, record.mergedBy),
    comments, review_comments: 0, maintainer_can_modify: record.maintainerCanModify, commits: commits.length, additions: files.reduce((sum, file) => sum + file.additions, 0), deletions: files.reduce((sum, file) => sum + file.deletions, 0), changed_files: files.length,
  };
}

const NO_REACTIONS = { total_count: 0, '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };

/** `issue`: the pull request as the issue it is, too. */
export function issue(world: World, state: RepositoryState, record: PullRecord) {
  const api = repositoryUrl(world, state);
  const url = `${api}/issues/${record.number}`;
  const html = `${world.url}/${state.owner}/${state.name}/pull/${record.number}`;
  const assignees = record.assignees.map((login) => user(world, login));
  return {
    id: record.issueId, node_id: nodeId('I', record.issueId), url, repository_url: api, labels_url: `${url}/labels{/name}`, comments_url: `${url}/comments`, events_url: `${url}/events`, timeline_url: `${url}/timeline`, html_url: html, number: record.number, title: record.title,
    user: user(world, record.author), labels: labelsOf(world, state, record), state: record.state, state_reason: null, locked: false, active_lock_reason: null, assignee: assignees[0] ?? null, assignees, milestone: null, body: record.body,
    comments: [...state.comments.values()].filter((comment) => comment.issue === record.number).length, created_at: record.createdAt, updated_at: record.updatedAt, closed_at: record.closedAt, closed_by: record.closedBy === null ? null : user(world, record.closedBy),
    author_association: association(world, state, record.author), draft: record.draft, performed_via_github_app: record.app === undefined ? null : app(world, record.app), reactions: { url: `${url}/reactions`, ...NO_REACTIONS },
    pull_request: { url: `${api}/pulls/${record.number}`, html_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch`, merged_at: record.mergedAt },
  };
}

/** The same as webhooks tell of it. */
export function issueEvent(world: World, state: RepositoryState, record: PullRecord) {
  const { closed_by: _, performed_via_github_app: by, ...shown } = issue(world, state, record);
  return { ...shown, performed_via_github_app: appEvent(by) };
}

function appEvent(shown: ReturnType<typeof app> | null) {
  if (shown === null) return null;
  const { client_id: _, ...rest } = shown;
  return rest;
}

/** `issue-comment`. */
export function comment(world: World, state: RepositoryState, record: CommentRecord) {
  const api = repositoryUrl(world, state);
  const url = `${api}/issues/comments/${record.id}`;
  return {
    id: record.id, node_id: nodeId('IC', record.id), url, html_url: `${world.url}/${state.owner}/${state.name}/pull/${record.issue}#issuecomment-${record.id}`, issue_url: `${api}/issues/${record.issue}`, user: user(world, record.by), body: record.body,
    created_at: record.createdAt, updated_at: record.updatedAt, author_association: association(world, state, record.by), performed_via_github_app: record.app === undefined ? null : app(world, record.app), reactions: { url: `${url}/reactions`, ...NO_REACTIONS },
  };
}
