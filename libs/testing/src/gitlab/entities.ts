import type { Commit } from '../git-store.js';
import type { MergeRequest, Note, Project, Status, User, World } from './world.js';

/** How GitLab shows what it has. */
export function showUser({ url }: World, user: User) {
  return { id: user.id, username: user.username, name: user.name, state: 'active', locked: false, avatar_url: null, web_url: `${url}/${user.username}` };
}

export function showProject(world: World, project: Project, user: User, empty: boolean) {
  const [name = ''] = project.path.split('/').slice(-1);
  const group = project.path.slice(0, -name.length - 1);
  const level = project.members.get(user.username);
  return {
    id: project.id, description: null, name, name_with_namespace: project.path.split('/').join(' / '), path: name, path_with_namespace: project.path, created_at: project.createdAt, default_branch: empty ? null : project.defaultBranch,
    ssh_url_to_repo: `git@${new URL(world.url).hostname}:${project.path}.git`, http_url_to_repo: `${world.url}/${project.path}.git`, web_url: `${world.url}/${project.path}`,
    namespace: { id: project.id + 50_000, name: group, path: group, kind: 'group', full_path: group, parent_id: null, avatar_url: null, web_url: `${world.url}/groups/${group}` },
    empty_repo: empty, archived: project.archived, visibility: project.visibility, repository_object_format: 'sha1', merge_requests_enabled: true, lfs_enabled: true, merge_method: 'merge', remove_source_branch_after_merge: true,
    permissions: { project_access: level === undefined ? null : { access_level: level, notification_level: 3 }, group_access: null },
  };
}

export function showCommit(world: World, project: Project, commit: Commit) {
  const [title = ''] = commit.message.split('\n');
  const trailers = Object.fromEntries([...commit.message.matchAll(/^([A-Z][A-Za-z-]+): (.+)$/gm)].map(([, key, value]) => [key, value]));
  return {
    id: commit.sha, short_id: commit.sha.slice(0, 8), created_at: commit.committer.date, parent_ids: commit.parents, title, message: `${commit.message}\n`, author_name: commit.author.name, author_email: commit.author.email,
    authored_date: commit.author.date, committer_name: commit.committer.name, committer_email: commit.committer.email, committed_date: commit.committer.date, trailers, extended_trailers: {}, web_url: `${world.url}/${project.path}/-/commit/${commit.sha}`,
  };
}

export function showCommitDetail(world: World, project: Project, commit: Commit) {
  return { ...showCommit(world, project, commit), stats: { additions: 0, deletions: 0, total: 0 }, status: null, project_id: project.id, last_pipeline: null };
}

export function showBranch(world: World, project: Project, name: string, commit: Commit, level: number) {
  const needed = project.protectedBranches.get(name);
  return {
    name, commit: showCommit(world, project, commit), merged: false, protected: needed !== undefined, developers_can_push: (needed ?? 0) <= 30, developers_can_merge: (needed ?? 0) <= 30,
    can_push: level >= (needed ?? 30), default: name === project.defaultBranch, web_url: `${world.url}/${project.path}/-/tree/${name}`,
  };
}

/** As it stands in a list. */
export function showMergeRequestBasic(world: World, project: Project, mr: MergeRequest) {
  const user = (one: User | null) => (one === null ? null : showUser(world, one));
  return {
    id: mr.id, iid: mr.iid, project_id: project.id, title: mr.title, description: mr.description, state: mr.state, created_at: mr.createdAt, updated_at: mr.updatedAt, merged_by: user(mr.mergedBy), merge_user: user(mr.mergedBy), merged_at: mr.mergedAt,
    closed_by: user(mr.closedBy), closed_at: mr.closedAt, target_branch: mr.targetBranch, source_branch: mr.sourceBranch, user_notes_count: project.notes.filter((note) => note.iid === mr.iid && !note.system).length, upvotes: 0, downvotes: 0,
    author: showUser(world, mr.author), assignees: mr.assignees.map((one) => showUser(world, one)), assignee: user(mr.assignees[0] ?? null), reviewers: mr.reviewers.map((one) => showUser(world, one)), source_project_id: project.id, target_project_id: project.id,
    labels: mr.labels.toSorted(), draft: /^draft:/i.test(mr.title), imported: false, imported_from: 'none', work_in_progress: /^draft:/i.test(mr.title), milestone: null, merge_when_pipeline_succeeds: false, merge_status: 'can_be_merged',
    detailed_merge_status: mr.state === 'opened' ? 'mergeable' : 'not_open', merge_after: null, sha: mr.sha, merge_commit_sha: mr.mergeCommit, squash_commit_sha: mr.squashCommit, discussion_locked: null, should_remove_source_branch: null,
    force_remove_source_branch: mr.removeSourceBranch, prepared_at: mr.createdAt, reference: `!${mr.iid}`, references: { short: `!${mr.iid}`, relative: `!${mr.iid}`, full: `${project.path}!${mr.iid}` }, web_url: `${world.url}/${project.path}/-/merge_requests/${mr.iid}`,
    time_stats: { time_estimate: 0, total_time_spent: 0, human_time_estimate: null, human_total_time_spent: null }, squash: false, squash_on_merge: false, task_completion_status: { count: 0, completed_count: 0 }, has_conflicts: false, blocking_discussions_resolved: true,
    approvals_before_merge: null,
  };
}

export function showMergeRequest(world: World, project: Project, mr: MergeRequest, rebasing?: boolean) {
  return {
    ...showMergeRequestBasic(world, project, mr), subscribed: true, changes_count: null, latest_build_started_at: null, latest_build_finished_at: null, first_deployed_to_production_at: null, pipeline: null, head_pipeline: null, merge_error: mr.mergeError,
    ...(rebasing !== undefined && { rebase_in_progress: rebasing }), first_contribution: false, user: { can_merge: true },
  };
}

export function showNote(world: World, project: Project, note: Note) {
  const noteable = project.mergeRequests.find(({ iid }) => iid === note.iid);
  return {
    id: note.id, type: null, body: note.body, attachment: null, author: showUser(world, note.author), created_at: note.createdAt, updated_at: note.updatedAt, system: note.system, noteable_id: noteable?.id ?? 0, noteable_type: 'MergeRequest',
    project_id: project.id, resolvable: false, confidential: false, internal: false, imported: false, imported_from: 'none', noteable_iid: note.iid, commands_changes: {},
  };
}

export function showStatus(world: World, status: Status) {
  return {
    id: status.id, sha: status.sha, ref: status.ref, status: status.status, name: status.name, target_url: status.targetUrl, description: status.description, created_at: status.createdAt, started_at: null, finished_at: null, allow_failure: false, coverage: null,
    author: showUser(world, status.author),
  };
}

export function showMember(world: World, user: User, level: number) {
  return { ...showUser(world, user), access_level: level, created_at: user.createdAt, expires_at: null, membership_state: 'active' };
}
