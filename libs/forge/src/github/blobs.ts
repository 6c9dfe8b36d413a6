import { Failure } from '#contracts';
import type { ListedEntry } from '../hosted/listing.js';
import { doing, type GithubClient } from './client.js';
import type { Reader } from './reader.js';

export type GithubRepository = { owner: string; repo: string };

export async function readTree(client: GithubClient, at: GithubRepository, id: string, recursive: boolean): Promise<{ entries: ListedEntry[]; truncated: boolean }> {
  const { data } = await doing(`the tree ${id.slice(0, 12)}`, () => client.request('GET /repos/{owner}/{repo}/git/trees/{tree_sha}', { ...at, tree_sha: id, ...(recursive && { recursive: '1' }) }));
  return { entries: listedEntries(data.tree), truncated: data.truncated };
}

/** What REST and MCP list alike. */
export function listedEntries(tree: ReadonlyArray<{ path?: string; mode?: string; type?: string; sha?: string | null; size?: number }>): ListedEntry[] {
  return tree.map(({ path, mode, type, sha, size }) => {
    if (path === undefined || mode === undefined || (type !== 'blob' && type !== 'tree' && type !== 'commit') || typeof sha !== 'string') throw new Failure('forge-unavailable', 'the forge lists a tree with an entry that is none');
    return { path, mode, type, id: sha, ...(size !== undefined && { size }) };
  });
}

export async function readBlob(client: GithubClient, at: GithubRepository, id: string): Promise<Buffer> {
  const { data } = await doing(`the blob ${id.slice(0, 12)}`, () => client.request('GET /repos/{owner}/{repo}/git/blobs/{file_sha}', { ...at, file_sha: id }));
  return Buffer.from(data.content, data.encoding === 'base64' ? 'base64' : 'utf8');
}

/** One request a file: for few files, or where nothing else is allowed. It brings nothing itself: what is missing is fetched blob by blob anyway. */
export function blobsReader(client: GithubClient, at: GithubRepository): Reader {
  return { tree: (id, recursive) => readTree(client, at, id, recursive), contents: () => Promise.resolve(), close: () => Promise.resolve() };
}
