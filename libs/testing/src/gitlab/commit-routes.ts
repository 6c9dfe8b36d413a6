import type { Commit, GitStore } from '../git-store.js';
import { ApiError, forbidden, notFound, page, type Answer, type ProjectRequest } from './answers.js';
import { requirePush } from './branch-routes.js';
import { showCommit, showCommitDetail } from './entities.js';
import { pushed } from './pushes.js';

interface Action { action: 'create' | 'update' | 'delete' | 'move' | 'chmod'; file_path: string; previous_path?: string; content?: string; encoding?: 'text' | 'base64'; last_commit_id?: string; execute_filemode?: boolean }

export async function getCommit({ world, project, params }: ProjectRequest): Promise<Answer> {
  const sha = await project.store.commitOf(params['sha'] ?? '');
  const commit = sha === undefined ? undefined : await project.store.commit(sha);
  if (!commit) throw notFound('Commit');
  return { status: 200, body: showCommitDetail(world, project, commit) };
}

/** `ref_name` is a branch, a tag, a commit or a range of two of them. */
export async function listCommits(request: ProjectRequest): Promise<Answer> {
  const { world, project: { store, defaultBranch }, project, query } = request;
  const ends = (query.get('ref_name') ?? defaultBranch).split('..');
  const found = await Promise.all(ends.map((ref) => store.commitOf(ref)));
  if (ends.length > 2 || found.includes(undefined)) throw notFound('Commit');
  const [first, second] = found as [string, string | undefined];
  const shas = await store.log(second === undefined ? [first] : [second, `^${first}`]);
  const commits = (await Promise.all(shas.map((sha) => store.commit(sha)))) as Commit[];
  return page(request, commits, (commit) => showCommit(world, project, commit));
}

/**
 * One commit of all actions on one branch, as the user of the token. A branch that is not there yet begins at `start_branch` or `start_sha`; one that is there may not be named together with them, unless forced,
 * which the simulator takes for a mistake: it would throw away what others have committed meanwhile.
 */
export async function createCommit({ world, project, body, user, level }: ProjectRequest): Promise<Answer> {
  const { store } = project;
  const { branch, commit_message: message, actions, start_branch: startBranch, start_sha: startSha, force, author_name: authorName, author_email: authorEmail } = body as { branch: string; commit_message: string; actions: Action[]; start_branch?: string; start_sha?: string; force?: boolean; author_name?: string; author_email?: string };
  if (force) throw forbidden('the simulator refuses to force a branch');
  requirePush(project, branch, level);
  if (startBranch !== undefined && startSha !== undefined) throw new ApiError(400, "You can't pass both start_branch and start_sha");
  if (startSha !== undefined && !/^[0-9a-f]{40}$/.test(startSha)) throw new ApiError(400, `Invalid start_sha '${startSha}'`);
  const tip = await store.peel(`refs/heads/${branch}`, 'commit');
  const start = startSha ?? startBranch;
  if (start !== undefined && start !== branch && tip !== undefined) throw new ApiError(400, `A branch called '${branch}' already exists. Switch to that branch in order to make changes`);
  const parent = start === undefined ? tip : await store.commitOf(start);
  if (parent === undefined) throw new ApiError(400, startSha === undefined ? 'You can only create or edit files when you are on a branch' : `Cannot find start_sha '${startSha}'`);
  if (actions.length === 0) throw new ApiError(400, 'actions is empty');
  const tree = await store.writeTree(parent, await treeChanges(store, parent, actions));
  const now = world.now();
  const committer = { name: user.name, email: user.email, date: now };
  const sha = await store.writeCommit({ tree, parents: [parent], author: authorEmail === undefined ? committer : { name: authorName ?? user.name, email: authorEmail, date: now }, committer, message: message.trimEnd() });
  if (!await store.moveRef(`refs/heads/${branch}`, tip, sha)) throw new ApiError(400, 'Could not update branch. Please try again');
  await pushed(world, project, user, branch, tip, sha);
  return { status: 201, body: showCommitDetail(world, project, (await store.commit(sha)) as Commit) };
}

/** Each action sees what those before it did. */
async function treeChanges(store: GitStore, parent: string, actions: readonly Action[]): Promise<Array<{ path: string; mode?: string; sha?: string }>> {
  const changed = new Map<string, { mode: string; sha: string } | undefined>();
  const at = async (path: string) => (changed.has(path) ? changed.get(path) : await store.entry(parent, path));
  for (const { action, file_path: path, previous_path: previous, content, encoding, last_commit_id: last, execute_filemode: executable } of actions) {
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git')) throw new ApiError(400, 'Path cannot include directory traversal');
    const present = await at(path);
    if (action === 'create' ? present !== undefined : action !== 'move' && present === undefined) throw new ApiError(400, action === 'create' ? 'A file with this name already exists' : "A file with this name doesn't exist");
    if (present !== undefined && 'type' in present && present.type === 'tree') throw new ApiError(400, 'A directory with this name already exists');
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const above = await at(path.slice(0, slash));
      if (above !== undefined && above.mode !== '040000') throw new ApiError(400, 'A file with this name already exists');
    }
    if (last !== undefined && last !== (await store.log(['--max-count=1', parent, '--', path]))[0]) throw new ApiError(400, `You are attempting to ${action} ${path}, but it was changed since you started editing it`);
    if (action === 'delete') { changed.set(path, undefined); continue; }
    const from = action === 'move' ? await at(previous as string) : present;
    if (action === 'move') changed.set(previous as string, undefined);
    const sha = content === undefined ? from?.sha as string : await store.writeBlob(Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'));
    changed.set(path, { mode: action === 'chmod' ? (executable ? '100755' : '100644') : from?.mode ?? '100644', sha });
  }
  return [...changed].map(([path, entry]) => (entry ? { path, ...entry } : { path }));
}
