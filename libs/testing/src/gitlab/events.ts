import type { MergeRequest, Note, Project, User, World } from './world.js';

/** The payloads that webhooks carry, in the shapes that GitLab documents for them. */
export function describeProject({ url }: World, project: Project) {
  const web = `${url}/${project.path}`;
  return {
    id: project.id, name: project.path.split('/').at(-1), description: null, web_url: web, avatar_url: null, git_ssh_url: `git@gitlab.example:${project.path}.git`, git_http_url: `${web}.git`, namespace: project.path.split('/').slice(0, -1).join('/'),
    visibility_level: { private: 0, internal: 10, public: 20 }[project.visibility], path_with_namespace: project.path, default_branch: project.defaultBranch, ci_config_path: null, homepage: web, url: `git@gitlab.example:${project.path}.git`, ssh_url: `git@gitlab.example:${project.path}.git`, http_url: `${web}.git`,
  };
}

export function describeUser(user: User) {
  return { id: user.id, name: user.name, username: user.username, avatar_url: null, email: '[REDACTED]' };
}

type Action = 'open' | 'close' | 'reopen' | 'update' | 'merge';

export function mergeRequestEvent(world: World, project: Project, mr: MergeRequest, user: User, action: Action, attributes: { oldrev?: string } = {}): void {
  world.emit({
    project, event: 'merge_request', user, payload: {
      object_kind: 'merge_request', event_type: 'merge_request', user: describeUser(user), project: describeProject(world, project), repository: describeRepository(world, project),
      object_attributes: { ...describeMergeRequest(world, project, mr), action, ...attributes }, labels: mr.labels.map((title) => ({ id: 1, title, color: '#428bca' })), changes: {}, assignees: mr.assignees.map(describeUser), reviewers: mr.reviewers.map(describeUser),
    },
  });
}

export function noteEvent(world: World, project: Project, mr: MergeRequest, note: Note, user: User, action: 'create' | 'update'): void {
  world.emit({
    project, event: 'note', user, payload: {
      object_kind: 'note', event_type: 'note', user: describeUser(user), project_id: project.id, project: describeProject(world, project), repository: describeRepository(world, project),
      object_attributes: {
        id: note.id, note: note.body, noteable_type: 'MergeRequest', author_id: note.author.id, created_at: note.createdAt, updated_at: note.updatedAt, project_id: project.id, attachment: null, line_code: null, commit_id: '', noteable_id: mr.id,
        system: note.system, st_diff: null, type: null, internal: false, action, url: `${world.url}/${project.path}/-/merge_requests/${mr.iid}#note_${note.id}`,
      },
      merge_request: describeMergeRequest(world, project, mr),
    },
  });
}

/** What GitLab itself writes under a merge request. */
export function addSystemNote(world: World, project: Project, mr: MergeRequest, author: User, body: string): void {
  const at = world.now();
  project.notes.push({ id: world.id(), iid: mr.iid, body, author, system: true, createdAt: at, updatedAt: at });
}

function describeMergeRequest(world: World, project: Project, mr: MergeRequest) {
  const described = describeProject(world, project);
  return {
    id: mr.id, iid: mr.iid, target_branch: mr.targetBranch, source_branch: mr.sourceBranch, source_project_id: project.id, target_project_id: project.id, author_id: mr.author.id, assignee_ids: mr.assignees.map(({ id }) => id), assignee_id: mr.assignees[0]?.id ?? null,
    reviewer_ids: mr.reviewers.map(({ id }) => id), title: mr.title, created_at: mr.createdAt, updated_at: mr.updatedAt, state: mr.state, merge_status: 'can_be_merged', detailed_merge_status: 'mergeable', description: mr.description ?? '', draft: /^draft:/i.test(mr.title), work_in_progress: /^draft:/i.test(mr.title),
    source: described, target: described, last_commit: { id: mr.sha, message: '', title: '', timestamp: mr.updatedAt, url: `${described.web_url}/-/commit/${mr.sha}`, author: { name: mr.author.name, email: '[REDACTED]' } }, url: `${described.web_url}/-/merge_requests/${mr.iid}`,
  };
}

const describeRepository = ({ url }: World, project: Project) => ({ name: project.path.split('/').at(-1), url: `${url}/${project.path}.git`, description: '', homepage: `${url}/${project.path}` });
