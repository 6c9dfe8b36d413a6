import { z } from 'zod';
import { Failure, RunId, type PullRequest, type TreeBasis } from '#contracts';
import type { Publication, Withdrawal } from '../forge.js';
import { planChanges, type FileChange, type PlanBase } from '../ownership.js';
import { printable } from '../printable.js';
import { IDENTITY, git, gitDirectory, tryGit } from './git.js';
import { commitOf, refTip } from './snapshot.js';
import { blobsBelow, treesAlong, writeBlob, writeTree } from './tree.js';

/**
 * A pull request in a local repository: a branch of our own, and a description that the caller keeps. HEAD, the index and the working tree are never touched.
 *
 * One publication goes through these states; a process killed in any of them leaves at most unreachable objects, and publishing again ends in the same commit:
 *
 *   checked     the base is the crawled commit, or has moved without touching what the tests stand on
 *   written     blobs, trees and the commit are in the object store. The commit is a function of base, tree and parents: its date is the base's, no run is named in it
 *   published   one reference transaction, each ref compared with what was read before: the branch, and `refs/pullwright/<branch>`, a blob that says which run made and
 *               which run last moved it. It moves forward only: the old tip is always a parent
 *
 * The branch is ours as long as every commit on it that the base does not have was committed by us. A person's commit on top makes it theirs: `branch-taken`.
 */
const BranchRecord = z.object({ createdBy: RunId, movedBy: RunId, outcome: z.enum(['opened', 'updated']), commit: z.string() });
type BranchRecord = z.infer<typeof BranchRecord>;
const UNRECORDED = `run_${'0'.repeat(26)}`;

export async function publish(publication: Publication): Promise<PullRequest> {
  const { repository, branch, baseBranch, baseCommit, title, runId } = publication;
  if (branch === baseBranch) throw new Failure('branch-taken', `${printable(branch)} is the base itself`);
  const gitDir = await gitDirectory(repository);
  const base = await currentBase(gitDir, publication);
  const { changes, files } = await planChanges(planBase(gitDir, base), publication.folder, publication.files, publication.offer);
  const tree = await writeChanges(gitDir, base, changes);
  if (tree === undefined) throw new Failure('internal', 'the branch would be empty');
  const baseTree = await treeOf(gitDir, base);
  const basis: TreeBasis = { tree: baseTree, trees: await treesAlong(gitDir, baseTree, changes.map(({ path }) => path)), changes: changes.map(({ path, blob }) => ({ path, blob })) };

  const ref = `refs/heads/${branch}`;
  const tip = await refTip(gitDir, ref);
  const record = await readBranchRecord(gitDir, branch);
  if (tip !== undefined) await requireOurs(gitDir, tip, base);
  const answer = (commit: string, outcome: PullRequest['outcome'], createdBy: string): PullRequest => ({
    kind: 'pull-request@1', forge: 'local', repository, branch, base: baseBranch ?? baseCommit, baseCommit: base, commit, tree, outcome, title, body: publication.body(files), files, createdBy, basis,
    look: `git -C ${quoted(repository)} diff ${quoted(`${baseBranch ?? base}...${branch}`)}`,
  });
  const createdBy = record?.data.createdBy ?? UNRECORDED;
  if (tip !== undefined && await treeOf(gitDir, tip) === tree && await isAncestor(gitDir, base, tip)) {
    const repeated = record?.data.movedBy === runId && record.data.commit === tip;
    return answer(tip, repeated ? record.data.outcome : 'unchanged', createdBy);
  }
  // Everything is merged already: there is nothing to open, and a branch left over from then is not ours to move.
  if (baseTree === tree) return answer(base, 'unchanged', tip === undefined ? runId : createdBy);

  if (await checkedOutAt(gitDir, ref)) throw new Failure('branch-checked-out', printable(branch));
  // A tip that the base contains was merged: what comes now is a pull request of its own, although the branch has been there before.
  const fresh = tip === undefined || await isAncestor(gitDir, tip, base);
  const parents = fresh ? [base] : await isAncestor(gitDir, base, tip) ? [tip] : [tip, base];
  const commit = await writeCommit(gitDir, { tree, parents, base, title });
  const next: BranchRecord = { createdBy: fresh ? runId : createdBy, movedBy: runId, outcome: fresh ? 'opened' : 'updated', commit };
  await moveRefs(gitDir, [
    { ref, from: tip, to: commit },
    { ref: `refs/pullwright/${branch}`, from: record?.blob, to: await writeBlob(gitDir, `${JSON.stringify(next)}\n`) },
  ]);
  return answer(commit, next.outcome, next.createdBy);
}

export async function withdraw({ repository, branch, runId }: { repository: string; branch: string; runId: string }): Promise<Withdrawal> {
  const gitDir = await gitDirectory(repository);
  const ref = `refs/heads/${branch}`;
  const tip = await refTip(gitDir, ref);
  if (tip === undefined) return { outcome: 'absent' };
  const record = await readBranchRecord(gitDir, branch);
  const ours = record?.data.createdBy === runId && record.data.movedBy === runId && record.data.commit === tip;
  if (!ours || await checkedOutAt(gitDir, ref)) return { outcome: 'kept' };
  await moveRefs(gitDir, [{ ref, from: tip }, { ref: `refs/pullwright/${branch}`, from: record.blob }]);
  return { outcome: 'removed' };
}

function planBase(gitDir: string, commit: string): PlanBase {
  return {
    commit, blobsBelow: (folder) => blobsBelow(gitDir, commit, folder),
    readBlob: async (blob, maxBytes) => (Number(await git(gitDir, ['cat-file', '-s', blob])) > maxBytes ? undefined : git(gitDir, ['cat-file', 'blob', blob])),
  };
}

