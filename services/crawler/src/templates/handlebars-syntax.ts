import { parse } from '@handlebars/parser';
import type { Repo } from '../framework.js';
import { Undecided } from '../interpret/values.js';

/** Nodes of a Handlebars template as its parser makes them, as far as they are read here (the package's own declarations do not resolve as an ES module). */
interface Common { loc: { start: { line: number } } }
export interface Program extends Common { type: 'Program'; body: Statement[]; blockParams?: string[] }
export interface Path extends Common { type: 'PathExpression'; data: boolean; depth: number; parts: unknown[]; original: string }
export interface Call extends Common { type: 'SubExpression'; path: Expression; params: Expression[]; hash?: Hash }
export interface Hash extends Common { type: 'Hash'; pairs: Array<{ key: string; value: Expression }> }
export type Expression = Path | Call
  | (Common & { type: 'StringLiteral'; value: string }) | (Common & { type: 'NumberLiteral'; value: number }) | (Common & { type: 'BooleanLiteral'; value: boolean })
  | (Common & { type: 'UndefinedLiteral' | 'NullLiteral' });
export interface Mustache extends Common { type: 'MustacheStatement'; path: Expression; params: Expression[]; hash?: Hash; escaped: boolean }
export interface Block extends Common { type: 'BlockStatement'; path: Path; params: Expression[]; hash?: Hash; program?: Program; inverse?: Program }
export interface Partial extends Common { type: 'PartialStatement' | 'PartialBlockStatement'; name: Expression; params: Expression[]; hash?: Hash; program?: Program }
export type Statement = Mustache | Block | Partial
  | (Common & { type: 'ContentStatement'; value: string; original: string }) | (Common & { type: 'CommentStatement' | 'Decorator' | 'DecoratorBlock' });

const trees = new WeakMap<Repo, Map<string, Program | Undecided>>();

/** The time that the parser takes grows with the square of the depth. */
const MAX_NESTING = 200;
function nesting(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [, sign] of text.matchAll(/\{\{\{?~?(#|\/)/g)) {
    depth = sign === '#' ? depth + 1 : Math.max(0, depth - 1);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** The syntax tree of a template. Throws `Undecided` when it does not parse. */
export function parsedHandlebars(repo: Repo, path: string): Program {
  let known = trees.get(repo);
  if (!known) trees.set(repo, known = new Map<string, Program | Undecided>());
  let tree = known.get(path);
  if (!tree) {
    try {
      const text = repo.text(path) ?? '';
      tree = nesting(text) > MAX_NESTING ? new Undecided(`${path} nests blocks more than ${MAX_NESTING} deep`, { file: path, line: 1 }) : parse(text) as Program;
    } catch (error) {
      tree = new Undecided(`${path} does not parse: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown syntax'}`, { file: path, line: 1 });
    }
    known.set(path, tree);
  }
  if (tree instanceof Undecided) throw tree;
  return tree;
}
