import { z } from 'zod';
import { CommitId, RepositoryRef, RunId } from './ids.js';
import { Who } from './values.js';

/** What happened at a forge, in words that all forges share. Whatever else a delivery said stays at the gateway. */

/** Branches below this are Pullwright’s own. */
export const OWN_BRANCHES = 'pullwright/';

/** What people may write behind `/pullwright` in a comment; anything else is answered with this list. */
export const COMMENT_WORDS = ['retry', 'rebase', 'stop', 'approve', 'explain'] as const;
export type CommentWord = (typeof COMMENT_WORDS)[number];

/**
 * The events, each with its actions:
 *   push                    a branch has moved from `before` to `sha`
 *   pull-request            `opened`, `reopened`, `closed` (without a merge), `merged` or `updated`
 *   comment                 `created`, with a command: `word` ('' for one that is none)
 *   check                   `rerequested` by a person, or `requested` by a button of ours with its `word`
 *   installation            a repository was `added` to the installation or `removed` from it
 */
export const FORGE_EVENTS = {
  push: ['pushed'], 'pull-request': ['opened', 'reopened', 'closed', 'merged', 'updated'], comment: ['created'], check: ['rerequested', 'requested'], installation: ['added', 'removed'],
} as const satisfies Record<string, readonly [string, ...string[]]>;
export type ForgeEventName = keyof typeof FORGE_EVENTS;

const Branch = z.string().min(1).max(256);

export const ForgeEvent = z.object({
  /** Of the run that deals with it, unless the delivery was here before. */
  runId: RunId,
  forge: z.enum(['github', 'gitlab']),
  /** The forge's id of the delivery, which its redelivery keeps; with a number behind it where one delivery speaks of several repositories. */
  delivery: z.string().regex(/^[\w:-]{1,80}(\.\d{1,4})?$/),
  event: z.enum(Object.keys(FORGE_EVENTS) as [ForgeEventName, ...ForgeEventName[]]),
  action: z.enum([...new Set(Object.values(FORGE_EVENTS).flat())]),
  repository: RepositoryRef,
  installation: z.int().min(0).optional(),
  sender: Who, senderIsBot: z.boolean(),
  sha: CommitId.optional(), before: CommitId.optional(),
  /** The branch that was pushed or that the commit was checked on, or the head of the pull request; without `refs/heads/`. `base`: the branch that the pull request goes to. */
  ref: Branch.optional(), base: Branch.optional(),
  pullRequest: z.int().min(1).optional(), comment: z.int().min(1).optional(),
  word: z.enum([...COMMENT_WORDS, '']).optional(),
}).refine(({ event, action }) => (FORGE_EVENTS[event] as readonly string[]).includes(action), { path: ['action'], message: 'not an action of this event' }).meta({ id: 'ForgeEvent' });
export type ForgeEvent = z.infer<typeof ForgeEvent>;
