import { z } from 'zod';
import { CommitId } from './ids.js';

/** Where something stands in the repository: the file, its 1-based line, and the git blob that holds it at the crawled commit. */
export const Location = z.object({ file: z.string().min(1), line: z.int().min(1), blob: CommitId }).meta({ id: 'Location' });
export type Location = z.infer<typeof Location>;

/**
 * Why something was not crawled, not decided or not tested. Closed, so that reports can count it.
 * `dynamic-text`: the words come from data or code that is not in the source; `ambiguous`: several elements answer to it;
 * `unresolved-locator`: the source has no such element at that line;
 * `not-grounded`: a model proposed it, and the source does not bear it out; `no-usable-answer`: the model refused, or what it said was not of the asked shape;
 * `needs-backend` / `needs-login`: the page cannot be reached without what the repository does not hold.
 */
export const LEFT_OUT_REASONS = [
  'unsupported-framework', 'unsupported-syntax', 'file-too-large', 'binary-file', 'invalid-utf8', 'symlink', 'submodule', 'limit-reached',
  'unresolved-import', 'third-party-component', 'dynamic-route', 'dynamic-text', 'dynamic-link', 'unknown-condition', 'unknown-handler', 'unknown-outcome',
  'needs-backend', 'needs-login', 'no-accessible-name', 'ambiguous', 'unresolved-locator', 'hidden-by-style', 'external-link', 'no-observable-effect', 'already-covered', 'beyond-depth',
  'not-grounded', 'no-usable-answer', 'model-unavailable', 'over-budget',
] as const;
export const LeftOut = z.object({
  reason: z.enum(LEFT_OUT_REASONS),
  /** What was left out, for people: a path, a route, a control and its page. */
  what: z.string().max(500),
  detail: z.string().max(500).optional(),
  at: Location.optional(),
}).meta({ id: 'LeftOut' });
export type LeftOut = z.infer<typeof LeftOut>;
