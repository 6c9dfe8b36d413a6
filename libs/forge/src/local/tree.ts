import { Failure } from '#contracts';
import { printable } from '../printable.js';
import { foldersAlong } from '../tree-plan.js';
import { git } from './git.js';

/** Names are kept as latin1, one character a byte, so that siblings with names that are not UTF-8 survive a rewrite. */
interface TreeEntry { mode: string; type: string; id: string }
const bytes = (name: string) => Buffer.from(name, 'utf8').toString('latin1');

async function readTree(gitDir: string, tree: string): Promise<Map<string, TreeEntry>> {
  const listing = (await git(gitDir, ['ls-tree', '-z', '--full-tree', tree])).toString('latin1');
  return new Map(listing.split('\0').filter(Boolean).map((line) => {
    const tab = line.indexOf('\t');
    const [mode = '', type = '', id = ''] = line.slice(0, tab).split(' ');
    return [line.slice(tab + 1), { mode, type, id }];
  }));
}

/** The entries of a tree and of those below it on the way to these paths, as `git mktree` reads them; the root's path is empty. */
export async function treesAlong(gitDir: string, root: string, paths: readonly string[]): Promise<Array<{ path: string; entries: string[] }>> {
  const found: Array<{ path: string; id: string; entries: Map<string, TreeEntry> }> = [];
  for (const path of foldersAlong(paths)) {
    const slash = path.lastIndexOf('/');
    const entry = found.find((tree) => tree.path === path.slice(0, Math.max(0, slash)))?.entries.get(bytes(path.slice(slash + 1)));
    const id = path === '' ? root : entry?.type === 'tree' ? entry.id : undefined;
    if (id !== undefined) found.push({ path, id, entries: await readTree(gitDir, id) });
  }
  return found.map(({ path, entries }) => ({ path, entries: [...entries].map(([name, { mode, type, id }]) => `${mode} ${type} ${id}\t${name}`) }));
}

/**
 * Blob ids of the files below a folder, by path from the root. Links and submodules are in it: they are something that must not be overwritten.
 * Throws `forbidden-path` when the folder, or a folder above it, is something else than a folder.
 */
export async function blobsBelow(gitDir: string, tree: string, folder: string): Promise<Map<string, string>> {
  let at = tree;
  for (const [i, segment] of folder.split('/').entries()) {
    const entry = (await readTree(gitDir, at)).get(bytes(segment));
    if (!entry) return new Map();
    if (entry.type !== 'tree') throw new Failure('forbidden-path', `${printable(folder.split('/').slice(0, i + 1).join('/'))} is not a folder`);
    at = entry.id;
  }
  const listing = await git(gitDir, ['ls-tree', '-r', '-z', '--full-tree', at]);
  return new Map(listing.toString('utf8').split('\0').filter(Boolean).map((line) => {
    const tab = line.indexOf('\t');
    return [`${folder}/${line.slice(tab + 1)}`, line.slice(0, tab).split(' ')[2] ?? ''];
  }));
}

/**
 * The tree of `base` with these files written (path to blob id) or taken out (`null`), everything else exactly as it was. Undefined when nothing is left.
 * Throws `forbidden-path` when a folder would have to take the place of a file.
 */
export async function writeTree(gitDir: string, base: string | undefined, changes: ReadonlyMap<string, string | null>, above = ''): Promise<string | undefined> {
  const entries = base === undefined ? new Map<string, TreeEntry>() : await readTree(gitDir, base);
  const folders = new Map<string, Map<string, string | null>>();
  for (const [path, blob] of changes) {
    const slash = path.indexOf('/');
    if (slash >= 0) {
      const folder = path.slice(0, slash);
      folders.set(folder, (folders.get(folder) ?? new Map()).set(path.slice(slash + 1), blob));
    } else if (blob === null) entries.delete(bytes(path));
    else entries.set(bytes(path), { mode: '100644', type: 'blob', id: blob });
  }
  for (const [folder, inside] of folders) {
    const existing = entries.get(bytes(folder));
    if (existing && existing.type !== 'tree') throw new Failure('forbidden-path', `${printable(above + folder)} is not a folder`);
    const tree = await writeTree(gitDir, existing?.id, inside, `${above}${folder}/`);
    if (tree === undefined) entries.delete(bytes(folder));
    else entries.set(bytes(folder), { mode: '040000', type: 'tree', id: tree });
  }
  if (entries.size === 0) return undefined;
  return (await git(gitDir, ['mktree', '-z', '--missing'], Buffer.from([...entries].map(([name, { mode, type, id }]) => `${mode} ${type} ${id}\t${name}\0`).join(''), 'latin1'))).toString('latin1').trim();
}

/** Stores bytes as a blob exactly as they are: no filter, no line-end conversion. */
export async function writeBlob(gitDir: string, content: Buffer | string): Promise<string> {
  return (await git(gitDir, ['hash-object', '-w', '--stdin', '--no-filters'], content)).toString('latin1').trim();
}
