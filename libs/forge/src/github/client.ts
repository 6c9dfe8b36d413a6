import Bottleneck from 'bottleneck';
import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Failure, type FailureCode } from '#contracts';
import { printable } from '../printable.js';

/**
 * GitHub's API as the adapter uses it. The plugins know GitHub's ways, with these settings:
 *
 *   reads     10 at once (the plugin's own); writes 4 at once, 50 ms apart, and what notifies people one after the other, instead of one in a second or three: a process publishes once
 *   limits    waited for when that takes at most a minute, twice; otherwise the step fails as `forge-limited`, and the coordinator tries it again later
 *   errors    of GitHub itself are tried three times more, writes too: so every write must find what an earlier try has done
 *   version   of the API, pinned
 */
const API_VERSION = '2022-11-28';
const LONGEST_WAIT_SECONDS = 60;
const WAITS = 2;
/** The plugin forgets a limiter after so long without use. */
const LIMITER_IDLE_MS = 120_000;

export type GithubClient = InstanceType<typeof Client>;
const Client = Octokit.plugin(retry, throttling);
/** Per process, as the plugin has its own. */
const writes = new Bottleneck.Group({ id: 'pullwright-writes', maxConcurrent: 4, minTime: 50, timeout: LIMITER_IDLE_MS });
const notifications = new Bottleneck.Group({ id: 'pullwright-notifications', maxConcurrent: 1, timeout: LIMITER_IDLE_MS });

type Auth = Pick<NonNullable<ConstructorParameters<typeof Octokit>[0]>, 'auth' | 'authStrategy'>;

/** Octokit takes JSON that broke off for a success with an empty text. Here the whole of it comes first, and what breaks off is an error like any other of the network. */
async function whole(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  if (!/\bjson\b/.test(response.headers.get('content-type') ?? '')) return response;
  const bytes = await response.arrayBuffer();
  const { status, statusText, headers, url } = response;
  return Object.defineProperty(new Response(bytes.byteLength === 0 ? null : bytes, { status, statusText, headers }), 'url', { value: url });
}

const waitFor = (seconds: number, _options: object, _octokit: object, retries: number) => seconds <= LONGEST_WAIT_SECONDS && retries < WAITS;

/** `id` tells apart what is limited apart: one installation or one user. */
export function githubClient(apiUrl: string, auth: Auth, id: string): GithubClient {
  const client = new Client({
    ...auth, baseUrl: apiUrl, userAgent: 'pullwright', request: { fetch: whole },
    // What the plugin has, and 409: a repository without a commit has none a second later either.
    retry: { doNotRetry: [400, 401, 403, 404, 409, 410, 422, 451] },
    throttle: { id, write: writes, notifications, onRateLimit: waitFor, onSecondaryRateLimit: waitFor },
    // Messages of the client quote addresses and answers; what matters of them is in the failure.
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  client.hook.before('request', (options) => { options.headers['x-github-api-version'] = API_VERSION; });
  return client;
}

interface RequestError { status: number; message: string; response?: { headers: Record<string, string | number | undefined>; data?: { message?: unknown } } }

export const isStatus = (error: unknown, ...statuses: number[]): error is RequestError => error instanceof Error && 'status' in error && statuses.includes(error.status as number);

/** GitHub's own words. */
export const wordsOf = (error: RequestError): string => printable(typeof error.response?.data?.message === 'string' ? error.response.data.message : error.message);

/** Does something at GitHub, and turns what goes wrong into a `Failure`. `what` says for people what was tried: a noun phrase. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure || !(error instanceof Error) || !('status' in error)) throw error;
    const known = error as unknown as RequestError;
    throw new Failure(codeOf(known), `${what}: ${wordsOf(known)}`, { cause: error });
  }
}

function codeOf(error: RequestError): FailureCode {
  const { status, response } = error;
  const words = wordsOf(error);
  if (status === 401) return 'forge-unauthorized';
  if (status === 429 || (status === 403 && (response?.headers['x-ratelimit-remaining'] === '0' || response?.headers['retry-after'] !== undefined || /\brate limit\b/i.test(words)))) return 'forge-limited';
  if (status === 403 && /archived/i.test(words)) return 'repository-archived';
  if (status === 403 || status === 451 || status === 422) return 'forge-forbidden';
  if (status === 404 || status === 410) return 'repository-not-found';
  return 'forge-unavailable';
}

/** What the work answers, or undefined when GitHub has no such thing. */
export async function found<T>(what: string, work: () => Promise<T>, ...statuses: number[]): Promise<T | undefined> {
  return doing(what, async () => {
    try {
      return await work();
    } catch (error) {
      if (isStatus(error, 404, ...statuses)) return undefined;
      throw error;
    }
  });
}
