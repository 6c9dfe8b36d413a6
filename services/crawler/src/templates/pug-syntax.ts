import { posix } from 'node:path';
import lex from 'pug-lexer';
import parse from 'pug-parser';
import type { Repo } from '../framework.js';
import { Undecided } from '../interpret/values.js';

/** Nodes of a Pug template as pug-parser makes them (that package has no types), as far as they are read here. */
export interface PugBlock { type: 'Block'; nodes: PugNode[]; line: number; filename?: string }
interface Common { line: number; filename?: string }
export interface PugAttribute { name: string; val: string | boolean; mustEscape: boolean; line: number }
export interface PugTag extends Common { type: 'Tag' | 'InterpolatedTag'; name?: string; expr?: string; selfClosing: boolean; block: PugBlock; attrs: PugAttribute[]; attributeBlocks: Array<{ val: string }>; code?: PugNode }
export interface PugConditional extends Common { type: 'Conditional'; test: string; consequent: PugBlock; alternate: PugBlock | PugConditional | null }
export interface PugMixin extends Common { type: 'Mixin'; name: string; args: string | null; call: boolean; block: PugBlock | null; attrs: PugAttribute[]; attributeBlocks: Array<{ val: string }>; code?: PugNode }
export interface PugNamedBlock extends Common { type: 'NamedBlock'; name: string; mode: 'replace' | 'append' | 'prepend'; nodes: PugNode[] }
export interface PugFile { path: string }
export type PugNode =
  | PugBlock | PugTag | PugConditional | PugMixin | PugNamedBlock
  | (Common & { type: 'Text'; val: string })
  | (Common & { type: 'Code'; val: string; buffer: boolean; mustEscape: boolean; isInline: boolean; block?: PugBlock | null })
  | (Common & { type: 'Comment' | 'BlockComment' | 'MixinBlock' | 'YieldBlock' | 'Filter' })
  | (Common & { type: 'Case'; expr: string; block: { nodes: Array<Common & { type: 'When'; expr: string; block?: PugBlock }> } })
  | (Common & { type: 'While'; test: string; block: PugBlock })
  | (Common & { type: 'Each' | 'EachOf'; obj: string; val: string; key?: string | null; block: PugBlock; alternate?: PugBlock | null })
  | (Common & { type: 'Doctype'; val: string })
  | (Common & { type: 'Extends'; file: PugFile })
  | (Common & { type: 'Include'; file: PugFile; block: PugBlock })
  | (Common & { type: 'RawInclude'; file: PugFile; filters: unknown[] });

const MAX_FILES = 200;

/**
 * A template with its layouts and includes put in, as pug-linker does: the blocks of the child replace, append to or precede those of the
 * layout; mixins and code of the child come first. Throws `Undecided` on what is missing or does not parse.
 */
