import { Failure, type TreeBasis } from '#contracts';
import { objectId } from './object-id.js';
import { printable } from './printable.js';
import { plannedTree } from './tree-plan.js';

/**
 * Makes a published tree again from what its pull request says it was made of and the contents that were published, and answers with its id.
 * Throws `Failure('artifact-corrupt')` that names the first path whose content or tree is not what the pull request says.
 */
export function reproduceTree(basis: TreeBasis, contents: ReadonlyMap<string, Buffer>): string {
  for (const { path, blob } of basis.changes) {
    const content = contents.get(path);
    if (content !== undefined && objectId('blob', content, basis.tree) !== blob) throw new Failure('artifact-corrupt', `${printable(path)} is not what was published`);
  }
  const tree = plannedTree(basis);
  if (tree === undefined) throw new Failure('artifact-corrupt', 'the tree would be empty');
  return tree;
}
