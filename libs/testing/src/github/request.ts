import type { Operation } from '../openapi.js';
import type { RepositoryState, SimulatedApp, Token, World } from './world.js';

export interface Answer {
  status: number;
  /** JSON, or bytes when there is a `type`. */
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
}

/** Who asks. */
export type Actor =
  | { kind: 'app'; app: SimulatedApp }
  | ({ login: string; value: string } & Extract<Token, { kind: 'installation' }>)
  | { kind: 'user'; login: string }
  | { kind: 'anonymous' };

export interface ApiRequest {
  world: World;
  operation: Operation;
  params: Record<string, string>;
  query: URLSearchParams;
  /** Held against the description before a handler sees it. */
  body: unknown;
  headers: Record<string, string>;
  actor: Actor;
  /** Without query, below the API's root. */
  path: string;
}
export interface RepositoryRequest extends ApiRequest { repository: RepositoryState }

/** An answer that is no success, as GitHub words it. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly errors?: unknown[], readonly headers: Record<string, string> = {}, readonly url?: string) { super(message); }

  answer(): Answer {
    return { status: this.status, headers: this.headers, body: { message: this.message, ...(this.errors === undefined ? {} : { errors: this.errors }), ...(this.url === undefined ? {} : { url: this.url }), documentation_url: 'https://docs.github.com/rest', status: String(this.status) } };
  }
}

export const notFound = () => new ApiError(404, 'Not Found');
export const inaccessible = (accepted?: string) => new ApiError(403, 'Resource not accessible by integration', undefined, accepted === undefined ? {} : { 'x-accepted-github-permissions': accepted });
export const invalid = (resource: string, ...errors: Array<{ field?: string; code: string; message?: string }>) => new ApiError(422, 'Validation Failed', errors.map((error) => ({ resource, ...error })));

/** What stands before the application, and knows nothing of JSON. */
export const badGateway: Answer = { status: 502, type: 'text/html', body: Buffer.from('<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n') };

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown): Answer => ({ status: 201, body });

/** One page of a list, with the Link header that leads to the others. */
export async function page<T>({ query, path, world }: ApiRequest, items: readonly T[], shape: (item: T) => unknown, wrap: (shown: unknown[]) => unknown = (shown) => shown): Promise<Answer> {
  const size = Math.min(100, Math.max(1, Number(query.get('per_page') ?? 30)));
  const number = Math.max(1, Number(query.get('page') ?? 1));
  const last = Math.max(1, Math.ceil(items.length / size));
  const shown = await Promise.all(items.slice((number - 1) * size, number * size).map(shape));
  const link = (to: number, rel: string) => { const next = new URLSearchParams(query); next.set('page', String(to)); return `<${world.apiUrl}${path}?${next.toString()}>; rel="${rel}"`; };
  const links = [...(number > 1 ? [link(number - 1, 'prev')] : []), ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []), ...(number > 1 ? [link(1, 'first')] : [])];
  return { status: 200, body: wrap(shown), headers: links.length === 0 ? {} : { link: links.join(', ') } };
}