export function linkedPug(repo: Repo, path: string, folders: readonly string[]): PugBlock {
  let files = 0;
  return link(path, new Map());

  /** `overrides`: by name, what the templates below give for a block, nearest to the reader first. */
  function link(file: string, overrides: ReadonlyMap<string, PugNamedBlock[]>): PugBlock {
    if (++files > MAX_FILES) throw new Undecided('templates include each other without end', { file, line: 1 }, true);
    const tree = parsedPug(repo, file);
    const parent = tree.nodes.find((node) => node.type === 'Extends');
    if (!parent) return { ...tree, nodes: fill(tree.nodes, file, overrides) };
    const blocks = new Map(overrides);
    for (const block of tree.nodes.flatMap((node) => namedBlocks(node))) {
      // What stands in the child's own block may hold blocks that its children override.
      const own = { ...block, nodes: fill(block.nodes, file, overrides) };
      blocks.set(block.name, [...(overrides.get(block.name) ?? []), own]);
    }
    const layout = link(find(parent.file.path, file, parent.line), blocks);
    const first = tree.nodes.filter((node) => (node.type === 'Mixin' && !node.call) || node.type === 'Code' || node.type === 'Include');
    return { ...layout, nodes: [...fill(first, file, overrides), ...layout.nodes] };
  }

  function fill(nodes: readonly PugNode[], file: string, overrides: ReadonlyMap<string, PugNamedBlock[]>): PugNode[] {
    const within = (block: PugBlock): PugBlock => ({ ...block, nodes: fill(block.nodes, file, overrides) });
    return nodes.flatMap((node): PugNode[] => {
      switch (node.type) {
        case 'NamedBlock': {
          let result = fill(node.nodes, file, overrides);
          for (const override of (overrides.get(node.name) ?? []).toReversed()) {
            result = override.mode === 'replace' ? override.nodes : override.mode === 'append' ? [...result, ...override.nodes] : [...override.nodes, ...result];
          }
          return result;
        }
        case 'Include': {
          const included = link(find(node.file.path, file, node.line), overrides);
          return node.block.nodes.length === 0 ? [included] : yielded(included, within(node.block));
        }
        case 'RawInclude': {
          const target = find(node.file.path, file, node.line);
          return node.filters.length > 0 ? [{ type: 'Filter', line: node.line, filename: file }] : [{ type: 'Text', val: repo.text(target) ?? '', line: 1, filename: target }];
        }
        case 'Conditional': {
          const alternate = node.alternate === null ? null : node.alternate.type === 'Block' ? within(node.alternate) : fill([node.alternate], file, overrides)[0] as PugConditional;
          return [{ ...node, consequent: within(node.consequent), alternate }];
        }
        case 'Case': return [{ ...node, block: { nodes: node.block.nodes.map((when) => ({ ...when, block: when.block ? within(when.block) : undefined })) } }];
        case 'Each': case 'EachOf': return [{ ...node, block: within(node.block), alternate: node.alternate ? within(node.alternate) : null }];
        case 'Block': return [within(node)];
        case 'Tag': case 'InterpolatedTag': case 'While': return [{ ...node, block: within(node.block) }];
        case 'Mixin': case 'Code': return [node.block ? { ...node, block: within(node.block) } : node];
        default: return [node];
      }
    });
  }

  function find(name: string, from: string, line: number): string {
    const candidates = name.startsWith('/') ? folders.map((folder) => posix.join(folder, name)) : [posix.join(posix.dirname(from), name)];
    const found = candidates.find((candidate) => repo.text(candidate) !== null);
    if (found === undefined) throw new Undecided(`the template ${name} is not in the repository`, { file: from, line });
    return found;
  }
}

/** Blocks of a child template, wherever they stand. */
function namedBlocks(node: PugNode): PugNamedBlock[] {
  if (node.type === 'NamedBlock') return [node];
  if (node.type === 'Conditional' || node.type === 'Tag' || node.type === 'Mixin') return [];
  return node.type === 'Block' ? node.nodes.flatMap(namedBlocks) : [];
}

/** The block given to an include goes where the included file says `yield`, or after its last node. */
function yielded(included: PugBlock, block: PugBlock): PugNode[] {
  let used = false;
  const replace = (nodes: readonly PugNode[]): PugNode[] => nodes.map((node) => {
    if (node.type === 'YieldBlock') { used = true; return block; }
    if (node.type === 'Block') return { ...node, nodes: replace(node.nodes) };
    return node.type === 'Tag' ? { ...node, block: { ...node.block, nodes: replace(node.block.nodes) } } : node;
  });
  const nodes = replace(included.nodes);
  return used ? nodes : [...nodes, block];
}

const trees = new WeakMap<Repo, Map<string, PugBlock | Undecided>>();

function parsedPug(repo: Repo, file: string): PugBlock {
  let known = trees.get(repo);
  if (!known) trees.set(repo, known = new Map<string, PugBlock | Undecided>());
  let tree = known.get(file);
  if (!tree) {
    const src = repo.text(file) ?? '';
    try {
      // As Pug does: a path without an extension is one of a template.
      const tokens = lex(src, { filename: file }).map((token) => (token.type === 'path' && posix.extname(token.val) === '' ? { ...token, val: `${token.val}.pug` } : token));
      tree = parse(tokens, { filename: file, src });
    } catch (error) {
      tree = new Undecided(`${file} does not parse: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown syntax'}`, { file, line: 1 });
    }
    known.set(file, tree);
  }
  if (tree instanceof Undecided) throw tree;
  return tree;
}
