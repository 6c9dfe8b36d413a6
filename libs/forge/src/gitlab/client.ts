import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, type FailureCode } from '#contracts';
import { printable } from '../printable.js';
import type { GitlabAccess } from './access.js';

/**
 * GitLab's REST API, as the adapter uses it:
 *
 *   reads     are tried again when GitLab, or what stands before it, does not answer. Writes are not: whoever writes looks what became of it first
 *   limits    are waited for when that takes at most a minute, twice; otherwise the step fails as `forge-limited`, and the coordinator tries it again later
 *   redirects are not followed: the token goes to no other place than the configured one. A project that has moved answers with one
 */
const TIME_LIMIT_MS = 60_000;
/** Of an archive, which GitLab may have to make first. */
const STREAM_LIMIT_MS = 600_000;
const WAITS_MS = [250, 1_000, 3_000];
const LONGEST_WAIT_SECONDS = 60;
const LIMIT_WAITS = 2;
const MAX_BYTES = 128 * 1024 * 1024;

export interface Ask { query?: Record<string, string | readonly string[]> | undefined; body?: object; /** Statuses that are an answer, and no failure. */ allow?: readonly number[] }
export interface Answered { status: number; headers: Headers; bytes: Buffer }

export class GitlabClient {
  constructor(private readonly access: Pick<GitlabAccess, 'webUrl' | 'token'>) {}

  /** `what` says for people what is tried: a noun phrase. `path` is below the API's root, each name in it escaped. */
  async ask(what: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, ask: Ask = {}): Promise<Answered> {
    for (let failed = 0, limited = 0; ;) {
      const answer = await this.send(method, path, ask).catch((cause: unknown) => new Failure('forge-unavailable', `${what}: ${reasonOf(cause)}`, { cause }));
      if (!(answer instanceof Failure) && (answer.status < 300 || ask.allow?.includes(answer.status)) && !isGone(answer)) return answer;
      const failure = answer instanceof Failure ? answer : this.failureOf(what, answer);
      const seconds = answer instanceof Failure ? undefined : waitOf(answer);
      if (failure.code === 'forge-limited' && seconds !== undefined && seconds <= LONGEST_WAIT_SECONDS && limited++ < LIMIT_WAITS) await sleep(seconds * 1000);
      else if (failure.code === 'forge-unavailable' && method === 'GET' && failed < WAITS_MS.length) await sleep(WAITS_MS[failed++]);
      else throw failure;
    }
  }

  /** A GET whose answer is read as it comes. `path` as above. Not tried again: the caller knows what it has. */
  async stream(what: string, path: string, query: Ask['query']): Promise<NonNullable<Response['body']>> {
    const answer = await this.open('GET', path, { query }, STREAM_LIMIT_MS).catch((cause: unknown) => { throw new Failure('forge-unavailable', `${what}: ${reasonOf(cause)}`, { cause }); });
    if (answer.ok && answer.body) return answer.body;
    throw this.failureOf(what, { status: answer.status, headers: answer.headers, bytes: await bounded(answer) });
  }

  private async send(method: string, path: string, ask: Ask): Promise<Answered> {
    const answer = await this.open(method, path, ask, TIME_LIMIT_MS);
    return { status: answer.status, headers: answer.headers, bytes: await bounded(answer) };
  }

  private open(method: string, path: string, { query = {}, body }: Ask, timeLimitMs: number): Promise<Response> {
    const url = new URL(`/api/v4${path}`, this.access.webUrl);
    for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) url.searchParams.append(Array.isArray(value) ? `${name}[]` : name, one);
    return fetch(url, {
      method, redirect: 'manual', signal: AbortSignal.timeout(timeLimitMs),
      headers: { authorization: `Bearer ${this.access.token}`, 'user-agent': 'pullwright', ...(body && { 'content-type': 'application/json' }) }, ...(body && { body: JSON.stringify(body) }),
    });
  }

  private failureOf(what: string, answer: Answered): Failure {
    const code = codeOf(answer);
    return new Failure(code, `${what}: ${code === 'repository-moved' ? 'it has moved' : `GitLab answers ${answer.status}${wordsOf(answer) ? `, ${wordsOf(answer)}` : ''}`}`);
  }
}

function codeOf({ status }: Answered): FailureCode {
  if (status === 401) return 'forge-unauthorized';
  if (status === 429) return 'forge-limited';
  if (status === 404) return 'repository-not-found';
  if (status === 405 || (status >= 300 && status < 400)) return 'repository-moved';
  return status < 500 ? 'forge-forbidden' : 'forge-unavailable';
}

/** The project itself, not something in it: that is an answer to no question. */
const isGone = (answer: Answered) => answer.status === 404 && wordsOf(answer) === '404 Project Not Found';

/** GitLab's own words, which may hold names from the repository. */
export function wordsOf({ bytes, headers }: Answered): string {
  if (!headers.get('content-type')?.includes('json')) return '';
  try {
    const { message, error_description: description, error } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const words = message ?? description ?? error ?? '';
    return printable(typeof words === 'string' ? words : JSON.stringify(words));
  } catch (cause) {
    if (cause instanceof SyntaxError) return '';
    throw cause;
  }
}

/** Seconds until it is worth to ask again, as a limit says. */
function waitOf({ headers }: Answered): number | undefined {
  const [after, reset] = [headers.get('retry-after'), headers.get('ratelimit-reset')].map((value) => (value !== null && /^\d+$/.test(value) ? Number(value) : undefined));
  return after ?? (reset === undefined ? undefined : Math.max(0, reset - Math.floor(Date.now() / 1000)));
}

async function bounded(answer: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > MAX_BYTES) throw new Failure('repository-too-large', `an answer of GitLab has more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}

/** Of a connection; addresses and headers stay out of it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? ('code' in cause && typeof cause.code === 'string' ? cause.code : cause.name) : 'no connection';
}
