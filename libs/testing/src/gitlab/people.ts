import type { Commit, GitStore } from '../git-store.js';
import { addSystemNote, mergeRequestEvent, noteEvent } from './events.js';
import { closeMergeRequest, reopenMergeRequest } from './merge-request-routes.js';
import type { Files, SimulatedProject } from './project.js';
import { pushed } from './pushes.js';
import { LEVELS, type HookEvent, type MergeRequest, type Project, type World } from './world.js';

/** What people do in a project, beside the API. */
export function peopleOf(world: World, project: Project): SimulatedProject {
  const { store } = project;
  const tipOf = (branch: string) => store.peel(`refs/heads/${branch}`, 'commit');
  const named = (iid: number): MergeRequest => {
    const mr = project.mergeRequests.find((one) => one.iid === iid);
    if (!mr) throw new Error(`there is no merge request !${iid}`);
    return mr;
  };
  const move = async (branch: string, before: string | undefined, after: string | undefined, by: string) => {
    if (!await store.moveRef(`refs/heads/${branch}`, before, after)) throw new Error(`${branch} moved meanwhile`);
    await pushed(world, project, world.user(by), branch, before, after);
  };
  return {
    id: project.id,
    get path() { return project.path; },
    get url() { return `${world.url}/${project.path}`; },
    defaultBranch: project.defaultBranch,
    git: (...args) => store.text(args),
    async commit(files, { branch = project.defaultBranch, by = 'ada', message = 'Change' } = {}) {
      const before = await tipOf(branch);
      const parent = before ?? await tipOf(project.defaultBranch);
      const sha = await writeFiles(store, parent, files, { by: world.user(by), message, at: world.now() });
      await move(branch, before, sha, by);
      return sha;
    },
    forcePush: async (branch, sha, by = 'ada') => move(branch, await tipOf(branch), sha, by),
    deleteBranch: async (branch, by = 'ada') => move(branch, await tipOf(branch), undefined, by),
    get mergeRequests() { return project.mergeRequests.map((mr) => ({ ...mr, author: mr.author.username })); },
    merge: (iid, { by = 'ada', squash = false, removeSourceBranch = false } = {}) => merge(world, project, named(iid), { by, squash, removeSourceBranch }),
    closeMergeRequest: async (iid, by = 'ada') => closeMergeRequest(world, project, named(iid), world.user(by)),
    reopenMergeRequest: (iid, by = 'ada') => reopenMergeRequest(world, project, named(iid), world.user(by)),
    async comment(iid, body, by) {
      const at = world.now();
      const note = { id: world.id(), iid, body, author: world.user(by), system: false, createdAt: at, updatedAt: at };
      project.notes.push(note);
      noteEvent(world, project, named(iid), note, note.author, 'create');
      return note.id;
    },
    notes: (iid) => project.notes.filter((note) => note.iid === iid && !note.system).map(({ id, body, author, createdAt, updatedAt }) => ({ id, body, by: author.username, edited: createdAt !== updatedAt })),
    get statuses() { return project.statuses; },
    member: (username, role) => { world.user(username); if (role === 'none') project.members.delete(username); else project.members.set(username, LEVELS[role]); },
    protect: (branch, role = 'maintainer') => { project.protectedBranches.set(branch, LEVELS[role]); },
    unprotect: (branch) => { project.protectedBranches.delete(branch); },
    hook: (url, token, { signingKey, events } = {}) => { project.hooks.push({ id: world.id(), url, token, ...(signingKey !== undefined && { signingKey }), events: new Set<HookEvent>(events ?? ['push', 'merge_request', 'note']) }); },
    rename: (path) => { project.formerPaths.push(project.path); project.path = path; },
    archive: () => { project.archived = true; },
    delete: () => { project.deleted = true; },
    accessToken(role, scopes = ['api']) {
      const bot = world.user(`project_${project.id}_bot_${world.id()}`, true);
      project.members.set(bot.username, LEVELS[role]);
      return world.issueToken(bot, [...scopes], project);
    },
    fsck: () => store.fsck(),
  };
}

export async function writeFiles(store: GitStore, parent: string | undefined, files: Files, { by, message, at }: { by: { name: string; email: string }; message: string; at: string }): Promise<string> {
  const entries = await Promise.all(Object.entries(files).map(async ([path, content]) => (content === undefined ? { path } : { path, mode: '100644', sha: await store.writeBlob(content) })));
  const who = { name: by.name, email: by.email, date: at };
  return store.writeCommit({ tree: await store.writeTree(parent, entries), parents: parent === undefined ? [] : [parent], author: who, committer: who, message });
}

async function merge(world: World, project: Project, mr: MergeRequest, { by, squash, removeSourceBranch }: { by: string; squash: boolean; removeSourceBranch: boolean }): Promise<string> {
  const { store } = project;
  const user = world.user(by);
  const base = await store.peel(`refs/heads/${mr.targetBranch}`, 'commit') as string;
  const tree = await store.mergedTree(base, mr.sha);
  if (mr.state !== 'opened' || tree === undefined) throw new Error(`!${mr.iid} cannot be merged`);
  const who = { name: user.name, email: user.email, date: world.now() };
  const write = (parents: string[], message: string): Promise<string> => store.writeCommit({ tree, parents, author: who, committer: who, message } satisfies Omit<Commit, 'sha'>);
  const sha = squash ? await write([base], mr.title) : await write([base, mr.sha], `Merge branch '${mr.sourceBranch}' into '${mr.targetBranch}'\n\n${mr.title}`);
  Object.assign(mr, { state: 'merged', mergedAt: world.now(), mergedBy: user, ...(squash ? { squashCommit: sha } : { mergeCommit: sha }) });
  addSystemNote(world, project, mr, user, 'merged');
  if (!await store.moveRef(`refs/heads/${mr.targetBranch}`, base, sha)) throw new Error(`${mr.targetBranch} moved meanwhile`);
  await pushed(world, project, user, mr.targetBranch, base, sha);
  mergeRequestEvent(world, project, mr, user, 'merge');
  if (removeSourceBranch && await store.moveRef(`refs/heads/${mr.sourceBranch}`, mr.sha, undefined)) await pushed(world, project, user, mr.sourceBranch, mr.sha, undefined);
  return sha;
}
