import { ApiError, badGateway, created, notFound, ok, type Answer, type RepositoryRequest } from '../request.js';
import { reads, writes, type Route } from '../route.js';
import { repositoryUrl } from '../shapes/repository.js';
import { requireCommits } from './git.js';
import type { TreeEntry } from '../../git-store.js';

const INLINE_FILES = 250;
const INLINE_BYTES = 2_500_000;

export const gitTreeRoutes: Record<string, Route> = {
  'git/get-tree': reads('contents', async (request) => {
    const { world: { treeLimit }, repository: { store }, params, query } = request;
    await requireCommits(request);
    const name = params.tree_sha as string;
    const asked = /^[0-9a-f]{40}$/.test(name) ? await store.object(name) : await store.object(await store.commitOf(name) ?? '');
    const root = asked === undefined ? undefined : await store.peel(asked.sha, 'tree');
    if (asked === undefined || root === undefined) throw notFound();
    // Whatever stands there counts as yes, "0" and "false" as well.
    const all = await store.tree(root, query.has('recursive'));
    const entries: object[] = [];
    for (let bytes = 0; entries.length < Math.min(all.length, treeLimit.entries);) {
      const shown = entryShape(request, all[entries.length] as TreeEntry);
      bytes += JSON.stringify(shown).length;
      if (bytes > treeLimit.bytes) break;
      entries.push(shown);
    }
    // The id is the one that was asked for: a commit's, when it was a commit's.
    return ok({ sha: asked.sha, url: `${repositoryUrl(request.world, request.repository)}/git/trees/${asked.sha}`, tree: entries, truncated: entries.length < all.length });
  }),
  'git/create-tree': writes('contents', createTree),
};

function entryShape({ world, repository }: RepositoryRequest, { path, mode, type, sha, size }: TreeEntry) {
  const api = repositoryUrl(world, repository);
  return { path, mode, type, sha, ...(size === undefined ? {} : { size }), ...(type === 'commit' ? {} : { url: `${api}/git/${type}s/${sha}` }) };
}

interface Given { path?: string; mode?: string; type?: string; sha?: string | null; content?: string }

async function createTree(request: RepositoryRequest): Promise<Answer> {
  const { world, repository } = request;
  const { store } = repository;
  const { tree, base_tree: baseTree } = request.body as { tree: Given[]; base_tree?: string };
  await requireCommits(request);
  // Nobody says where the limit is; this much was seen to fail.
  const inline = tree.flatMap(({ content }) => (content === undefined ? [] : [Buffer.byteLength(content)]));
  if (inline.length > INLINE_FILES || inline.reduce((sum, bytes) => sum + bytes, 0) > INLINE_BYTES) return badGateway;
  if (tree.length === 0) throw new ApiError(422, 'Invalid tree info');
  const base = baseTree === undefined ? undefined : /^[0-9a-f]{40}$/.test(baseTree) ? await store.peel(baseTree, 'tree') : undefined;
  if (baseTree !== undefined && base === undefined) throw new ApiError(422, 'base_tree is not a valid tree oid');
  const entries: Array<{ path: string; mode?: string; sha?: string }> = [];
  for (const given of tree) entries.push(await entryOf(request, given, base));
  const sha = await store.writeTree(base, entries);
  return created({ sha, url: `${repositoryUrl(world, repository)}/git/trees/${sha}`, tree: (await store.tree(sha, false)).map((entry) => entryShape(request, entry)), truncated: false });
}

async function entryOf({ repository: { store } }: RepositoryRequest, { path, mode, type, sha, content }: Given, base: string | undefined): Promise<{ path: string; mode?: string; sha?: string }> {
  if (path === undefined || path === '') throw new ApiError(422, 'Must supply tree.path');
  if (path.startsWith('/')) throw new ApiError(422, 'tree.path cannot start with a slash');
  if (path.endsWith('/') || path.split('/').some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git') || path.includes('\0')) throw new ApiError(422, 'tree.path contains a malformed path component');
  if (sha === null) {
    if (base === undefined || await store.entry(base, path) === undefined) throw new ApiError(422, 'GitRPC::BadObjectState');
    return { path };
  }
  if (mode === undefined) throw new ApiError(422, 'Must supply a valid tree.mode');
  if ((sha === undefined) === (content === undefined)) throw new ApiError(422, 'Must supply either tree.sha or tree.content, and not both');
  const kind = mode === '040000' ? 'tree' : mode === '160000' ? 'commit' : 'blob';
  if (type !== undefined && type !== kind) throw new ApiError(422, 'tree.type does not match tree.mode');
  if (content !== undefined) {
    if (kind !== 'blob') throw new ApiError(422, 'tree.content is for blobs only');
    return { path, mode, sha: await store.writeBlob(content) };
  }
  // A submodule's commit is somewhere else.
  if (kind !== 'commit' && (!/^[0-9a-f]{40}$/.test(sha as string) || (await store.object(sha as string))?.type !== kind)) throw new ApiError(422, `tree.sha ${sha} is not a valid ${kind}`);
  return { path, mode, sha: sha as string };
}
