import { DEFAULT_REPOSITORY_FILE, Failure, type PullRequest, type TreeBasis } from '#contracts';
import type { Publication, Withdrawal } from '../forge.js';
import { blobsBelow, listingOf } from '../hosted/listing.js';
import { STATUS_COMMENT } from '../hosted/marks.js';
import { decide, type Decision, type Standing } from '../hosted/purpose.js';
import { commitMessage, trailersOf } from '../hosted/trailers.js';
import { planChanges, type Plan } from '../ownership.js';
import { printable } from '../printable.js';
import { foldersAlong, plannedTree } from '../tree-plan.js';
import { branchState, requireNotAhead } from './branch-state.js';
import { closePull, describePull, openPull, pullOfBranch, type Pull } from './merge-requests.js';
import { note } from './notes.js';
import { branchTip, isAncestor, isArchived, readBlob, type Source } from './repository.js';
import { commitChanges, deleteBranch, rebaseOnto } from './writing.js';

/**
 * A publication on GitLab. It reads what is there, decides (`purpose.ts`), does the next one thing and begins again, until there is nothing left to do; so it can be killed anywhere. What it does, in this order:
 *
 *   branch away     one that was merged, whose commits the base has, or that the merge request it belonged to has left behind: GitLab begins a branch only where none is
 *   commit          all files in one call, which makes the branch (`start_sha`) or adds to it; never forced
 *   merge request   opened, opened again or found
 *   rebase          when the base has moved: GitLab puts our commits on it, and moves the branch only if it is still what it was. GitLab's commits have one parent, so the base cannot be merged in
 *   description
 *
 * GitLab dates the commit, so its id cannot be foretold: it is found again by its parents, its tree and its trailers, and its tree is checked against the foretold one.
 */
const ROUNDS = 8;
/** A write that was not answered, or that came too late because something moved, is looked after this often. */
const SURPRISES = 3;

interface Planned { base: string; baseBranch: string; baseTree: string; plan: Plan; basis: TreeBasis; tree: string }

export async function publishToGitlab(source: Source, publication: Publication): Promise<PullRequest> {
  const { branch, baseBranch } = publication;
  if (branch === baseBranch) throw new Failure('branch-taken', `${printable(branch)} is the base itself`);
  if (source.project.archived) throw new Failure('repository-archived', source.address);
  const done: Done = { outcome: undefined, notes: [] };
  for (let round = 1, surprises = 0; round <= ROUNDS; round++) {
    try {
      const answer = await step(source, publication, done);
      if (answer) return answer;
    } catch (error) {
      if (error instanceof Failure && error.code === 'forge-forbidden' && (await isArchived(source))) throw new Failure('repository-archived', source.address, { cause: error });
      if (!(error instanceof Failure) || error.code !== 'forge-unavailable' || ++surprises > SURPRISES) throw error;
    }
  }
  throw new Failure('forge-unavailable', `${printable(branch)} or its base moves all the time`);
}

/** What this publication has done itself: its outcome stays that, whatever the next look finds. */
interface Done { outcome: PullRequest['outcome'] | undefined; notes: string[] }

