import * as N from '@babel/types';
import type { Repo } from '../framework.js';
import { patternNames } from '../interpret/hoisting.js';
import { resolveImport } from '../interpret/resolution.js';
import { syntaxOf } from '../interpret/syntax.js';
import { Undecided } from '../interpret/values.js';

/**
 * What the functions of a server change, by name: read off the source once, because a server's memory outlives the browser whose requests are
 * followed, and other browsers may have sent any request before. Names are matched without types, so more may be named than changes.
 */
export interface StateFacts {
  /** Variables that functions assign, as `file#name`. */
  variables: Set<string>;
  /** Of those: only counted up, and never compared: `nextId++`. */
  counters: Set<string>;
  /** Properties that functions assign. */
  properties: Set<string>;
  counterProperties: Set<string>;
  /** Names of collections (last name of the receiver) that functions add to, or take from and reorder. */
  grows: Set<string>;
  shrinks: Set<string>;
  /** Names of objects whose keys functions set by a computed name, or delete. */
  keyed: Set<string>;
  /** Functions write files. */
  writesFiles: boolean;
  /** Tables that SQL in the source updates or deletes from. */
  changedTables: Set<string>;
}

const ADDS = new Set(['push', 'unshift', 'add', 'set', 'append', 'enqueue']);
const TAKES = new Set(['pop', 'shift', 'splice', 'sort', 'reverse', 'fill', 'copyWithin', 'delete', 'clear']);
/** Roots of what belongs to one request. */
const OF_THE_REQUEST = new Set(['req', 'res', 'request', 'response', 'ctx', 'module', 'exports', 'session', 'locals']);
const MAX_FILES = 400;

const cache = new WeakMap<Repo, Map<string, StateFacts>>();

export function stateFacts(repo: Repo, root: string, entry: string): StateFacts {
  let known = cache.get(repo);
  if (!known) cache.set(repo, known = new Map<string, StateFacts>());
  let facts = known.get(entry);
  if (!facts) known.set(entry, facts = collect(repo, root, entry));
  return facts;
}

