import { inaccessible, type RepositoryRequest } from './request.js';
import type { GitStore } from '../git-store.js';

/** Whether the branch is protected from this actor: people who are admins may, Apps may not. */
export function protects({ world, repository, actor }: RepositoryRequest, ref: string): boolean {
  if (!ref.startsWith('refs/heads/') || !repository.protectedBranches.has(ref.slice('refs/heads/'.length))) return false;
  return actor.kind !== 'user' || world.level(repository, actor.login) !== 'admin';
}

/** An App without `workflows` may bring no branch to a commit whose workflows differ from those of the default branch. Throws 403. */
export async function moveAllowed({ repository: { store, defaultBranch }, actor }: RepositoryRequest, ref: string, commit: string): Promise<void> {
  if (actor.kind !== 'installation' || actor.permissions.workflows === 'write' || !ref.startsWith('refs/heads/')) return;
  const base = await store.mergeBase(`refs/heads/${defaultBranch}`, commit);
  if (await workflows(store, commit) !== (base === undefined ? undefined : await workflows(store, base))) throw inaccessible('workflows=write');
}

async function workflows(store: GitStore, commit: string): Promise<string | undefined> {
  return (await store.object(`${commit}:.github/workflows`))?.sha;
}
