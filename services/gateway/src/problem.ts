import { z } from 'zod';
import { FAILURES, Failure, FailureCode, type Quota } from '#contracts';

export const FieldError = z.object({
  field: z.string().describe('Dotted path of the field; empty for the whole body.'),
  message: z.string(),
  remedy: z.string().describe('What to send instead.'),
});
export type FieldError = z.infer<typeof FieldError>;

/** RFC 9457. `type` is stable: programs compare it, or `code`; the rest is for people. */
export const Problem = z.object({
  type: z.url(), title: z.string(), status: z.int().min(400).max(599), detail: z.string().optional(), instance: z.string().optional(),
  code: FailureCode.optional(), errors: z.array(FieldError).optional(),
  retryAfterSeconds: z.int().optional().describe('The same again may succeed then, and not sooner.'),
}).meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

const TYPES = 'https://pullwright.dev/problems/';

const STATUS_BY_FAULT = { caller: 400, repository: 422, provider: 502, us: 500 } as const;
/** Where HTTP has a better word than the fault alone. */
const STATUS: Partial<Record<FailureCode, number>> = {
  'unknown-pipeline': 404, 'unknown-run': 404, 'unknown-schedule': 404, 'artifact-missing': 404, 'repository-not-found': 422, 'ref-not-found': 422,
  'wrong-state': 409, 'approval-expired': 409, 'idempotency-mismatch': 422, 'message-too-large': 413, 'signature-invalid': 401, 'unsupported-media-type': 415, 'webhooks-not-set-up': 404, 'setup-off': 404, 'rate-limited': 429, 'bus-unavailable': 503, 'database-unavailable': 503, 'no-answer': 503, 'store-unavailable': 503,
};
const SECONDS_UNTIL_RETRY = 5;

/** A failure with what HTTP adds to it: the fields that are wrong, when to come back. */
export class RequestFailure extends Failure {
  constructor(code: FailureCode, readonly extra: { detail?: string; errors?: FieldError[]; retryAfterSeconds?: number; quotas?: readonly Quota[] }) { super(code, extra.detail); }
}

/** The problem and the headers that answer a failure. The detail of our own faults stays in the log, it may name inner things. */
export function problemOf(failure: Failure, instance: string): { problem: Problem; retryAfterSeconds?: number; quotas?: readonly Quota[] } {
  const { fault, sentence } = FAILURES[failure.code];
  const status = STATUS[failure.code] ?? STATUS_BY_FAULT[fault];
  const extra = failure instanceof RequestFailure ? failure.extra : {};
  const tellDetail = fault !== 'us' || status === 404 || status === 503;
  const retryAfterSeconds = extra.retryAfterSeconds === undefined ? (status === 503 ? SECONDS_UNTIL_RETRY : undefined) : Math.max(1, Math.ceil(extra.retryAfterSeconds));
  const problem = { type: TYPES + failure.code, title: sentence, status, ...(tellDetail && failure.detail ? { detail: failure.detail } : {}), instance, code: failure.code, ...(extra.errors ? { errors: extra.errors } : {}), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  return { problem, retryAfterSeconds, quotas: extra.quotas };
}

/** Errors that HTTP itself has a word for and that are no failure of a run. */
const HTTP_PROBLEMS: Record<number, { slug: string; title: string }> = {
  400: { slug: 'malformed-request', title: 'The request could not be read; send JSON with Content-Type: application/json.' },
  404: { slug: 'unknown-route', title: 'There is nothing at this address; /api/openapi.json lists what there is.' },
  406: { slug: 'not-acceptable', title: 'This address answers in other media types; change Accept.' },
  413: { slug: 'body-too-large', title: 'The body is larger than this address takes; send less.' },
  415: { slug: 'unsupported-encoding', title: 'The body’s encoding or character set is not understood; send UTF-8.' },
};

export function problemOfStatus(status: number, instance: string): Problem {
  const known = HTTP_PROBLEMS[status] ?? { slug: `http-${status}`, title: 'The request was refused.' };
  return { type: TYPES + known.slug, title: known.title, status, instance };
}