function collect(repo: Repo, root: string, entry: string): StateFacts {
  const facts: StateFacts = { variables: new Set(), counters: new Set(), properties: new Set(), counterProperties: new Set(), grows: new Set(), shrinks: new Set(), keyed: new Set(), writesFiles: false, changedTables: new Set() };
  const compared = new Set<string>();
  const plain = new Set<string>();
  const files = [entry];
  for (const file of files) {
    if (files.length > MAX_FILES) break;
    let program: N.Program;
    try {
      ({ program } = syntaxOf(repo, file));
    } catch (problem) {
      if (problem instanceof Undecided) continue;
      throw problem;
    }
    for (const match of (repo.text(file) ?? '').matchAll(/\b(?:update|delete\s{1,20}from|replace\s{1,20}into|truncate(?:\s{1,20}table)?|drop\s{1,20}table)\s{1,20}["'`]?(\w{1,100})/gi)) facts.changedTables.add(match[1]!.toLowerCase());
    new FileReader(file, facts, compared, plain, (specifier) => {
      const resolved = resolveImport(repo, root, specifier, file);
      if ('file' in resolved && /\.[cm]?[jt]sx?$|^[^.]+$/.test(resolved.file) && !files.includes(resolved.file)) files.push(resolved.file);
    }).statements(program.body, [], 0);
  }
  for (const name of Array.from(facts.counters)) if (compared.has(name) || plain.has(name)) facts.counters.delete(name);
  for (const name of Array.from(facts.counterProperties)) if (compared.has(`.${name}`) || plain.has(`.${name}`)) facts.counterProperties.delete(name);
  return facts;
}

/** Names of a function. `fresh`: of those, the ones that hold an object made in it. */
interface Names { declared: ReadonlySet<string>; fresh: ReadonlySet<string> }

class FileReader {
  constructor(private readonly file: string, private readonly facts: StateFacts, private readonly compared: Set<string>, private readonly plain: Set<string>, private readonly imports: (specifier: string) => void) {}

  statements(nodes: readonly N.Node[], scopes: readonly Names[], depth: number): void { for (const node of nodes) this.#node(node, scopes, depth); }

  /** `depth`: how many functions stand around the node; code outside of functions runs once, at the start. */
  #node(node: N.Node, scopes: readonly Names[], depth: number): void {
    if (N.isFunction(node)) {
      const inside = declaredIn(node.body);
      const own: Names = { declared: new Set([...node.params.flatMap(patternNames), ...inside.declared]), fresh: inside.fresh };
      // A constructor sets the properties of a new object.
      const constructs = node.type === 'ClassMethod' && node.kind === 'constructor';
      for (const parameter of node.params) this.#node(parameter, [...scopes, own], depth + 1);
      this.#node(node.body, [...scopes, own], depth + (constructs ? 0 : 1));
      return;
    }
    if (node.type === 'ImportDeclaration' || ((node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') && node.source)) { if (node.source) this.imports(node.source.value); }
    if (node.type === 'CallExpression') this.#call(node, scopes, depth);
    if (node.type === 'BinaryExpression' && /^[<>=!]/.test(node.operator)) { for (const side of [node.left, node.right]) this.#compare(side); }
    if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') this.#compare(node.test);
    if (depth > 0) {
      if (node.type === 'AssignmentExpression') this.#assigned(node.left, node.operator === '+=' ? 'count' : growing(node) ? 'grow' : 'set', scopes);
      if (node.type === 'UpdateExpression') this.#assigned(node.argument, node.operator === '++' ? 'count' : 'set', scopes);
      if (node.type === 'UnaryExpression' && node.operator === 'delete' && node.argument.type === 'MemberExpression') this.#keyed(node.argument, scopes);
    }
    for (const key of N.VISITOR_KEYS[node.type] ?? []) {
      const child = (node as unknown as Record<string, N.Node | null | Array<N.Node | null>>)[key];
      for (const item of Array.isArray(child) ? child : [child]) if (item) this.#node(item, scopes, depth);
    }
  }

  #call(node: N.CallExpression, scopes: readonly Names[], depth: number): void {
    const [first] = node.arguments;
    if (node.callee.type === 'Identifier' && node.callee.name === 'require' && first?.type === 'StringLiteral') this.imports(first.value);
    if (node.callee.type === 'Import' && first?.type === 'StringLiteral') this.imports(first.value);
    if (node.callee.type !== 'MemberExpression' || node.callee.property.type !== 'Identifier' || depth === 0) return;
    const method = node.callee.property.name;
    if (/^(?:write|append)File|^unlink|^createWriteStream$/.test(method)) this.facts.writesFiles = true;
    if (method === 'assign' && node.callee.object.type === 'Identifier' && node.callee.object.name === 'Object' && first) this.#keyed({ ...node.callee, object: first as N.Expression }, scopes);
    const name = lastName(node.callee.object);
    if (name === undefined || this.#ofTheRequest(node.callee.object, scopes)) return;
    if (ADDS.has(method)) this.facts.grows.add(name);
    if (TAKES.has(method)) this.facts.shrinks.add(name);
  }

  #compare(node: N.Node): void {
    if (node.type === 'Identifier') this.compared.add(`${this.file}#${node.name}`);
    if (node.type === 'MemberExpression' && node.property.type === 'Identifier' && !node.computed) this.compared.add(`.${node.property.name}`);
  }

  #assigned(target: N.Node, how: 'set' | 'count' | 'grow', scopes: readonly Names[]): void {
    if (target.type === 'Identifier') {
      if (scopes.some((scope) => scope.declared.has(target.name))) return;
      const key = `${this.file}#${target.name}`;
      this.facts.variables.add(key);
      if (how === 'count') this.facts.counters.add(key); else this.plain.add(key);
    } else if (target.type === 'MemberExpression') {
      if (this.#ofTheRequest(target.object, scopes)) return;
      if (target.computed || target.property.type !== 'Identifier') { this.#keyed(target, scopes); return; }
      const { name } = target.property;
      if (name === 'length') { const list = lastName(target.object); if (list) this.facts.shrinks.add(list); return; }
      this.facts.properties.add(name);
      if (how === 'count') this.facts.counterProperties.add(name); else this.plain.add(`.${name}`);
    } else if (target.type === 'ArrayPattern' || target.type === 'ObjectPattern') for (const name of patternNames(target)) this.#assigned(N.identifier(name), 'set', scopes);
  }

  #keyed(target: N.MemberExpression, scopes: readonly Names[]): void {
    const name = lastName(target.object);
    if (name === undefined || this.#ofTheRequest(target.object, scopes)) return;
    this.facts.keyed.add(name);
    this.facts.shrinks.add(name);
  }

  /** An object that belongs to one request: `req`, `res`, or one that the function itself has made. */
  #ofTheRequest(node: N.Node, scopes: readonly Names[]): boolean {
    const root = rootName(node);
    if (root === undefined) return false;
    const scope = scopes.findLast((names) => names.declared.has(root));
    return OF_THE_REQUEST.has(root) || (scope?.fresh.has(root) ?? false);
  }
}

/** `list = [...list, item]` and `list = list.concat(item)` only add. */
const growing = (node: N.AssignmentExpression): boolean => node.right.type === 'ArrayExpression' && node.right.elements[0]?.type === 'SpreadElement';

function lastName(node: N.Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') return node.property.type === 'Identifier' && !node.computed ? node.property.name : node.property.type === 'PrivateName' ? `#${node.property.id.name}` : lastName(node.object);
  if (node.type === 'TSNonNullExpression' || node.type === 'TSAsExpression' || node.type === 'ParenthesizedExpression') return lastName(node.expression);
  return undefined;
}

function rootName(node: N.Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') return rootName(node.object);
  return undefined;
}

/** Names that a function body declares, nested functions not included. */
function declaredIn(body: N.Node): { declared: string[]; fresh: Set<string> } {
  const declared: string[] = [];
  const fresh = new Set<string>();
  const walk = (node: N.Node): void => {
    if (node.type === 'VariableDeclarator') {
      declared.push(...patternNames(node.id));
      if (node.id.type === 'Identifier' && (node.init?.type === 'ObjectExpression' || node.init?.type === 'ArrayExpression' || node.init?.type === 'NewExpression')) fresh.add(node.id.name);
    }
    if ((node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && node.id) declared.push(node.id.name);
    if (N.isFunction(node)) return;
    if (node.type === 'CatchClause' && node.param) declared.push(...patternNames(node.param));
    for (const key of N.VISITOR_KEYS[node.type] ?? []) {
      const child = (node as unknown as Record<string, N.Node | null | Array<N.Node | null>>)[key];
      for (const item of Array.isArray(child) ? child : [child]) if (item) walk(item);
    }
  };
  walk(body);
  return { declared, fresh };
}
