import { z } from 'zod';
import { COMMENT_WORDS, OWN_BRANCHES } from '#contracts';
import { branchOf, commandIn, Commit, isNoCommit, Text, type Happening, type Heard } from './forge-delivery.js';

/** GitHub's deliveries, as far as they are used: https://docs.github.com/webhooks/webhook-events-and-payloads. What else is in them is dropped. */

const FullName = z.string().regex(/^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/, 'owner/name');
const Repository = z.object({ full_name: FullName });
const Sender = z.object({ login: z.string().min(1).max(100), type: z.string().max(40) });
const Installation = z.object({ id: z.int().min(0) });
const Common = z.object({ repository: Repository, sender: Sender, installation: Installation.optional() });
const Branch = z.string().min(1).max(256);
const End = z.object({ ref: Branch, sha: Commit, repo: z.object({ full_name: FullName }).nullable() });

const Push = Common.extend({ ref: z.string().max(1024), before: Commit, after: Commit, deleted: z.boolean() });
const Pull = Common.extend({ action: z.string(), number: z.int().min(1), pull_request: z.object({ head: End, base: End, merged: z.boolean().nullish() }) });
const Comment = Common.extend({
  action: z.string(), issue: z.object({ number: z.int().min(1), pull_request: z.unknown().optional() }), comment: z.object({ id: z.int().min(1), body: Text.nullable() }),
});
const PullOfCheck = z.object({ number: z.int().min(1), base: z.object({ ref: Branch }) });
const CheckRun = Common.extend({
  action: z.string(), check_run: z.object({ head_sha: Commit, check_suite: z.object({ head_branch: Branch.nullish() }).nullish(), pull_requests: z.array(PullOfCheck).default([]) }),
  requested_action: z.object({ identifier: z.string().max(40) }).optional(),
});
const CheckSuite = Common.extend({ action: z.string(), check_suite: z.object({ head_sha: Commit, head_branch: Branch.nullish(), pull_requests: z.array(PullOfCheck).default([]) }) });
const Repositories = z.array(Repository).max(5_000);
const Installed = z.object({ action: z.string(), sender: Sender, installation: Installation, repositories: Repositories.default([]) });
const InstalledIn = z.object({ action: z.string(), sender: Sender, installation: Installation, repositories_added: Repositories.default([]), repositories_removed: Repositories.default([]) });

/** By the name in X-GitHub-Event. `url`: of the forge, without a slash at its end. */
type Reader = (payload: unknown, url: string, read: <T extends z.ZodType>(schema: T, payload: unknown) => z.infer<T>) => Heard;

const PULL_ACTIONS: Record<string, Happening['action'] | undefined> = { opened: 'opened', reopened: 'reopened', synchronize: 'updated' };

