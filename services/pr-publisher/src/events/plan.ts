import picomatch from 'picomatch';
import { DEFAULT_REPOSITORY_FILE, Fact, Failure, OWN_BRANCHES, readRepositoryFile, REPOSITORY_FILE, REPOSITORY_FILE_BYTES, REPOSITORY_FILE_TOO_LARGE, type ForgeEvent, type PushRule, type ReadRepositoryFile, type RepositoryFile } from '#contracts';
import type { HostedForge } from '#forge';

/**
 * What an event at a forge asks for. Every way through ends in a decision with the reason in a word, which `pullwright show` tells of the event's run:
 *
 *   start     a run of `test-generation` on `branch`: for a push that the repository's file watches, for `retry`, `rebase` and a rerequested check, for a pull request of ours that a person reopens, and for a new installation
 *   stop      what runs for `branch`: for `stop`, and for a pull request of ours that a person closes
 *   approve   the gate at which the run for `branch` waits
 *   explain   how things stand
 *   file      the repository's file is wrong: nothing else is done, and people are told
 *   nothing   it asks for nothing, or whoever asks may not
 *
 * The words of a comment are only heard from people with write access, and the file is always the one at the commit in question: a pull request from outside changes nothing.
 */
export type Decision = 'start' | 'stop' | 'approve' | 'explain' | 'file' | 'nothing';

export interface Plan { decision: Decision; why: string; branch: string; commit: string; isDefault: boolean; depth: RepositoryFile['depth']; approval: boolean; again: boolean; runsPerDay: number }

/** The event as the run's parameters have it. */
export type Asked = Pick<ForgeEvent, 'event' | 'action' | 'sender' | 'senderIsBot'> & { sha: string; before: string; ref: string; base: string; pullRequest: number; word: string };

const NO_PLAN: Omit<Plan, 'decision' | 'why'> = { branch: '', commit: '', isDefault: false, depth: 'standard', approval: false, again: false, runsPerDay: -1 };
const nothing = (why: string, more: Partial<Plan> = {}): Plan => ({ ...NO_PLAN, ...more, decision: 'nothing', why });

export async function planOf(asked: Asked, forge: HostedForge, repository: string): Promise<Plan> {
  return new Planning(asked, forge, repository).plan();
}

/** The file at a commit, where there is one. Too large a file is one with a problem, like any other that cannot be used. */
export async function repositoryFileAt(forge: Pick<HostedForge, 'readFile'>, repository: string, commit: string): Promise<ReadRepositoryFile | undefined> {
  try {
    const bytes = await forge.readFile(repository, commit, REPOSITORY_FILE, REPOSITORY_FILE_BYTES);
    return bytes && readRepositoryFile(bytes);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'repository-too-large') throw error;
    return REPOSITORY_FILE_TOO_LARGE;
  }
}

class Planning {
  constructor(private readonly asked: Asked, private readonly forge: HostedForge, private readonly repository: string) {}

  async plan(): Promise<Plan> {
    const { event, action, word, senderIsBot, base, ref } = this.asked;
    switch (event) {
      case 'push': return this.push();
      case 'installation': return this.installed();
      case 'comment': return this.command(word, undefined);
      case 'check': return this.command(action === 'requested' ? word : 'retry', base || (ref.startsWith(OWN_BRANCHES) ? undefined : ref || undefined));
      case 'pull-request':
        if (senderIsBot) return nothing('done-by-a-bot');
        if (action === 'closed') return this.command('stop', base, 'closed-by-a-person');
        return action === 'reopened' ? this.command('retry', base, 'reopened-by-a-person') : nothing(`pull-request-${action}`);
    }
  }

  private async push(): Promise<Plan> {
    const { ref, sha, before } = this.asked;
    if (ref.startsWith(OWN_BRANCHES)) return nothing('own-branch');
    const tip = await this.tipOf(ref);
    if (tip === undefined) return nothing('branch-gone');
    // The push that has moved it on tells of itself.
    if (tip !== sha) return nothing('stale-push');
    const { branch: main } = await this.forge.resolveRef(this.repository);
    return this.withFile(sha, async (file) => {
      const rule = ruleFor(file, ref, main);
      if (!rule) return nothing('branch-not-watched');
      if (rule.start === 'nothing') return nothing('rule-starts-nothing');
      if (rule.paths && before !== '' && !touches(rule.paths, await this.forge.changedFiles(this.repository, before, sha))) return nothing('paths-not-watched');
      return this.start(file, { why: 'push', branch: ref, commit: sha, isDefault: ref === main, depth: rule.depth ?? file.depth });
    });
  }

