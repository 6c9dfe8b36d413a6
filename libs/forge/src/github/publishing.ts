import { Failure, DEFAULT_REPOSITORY_FILE, type PullRequest, type TreeBasis } from '#contracts';
import type { Publication, Withdrawal } from '../forge.js';
import { CODEOWNERS_BYTES, CODEOWNERS_PATHS, codeOwners } from '../hosted/code-owners.js';
import { blobsBelow, type Listing } from '../hosted/listing.js';
import { STATUS_COMMENT } from '../hosted/marks.js';
import { decide, type Decision, type Standing } from '../hosted/purpose.js';
import { commitMessage, trailersOf, type CommitFacts } from '../hosted/trailers.js';
import { planChanges, type Plan } from '../ownership.js';
import { printable } from '../printable.js';
import { foldersAlong, plannedTree } from '../tree-plan.js';
import { blobsReader } from './blobs.js';
import { doing, found } from './client.js';
import { closePull, comment, deleteBranch, describePull, dressPull, openPull, pullOfBranch, type Pull } from './pulls.js';
import { branchTip, Contents, readGithubFile, repositoryFacts, treeOfCommit, type GithubSource } from './snapshot.js';
import { makeCommit, makeTree, moveBranch } from './writing.js';

/**
 * A publication on GitHub. It reads what is there, decides (`purpose.ts`), and writes what is missing, in an order in which every prefix is harmless:
 *
 *   blobs, trees, commit   not reachable by anybody; made again after a kill, and the first ones are forgotten by GitHub
 *   branch                 created, or moved forward; from here on the commit is there, and doing it again finds it by its tree, its parents and its trailers
 *   pull request           found or opened
 *   description, labels, reviewers, assignees
 *
 * Nothing is written before the base was read again: when it has moved meanwhile, everything begins anew on it.
 */
const BASE_TRIES = 3;
/** More than anybody reviews; a branch with more is not ours. */
const MAX_COMMITS = 500;
const COMMIT_PAGE = 100;

interface Planned { base: string; baseBranch: string; listing: Listing; plan: Plan; tree: string | undefined; basis?: TreeBasis }

export async function publishToGithub(source: GithubSource, publication: Publication): Promise<PullRequest> {
  const { address } = source;
  const { branch, baseBranch } = publication;
  if (branch === baseBranch) throw new Failure('branch-taken', `${printable(branch)} is the base itself`);
  const { defaultBranch, archived } = await repositoryFacts(source);
  if (archived) throw new Failure('repository-archived', address);
  for (let tries = 1; ; tries++) {
    const planned = await plan(source, publication, baseBranch ?? defaultBranch);
    const pull = await pullOfBranch(source, branch);
    const standing = await standingOf(source, publication, planned, pull);
    const decision = decide(standing);
    if (decision.does === 'write' && await branchTip(source, planned.baseBranch) !== planned.base) {
      if (tries < BASE_TRIES) continue;
      throw new Failure('forge-unavailable', `${printable(planned.baseBranch)} moves all the time`);
    }
    return carryOut(source, publication, planned, standing, decision, pull);
  }
}

/** What is to be on the branch, on the base as it is now. */
async function plan(source: GithubSource, publication: Publication, baseBranch: string): Promise<Planned> {
  const { baseCommit, folder, files, dependsOn, offer } = publication;
  const base = await branchTip(source, baseBranch);
  if (base === undefined) throw new Failure('ref-not-found', printable(baseBranch));
  const listing = await listingAt(source, base);
  if (base !== baseCommit) requireFresh(await listingAt(source, baseCommit), listing, dependsOn);
  const contents = new Contents(source, blobsReader(source.client, source.at), base);
  const planned = await planChanges({
    commit: base, blobsBelow: (below) => Promise.resolve(blobsBelow(listing, below)),
    readBlob: async (blob, maxBytes) => { const content = await contents.readBlob(blob); return content.length > maxBytes ? undefined : content; },
  }, folder, files, offer);
  const basis = basisOf(listing, planned);
  const tree = basis && plannedTree(basis);
  if (basis && tree === undefined) throw new Failure('internal', 'the branch would be empty');
  return { base, baseBranch, listing, plan: planned, tree, ...(basis && { basis }) };
}

async function listingAt(source: GithubSource, commit: string): Promise<Listing> {
  const tree = await treeOfCommit(source, commit);
  if (tree === undefined) throw new Failure('ref-not-found', commit);
  return new Contents(source, blobsReader(source.client, source.at), commit).listing(tree);
}

