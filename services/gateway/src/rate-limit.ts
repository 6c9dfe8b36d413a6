import type { Response } from 'express';
import type { Quota } from '#contracts';

/** `RateLimit` and `RateLimit-Policy` of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/: `q` and `w` of each policy, what remains (`r`) and in how many seconds more does (`t`). */
export function tellQuotas(response: Response, quotas: readonly Quota[] | undefined): void {
  if (!quotas || quotas.length === 0) return;
  response.setHeader('RateLimit-Policy', quotas.map(({ kind, max, windowSeconds }) => `"${kind}";q=${max};w=${windowSeconds}`).join(', '));
  response.setHeader('RateLimit', quotas.map(({ kind, remaining, resetSeconds }) => `"${kind}";r=${remaining};t=${Math.ceil(resetSeconds)}`).join(', '));
}