  private async installed(): Promise<Plan> {
    const { branch, commit } = await this.forge.resolveRef(this.repository).catch((error: unknown) => {
      if (error instanceof Failure && error.code === 'repository-empty') return { branch: undefined, commit: '' };
      throw error;
    });
    if (branch === undefined) return nothing('repository-empty');
    return this.withFile(commit, async (file) => {
      const rule = ruleFor(file, branch, branch);
      return rule && rule.start !== 'nothing' ? this.start(file, { why: 'installed', branch, commit, isDefault: true, depth: rule.depth ?? file.depth }) : nothing('rule-starts-nothing');
    });
  }

  /** `branch`: the one that pull requests go to; looked up at the pull request when the event does not say it. */
  private async command(word: string, branch: string | undefined, why: string = word): Promise<Plan> {
    const permission = await this.forge.permissionOf(this.repository, this.asked.sender);
    if (permission !== 'write' && permission !== 'admin') return nothing('no-write-access');
    if (branch === undefined) {
      if (this.asked.pullRequest === 0) return nothing('no-pull-request');
      const pull = await this.forge.pullRequest(this.repository, this.asked.pullRequest);
      if (!pull) return nothing('pull-request-gone');
      if (!pull.isOwn || !pull.head.startsWith(OWN_BRANCHES)) return nothing('not-our-pull-request');
      branch = pull.base;
    }
    const commit = await this.tipOf(branch);
    if (commit === undefined) return nothing('branch-gone');
    const { branch: main } = await this.forge.resolveRef(this.repository);
    const where = { branch, commit, isDefault: branch === main };
    switch (word) {
      case 'stop': return this.decided({ ...NO_PLAN, ...where, decision: 'stop', why });
      case 'retry': return this.withFile(commit, async (file) => this.start(file, { ...where, why, depth: ruleFor(file, where.branch, main)?.depth ?? file.depth, again: true }));
      case 'rebase': return this.withFile(commit, async (file) => this.start(file, { ...where, why, depth: ruleFor(file, where.branch, main)?.depth ?? file.depth }));
      case 'approve': return this.withFile(commit, async ({ approvals: { by } }) => (by && !by.some((login) => login.toLowerCase() === this.asked.sender.toLowerCase())
        ? this.decided({ ...NO_PLAN, ...where, decision: 'explain', why: 'not-an-approver' }) : this.decided({ ...NO_PLAN, ...where, decision: 'approve', why })));
      case 'explain': return this.decided({ ...NO_PLAN, ...where, decision: 'explain', why });
      default: return this.decided({ ...NO_PLAN, ...where, decision: 'explain', why: 'unknown-word' });
    }
  }

  private async withFile(commit: string, decide: (file: RepositoryFile) => Promise<Plan>): Promise<Plan> {
    const read = await repositoryFileAt(this.forge, this.repository, commit);
    if (read && !read.file) return { ...NO_PLAN, decision: 'file', why: 'repository-file-invalid', commit };
    return decide(read?.file ?? DEFAULT_REPOSITORY_FILE);
  }

  private start(file: RepositoryFile, what: Pick<Plan, 'why' | 'branch' | 'commit' | 'isDefault' | 'depth'> & { again?: boolean }): Plan {
    return this.decided({ ...NO_PLAN, ...what, decision: 'start', approval: file.approvals.beforeWriting, runsPerDay: file.limits.runsPerDay ?? -1 });
  }

  /** A name that is no short word is left out; whoever carries it out then takes the one that the event names. */
  private decided(plan: Plan): Plan {
    if (Fact.safeParse(plan.branch).success) return plan;
    return plan.branch === (this.asked.base || this.asked.ref) ? { ...plan, branch: '' } : nothing('branch-name-not-understood');
  }

  /** Undefined when there is no such branch any more. */
  private async tipOf(branch: string): Promise<string | undefined> {
    try {
      const resolved = await this.forge.resolveRef(this.repository, branch);
      // A tag or a commit of that name is no branch.
      return resolved.branch === branch ? resolved.commit : undefined;
    } catch (error) {
      if (error instanceof Failure && error.code === 'ref-not-found') return undefined;
      throw error;
    }
  }
}

/** No extended globs: the patterns are the repository's, and those can be made to take for ever. */
const OPTIONS = { dot: true, nonegate: true, noextglob: true } as const;

function ruleFor({ pushes }: RepositoryFile, branch: string, main: string | undefined): PushRule | undefined {
  if (pushes === undefined) return branch === main ? { start: 'test-generation' } : undefined;
  return pushes.find(({ branches }) => (branches ? picomatch.isMatch(branch, branches, OPTIONS) : branch === main));
}

/** Whether one of the files counts. Where not all are known, some may. */
function touches({ include, exclude }: NonNullable<PushRule['paths']>, changed: readonly string[] | undefined): boolean {
  if (changed === undefined) return true;
  const isIn = include ? picomatch(include, OPTIONS) : () => true;
  const isOut = exclude ? picomatch(exclude, OPTIONS) : () => false;
  return changed.some((path) => isIn(path) && !isOut(path));
}
