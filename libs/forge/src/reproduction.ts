import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, type TreeBasis } from '#contracts';
import { git } from './local/git.js';
import { writeBlob, writeEntries, writeTree } from './local/tree.js';
import { printable } from './printable.js';

/**
 * Makes a published tree again in a repository of its own, from what its pull request says it was made of and the contents that were published, and answers with its id. The base's trees are
 * believed by their hash: they must give the base's own tree id. Throws `Failure('artifact-corrupt')` that names the first path whose content or tree is not what the pull request says.
 */
export async function reproduceTree(basis: TreeBasis, contents: ReadonlyMap<string, Buffer>): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'pullwright-tree-'));
  try {
    await git(scratch, ['init', '--quiet', '--bare', `--object-format=${basis.tree.length === 64 ? 'sha256' : 'sha1'}`]);
    await writeBase(scratch, basis);
    for (const { path, blob } of basis.changes) {
      const content = contents.get(path);
      if (content !== undefined && await writeBlob(scratch, content) !== blob) throw new Failure('artifact-corrupt', `${printable(path)} is not what was published`);
    }
    const tree = await writeTree(scratch, basis.tree, new Map(basis.changes.map(({ path, blob }) => [path, blob])));
    if (tree === undefined) throw new Failure('artifact-corrupt', 'the tree would be empty');
    return tree;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Each tree must be the one that the tree above names: so one hash, that of the root, vouches for all. */
async function writeBase(gitDir: string, { tree, trees }: TreeBasis): Promise<void> {
  const ids = new Map<string, string>();
  for (const { path, entries } of trees) ids.set(path, await writeEntries(gitDir, entries));
  if (ids.get('') !== tree) throw new Failure('artifact-corrupt', 'the root of the base is not what the pull request says');
  for (const { path, entries } of trees) {
    for (const entry of entries) {
      const [, type, id, name = ''] = /^\d+ (\w+) ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
      const below = `${path === '' ? '' : `${path}/`}${Buffer.from(name, 'latin1').toString('utf8')}`;
      if (type === 'tree' && ids.has(below) && ids.get(below) !== id) throw new Failure('artifact-corrupt', `${printable(below)} of the base is not what the pull request says`);
    }
  }
}