/** One look, and one thing done; the answer when nothing is left to do. */
async function step(source: Source, publication: Publication, done: Done): Promise<PullRequest | undefined> {
  const { branch, runId, title } = publication;
  const planned = await planOnBase(source, publication);
  const pull = await pullOfBranch(source, branch);
  const standing = await standingOf(source, publication, planned, pull);
  const decision = decide(standing);
  const answer = (outcome: PullRequest['outcome'], commit: string, tree: string, createdBy: string, of?: Pull): PullRequest => answerOf(source, publication, planned, { outcome, commit, tree, createdBy, ...(of && { pull: of }), notes: done.notes });
  const createdBy = (standing.branch?.commits[0] && trailersOf(standing.branch.commits[0])?.run) ?? runId;
  switch (decision.does) {
    case 'decline': return answer('declined', pull?.head ?? planned.base, planned.baseTree, createdBy, pull);
    case 'leave': {
      if (pull?.state === 'open') await note(source, pull.number, STATUS_COMMENT, `Somebody else has committed to \`${branch}\`, so Pullwright leaves it alone. Merge it, or close it and delete the branch, to let Pullwright start over.`);
      throw new Failure('branch-taken', `${decision.commits} commits by others`);
    }
    case 'close': {
      await closePull(source, pull as Pull, runId, `Everything in this merge request is on \`${planned.baseBranch}\` already, so it was closed.`);
      await deleteBranch(source, branch);
      return answer('closed', planned.base, planned.baseTree, createdBy, pull);
    }
    case 'nothing': {
      // Left over when closing was broken off.
      if (standing.branch && pull?.closedByUs) await deleteBranch(source, branch);
      return answer('unchanged', planned.base, planned.baseTree, createdBy);
    }
    case 'open': {
      if (pull?.state !== 'open') { await open(source, publication, planned, pull, done); done.outcome ??= decision.outcome; return undefined; }
      await describePull(source, pull, title, publication.body(planned.plan.files));
      return answer(done.outcome ?? decision.outcome, decision.commit, planned.tree, decision.createdBy, pull);
    }
    case 'write': {
      await write(source, publication, planned, standing, decision, pull, done);
      done.outcome ??= decision.outcome;
      return undefined;
    }
  }
}

async function write(source: Source, publication: Publication, planned: Planned, standing: Awaited<ReturnType<typeof standingOf>>, { parents }: Extract<Decision, { does: 'write' }>, pull: Pull | undefined, done: Done): Promise<void> {
  const { branch, title, runId } = publication;
  const { base, tree, plan: { changes } } = planned;
  if (parents.length === 2) {
    if (pull?.state !== 'open') return open(source, publication, planned, pull, done);
    return rebaseOnto(source, pull, branch, base);
  }
  const tip = standing.spent ?? standing.branch?.tip;
  if (parents[0] === base && tip !== undefined && tip !== base) return deleteBranch(source, branch);
  await commitChanges(source, { branch, from: parents[0] as string, isNew: tip === undefined, base, changes, tree, message: commitMessage(title, { base, run: runId, tree }) });
}

async function open(source: Source, publication: Publication, { baseBranch, plan: { files } }: Planned, pull: Pull | undefined, done: Done): Promise<void> {
  const { branch, title, runId, policy = DEFAULT_REPOSITORY_FILE.pullRequest } = publication;
  done.notes.push(...await openPull(source, pull, { branch, base: baseBranch, title, body: publication.body(files), runId, policy }));
}

/** What is to be on the branch, on the base as it is now. */
async function planOnBase(source: Source, { baseBranch: named, baseCommit, folder, files, dependsOn, offer }: Publication): Promise<Planned> {
  const { trees, project } = source;
  const baseBranch = named ?? project.defaultBranch;
  const base = await branchTip(source, baseBranch);
  if (base === undefined) throw new Failure('ref-not-found', printable(baseBranch));
  if (base !== baseCommit) requireFresh(new Set((await trees.differences(baseCommit, base)).keys()), dependsOn);
  const plan = await planChanges({ commit: base, blobsBelow: (below) => filesBelow(source, base, below), readBlob: async (blob, maxBytes) => { const content = await readBlob(source, blob); return content.length > maxBytes ? undefined : content; } }, folder, files, offer);
  const baseTree = await trees.rootId(base);
  const basis: TreeBasis = { tree: baseTree, trees: [], changes: plan.changes.map(({ path, blob }) => ({ path, blob })) };
  for (const path of foldersAlong(plan.changes.map((change) => change.path))) {
    const entries = (await trees.entry(base, path))?.type === 'tree' || path === '' ? await trees.lines(base, path) : undefined;
    if (entries) basis.trees.push({ path, entries });
  }
  const tree = plannedTree(basis);
  if (tree === undefined) throw new Failure('internal', 'the branch would be empty');
  return { base, baseBranch, baseTree, plan, basis, tree };
}

