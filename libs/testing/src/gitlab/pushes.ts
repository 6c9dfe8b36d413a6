import { showUser } from './entities.js';
import { addSystemNote, describeProject, mergeRequestEvent } from './events.js';
import type { Project, User, World } from './world.js';

const NOTHING = '0'.repeat(40);

/** What follows when a branch has moved, whoever moved it: merge requests follow it, or are closed when it is gone; the hooks hear of the push. */
export async function pushed(world: World, project: Project, user: User, branch: string, before: string | undefined, after: string | undefined): Promise<void> {
  const commits = after === undefined ? [] : await project.store.log(['--max-count=20', after, ...(before === undefined ? ['--not', `refs/heads/${project.defaultBranch}`] : [`^${before}`])]);
  world.emit({
    project, event: 'push', user, payload: {
      object_kind: 'push', event_name: 'push', before: before ?? NOTHING, after: after ?? NOTHING, ref: `refs/heads/${branch}`, ref_protected: project.protectedBranches.has(branch), checkout_sha: after ?? null, message: null,
      user_id: user.id, user_name: user.name, user_username: user.username, user_email: '', user_avatar: showUser(world, user).avatar_url, project_id: project.id, project: describeProject(world, project),
      commits: await Promise.all(commits.map(async (sha) => describeCommit(world, project, sha))), total_commits_count: commits.length, push_options: {}, repository: { name: project.path.split('/').at(-1), url: `${world.url}/${project.path}.git`, description: '', homepage: `${world.url}/${project.path}`, git_http_url: `${world.url}/${project.path}.git`, git_ssh_url: '', visibility_level: 0 },
    },
  });
  for (const mr of project.mergeRequests.filter(({ sourceBranch, state }) => sourceBranch === branch && state === 'opened')) {
    if (after === undefined) {
      Object.assign(mr, { state: 'closed', closedAt: world.now(), closedBy: user });
      addSystemNote(world, project, mr, user, 'closed');
      mergeRequestEvent(world, project, mr, user, 'close');
      continue;
    }
    const oldrev = mr.sha;
    Object.assign(mr, { sha: after, updatedAt: world.now() });
    addSystemNote(world, project, mr, user, `added ${commits.length} commits`);
    mergeRequestEvent(world, project, mr, user, 'update', { oldrev });
  }
}

async function describeCommit(world: World, project: Project, sha: string): Promise<Record<string, unknown>> {
  const commit = await project.store.commit(sha);
  const files = await project.store.diff(commit?.parents[0], sha);
  const named = (status: string) => files.filter((file) => file.status === status).map(({ path }) => path);
  return {
    id: sha, message: commit?.message, title: commit?.message.split('\n')[0], timestamp: commit?.committer.date, url: `${world.url}/${project.path}/-/commit/${sha}`, author: { name: commit?.author.name, email: commit?.author.email },
    added: named('added'), modified: named('modified'), removed: named('removed'),
  };
}