const READERS: Record<string, Reader | undefined> = {
  push: (payload, url, read) => {
    const push = read(Push, payload);
    const ref = branchOf(push.ref);
    if (ref === undefined) return { ignored: 'not-a-branch' };
    if (push.deleted) return { ignored: 'branch-deleted' };
    return one(push, url, { event: 'push', action: 'pushed', ref, sha: push.after, ...(!isNoCommit(push.before) && { before: push.before }) });
  },

  pull_request: (payload, url, read) => {
    const { action, number, pull_request: { head, base, merged }, ...common } = read(Pull, payload);
    const known = action === 'closed' ? (merged === true ? 'merged' : 'closed') : PULL_ACTIONS[action];
    if (known === undefined) return { ignored: 'action-not-used' };
    // A branch of that name in a fork is somebody else's.
    if (!head.ref.startsWith(OWN_BRANCHES) || head.repo?.full_name !== common.repository.full_name) return { ignored: 'not-our-pull-request' };
    return one(common, url, { event: 'pull-request', action: known, pullRequest: number, ref: head.ref, sha: head.sha, base: base.ref });
  },

  issue_comment: (payload, url, read) => {
    const { action, issue, comment, ...common } = read(Comment, payload);
    // Editing a comment is no second command.
    if (action !== 'created') return { ignored: 'action-not-used' };
    if (issue.pull_request === undefined) return { ignored: 'not-a-pull-request' };
    const word = commandIn(comment.body ?? '');
    if (word === undefined) return { ignored: 'no-command' };
    if (common.sender.type === 'Bot') return { ignored: 'comment-of-a-bot' };
    return one(common, url, { event: 'comment', action: 'created', pullRequest: issue.number, comment: comment.id, word });
  },

  check_run: (payload, url, read) => {
    const { action, check_run: check, requested_action: button, ...common } = read(CheckRun, payload);
    const word = action === 'requested_action' ? COMMENT_WORDS.find((known) => known === button?.identifier) : undefined;
    if (action !== 'rerequested' && word === undefined) return { ignored: 'action-not-used' };
    return checked(common, url, { ...check, head_branch: check.check_suite?.head_branch }, word === undefined ? { action: 'rerequested' } : { action: 'requested', word });
  },

  check_suite: (payload, url, read) => {
    const { action, check_suite: suite, ...common } = read(CheckSuite, payload);
    return action === 'rerequested' ? checked(common, url, suite, { action: 'rerequested' }) : { ignored: 'action-not-used' };
  },

  installation: (payload, url, read) => {
    const { action, repositories, ...common } = read(Installed, payload);
    const known = action === 'created' || action === 'unsuspend' ? 'added' : action === 'deleted' || action === 'suspend' ? 'removed' : undefined;
    return known === undefined ? { ignored: 'action-not-used' } : installed(common, url, { [known]: repositories });
  },

  installation_repositories: (payload, url, read) => {
    const { repositories_added: added, repositories_removed: removed, ...common } = read(InstalledIn, payload);
    return installed(common, url, { added, removed });
  },

  ping: () => ({ ignored: 'ping' }),
};

/** Reads a delivery; `read` throws for a payload that is not what its event's should be. */
export function githubEvents(name: string, payload: unknown, url: string, read: <T extends z.ZodType>(schema: T, payload: unknown) => z.infer<T>): Heard {
  const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  return reader ? reader(payload, url.replace(/\/+$/, ''), read) : { ignored: 'event-not-used' };
}

type Whose = Pick<z.infer<typeof Common>, 'sender' | 'installation'>;

function base({ sender, installation }: Whose, fullName: string, url: string): Pick<Happening, 'repository' | 'sender' | 'senderIsBot' | 'installation'> {
  return { repository: `${url}/${fullName}`, sender: sender.login, senderIsBot: sender.type === 'Bot', ...(installation && { installation: installation.id }) };
}

function one(common: z.infer<typeof Common>, url: string, what: Omit<Happening, 'repository' | 'sender' | 'senderIsBot' | 'installation'>): Heard {
  return { events: [{ ...base(common, common.repository.full_name, url), ...what }] };
}

function checked(common: z.infer<typeof Common>, url: string, check: { head_sha: string; head_branch?: string | null; pull_requests: Array<z.infer<typeof PullOfCheck>> }, what: Pick<Happening, 'action' | 'word'>): Heard {
  const [pull] = check.pull_requests;
  return one(common, url, { event: 'check', ...what, sha: check.head_sha, ...(check.head_branch != null && { ref: check.head_branch }), ...(pull && { pullRequest: pull.number, base: pull.base.ref }) });
}

function installed(whose: Whose, url: string, repositories: { added?: z.infer<typeof Repositories>; removed?: z.infer<typeof Repositories> }): Heard {
  const events = (['added', 'removed'] as const).flatMap((action) => (repositories[action] ?? []).map(({ full_name: name }) => ({ ...base(whose, name, url), event: 'installation' as const, action })));
  return events.length > 0 ? { events } : { ignored: 'no-repository' };
}
