import type { Operation } from '../openapi.js';
import type { Project, User, World } from './world.js';

export interface Answer { status: number; /** JSON, or bytes. */ body?: unknown; type?: string; headers?: Record<string, string> }

export interface ApiRequest {
  world: World;
  operation: Operation;
  params: Record<string, string>;
  query: URLSearchParams;
  /** Held against the description before a handler sees it. */
  body: Record<string, unknown>;
  user: User;
  /** As it was sent, without the query. */
  path: string;
}
export interface ProjectRequest extends ApiRequest { project: Project; /** What the user may in it. */ level: number }

/** An answer that is no success, as GitLab words it. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly words: unknown, readonly headers: Record<string, string> = {}) { super(typeof words === 'string' ? words : JSON.stringify(words)); }
  answer(): Answer { return { status: this.status, body: { message: this.words }, headers: this.headers }; }
}

export const notFound = (what: string) => new ApiError(404, `404 ${what} Not Found`);
export const forbidden = (why?: string) => new ApiError(403, why === undefined ? '403 Forbidden' : `403 Forbidden - ${why}`);

const perPage = (query: URLSearchParams) => Math.min(100, Math.max(1, Number(query.get('per_page') ?? 20)));

/** One page of a list by its number, with the headers that lead to the others. */
export function page<T>({ query, path, world }: ApiRequest, items: readonly T[], show: (item: T) => unknown): Answer {
  const [size, number] = [perPage(query), Math.max(1, Number(query.get('page') ?? 1))];
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (to: number, rel: string) => { const next = new URLSearchParams(query); next.set('page', String(to)); next.set('per_page', String(size)); return `<${world.url}${path}?${next.toString()}>; rel="${rel}"`; };
  const links = [...(number > 1 ? [link(number - 1, 'prev')] : []), ...(number < last ? [link(number + 1, 'next')] : []), link(1, 'first'), link(last, 'last')];
  return {
    status: 200, body: items.slice((number - 1) * size, number * size).map(show),
    headers: { link: links.join(', '), 'x-page': String(number), 'x-per-page': String(size), 'x-next-page': number < last ? String(number + 1) : '', 'x-prev-page': number > 1 ? String(number - 1) : '', 'x-total': String(items.length), 'x-total-pages': String(last) },
  };
}

/** One page behind a token that says where the one before ended. Only its Link header leads on. */
export function keysetPage<T>({ query, path, world }: ApiRequest, items: readonly T[], key: (item: T) => string, show: (item: T) => unknown): Answer {
  const [size, token] = [perPage(query), query.get('page_token')];
  const before = token === null ? -1 : items.findIndex((item) => Buffer.from(key(item)).toString('base64url') === token);
  if (token !== null && before < 0) throw new ApiError(400, 'invalid page token');
  const shown = items.slice(before + 1, before + 1 + size);
  const last = shown.at(-1);
  if (last === undefined || before + 1 + size >= items.length) return { status: 200, body: shown.map(show) };
  const next = new URLSearchParams(query);
  next.set('page_token', Buffer.from(key(last)).toString('base64url'));
  return { status: 200, body: shown.map(show), headers: { link: `<${world.url}${path}?${next.toString()}>; rel="next"` } };
}