/** Compares the trees themselves: GitHub's own comparison ends at 300 files, and says nothing of branches that have parted. */
function requireFresh(crawled: Listing, now: Listing, dependsOn: readonly string[]): void {
  const [before, after] = [crawled, now].map(({ entries }) => new Map(entries.map(({ path, blob }) => [path, blob])));
  const stale = [...new Set(dependsOn)].filter((path) => before?.get(path) !== after?.get(path)).sort();
  if (stale.length > 0) throw new Failure('stale-base', `${stale.slice(0, 5).map(printable).join(', ')}${stale.length > 5 ? ` and ${stale.length - 5} more` : ''}`);
}

/** Undefined when a folder on the way has a name that cannot be told: then the tree cannot be foretold either, and GitHub is believed. */
function basisOf({ tree, folders }: Listing, { changes }: Plan): TreeBasis | undefined {
  const trees: TreeBasis['trees'] = [];
  for (const path of foldersAlong(changes.map((change) => change.path))) {
    const entries = folders.get(path);
    if (entries) trees.push({ path, entries });
    else if (path === '' || trees.some((above) => above.entries.some((line) => line.includes(' tree ') && line.endsWith(`\t${Buffer.from(path.slice(path.lastIndexOf('/') + 1)).toString('latin1')}`)))) return undefined;
  }
  return { tree, trees, changes: changes.map(({ path, blob }) => ({ path, blob })) };
}

async function standingOf(source: GithubSource, { branch, baseBranch, runId, askedAgain = false }: Publication, { base, listing, tree }: Planned, pull: Pull | undefined): Promise<Standing & { tip?: string }> {
  const tip = await branchTip(source, branch);
  if (pull?.state === 'open' && baseBranch !== undefined && pull.base !== baseBranch) throw new Failure('branch-taken', `pull request #${pull.number} goes to ${printable(pull.base)}, not to ${printable(baseBranch)}`);
  const state = tip === undefined ? undefined : await branchState(source, base, tip);
  if (state) await requireNotAhead(source, base, state);
  return {
    base, baseTree: listing.tree, tree: tree ?? '', runId, askedAgain,
    ...(state && { branch: state }), ...(pull && { pull: { state: pull.state, closedByUs: pull.closedByUs, ...(pull.openedBy !== undefined && { openedBy: pull.openedBy }) } }),
  };
}

type BranchState = NonNullable<Standing['branch']> & { mergeBase: string };

async function branchState({ client, at }: GithubSource, base: string, tip: string): Promise<BranchState> {
  const commits: CommitFacts[] = [];
  for (let page = 1; ; page++) {
    const { data } = await doing('the commits of the branch', () => client.request('GET /repos/{owner}/{repo}/compare/{basehead}', { ...at, basehead: `${base}...${tip}`, per_page: COMMIT_PAGE, page }));
    commits.push(...data.commits.map(({ sha, commit, parents }) => ({ id: sha, tree: commit.tree.sha, message: commit.message, parents: parents.map((parent) => parent.sha) })));
    if (data.total_commits > MAX_COMMITS) throw new Failure('branch-taken', `${data.total_commits} commits that the base does not have`);
    if (commits.length >= data.total_commits || data.commits.length === 0) return { tip, commits, containsBase: data.behind_by === 0, mergeBase: data.merge_base_commit.sha };
  }
}

/** To build on a branch that stands on a later base than this one would take back what came in between. */
async function requireNotAhead({ client, at }: GithubSource, base: string, { commits, mergeBase }: BranchState): Promise<void> {
  const tip = commits.at(-1);
  const standsOn = tip && trailersOf(tip)?.base;
  if (standsOn === undefined || standsOn === base || standsOn === mergeBase) return;
  const answer = await found('the base of the branch', () => client.request('GET /repos/{owner}/{repo}/compare/{basehead}', { ...at, basehead: `${standsOn}...${base}`, per_page: 1 }));
  if (answer && answer.data.behind_by > 0) throw new Failure('stale-base', `the branch stands on ${standsOn.slice(0, 12)}, which ${base.slice(0, 12)} does not contain; delete the branch to start over`);
}

