/**
 * Cuts what our simulator of GitHub serves out of GitHub's published OpenAPI descriptions, which are too large to install (400 MB): `node tools/github-description.ts`.
 * `--check` writes nothing and fails when a committed file differs. Both fetch the two packages from the registry; nothing else needs them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REST = { package: '@octokit/openapi', version: '23.0.2', file: 'package/generated/api.github.com.json', into: 'libs/testing/src/github/description.json' };
const WEBHOOKS = { package: '@octokit/openapi-webhooks', version: '12.1.0', file: 'package/generated/api.github.com.json', into: 'libs/testing/src/github/webhook-description.json' };

const OPERATIONS = [
  'meta/root', 'meta/get', 'rate-limit/get', 'users/get-authenticated', 'users/get-by-username',
  'apps/get-authenticated', 'apps/create-from-manifest', 'apps/get-webhook-config-for-app', 'apps/update-webhook-config-for-app',
  'apps/list-webhook-deliveries', 'apps/get-webhook-delivery', 'apps/redeliver-webhook-delivery',
  'apps/list-installations', 'apps/get-installation', 'apps/create-installation-access-token', 'apps/delete-installation',
  'apps/get-org-installation', 'apps/get-repo-installation', 'apps/get-user-installation', 'apps/list-repos-accessible-to-installation', 'apps/revoke-installation-access-token',
  'repos/get', 'repos/list-branches', 'repos/get-branch', 'repos/list-commits', 'repos/get-commit', 'repos/compare-commits', 'repos/list-pull-requests-associated-with-commit',
  'repos/get-content', 'repos/download-tarball-archive', 'repos/get-collaborator-permission-level', 'repos/list-tags',
  'git/get-ref', 'git/list-matching-refs', 'git/create-ref', 'git/update-ref', 'git/delete-ref', 'git/get-commit', 'git/create-commit',
  'git/get-tree', 'git/create-tree', 'git/get-blob', 'git/create-blob', 'git/get-tag',
  'pulls/list', 'pulls/create', 'pulls/get', 'pulls/update', 'pulls/list-files', 'pulls/list-commits', 'pulls/check-if-merged',
  'pulls/request-reviewers', 'pulls/remove-requested-reviewers', 'pulls/list-requested-reviewers',
  'issues/get', 'issues/update', 'issues/list-comments', 'issues/create-comment', 'issues/get-comment', 'issues/update-comment', 'issues/delete-comment',
  'issues/list-labels-on-issue', 'issues/add-labels', 'issues/set-labels', 'issues/remove-label', 'issues/list-labels-for-repo', 'issues/create-label', 'issues/get-label',
  'issues/add-assignees', 'issues/remove-assignees', 'issues/check-user-can-be-assigned',
  'checks/create', 'checks/update', 'checks/get', 'checks/list-for-ref',
];

/** The webhooks that the simulator sends: event, and its actions when it has some. */
const EVENTS: Record<string, string[]> = {
  ping: [], push: [], issue_comment: ['created', 'edited', 'deleted'], check_run: ['created', 'completed', 'rerequested', 'requested_action'], check_suite: ['requested', 'completed', 'rerequested'],
  pull_request: ['opened', 'closed', 'reopened', 'synchronize', 'edited', 'labeled', 'unlabeled', 'review_requested', 'ready_for_review'],
  installation: ['created', 'deleted', 'suspend', 'unsuspend'], installation_repositories: ['added', 'removed'], repository: ['renamed', 'archived', 'deleted'],
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Parameter { name: string; in: string; required?: boolean; schema: Json }
interface Operation { operationId: string; parameters?: Json[]; requestBody?: { required?: boolean; content: Record<string, { schema: Json }> }; responses: Record<string, Json> }
interface Description { info: { version: string }; paths: Record<string, Record<string, Operation>>; components: Record<string, Record<string, Json>>; webhooks?: Record<string, { post: Operation }> }

/** Sentences are left behind: only the shapes are needed. */
const LEFT_BEHIND = new Set(['description', 'title', 'example', 'examples', 'externalDocs', 'default', 'deprecated', 'readOnly', 'xml']);

/** Where the description of an answer cannot be meant, and what stands in its place. */
const CORRECTIONS: Record<string, { why: string; responses: Record<string, Json> }> = {
  'apps/list-installations': { why: 'an account is a person and an enterprise at once; each installation alone is described as that of one or the other', responses: { 200: { 'application/json': { type: 'array', items: { $ref: '#/schemas/installation' } } } } },
};

function isObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An OpenAPI 3.0 schema as JSON Schema: `nullable` becomes a type of its own, also beside `$ref`, `allOf` and enums, where JSON Schema would not look at it. */
function schema(value: Json): Json {
  if (Array.isArray(value)) return value.map(schema);
  if (!isObject(value)) return value;
  const { nullable, ...rest } = value;
  const out: { [key: string]: Json } = {};
  for (const [key, inner] of Object.entries(rest)) {
    if (LEFT_BEHIND.has(key) && !(key === 'examples' && isObject(inner)) || key.startsWith('x-')) continue;
    if (key === 'properties' && isObject(inner)) out.properties = Object.fromEntries(Object.entries(inner).map(([name, property]) => [name, schema(property)]));
    else if (key === 'enum' || key === 'const' || key === 'required') out[key] = inner;
    else if (key === '$ref' && typeof inner === 'string') out.$ref = inner.replace('#/components/schemas/', '#/schemas/');
    else out[key] = schema(inner);
  }
  return nullable === true ? { anyOf: [out, { type: 'null' }] } : out;
}

function namesIn(value: Json, into: Set<string>): void {
  if (Array.isArray(value)) for (const inner of value) namesIn(inner, into);
  else if (isObject(value)) {
    if (typeof value.$ref === 'string') into.add(value.$ref.slice('#/schemas/'.length));
    for (const inner of Object.values(value)) namesIn(inner, into);
  }
}

/** The named schemas that these need, and those that they need. */
function needed(roots: Json, all: Record<string, Json>): Record<string, Json> {
  const found = new Map<string, Json>();
  for (let open = namesOf(roots); open.size > 0;) {
    const next = new Set<string>();
    for (const name of open) {
      if (all[name] === undefined) throw new Error(`the description has no schema ${name}`);
      const one = schema(all[name]);
      found.set(name, one);
      for (const inner of namesOf(one)) if (!found.has(inner)) next.add(inner);
    }
    open = next;
  }
  return Object.fromEntries([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function namesOf(value: Json): Set<string> {
  const names = new Set<string>();
  namesIn(value, names);
  return names;
}

function resolve<T>(description: Description, value: Json | T): T {
  if (!isObject(value) || typeof value.$ref !== 'string') return value as T;
  const [, , kind, name] = value.$ref.split('/');
  return description.components[kind as string]?.[name as string] as T;
}

function rest(description: Description): Json {
  const operations: { [id: string]: Json } = {};
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!OPERATIONS.includes(operation.operationId)) continue;
      const parameters = (operation.parameters ?? []).map((one) => resolve<Parameter>(description, one)).map((one) => ({ name: one.name, in: one.in, required: one.required === true, schema: schema(one.schema) }));
      const body = operation.requestBody?.content['application/json']?.schema;
      const responses = Object.fromEntries(Object.entries(operation.responses).map(([status, response]) => {
        const content = resolve<{ content?: Record<string, { schema?: Json }> }>(description, response).content;
        return [status, content === undefined ? null : Object.fromEntries(Object.entries(content).map(([type, one]) => [type, schema(one.schema ?? {})]))];
      }));
      operations[operation.operationId] = { method: method.toUpperCase(), path, parameters: parameters as unknown as Json, body: body === undefined ? null : { required: operation.requestBody?.required === true, schema: schema(body) }, responses: { ...responses, ...CORRECTIONS[operation.operationId]?.responses } };
    }
  }
  const missing = OPERATIONS.filter((id) => operations[id] === undefined);
  if (missing.length > 0) throw new Error(`the description has no ${missing.join(', ')}`);
  return { operations: Object.fromEntries(OPERATIONS.map((id) => [id, operations[id] as Json])), schemas: needed(operations, description.components.schemas as Record<string, Json>) };
}

function webhooks(description: Description): Json {
  const found = Object.entries(EVENTS).flatMap(([event, actions]) => (actions.length === 0 ? [null] : actions).map((action) => {
    const name = `${event}${action === null ? '' : `-${action}`}`.replaceAll('_', '-');
    const body = description.webhooks?.[name]?.post.requestBody?.content['application/json']?.schema;
    if (body === undefined) throw new Error(`the description has no webhook ${name}`);
    return [name, { event, action, schema: schema(body) }] as const;
  }));
  const hooks = Object.fromEntries(found) as unknown as Json;
  return { webhooks: hooks, schemas: needed(hooks, description.components.schemas as Record<string, Json>) };
}

/** One entry a line, so that a new version shows as the lines that changed. */
function printed(source: typeof REST, licence: string, parts: Json): string {
  const section = (value: Json) => (isObject(value) ? `{\n${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${JSON.stringify(inner)}`).join(',\n')}\n}` : JSON.stringify(value));
  const head = { from: `${source.package}@${source.version} ${source.file}: names and shapes, without sentences and examples`, licence, ...(source === REST ? { corrections: Object.entries(CORRECTIONS).map(([id, { why }]) => `${id}: ${why}`) } : {}) };
  return `{\n${[...Object.entries(head).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`), ...Object.entries(parts as object).map(([key, value]) => `${JSON.stringify(key)}: ${section(value as Json)}`)].join(',\n')}\n}\n`;
}

/** The one file out of the package and its licence, without installing it. */
function fetched(source: typeof REST): { description: Description; licence: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pullwright-description-'));
  try {
    const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--silent', `${source.package}@${source.version}`], { cwd: folder, encoding: 'utf8' })) as [{ filename: string }];
    execFileSync('tar', ['-xzf', filename, source.file, 'package/LICENSE'], { cwd: folder });
    return { description: JSON.parse(readFileSync(join(folder, source.file), 'utf8')) as Description, licence: readFileSync(join(folder, 'package/LICENSE'), 'utf8').trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const check = process.argv[2] === '--check';
for (const [source, extract] of [[REST, rest], [WEBHOOKS, webhooks]] as const) {
  const { description, licence } = fetched(source);
  const text = printed(source, licence, extract(description));
  if (!check) writeFileSync(source.into, text);
  else if (readFileSync(source.into, 'utf8') !== text) {
    console.error(`${source.into} is not what ${source.package}@${source.version} gives: run \`node tools/github-description.ts\``);
    process.exitCode = 1;
  }
}
