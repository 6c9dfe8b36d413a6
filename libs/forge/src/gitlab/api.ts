import { z } from 'zod';
import { Failure } from '#contracts';
import { printable } from '../printable.js';
import type { GitlabClient, Ask } from './client.js';

/** The part of GitLab's answers that is used. What is not of this shape is no answer: `forge-unavailable`. */
const Sha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const User = z.object({ id: z.int(), username: z.string() });
export const Me = User.extend({ commit_email: z.string() });
export const Project = z.object({ id: z.int(), path_with_namespace: z.string(), default_branch: z.string().nullable(), archived: z.boolean(), empty_repo: z.boolean(), visibility: z.string(), web_url: z.string() });
export const Commit = z.object({ id: Sha, message: z.string(), parent_ids: z.array(Sha), committer_email: z.string() });
export const Branch = z.object({ commit: z.object({ id: Sha }) });
export const TreeEntry = z.object({ id: Sha, name: z.string(), path: z.string(), type: z.enum(['blob', 'tree', 'commit']), mode: z.string().regex(/^[0-7]{6}$/) });
export const MergeRequest = z.object({
  iid: z.int(), title: z.string(), description: z.string().nullable().transform((text) => text ?? ''), state: z.enum(['opened', 'closed', 'locked', 'merged']), sha: Sha.nullable(), web_url: z.url(), author: User, closed_by: User.nullish(), source_project_id: z.int(), source_branch: z.string(), target_branch: z.string(),
  merge_error: z.string().nullish(), rebase_in_progress: z.boolean().optional(),
});
export type MergeRequest = z.infer<typeof MergeRequest>;
export const Note = z.object({ id: z.int(), body: z.string(), author: User, system: z.boolean() });
export const Member = z.object({ id: z.int(), username: z.string(), state: z.string(), access_level: z.int() });
export const Status = z.object({ status: z.string(), name: z.string(), description: z.string().nullish(), target_url: z.string().nullish() });

const PER_PAGE = '100';
const MAX_PAGES = 10_000;

/** One object. */
export async function one<T extends z.ZodType>(client: GitlabClient, schema: T, what: string, method: 'GET' | 'POST' | 'PUT', path: string, ask?: Ask): Promise<z.infer<T>> {
  return read(schema, what, (await client.ask(what, method, path, ask)).bytes);
}

/** One object, or undefined when GitLab has no such thing. */
export async function found<T extends z.ZodType>(client: GitlabClient, schema: T, what: string, path: string, ask: Ask = {}): Promise<z.infer<T> | undefined> {
  const answer = await client.ask(what, 'GET', path, { ...ask, allow: [404] });
  return answer.status === 404 ? undefined : read(schema, what, answer.bytes);
}

/** All of a list, page by page as its Link header leads; undefined when GitLab has no such list. `enough` ends it early. */
export async function all<T extends z.ZodType>(client: GitlabClient, schema: T, what: string, path: string, query: Record<string, string>, enough: (items: ReadonlyArray<z.infer<T>>) => boolean = () => false): Promise<Array<z.infer<T>> | undefined> {
  const items: Array<z.infer<T>> = [];
  let next: Record<string, string> | undefined = { per_page: PER_PAGE, ...query };
  for (let page = 0; next; page++) {
    if (page === MAX_PAGES) throw new Failure('repository-too-large', `${what}: more than ${MAX_PAGES} pages`);
    const answer = await client.ask(what, 'GET', path, { query: next, allow: [404] });
    if (answer.status === 404) return undefined;
    items.push(...read(z.array(schema), what, answer.bytes) as Array<z.infer<T>>);
    const url = enough(items) ? undefined : /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    // Only what it says after the path is taken from the link.
    next = url === undefined ? undefined : Object.fromEntries(new URL(url).searchParams);
  }
  return items;
}

export function read<T extends z.ZodType>(schema: T, what: string, bytes: Buffer): z.infer<T> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Failure('forge-unavailable', `${what}: GitLab’s answer is no JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new Failure('forge-unavailable', `${what}: GitLab’s answer is not what it should be (${parsed.error.issues.slice(0, 3).map((issue) => `${printable(issue.path.join('.'))}: ${issue.message}`).join('; ')})`);
  return parsed.data;
}