function requireFresh(changed: ReadonlySet<string>, dependsOn: readonly string[]): void {
  const stale = [...new Set(dependsOn)].filter((path) => changed.has(path)).sort();
  if (stale.length > 0) throw new Failure('stale-base', `${stale.slice(0, 5).map(printable).join(', ')}${stale.length > 5 ? ` and ${stale.length - 5} more` : ''}`);
}

async function filesBelow({ trees }: Source, commit: string, folder: string): Promise<Map<string, string>> {
  for (const above of foldersAlong([`${folder}/x`]).slice(1)) {
    const entry = await trees.entry(commit, above);
    if (!entry) return new Map();
    if (entry.type !== 'tree') throw new Failure('forbidden-path', `${printable(above)} is not a folder`);
  }
  const listed = await trees.below(commit, folder);
  const { id } = await trees.entry(commit, folder) as { id: string };
  const listing = listingOf(id, listed);
  return blobsBelow({ ...listing, entries: listing.entries.map((entry) => ({ ...entry, path: `${folder}/${entry.path}` })), skipped: listing.skipped.map((one) => ({ ...one, path: `${folder}/${one.path}` })) }, folder);
}

/** `spent`: the branch is there, but belongs to what was merged already. */
async function standingOf(source: Source, { branch, baseBranch, runId, askedAgain = false }: Publication, { base, baseTree, tree }: Planned, pull: Pull | undefined): Promise<Standing & { spent?: string }> {
  const standing: Standing = { base, baseTree, tree, runId, askedAgain, ...(pull && { pull: { state: pull.state, closedByUs: pull.closedByUs, ...(pull.openedBy !== undefined && { openedBy: pull.openedBy }) } }) };
  if (pull?.state === 'open' && baseBranch !== undefined && pull.base !== baseBranch) throw new Failure('branch-taken', `merge request !${pull.number} goes to ${printable(pull.base)}, not to ${printable(baseBranch)}`);
  const tip = await branchTip(source, branch);
  if (tip === undefined) return standing;
  if ((pull?.state === 'merged' && pull.head === tip) || await isAncestor(source, tip, base)) return { ...standing, spent: tip };
  const state = await branchState(source, base, tip);
  await requireNotAhead(source, base, state);
  return { ...standing, branch: state };
}

function answerOf(source: Source, { branch, title, body }: Publication, { base, baseBranch, plan: { files }, basis, tree: planned }: Planned, { outcome, commit, tree, createdBy, pull, notes }: { outcome: PullRequest['outcome']; commit: string; tree: string; createdBy: string; pull?: Pull; notes: string[] }): PullRequest {
  return {
    kind: 'pull-request@1', forge: 'gitlab', repository: source.address, branch, base: baseBranch, baseCommit: base, commit, tree, outcome, title, body: body(files), files, createdBy,
    ...(tree === planned && { basis }), ...(pull && { number: pull.number, url: pull.url }), ...(notes.length > 0 && { notes }), look: pull?.url ?? `${source.address}/-/tree/${branch}`,
  };
}

/** Takes back what this run has opened: every commit on the branch must be this run's. */
export async function withdrawFromGitlab(source: Source, { branch, runId }: { branch: string; runId: string }): Promise<Withdrawal> {
  const tip = await branchTip(source, branch);
  if (tip === undefined) return { outcome: 'absent' };
  const pull = await pullOfBranch(source, branch);
  const base = await branchTip(source, pull?.base ?? source.project.defaultBranch);
  if (base === undefined) return { outcome: 'kept' };
  const { commits } = await branchState(source, base, tip);
  if (commits.length === 0 || !commits.every((commit) => trailersOf(commit)?.run === runId)) return { outcome: 'kept' };
  if (pull?.state === 'open') await closePull(source, pull, runId, 'The run that opened this merge request was taken back, so it was closed.');
  await deleteBranch(source, branch);
  return { outcome: 'removed' };
}
