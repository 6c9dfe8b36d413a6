import { z } from 'zod';
import { CommitId, COMMENT_WORDS, type ForgeEvent, type CommentWord } from '#contracts';

/** What a delivery comes to: events for the coordinator, or a word why it is none of Pullwright's business. */
export type Heard = { events: readonly Happening[] } | { ignored: IgnoredBecause };
/** A forge event before it has an identity. */
export type Happening = Omit<ForgeEvent, 'runId' | 'forge' | 'delivery'>;

export const IGNORED_BECAUSE = ['ping', 'event-not-used', 'action-not-used', 'not-a-branch', 'branch-deleted', 'no-command', 'comment-of-a-bot', 'not-a-pull-request', 'not-our-pull-request', 'no-repository'] as const;
type IgnoredBecause = (typeof IGNORED_BECAUSE)[number];

/** Parts that both forges' deliveries have. */
export const Commit = z.string().pipe(CommitId);
export const Text = z.string().max(256 * 1024);
export const branchOf = (ref: string): string | undefined => (ref.startsWith('refs/heads/') && ref.length > 11 && ref.length <= 267 ? ref.slice(11) : undefined);
export const isNoCommit = (sha: string): boolean => /^0+$/.test(sha);

/**
 * The command in a comment: the first line that begins with `/pullwright` and goes on with a word. '' when the word is none of ours, or there is none. Undefined when no line begins so.
 * Quoted lines and code blocks begin otherwise or are indented; a fenced line counts, which is harmless.
 */
export function commandIn(body: string): CommentWord | '' | undefined {
  const [, word = ''] = /^\/pullwright(?:[ \t]+([a-z]+))?(?=[\s.!,]|$)/m.exec(body) ?? [undefined, undefined];
  if (!/^\/pullwright(?=[\s.!,]|$)/m.test(body)) return undefined;
  return COMMENT_WORDS.find((known) => known === word) ?? '';
}
