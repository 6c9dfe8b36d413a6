import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Schemas, type DescriptionFile, type Operation, type Schema } from '../openapi.js';

/** The build does not copy it: from there it is found among the sources. */
const file = JSON.parse(readFileSync(fileURLToPath(new URL('./description.json', import.meta.url)).replace(/[/\\]dist(?=[/\\]libs[/\\])/, ''), 'utf8')) as DescriptionFile;
const schemas = new Schemas('gitlab', file.schemas);
const routes = Object.entries(file.operations).map(([id, operation]) => ({ operation: { ...operation, id }, pattern: pattern(operation.path), literal: operation.path.split('/').filter((part) => !part.startsWith('{')).length }))
  .sort((one, other) => other.literal - one.literal);

/** The operation that a request is, by its path as it was sent: names in it are escaped, so that each is one part. */
export function findOperation(method: string, path: string): { operation: Operation; params: Record<string, string> } | undefined {
  for (const { operation, pattern } of routes) {
    const match = operation.method === method ? pattern.exec(path) : null;
    if (match !== null) return { operation, params: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])) };
  }
  return undefined;
}

export function judgeRequest(operation: Operation, params: Record<string, string>, query: URLSearchParams, body: unknown): string[] {
  const complaints: string[] = [];
  for (const parameter of operation.parameters) {
    const given = parameter.in === 'path' ? params[parameter.name] : parameter.schema.type === 'array' ? listed(query, parameter.name) : query.get(parameter.name) ?? undefined;
    if (given !== undefined) complaints.push(...schemas.complaints(parameter.schema, coerced(parameter.schema, given), `${parameter.in} ${parameter.name}`));
    else if (parameter.required) complaints.push(`${parameter.in} ${parameter.name} is missing`);
  }
  const known = new Set(operation.parameters.filter((one) => one.in === 'query').flatMap(({ name }) => [name, `${name}[]`]));
  for (const name of new Set(query.keys())) if (!known.has(name)) complaints.push(`query ${name} is not in the description`);
  if (body === undefined) return operation.body?.required === true ? [...complaints, 'the body is missing'] : complaints;
  return operation.body === null ? [...complaints, 'the operation takes no body'] : [...complaints, ...schemas.complaints(operation.body.schema, body, 'body')];
}

export function judgeAnswer(operation: Operation, status: number, type: string | undefined, body: unknown): string[] {
  const declared = operation.responses[String(status)];
  if (declared === undefined) return [`status ${status} is not in the description`];
  if (declared === null) return body === undefined ? [] : [`an answer ${status} has no body`];
  const schema = declared[type ?? ''];
  return schema === undefined ? [`content type ${type} is not in the description`] : schemas.complaints(schema, Buffer.isBuffer(body) ? {} : body, 'body');
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'format' ? String.raw`(?<format>\.[a-z.0-9]+)` : `(?<${name}>[^/]+)`))}$`);
}

/** Lists come as `name[]=a&name[]=b`. */
function listed(query: URLSearchParams, name: string): string[] | undefined {
  const all = query.getAll(`${name}[]`);
  return all.length === 0 ? undefined : all;
}

function coerced(schema: Schema, given: string | string[]): unknown {
  if (Array.isArray(given)) return given.map((one) => coerced(schema.items ?? {}, one));
  const types = [schema, ...((schema.anyOf ?? []) as Schema[])].map((one) => one.type);
  if (types.includes('integer') && /^-?\d+$/.test(given)) return Number(given);
  return types.includes('boolean') && /^(true|false)$/.test(given) ? given === 'true' : given;
}
