import { isUtf8 } from 'node:buffer';
import { Failure } from '#contracts';
import type { FileChange } from '../ownership.js';
import { printable } from '../printable.js';
import { doing, isStatus, wordsOf } from './client.js';
import { branchTip, type GithubSource } from './snapshot.js';

/** GitHub gives up on larger requests for a tree. */
const CHUNK_ENTRIES = 200;
const CHUNK_BYTES = 2 * 1024 * 1024;
/** What is longer, or no text, goes as a blob of its own. */
const INLINE_BYTES = 64 * 1024;

type TreeItem = { path: string; mode: '100644'; type: 'blob' } & ({ content: string } | { sha: string | null });

/**
 * Puts the changes on top of the base's tree, in pieces; what they do not name stays as it is, as every piece names the tree that it builds on. A removal is only ever of a file that the plan
 * found to be ours. Answers with the tree's id. Throws `forge-unavailable` when it is not the one that was foretold.
 */
export async function makeTree(source: GithubSource, baseTree: string, changes: readonly FileChange[], foretold: string | undefined): Promise<string> {
  const { client, at } = source;
  const items = await Promise.all(changes.filter(({ blob, before }) => blob !== before).map((change) => itemOf(source, change)));
  let tree = baseTree;
  for (const chunk of chunksOf(items)) {
    const { data } = await doing('making the tree', () => client.request('POST /repos/{owner}/{repo}/git/trees', { ...at, base_tree: tree, tree: chunk }));
    tree = data.sha;
  }
  if (foretold !== undefined && tree !== foretold) throw new Failure('forge-unavailable', `the forge made the tree ${tree.slice(0, 12)} of what is ${foretold.slice(0, 12)}`);
  return tree;
}

async function itemOf({ client, at }: GithubSource, { path, mode, content, blob, before }: FileChange): Promise<TreeItem> {
  const item = { path, mode, type: 'blob' } as const;
  if (content === undefined) {
    if (before === undefined) throw new Failure('internal', `${printable(path)} is to be removed and is not there`);
    return { ...item, sha: null };
  }
  if (content.length <= INLINE_BYTES && isUtf8(content)) return { ...item, content: content.toString('utf8') };
  const { data } = await doing(`the blob of ${printable(path)}`, () => client.request('POST /repos/{owner}/{repo}/git/blobs', { ...at, content: content.toString('base64'), encoding: 'base64' }));
  if (data.sha !== blob) throw new Failure('forge-unavailable', `the forge has stored ${printable(path)} as other bytes`);
  return { ...item, sha: data.sha };
}

function* chunksOf(items: readonly TreeItem[]): Generator<TreeItem[]> {
  let chunk: TreeItem[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = 'content' in item ? Buffer.byteLength(item.content) : 0;
    if (chunk.length > 0 && (chunk.length >= CHUNK_ENTRIES || bytes + size > CHUNK_BYTES)) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(item);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

/** With no author, no committer and no signature: GitHub signs what an App makes so, and shows it as verified. */
export async function makeCommit({ client, at }: GithubSource, { tree, parents, message }: { tree: string; parents: string[]; message: string }): Promise<string> {
  const { data } = await doing('making the commit', () => client.request('POST /repos/{owner}/{repo}/git/commits', { ...at, message, tree, parents }));
  return data.sha;
}

/** Makes the branch, or moves it forward from `tip`; never by force. Throws `forge-unavailable` when somebody else was there first, `forge-forbidden` when a rule forbids it. */
export async function moveBranch(source: GithubSource, branch: string, tip: string | undefined, commit: string): Promise<void> {
  const { client, at } = source;
  await doing(`the branch ${printable(branch)}`, async () => {
    try {
      if (tip === undefined) await client.request('POST /repos/{owner}/{repo}/git/refs', { ...at, ref: `refs/heads/${branch}`, sha: commit });
      else await client.request('PATCH /repos/{owner}/{repo}/git/refs/{ref}', { ...at, ref: `heads/${branch}`, sha: commit, force: false });
    } catch (error) {
      if (!isStatus(error, 422)) throw error;
      const now = await branchTip(source, branch);
      // An earlier try has done it, and its answer was lost.
      if (now === commit) return;
      if (now !== tip) throw new Failure('forge-unavailable', `${printable(branch)} was moved meanwhile`, { cause: error });
      throw new Failure(/reference already exists|folder|directory|cannot lock/i.test(wordsOf(error)) ? 'branch-taken' : 'forge-forbidden', `the branch ${printable(branch)}: ${wordsOf(error)}`, { cause: error });
    }
  });
}
