import type { PullRequest } from '#contracts';
import { trailersOf, type CommitFacts } from './trailers.js';

/**
 * One pull request per purpose: a purpose has one branch, and the branch has at most one open pull request. What publishing does follows from what is there, and from nothing that was remembered
 * elsewhere; so it can be broken off anywhere and done again. docs/pull-requests.md tells the same with a drawing.
 *
 *   refused   a person closed the last one unmerged: that means no until somebody asks again. Nothing is written
 *   theirs    a commit on the branch is not ours: the branch is left alone, and the open pull request says so in one comment
 *   obsolete  the base has all of it already: an open pull request of ours is closed with that reason, and its branch goes
 *   same      the branch has exactly this tree and stands on the base: only its pull request may be missing, and is opened
 *   behind    everything else: one commit is put on top (on the base, when the branch is new or was merged), and the pull request is opened or brought up to date
 */
export interface Standing {
  base: string; baseTree: string;
  /** What is to be published. */
  tree: string; runId: string; askedAgain: boolean;
  /** `commits`: what the base does not have, oldest first. */
  branch?: { tip: string; containsBase: boolean; commits: readonly CommitFacts[] };
  /** The newest pull request of the branch. */
  pull?: { state: 'open' | 'merged' | 'closed'; closedByUs: boolean; openedBy?: string };
}

type Outcome = PullRequest['outcome'];
export type Decision =
  | { does: 'decline' }
  | { does: 'leave'; commits: number }
  | { does: 'close' }
  | { does: 'nothing' }
  | { does: 'open'; commit: string; outcome: Outcome; createdBy: string }
  | { does: 'write'; parents: string[]; outcome: Outcome; createdBy: string };

/** The run that made a branch whose commits do not say so. */
export const UNRECORDED = `run_${'0'.repeat(26)}`;

export function decide({ base, baseTree, tree, runId, askedAgain, branch, pull }: Standing): Decision {
  const commits = branch?.commits ?? [];
  const obsolete = tree === baseTree;
  if (pull?.state === 'closed' && !pull.closedByUs && !askedAgain && !obsolete) return { does: 'decline' };
  const others = commits.filter((commit) => trailersOf(commit) === undefined).length;
  if (others > 0) return { does: 'leave', commits: others };
  if (obsolete) return pull?.state === 'open' && commits.length > 0 ? { does: 'close' } : { does: 'nothing' };
  const tip = commits.at(-1);
  if (branch === undefined || tip === undefined) return { does: 'write', parents: [base], outcome: 'opened', createdBy: runId };
  const createdBy = trailersOf(commits[0] as CommitFacts)?.run ?? UNRECORDED;
  if (tip.tree !== tree || !branch.containsBase) return { does: 'write', parents: branch.containsBase ? [branch.tip] : [branch.tip, base], outcome: 'updated', createdBy };
  return { does: 'open', commit: branch.tip, outcome: outcomeOfSame({ pull, runId }, trailersOf(tip)?.run, commits.length), createdBy };
}

/** What the run did when it did it: asking again gets the same answer. */
function outcomeOfSame({ pull, runId }: Pick<Standing, 'pull' | 'runId'>, movedBy: string | undefined, commits: number): Outcome {
  if (pull?.state !== 'open' || pull.openedBy === runId || (movedBy === runId && commits === 1)) return 'opened';
  return movedBy === runId ? 'updated' : 'unchanged';
}