async function writeChanges(gitDir: string, base: string, changes: readonly FileChange[]): Promise<string | undefined> {
  for (const { content } of changes) if (content !== undefined) await writeBlob(gitDir, content);
  return writeTree(gitDir, base, new Map(changes.map(({ path, blob }) => [path, blob])));
}

/** The commit to build on: the base branch's tip now. */
async function currentBase(gitDir: string, { baseBranch, baseCommit, dependsOn }: Publication): Promise<string> {
  const crawled = await commitOf(gitDir, baseCommit);
  if (crawled === undefined) throw new Failure('ref-not-found', baseCommit);
  const base = baseBranch === undefined ? crawled : await refTip(gitDir, `refs/heads/${baseBranch}`);
  if (base === undefined) throw new Failure('ref-not-found', printable(baseBranch ?? ''));
  if (base === crawled) return base;
  const changed = new Set((await git(gitDir, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', crawled, base])).toString('utf8').split('\0'));
  const stale = [...new Set(dependsOn)].filter((path) => changed.has(path)).sort();
  if (stale.length > 0) throw new Failure('stale-base', `${stale.slice(0, 5).map(printable).join(', ')}${stale.length > 5 ? ` and ${stale.length - 5} more` : ''}`);
  return base;
}

/** Throws `branch-taken` when a commit that is not on the base was made by another, and `stale-base` when the branch stands on a later base than this one: to build on it would take back what came in between. */
async function requireOurs(gitDir: string, tip: string, base: string): Promise<void> {
  const [trailer = ''] = (await git(gitDir, ['rev-list', '--max-count=1', '--no-commit-header', '--format=%(trailers:key=Pullwright-Base,valueonly)', tip])).toString('utf8').trim().split('\n');
  const committers = (await git(gitDir, ['rev-list', '--no-commit-header', '--format=%ce', tip, `^${base}`])).toString('utf8').split('\n').filter(Boolean);
  if (committers.length === 0) return;
  const standsOn = /^[0-9a-f]{40,64}$/.test(trailer) ? await commitOf(gitDir, trailer) : undefined;
  if (committers[0] === IDENTITY.email && standsOn !== undefined && !(await isAncestor(gitDir, standsOn, base))) {
    throw new Failure('stale-base', `the branch stands on ${standsOn.slice(0, 12)}, which ${base.slice(0, 12)} does not contain; delete the branch to start over`);
  }
  const others = committers.filter((email) => email !== IDENTITY.email);
  if (others.length > 0) throw new Failure('branch-taken', `${others.length} commits by others`);
}

async function writeCommit(gitDir: string, { tree, parents, base, title }: { tree: string; parents: readonly string[]; base: string; title: string }): Promise<string> {
  const seconds = (await git(gitDir, ['rev-list', '--max-count=1', '--no-commit-header', '--format=%ct', base])).toString('latin1').trim();
  const who = `${IDENTITY.name} <${IDENTITY.email}> ${seconds} +0000`;
  const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`), `author ${who}`, `committer ${who}`, '', printable(title), '', `Pullwright-Base: ${base}`, ''];
  return (await git(gitDir, ['hash-object', '-t', 'commit', '-w', '--stdin'], lines.join('\n'))).toString('latin1').trim();
}

/** All or nothing, each ref only if it is still what was read. `from` undefined: it must not exist; `to` undefined: it goes. */
async function moveRefs(gitDir: string, moves: ReadonlyArray<{ ref: string; from?: string; to?: string }>): Promise<void> {
  const none = '0'.repeat(moves[0]?.from?.length ?? moves[0]?.to?.length ?? 40);
  const lines = moves.map(({ ref, from = none, to }) => (to === undefined ? `delete ${ref}\0${from}\0` : `update ${ref}\0${to}\0${from}\0`));
  const { code, complaint } = await tryGit(gitDir, ['update-ref', '-z', '--stdin'], ['start\0', ...lines, 'prepare\0', 'commit\0'].join(''));
  if (code === 0) return;
  for (const { ref, from } of moves) {
    const [folder] = ref.split('/').slice(2, -1);
    if (await refTip(gitDir, ref) === from && folder !== undefined && await refTip(gitDir, `refs/heads/${folder}`) !== undefined) throw new Failure('branch-taken', `a branch named ${printable(folder)} leaves no room for ${printable(ref)}`);
  }
  throw new Failure('forge-unavailable', complaint);
}

async function readBranchRecord(gitDir: string, branch: string): Promise<{ blob: string; data: BranchRecord } | undefined> {
  const blob = await refTip(gitDir, `refs/pullwright/${branch}`);
  if (blob === undefined) return undefined;
  const { stdout } = await tryGit(gitDir, ['cat-file', 'blob', blob]);
  try {
    return { blob, data: BranchRecord.parse(JSON.parse(stdout.toString('utf8'))) };
  } catch {
    // Written by somebody else: it proves nothing about who made the branch, and is replaced.
    return { blob, data: { createdBy: UNRECORDED, movedBy: UNRECORDED, outcome: 'updated', commit: '' } };
  }
}

const treeOf = async (gitDir: string, commit: string) => (await git(gitDir, ['rev-parse', '--verify', '--quiet', `${commit}^{tree}`])).toString('latin1').trim();
const isAncestor = async (gitDir: string, ancestor: string, of: string) => (await tryGit(gitDir, ['merge-base', '--is-ancestor', ancestor, of])).code === 0;

/** In the main working tree or a linked one. */
const checkedOutAt = async (gitDir: string, ref: string) => (await git(gitDir, ['for-each-ref', '--format=%(worktreepath)', ref])).toString('utf8').trim();

/** For a command line that a person copies into a POSIX shell. */
const quoted = (word: string) => (/^[\w./@:-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);
