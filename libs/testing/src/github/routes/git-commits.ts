import { ApiError, created, notFound, ok, type Answer, type RepositoryRequest } from '../request.js';
import { reads, writes, type Route } from '../route.js';
import { gitCommit } from '../shapes/commits.js';
import { requireCommits } from './git.js';
import { signed } from '../signature.js';
import type { Commit, Identity } from '../../git-store.js';

export const gitCommitRoutes: Record<string, Route> = {
  'git/get-commit': reads('contents', async (request) => {
    const { world, repository, params } = request;
    await requireCommits(request);
    const sha = params.commit_sha as string;
    const commit = /^[0-9a-f]{40}$/.test(sha) && (await repository.store.object(sha))?.type === 'commit' ? await repository.store.commit(sha) : undefined;
    if (commit === undefined) throw notFound();
    return ok(gitCommit(world, repository, commit));
  }),
  'git/create-commit': writes('contents', createCommit),
};

interface Given { message: string; tree: string; parents?: string[]; author?: Partial<Identity>; committer?: Partial<Identity>; signature?: string }

/** Without author, committer and signature a commit of an App is signed by GitHub, and counts as verified. */
async function createCommit(request: RepositoryRequest): Promise<Answer> {
  const { world, repository: { store }, repository, actor } = request;
  const given = request.body as Given;
  await requireCommits(request);
  if (!/^[0-9a-f]{40}$/.test(given.tree) || (await store.object(given.tree))?.type !== 'tree') throw new ApiError(422, 'Tree SHA does not exist');
  for (const parent of given.parents ?? []) if (!/^[0-9a-f]{40}$/.test(parent) || (await store.object(parent))?.type !== 'commit') throw new ApiError(422, 'Parent SHA does not exist or is not a commit object');
  const date = world.now();
  const login = actor.kind === 'installation' || actor.kind === 'user' ? actor.login : 'ghost';
  const self: Identity = { name: login, email: `${world.account(login).id}+${login}@users.noreply.github.com`, date };
  const byGitHub: Identity = { name: 'GitHub', email: 'noreply@github.com', date };
  const unclaimed = given.author === undefined && given.committer === undefined && given.signature === undefined;
  const author = { ...self, ...given.author };
  const commit: Omit<Commit, 'sha'> = { tree: given.tree, parents: given.parents ?? [], message: given.message, author, committer: { ...(unclaimed ? byGitHub : author), ...given.committer } };
  const sign = unclaimed && actor.kind === 'installation' ? signed : given.signature === undefined ? undefined : () => given.signature as string;
  let proof: { signature: string; payload: string } | undefined;
  const sha = await store.writeCommit(commit, sign === undefined ? undefined : (payload) => { const signature = sign(payload); proof = { signature, payload }; return signature; });
  if (unclaimed && proof !== undefined) world.signatures.set(sha, { ...proof, at: date });
  return created(gitCommit(world, repository, await store.commit(sha) as Commit));
}
