import { Failure } from '#contracts';
import type { Snapshot, SnapshotEntry } from '../forge.js';
import { printable } from '../printable.js';
import { entryLine, treeId } from '../tree-plan.js';

/** One entry of a tree, as forges list it; `path` from the tree that was listed. */
export interface ListedEntry { path: string; mode: string; type: 'blob' | 'tree' | 'commit'; id: string; size?: number }

/** Every entry below a tree, checked against its id. */
export interface Listing {
  tree: string;
  /** In git's order, folders left out. */
  entries: SnapshotEntry[];
  skipped: Snapshot['skipped'];
  /** The lines of a `TreeBasis` by folder. A folder that has a name which cannot be told is not among them. */
  folders: ReadonlyMap<string, string[]>;
}

/** Forges do not hand out larger ones. */
export const MAX_BLOB_BYTES = 100 * 1024 * 1024;

/**
 * Makes a listing of what a forge has told about all of a tree. Nothing of it is believed: each folder must hash to the id that the folder above gives it.
 * A name that is not UTF-8 does not survive the JSON of a forge: it comes with replacement characters, its folder does not hash, and it is skipped.
 * Throws `repository-unreadable` when a folder does not hash for another reason.
 */
export function listingOf(tree: string, listed: readonly ListedEntry[]): Listing {
  const folders = new Map<string, ListedEntry[]>([['', []]]);
  const ids = new Map<string, string>([['', tree]]);
  for (const { path, type, id } of listed) if (type === 'tree') { ids.set(path, id); folders.set(path, []); }
  for (const entry of listed) folders.get(parentOf(entry.path))?.push(entry);
  const lines = new Map<string, string[]>();
  const unreadable = new Set<ListedEntry>();
  for (const [path, entries] of folders) {
    const own = entries.map((entry) => entryLine({ ...entry, name: nameOf(entry.path) }));
    if (treeId(own, tree) === ids.get(path)) { lines.set(path, own); continue; }
    const replaced = entries.filter((entry) => nameOf(entry.path).includes('\ufffd'));
    if (replaced.length === 0 && !isBelow(path, unreadable)) throw new Failure('repository-unreadable', `the forge's listing of ${printable(path) || 'the root'} is not what its id says`);
    for (const entry of replaced) unreadable.add(entry);
  }
  const entries: SnapshotEntry[] = [];
  const skipped: Snapshot['skipped'] = [];
  for (const entry of listed) {
    if (entry.type === 'tree') continue;
    if (unreadable.has(entry) || isBelow(entry.path, unreadable)) skipped.push({ path: printable(entry.path), reason: 'invalid-utf8' });
    else if ((entry.size ?? 0) > MAX_BLOB_BYTES) skipped.push({ path: entry.path, reason: 'too-large' });
    else entries.push({ path: entry.path, mode: entry.mode, type: entry.type, blob: entry.id, size: entry.type === 'commit' ? 0 : entry.size ?? 0 });
  }
  return { tree, entries: inOrder(entries), skipped: inOrder(skipped), folders: lines };
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function isBelow(path: string, unreadable: ReadonlySet<ListedEntry>): boolean {
  for (const { path: folder, type } of unreadable) if (type === 'tree' && (path === folder || path.startsWith(`${folder}/`))) return true;
  return false;
}

/** By bytes, as git has it; JavaScript compares UTF-16, which differs above the basic plane. */
function inOrder<T extends { path: string }>(entries: T[]): T[] {
  return entries.map((entry) => ({ entry, key: Buffer.from(entry.path) })).sort((a, b) => Buffer.compare(a.key, b.key)).map(({ entry }) => entry);
}

/** Blob ids below a folder for a plan, links, submodules and what is too large included. Throws `forbidden-path` when the folder, or one above it, is something else. */
export function blobsBelow({ entries, skipped }: Listing, folder: string): Map<string, string> {
  for (const { path } of [...entries, ...skipped]) if (path === folder || folder.startsWith(`${path}/`)) throw new Failure('forbidden-path', `${printable(path)} is not a folder`);
  return new Map([...entries.map(({ path, blob }) => [path, blob] as const), ...skipped.map(({ path }) => [path, 'unknown'] as const)].filter(([path]) => path.startsWith(`${folder}/`)));
}
