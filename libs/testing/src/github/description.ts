import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Schemas, type DescriptionFile, type Operation, type Schema } from '../openapi.js';

/**
 * GitHub's published OpenAPI description, cut down to what the simulator serves (`tools/github-description.ts`), as a judge of requests, answers and webhook payloads.
 */
interface WebhookFile { webhooks: Record<string, { event: string; action: string | null; schema: Schema }>; schemas: Record<string, Schema> }

/** The build does not copy it: from there it is found among the sources. */
function load(name: string): unknown {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`./${name}`, import.meta.url)).replace(/[/\\]dist(?=[/\\]libs[/\\])/, ''), 'utf8')) as unknown;
}

/** Answers any operation may have without declaring them; each with GitHub's basic error as its body. */
const ALWAYS = new Set([301, 307, 400, 401, 403, 404, 409, 413, 422, 429, 500, 501, 502, 503]);
const BASIC_ERROR: Schema = {
  type: 'object', required: ['message', 'documentation_url'],
  properties: { message: { type: 'string' }, documentation_url: { type: 'string' }, url: { type: 'string' }, status: { type: 'string' }, errors: { type: 'array' }, block: { type: 'object' } },
};

/** Beside the usual ones. Addresses of bots have brackets, which the usual format would not take. */
const FORMATS = { email: /^[^\s@]+@[^\s@]+$/, 'repo.nwo': true, timestamp: true, 'ssh-url': true } as const;

class Description {
  readonly #rest = load('description.json') as DescriptionFile;
  readonly #schemas = new Schemas('rest', this.#rest.schemas, FORMATS);
  readonly #routes = Object.entries(this.#rest.operations).map(([id, operation]) => ({ operation: { ...operation, id }, pattern: pattern(operation.path), weight: weight(operation.path) })).sort((one, other) => other.weight - one.weight);
  #hooks: { file: WebhookFile; schemas: Schemas } | undefined;

  get operationIds(): string[] { return Object.keys(this.#rest.operations); }

  find(method: string, path: string): { operation: Operation; params: Record<string, string> } | undefined {
    for (const { operation, pattern } of this.#routes) {
      const match = operation.method === method ? pattern.exec(path) : null;
      if (match !== null) return { operation, params: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])) };
    }
    return undefined;
  }

  request(operation: Operation, params: Record<string, string>, query: URLSearchParams, body: unknown): string[] {
    const complaints: string[] = [];
    for (const parameter of operation.parameters) {
      const given = parameter.in === 'path' ? params[parameter.name] : parameter.in === 'query' ? query.get(parameter.name) ?? undefined : undefined;
      if (given !== undefined) complaints.push(...this.#schemas.complaints(parameter.schema, coerced(parameter.schema, given), `${parameter.in} ${parameter.name}`));
      else if (parameter.required && parameter.in === 'query') complaints.push(`query ${parameter.name} is missing`);
    }
    for (const name of new Set(query.keys())) if (!operation.parameters.some((one) => one.in === 'query' && one.name === name)) complaints.push(`query ${name} is not in the description`);
    if (body === undefined) return operation.body?.required === true ? [...complaints, 'the body is missing'] : complaints;
    if (operation.body === null) return Object.keys(body as object).length === 0 ? complaints : [...complaints, 'the operation takes no body'];
    return [...complaints, ...this.#schemas.complaints(operation.body.schema, body, 'body')];
  }

  answer(operation: Operation, status: number, type: string | undefined, body: unknown): string[] {
    const declared = operation.responses[String(status)];
    if (declared === undefined || (declared === null && status >= 400)) return ALWAYS.has(status) ? this.#schemas.complaints(BASIC_ERROR, body, 'body') : [`status ${status} is not in the description`];
    if (declared === null) return body === undefined ? [] : [`an answer ${status} has no body`];
    if (type !== 'application/json') return declared[type ?? ''] !== undefined || /^application\/vnd\.github\.(raw|object|diff|patch)/.test(type ?? '') ? [] : [`content type ${type} is not in the description`];
    const shape = declared['application/json'] ?? {};
    if (status < 400) return this.#schemas.complaints(shape, body, 'body');
    // Refusals say their status in the body, which only some descriptions of them know.
    const { status: _, ...rest } = body as { status?: unknown };
    return [...this.#schemas.complaints(BASIC_ERROR, body, 'body'), ...this.#schemas.complaints(shape, rest, 'body')];
  }

  webhook(event: string, action: string | null, payload: unknown): string[] {
    const file = this.#hooks?.file ?? load('webhook-description.json') as WebhookFile;
    this.#hooks ??= { file, schemas: new Schemas('webhooks', file.schemas, FORMATS) };
    const found = Object.values(file.webhooks).find((one) => one.event === event && one.action === action);
    return found === undefined ? [`there is no webhook ${event} ${action}`] : this.#hooks.schemas.complaints(found.schema, payload, 'payload');
  }
}

let loaded: Description | undefined;
/** Loaded once a process. */
export function description(): Description {
  loaded ??= new Description();
  return loaded;
}
export type { Description };

/** Parameters that may hold slashes; all others end at one. */
const DEEP = new Set(['ref', 'tree_sha', 'path', 'branch', 'base', 'head', 'name']);

function pattern(path: string): RegExp {
  const source = path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${DEEP.has(name) ? '.+?' : '[^/]+?'})`);
  // The root of a repository has contents, too.
  return new RegExp(`^${source.replace(/\/\(\?<path>\.\+\?\)$/, '(?:/(?<path>.*))?')}/?$`);
}

/** Literal parts win over parameters, and those that end at a slash over those that do not. */
function weight(path: string): number {
  return path.split('/').reduce((sum, part) => sum + (part.startsWith('{') ? (DEEP.has(part.slice(1, -1)) ? 1 : 10) : 100), 0);
}

function coerced(schema: Schema, text: string): unknown {
  const types = [schema, ...((schema.anyOf ?? schema.oneOf ?? []) as Schema[])].map((one) => one.type);
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+$/.test(text)) return Number(text);
  if (types.includes('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}