async function carryOut(source: GithubSource, publication: Publication, planned: Planned, standing: Standing, decision: Decision, pull: Pull | undefined): Promise<PullRequest> {
  const { branch, title, runId } = publication;
  const { base, baseBranch, plan: { files }, basis, listing } = planned;
  const answer = (outcome: PullRequest['outcome'], commit: string, tree: string, createdBy: string, of: Pull | undefined, notes: string[] = []): PullRequest => ({
    kind: 'pull-request@1', forge: 'github', repository: source.address, branch, base: baseBranch, baseCommit: base, commit, tree, outcome, title, body: publication.body(files), files, createdBy,
    ...(basis && tree === standing.tree && { basis }), ...(of && { number: of.number, url: of.url }), ...(notes.length > 0 && { notes }), look: of?.url ?? `${source.address}/tree/${branch}`,
  });
  const createdBy = standing.branch?.commits[0] && trailersOf(standing.branch.commits[0])?.run;
  switch (decision.does) {
    case 'decline': return answer('declined', pull?.head ?? base, listing.tree, createdBy ?? runId, pull);
    case 'leave': {
      if (pull?.state === 'open') await comment(source, pull.number, STATUS_COMMENT, `Somebody else has committed to \`${branch}\`, so Pullwright leaves it alone. Merge it, or close it and delete the branch, to let Pullwright start over.`);
      throw new Failure('branch-taken', `${decision.commits} commits by others`);
    }
    case 'close': {
      const open = pull as Pull;
      await closePull(source, open, runId, `Everything in this pull request is on \`${baseBranch}\` already, so it was closed.`);
      await deleteBranch(source, branch);
      return answer('closed', base, listing.tree, createdBy ?? runId, open);
    }
    case 'nothing': return answer('unchanged', base, listing.tree, createdBy ?? runId, undefined);
    case 'open': return present(source, publication, planned, decision, pull, (of, notes) => answer(decision.outcome, decision.commit, standing.tree, decision.createdBy, of, notes));
    case 'write': {
      const tree = await makeTree(source, listing.tree, planned.plan.changes, planned.tree);
      const commit = await makeCommit(source, { tree, parents: decision.parents, message: commitMessage(title, { base, run: runId, tree }) });
      await moveBranch(source, branch, standing.branch?.tip, commit);
      return present(source, publication, planned, decision, pull, (of, notes) => answer(decision.outcome, commit, tree, decision.createdBy, of, notes));
    }
  }
}

/** The branch is there; now its pull request. Only the run that opened it dresses it: later ones leave what people have made of labels and reviewers. */
async function present(source: GithubSource, publication: Publication, { base, baseBranch, listing, plan: { files } }: Planned, decision: { createdBy: string }, pull: Pull | undefined, answer: (pull: Pull, notes: string[]) => PullRequest): Promise<PullRequest> {
  const { branch, title, runId, policy = DEFAULT_REPOSITORY_FILE.pullRequest } = publication;
  const body = publication.body(files);
  const open = pull?.state === 'open' ? pull : await openPull(source, { branch, base: baseBranch, title, body, runId, draft: policy.draft });
  await describePull(source, open, title, body);
  if ((open.openedBy ?? decision.createdBy) !== runId) return answer(open, []);
  const owners = policy.codeOwners ? await ownersOf(source, base, listing, files.map(({ path }) => path)) : { users: [], teams: [] };
  return answer(open, await dressPull(source, open.number, policy, owners));
}

async function ownersOf(source: GithubSource, base: string, { entries }: Listing, paths: readonly string[]): Promise<{ users: string[]; teams: string[] }> {
  const place = CODEOWNERS_PATHS.find((path) => entries.some((entry) => entry.path === path && entry.type === 'blob' && entry.size <= CODEOWNERS_BYTES));
  const file = place === undefined ? undefined : await readGithubFile(source, base, place, CODEOWNERS_BYTES);
  return file ? codeOwners(file.toString('utf8'), paths) : { users: [], teams: [] };
}

/** Takes back what this run has opened: every commit on the branch must be this run's. */
export async function withdrawFromGithub(source: GithubSource, { branch, runId }: { branch: string; runId: string }): Promise<Withdrawal> {
  const { defaultBranch } = await repositoryFacts(source);
  const tip = await branchTip(source, branch);
  const pull = await pullOfBranch(source, branch);
  if (tip === undefined) return { outcome: 'absent' };
  const base = await branchTip(source, pull?.base ?? defaultBranch) ?? await branchTip(source, defaultBranch);
  if (base === undefined) return { outcome: 'kept' };
  const { commits } = await branchState(source, base, tip);
  if (commits.length === 0 || !commits.every((commit) => trailersOf(commit)?.run === runId)) return { outcome: 'kept' };
  if (pull?.state === 'open') await closePull(source, pull, runId, 'The run that opened this pull request was taken back, so it was closed.');
  await deleteBranch(source, branch);
  return { outcome: 'removed' };
}
