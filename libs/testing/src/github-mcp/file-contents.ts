import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { contentType } from './content-type.js';
import { escaped, repositoryPath, RestError, type Rest } from './rest.js';

export interface FileContentsInput { owner: string; repo: string; path?: string; ref?: string; sha?: string; fields?: string[] }
interface Entry { type: string; name: string; path: string; sha: string; size: number; download_url: string | null; content?: string; encoding?: string; target?: string; submodule_git_url?: string | null }
interface TreeEntry { path: string; type: string; mode: string; sha: string }
interface Resolved { ref: string; sha: string; note: string }

const MEBIBYTE = 1024 * 1024;
const SHA = /^[0-9a-f]{40}$/i;

export const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });
export const failed = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }], isError: true });

/**
 * `get_file_contents`, with what a careful client has to know of it: a path that is not there is a success that guesses; `main` that is not there is the default branch, with a note; from 1 MiB on there is only a link;
 * a symbolic link is read through, or told as JSON; bytes that are not UTF-8 but look like text come damaged.
 */
export async function fileContents(rest: Rest, input: FileContentsInput): Promise<CallToolResult> {
  const { owner, repo, sha = '', fields = [] } = input;
  const path = (input.path ?? '').replace(/^\//, '');
  let resolved: Resolved;
  try {
    resolved = await resolve(rest, owner, repo, input.ref ?? '', sha);
  } catch (error) {
    return failed(`failed to resolve git reference: ${(error as Error).message}`);
  }
  const ref = resolved.sha;
  let found: Entry | Entry[];
  try {
    found = await rest.get(`${repositoryPath(owner, repo)}/contents/${escaped(path)}`, { ref }) as Entry | Entry[];
  } catch {
    return matches(rest, owner, repo, path, resolved);
  }
  if (Array.isArray(found)) return text(JSON.stringify(found.map((entry) => Object.fromEntries(Object.entries(entry).filter(([key, value]) => key !== '_links' && value !== null && (fields.length === 0 || fields.includes(key)))))));
  return file(rest, { owner, repo, path, ref, uri: `repo://${owner}/${repo}/sha/${ref}/contents/${escaped(path)}` }, found, resolved.note);
}

interface Place { owner: string; repo: string; path: string; ref: string; uri: string }

async function file(rest: Rest, place: Place, entry: Entry, note: string): Promise<CallToolResult> {
  const { path, uri } = place;
  if (entry.type === 'submodule' || (entry.submodule_git_url ?? '') !== '') return text(metadata({ type: 'submodule', path, sha: entry.sha, git_url: entry.submodule_git_url ?? undefined }, undefined, note));
  const content = entry.encoding === 'base64' ? Buffer.from(entry.content ?? '', 'base64') : entry.type !== 'symlink' && entry.size === 0 ? Buffer.alloc(0) : undefined;
  const link = entry.type === 'symlink' ? linkOf(path, entry.sha, entry.target ?? '') : await readThrough(rest, place, entry, content);
  if (link instanceof Error) return failed(`failed to inspect repository file: ${link.message}`);
  if (link !== undefined && entry.type === 'symlink' && content === undefined) return text(metadata(link, 'not_returned', note));
  const say = (usual: string) => (link === undefined ? usual : metadata(link, content === undefined ? 'not_returned' : 'dereferenced_target', note));
  if (content?.length === 0) return { content: [{ type: 'text', text: say(`successfully downloaded empty file (SHA: ${entry.sha})${note}`) }, { type: 'resource', resource: { uri, mimeType: 'text/plain', text: '' } }] };
  if (entry.size >= MEBIBYTE) {
    const title = link === undefined ? `File: ${path}` : `Dereferenced target ${link.resolved_path ?? ''} via symlink ${path}`;
    return { content: [{ type: 'text', text: say(`File ${path} is too large to display (${entry.size} bytes). Use the download URL to fetch the content: ${entry.download_url ?? ''} (SHA: ${entry.sha})${note}`) }, { type: 'resource_link', uri, name: entry.name, title, size: entry.size }] };
  }
  if (content === undefined) return failed('failed to inspect repository file: content unavailable');
  const type = contentType(content);
  if (type.startsWith('text/')) return { content: [{ type: 'text', text: say(`successfully downloaded text file (SHA: ${entry.sha})${note}`) }, { type: 'resource', resource: { uri, mimeType: type, text: content.toString('utf8') } }] };
  return { content: [{ type: 'text', text: say(`successfully downloaded binary file (SHA: ${entry.sha})${note}`) }, { type: 'resource', resource: { uri, mimeType: type, blob: content.toString('base64') } }] };
}

interface Link { type: 'symlink' | 'submodule'; path: string; sha?: string; target?: string; resolved_path?: string; git_url?: string }

function linkOf(path: string, sha: string, target: string): Link {
  const resolved = posix.isAbsolute(target) ? '' : posix.join(posix.dirname(path), target);
  const inside = resolved !== '' && resolved !== '..' && !resolved.startsWith('../');
  return { type: 'symlink', path, sha, target, ...(inside ? { resolved_path: resolved } : {}) };
}

/** Bytes that are not those of the id are a link's target; bytes that did not come are looked up in the tree. */
async function readThrough(rest: Rest, { owner, repo, path, ref }: Place, entry: Entry, content: Buffer | undefined): Promise<Link | Error | undefined> {
  if (content !== undefined) {
    if (createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex') === entry.sha) return undefined;
    return linkOf(path, entry.sha, (await rest.blob(repositoryPath(owner, repo), entry.sha)).toString('utf8'));
  }
  let treeish = ref;
  let found: TreeEntry | undefined;
  for (const part of path.split('/')) {
    const { tree } = await rest.get(`${repositoryPath(owner, repo)}/git/trees/${escaped(treeish)}`) as { tree: TreeEntry[] };
    found = tree.find((one) => one.path === part);
    if (found === undefined) break;
    treeish = found.sha;
  }
  if (found?.sha !== entry.sha) return new Error(`contents API metadata does not match the Git tree for path ${JSON.stringify(path)}`);
  return found.mode === '120000' ? linkOf(path, entry.sha, (await rest.blob(repositoryPath(owner, repo), entry.sha)).toString('utf8')) : undefined;
}

function metadata(link: Link, content: string | undefined, note: string): string {
  return JSON.stringify({ ...link, ...(content === undefined ? {} : { content }), ...(note.trim() === '' ? {} : { note: note.trim() }) });
}

/** A commit id as it is; a branch or tag by name; nothing, and a `main` that is not there: the default branch. Throws when there is no such ref. */
async function resolve(rest: Rest, owner: string, repo: string, ref: string, sha: string): Promise<Resolved> {
  if (sha !== '' || SHA.test(ref)) return { ref: '', sha: sha === '' ? ref : sha, note: '' };
  const at = repositoryPath(owner, repo);
  const lookUp = async (full: string) => (await rest.get(`${at}/git/ref/${escaped(full.replace(/^refs\//, ''))}`) as { object: { sha: string } }).object.sha;
  const defaultBranch = async () => {
    const { default_branch: branch } = await rest.get(at).catch((error: unknown) => { throw new Error(`failed to get repository info: ${(error as Error).message}`); }) as { default_branch: string };
    return { ref: `refs/heads/${branch}`, sha: await lookUp(`refs/heads/${branch}`) };
  };
  if (ref === '') return { ...await defaultBranch(), note: '' };
  const candidates = ref.startsWith('refs/') ? [ref] : /^(heads|tags)\//.test(ref) ? [`refs/${ref}`] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
  for (const candidate of candidates) {
    const found = await lookUp(candidate).catch((error: unknown) => { if (error instanceof RestError && error.status === 404) return undefined; throw error; });
    if (found !== undefined) return { ref: candidate, sha: found, note: '' };
  }
  if (ref !== 'main' && ref !== 'refs/heads/main' && ref !== 'heads/main') throw new Error(candidates.length > 1 ? `could not resolve ref ${JSON.stringify(ref)} as a branch or a tag` : `failed to get final reference for ${JSON.stringify(candidates[0])}: not found`);
  const instead = await defaultBranch();
  return { ...instead, note: ` Note: the provided ref '${ref}' does not exist, default branch '${instead.ref}' was used instead.` };
}

/** What ends like the path that is not there: three at most, told as a success. */
async function matches(rest: Rest, owner: string, repo: string, path: string, resolved: Resolved): Promise<CallToolResult> {
  let tree: TreeEntry[];
  try {
    ({ tree } = await rest.get(`${repositoryPath(owner, repo)}/git/trees/${escaped(resolved.sha)}`, { recursive: 1 }) as { tree: TreeEntry[] });
  } catch (error) {
    return failed(`failed to get git tree: ${(error as Error).message}`);
  }
  const foldersOnly = path.endsWith('/');
  const end = path.replace(/\/$/, '');
  const found = tree.filter((entry) => (!foldersOnly || entry.type === 'tree') && entry.path.endsWith(end)).slice(0, 3).map((entry) => (entry.type === 'tree' ? `${entry.path}/` : entry.path));
  if (found.length === 0) return failed('Failed to get file contents. The path does not point to a file or directory, or the file does not exist in the repository.');
  return text(`Resolved potential matches in the repository tree (resolved refs: ${JSON.stringify({ Ref: resolved.ref, SHA: resolved.sha })}, matching files: ${JSON.stringify(found)}).`);
}
