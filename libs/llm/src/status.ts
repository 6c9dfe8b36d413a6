import { ModelFailure, type Usage } from './model.js';

const MAX_MESSAGE = 200;

/** What an HTTP status of a model service means: later, elsewhere, or never. Of the service's own words a line is told, without markup. */
export function failureOfStatus(provider: string, status: number, message: string, { headers, usage, cause }: { headers?: Headers; usage?: Usage; cause?: unknown } = {}): ModelFailure {
  const detail = `${provider} ${status}`;
  if (status === 429) return new ModelFailure('model-rate-limited', detail, { retryAfterMs: retryAfter(headers), usage, cause });
  if (status === 408 || status === 409 || status >= 500) return new ModelFailure('model-unavailable', detail, { retryAfterMs: retryAfter(headers), usage, cause });
  return new ModelFailure('model-misconfigured', `${detail}: ${message.replaceAll(/[^\w .:,'/-]+/g, ' ').slice(0, MAX_MESSAGE)}`, { usage, cause });
}

/** What a body that ends in the middle throws: from `fetch` itself, or from the half of an event that arrived. */
export function isBrokenOff(error: unknown): boolean {
  const { name, cause } = error as Error;
  return (name === 'TypeError' && cause !== undefined) || name === 'SyntaxError';
}

/** Milliseconds, by `Retry-After-Ms` or by `Retry-After` in seconds or as a date. */
function retryAfter(headers: Headers | undefined): number | undefined {
  const exact = Number(headers?.get('retry-after-ms') ?? undefined);
  if (Number.isFinite(exact)) return Math.max(0, exact);
  const said = headers?.get('retry-after');
  if (!said) return undefined;
  const ms = Number.isFinite(Number(said)) ? Number(said) * 1_000 : Date.parse(said) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
