import { Failure } from '#contracts';
import type { Standing } from '../hosted/purpose.js';
import { commitMessage, trailersOf, type CommitFacts } from '../hosted/trailers.js';
import { all, Commit } from './api.js';
import { isAncestor, whoAmI, type Source } from './repository.js';

/** More than anybody reviews; a branch with more is not ours. */
const MAX_COMMITS = 500;

/**
 * What is on the branch that the base does not have. GitLab does not say which tree a commit has: it is computed from the entries of its root, for commits that say they are ours; the others need none.
 * A rebase by GitLab gives our commits other trees than they say, and makes the token's user their committer: such a commit is ours as well, and is shown with the tree that it has.
 */
export async function branchState(source: Source, base: string, tip: string): Promise<NonNullable<Standing['branch']>> {
  const { client, at, trees } = source;
  const listed = await all(client, Commit, 'the commits of the branch', `${at}/repository/commits`, { ref_name: `${base}..${tip}` }, (so) => so.length > MAX_COMMITS) ?? [];
  if (listed.length > MAX_COMMITS) throw new Failure('branch-taken', `more than ${MAX_COMMITS} commits that the base does not have`);
  const me = await whoAmI(source);
  const commits: CommitFacts[] = [];
  for (const { id, message, parent_ids: parents, committer_email: committer } of listed.toReversed()) {
    const stated = /^Pullwright-Tree: ([0-9a-f]+)$/m.exec(message)?.[1];
    const tree = stated === undefined ? '' : await trees.rootId(id);
    const said = stated === undefined || committer !== me.commit_email ? undefined : trailersOf({ message, tree: stated });
    commits.push({ id, tree, parents, message: said ? commitMessage('', { ...said, tree }) : message });
  }
  return { tip, commits, containsBase: await isAncestor(source, base, tip) };
}

/** To build on a branch that stands on a later base than this one would take back what came in between. */
export async function requireNotAhead(source: Source, base: string, { commits }: NonNullable<Standing['branch']>): Promise<void> {
  const tip = commits.at(-1);
  const standsOn = tip && trailersOf(tip)?.base;
  if (standsOn === undefined || await isAncestor(source, standsOn, base)) return;
  throw new Failure('stale-base', `the branch stands on ${standsOn.slice(0, 12)}, which ${base.slice(0, 12)} does not contain; delete the branch to start over`);
}
