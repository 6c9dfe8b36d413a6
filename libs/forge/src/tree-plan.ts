import { Failure, type TreeBasis } from '#contracts';
import { objectId } from './object-id.js';
import { printable } from './printable.js';

interface Entry { mode: string; type: string; id: string }
/** Names are latin1, one character a byte, as in a `TreeBasis`. */
type Tree = Map<string, Entry>;
const bytes = (name: string) => Buffer.from(name, 'utf8').toString('latin1');

/** An entry in the form of a `TreeBasis`; the name as UTF-8. */
export function entryLine({ mode, type, id, name }: Entry & { name: string }): string {
  return `${mode.padStart(6, '0')} ${type} ${id}\t${bytes(name)}`;
}

function parseEntries(lines: readonly string[]): Tree {
  return new Map(lines.map((line) => {
    const [, mode, type, id, name] = /^(\d{5,6}) (blob|tree|commit) ([0-9a-f]{40}(?:[0-9a-f]{24})?)\t([^/]+)$/s.exec(line) ?? [];
    if (mode === undefined || type === undefined || id === undefined || name === undefined) throw new Failure('artifact-corrupt', `a line of a tree is not one: ${printable(line)}`);
    return [name, { mode, type, id }];
  }));
}

/** The id of a tree with these entries (lines of a `TreeBasis`): git sorts a folder as if its name ended in a slash. */
export function treeId(lines: readonly string[], like: string): string {
  return idOf(parseEntries(lines), like);
}

function idOf(tree: Tree, like: string): string {
  const sorted = [...tree].map(([name, entry]) => ({ name, entry, key: entry.type === 'tree' ? `${name}/` : name })).sort((a, b) => (a.key < b.key ? -1 : 1));
  return objectId('tree', Buffer.concat(sorted.flatMap(({ name, entry }) => [Buffer.from(`${entry.mode.replace(/^0+/, '')} ${name}\0`, 'latin1'), Buffer.from(entry.id, 'hex')])), like);
}

/**
 * The id of the tree that the changes make of the base, by hashing alone: what is published can be foretold, checked and made again without the repository. The base's trees are believed by their
 * hash: the root must have the id that the basis names, each other one the id that the tree above it names. Throws `artifact-corrupt` that names the first which has not, `forbidden-path` when a folder
 * would have to take the place of a file. Undefined when nothing is left.
 */
export function plannedTree({ tree, trees, changes }: TreeBasis): string | undefined {
  const known = new Map(trees.map(({ path, entries }) => [path, parseEntries(entries)]));
  const root = known.get('');
  if (!root || idOf(root, tree) !== tree) throw new Failure('artifact-corrupt', 'the root of the base is not what the pull request says');
  return changed(known, '', tree, new Map(changes.map(({ path, blob }) => [path, blob])), tree);
}

function changed(known: ReadonlyMap<string, Tree>, path: string, id: string | undefined, changes: ReadonlyMap<string, string | null>, like: string): string | undefined {
  const before = known.get(path);
  if (id !== undefined && (!before || idOf(before, like) !== id)) throw new Failure('artifact-corrupt', `${printable(path)} of the base is not what the pull request says`);
  const tree: Tree = new Map(id === undefined ? [] : before);
  const folders = new Map<string, Map<string, string | null>>();
  for (const [file, blob] of changes) {
    const slash = file.indexOf('/');
    if (slash < 0) {
      if (blob === null) tree.delete(bytes(file));
      else tree.set(bytes(file), { mode: '100644', type: 'blob', id: blob });
    } else {
      const folder = file.slice(0, slash);
      folders.set(folder, (folders.get(folder) ?? new Map<string, string | null>()).set(file.slice(slash + 1), blob));
    }
  }
  for (const [folder, inside] of folders) {
    const below = path === '' ? folder : `${path}/${folder}`;
    const entry = tree.get(bytes(folder));
    if (entry && entry.type !== 'tree') throw new Failure('forbidden-path', `${printable(below)} is not a folder`);
    const next = changed(known, below, entry?.id, inside, like);
    if (next === undefined) tree.delete(bytes(folder));
    else tree.set(bytes(folder), { mode: '040000', type: 'tree', id: next });
  }
  return tree.size === 0 ? undefined : idOf(tree, like);
}

/** The folders on the way to these paths, the root, which is `''`, first. */
export function foldersAlong(paths: readonly string[]): string[] {
  return [...new Set(['', ...paths.flatMap((path) => path.split('/').slice(0, -1).map((_, depth, segments) => segments.slice(0, depth + 1).join('/')))])].sort((a, b) => (a < b ? -1 : 1));
}
