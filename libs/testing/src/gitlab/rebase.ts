import type { Commit, GitStore, Identity } from '../git-store.js';

/** Puts the commits that `onto` does not have on top of it, one by one, as `git rebase` does; undefined when one conflicts. */
export async function rebase(store: GitStore, tip: string, onto: string, committer: Identity): Promise<string | undefined> {
  let at = onto;
  for (const sha of (await store.log(['--reverse', '--no-merges', tip, `^${onto}`]))) {
    const commit = (await store.commit(sha)) as Commit;
    const tree = await cherryPicked(store, commit, at);
    if (tree === undefined) return undefined;
    if (tree !== (await store.commit(at))?.tree) at = await store.writeCommit({ ...commit, tree, parents: [at], committer });
  }
  return at;
}

/** The tree of `at` with what the commit changed. A file that both sides have changed since is a conflict. */
async function cherryPicked(store: GitStore, commit: Commit, at: string): Promise<string | undefined> {
  const parent = commit.parents[0] as string;
  const changes = [];
  for (const { path, from, status } of await store.diff(parent, commit.sha)) {
    for (const one of from === undefined ? [path] : [path, from]) {
      const [before, after, now] = await Promise.all([parent, commit.sha, at].map((name) => store.entry(name, one)));
      if (now?.sha === after?.sha) continue;
      if (now?.sha !== before?.sha) return undefined;
      changes.push(after === undefined || (status === 'removed') ? { path: one } : { path: one, mode: after.mode, sha: after.sha });
    }
  }
  return store.writeTree(at, changes);
}
