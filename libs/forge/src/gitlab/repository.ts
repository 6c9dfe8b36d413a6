import type { z } from 'zod';
import { Failure } from '#contracts';
import { ContentCache } from '../hosted/content-cache.js';
import { objectId } from '../object-id.js';
import { printable } from '../printable.js';
import type { Resolved } from '../forge.js';
import type { GitlabAccess } from './access.js';
import { Branch, Commit, found, Me, one, Project, read } from './api.js';
import { GitlabClient } from './client.js';
import { Trees } from './trees.js';

/** One project, as one piece of work sees it: its number, by which it is asked for whatever its name becomes meanwhile, and what has been read of it. */
export interface Source {
  access: GitlabAccess; client: GitlabClient; address: string;
  project: { id: number; defaultBranch: string; archived: boolean; empty: boolean; visibility: string };
  /** The path of the project below the API's root. */
  at: string;
  trees: Trees; cache: ContentCache;
  /** By pair of commits. */
  mergeBases: Map<string, Promise<string | undefined>>;
  /** Once somebody has asked. */
  me?: Promise<z.infer<typeof Me>>;
}

/** Throws `repository-not-found` or `repository-moved`. */
export async function sourceOf(access: GitlabAccess, address: string): Promise<Source> {
  const url = `${access.webUrl}/${access.path}`;
  if (address.replace(/\/+$/, '').replace(/\.git$/, '').toLowerCase() !== url.toLowerCase()) throw new Failure('repository-not-found', `${printable(address)}, or Pullwright may not see it`);
  const client = new GitlabClient(access);
  const what = `the project ${printable(access.path)}`;
  const answer = await client.ask(what, 'GET', `/projects/${encodeURIComponent(access.path)}`, { allow: [302] });
  if (answer.status === 302) {
    const id = /\/projects\/(\d+)/.exec(answer.headers.get('location') ?? '')?.[1];
    const now = id === undefined ? undefined : await one(client, Project, what, 'GET', `/projects/${id}`);
    throw new Failure('repository-moved', `${printable(address)} is ${now ? printable(now.web_url) : 'somewhere else'} now`);
  }
  const { id, default_branch: defaultBranch, archived, empty_repo: empty, visibility } = read(Project, what, answer.bytes);
  const at = `/projects/${id}`;
  return { access, client, address, project: { id, defaultBranch: defaultBranch ?? 'main', archived, empty, visibility }, at, trees: new Trees(client, at), cache: new ContentCache(access.cache, address), mergeBases: new Map() };
}

/** Whether it is now: that may be why something was refused. */
export async function isArchived({ client, at }: Source): Promise<boolean> {
  return (await one(client, Project, 'the project', 'GET', at)).archived;
}

/** What a branch points to now. */
export async function branchTip({ client, at }: Source, branch: string): Promise<string | undefined> {
  return (await found(client, Branch, `the branch ${printable(branch)}`, `${at}/repository/branches/${encodeURIComponent(branch)}`))?.commit.id;
}

export function commitAt({ client, at }: Source, ref: string): Promise<z.infer<typeof Commit> | undefined> {
  return found(client, Commit, `the commit ${printable(ref)}`, `${at}/repository/commits/${encodeURIComponent(ref)}`, { query: { stats: 'false' } });
}

/** A branch wins over a tag of the same name. */
export async function resolve(source: Source, ref?: string): Promise<Resolved> {
  const { project } = source;
  const branch = ref === undefined || ref === 'HEAD' ? project.defaultBranch : ref.replace(/^refs\/heads\//, '');
  // What no branch, tag or commit needs, and a path or a search might be made of.
  const usable = branch !== '' && !/[\p{Cc}\s:~^?*[\\@]|\.\.|^[-/.]|[/.]$/u.test(branch);
  if (project.empty) throw new Failure('repository-empty');
  const tip = usable ? await branchTip(source, branch) : undefined;
  if (tip !== undefined) return { commit: tip, branch };
  const commit = usable && ref !== undefined ? await commitAt(source, ref) : undefined;
  if (!commit) throw new Failure('ref-not-found', printable(ref ?? project.defaultBranch));
  return { commit: commit.id };
}

/** Whether one commit is in the history of another. Commits do not change, so each pair is asked for once. */
export async function isAncestor({ client, at, mergeBases }: Source, ancestor: string, of: string): Promise<boolean> {
  if (ancestor === of) return true;
  const pair = [ancestor, of].sort();
  const asked = mergeBases.get(pair.join()) ?? found(client, Commit, `what ${ancestor.slice(0, 12)} and ${of.slice(0, 12)} have in common`, `${at}/repository/merge_base`, { query: { refs: pair } }).then((base) => base?.id);
  mergeBases.set(pair.join(), asked);
  return await asked === ancestor;
}

/** The bytes of a blob, checked. */
export async function readBlob({ client, at, cache }: Source, id: string): Promise<Buffer> {
  const known = await cache.blob(id);
  if (known) return known;
  const { bytes } = await client.ask(`the blob ${id.slice(0, 12)}`, 'GET', `${at}/repository/blobs/${id}/raw`);
  if (objectId('blob', bytes, id) !== id) throw new Failure('forge-unavailable', `GitLab answers for blob ${id.slice(0, 12)} with other bytes`);
  await cache.keepBlob(id, bytes);
  return bytes;
}

/** The user behind the token. */
export function whoAmI(source: Source): Promise<z.infer<typeof Me>> {
  source.me ??= one(source.client, Me, 'the user of GITLAB_TOKEN', 'GET', '/user');
  return source.me;
}
