import { parseExpression } from '@babel/parser';
import * as N from '@babel/types';
import type { Machine } from '../interpret/machine.js';
import { truth } from '../interpret/convert.js';
import { Scope } from '../interpret/scope.js';
import { isObject, type Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { eachEntry } from './loops.js';
import type { Rendering } from './rendering.js';

/** A template as a program: the function it was translated to, and the names that it uses and does not declare. */
export interface Script { program: N.Expression; free: ReadonlySet<string>; file: string }

/** JavaScript under construction, with the place in a template that each of its lines stands for. */
export class ScriptText {
  #code = '';
  readonly #places: Place[];
  constructor(private readonly file: string) { this.#places = [{ file, line: 1 }]; }

  /** Adds code that begins at a line of a template. Line breaks in it are line breaks of the template. */
  add(code: string, at: Place): void {
    this.#places[this.#places.length - 1] = at;
    this.#code += code;
    let { line } = at;
    for (const character of code) if (character === '\n') this.#places.push({ file: at.file, line: ++line });
  }

  /** The function whose body was added, or why it is none. */
  script(): Script | Undecided {
    try {
      const program = parseExpression(`(function () {${this.#code}\n})`, { sourceFilename: this.file, createParenthesizedExpressions: false, attachComment: false });
      const free = relocate(program, this.#places);
      openLoops(program);
      return { program, free, file: this.file };
    } catch (error) {
      return new Undecided(`${this.file} does not parse: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown syntax'}`, { file: this.file, line: 1 });
    }
  }
}

/**
 * Runs a template's function with the locals as its names and `built` (the engine's own functions) above them.
 * `missing`: what using a local that was not given means to the engine.
 */
export function runScript(script: Script, locals: Obj, built: Readonly<Record<string, Value>>, missing: 'error' | 'undefined', { machine }: Rendering): void {
  const scope = new Scope(null, true);
  for (const name of script.free) {
    if (machine.globals.has(name)) continue;
    if (locals.missing) scope.declare(name, new Unknown(`${locals.missing.reason}.${name}`, locals.missing.at));
    else scope.declare(name, undefined).dead = missing === 'error';
  }
  for (const key of locals.keys()) scope.declare(key, machine.get(locals, key));
  scope.declare('locals', locals);
  for (const [name, value] of Object.entries({ ...loops(machine), ...built })) scope.declare(name, value);
  machine.during('render', () => {
    const body = machine.evaluate(script.program, { machine, file: script.file, scope, self: undefined, home: null, newTarget: undefined, maybe: [] });
    return machine.call(body, [], undefined, { file: script.file, line: 1 });
  });
}

/** What loops over unknown lists are rewritten to (`openLoops`). */
function loops(machine: Machine): Record<string, Value> {
  return {
    __unknown: machine.fn('__unknown', ([value]) => truth(value) instanceof Unknown || (isObject(value) && (value.missing !== undefined || machine.get(value, 'length') instanceof Unknown))),
    __each: machine.fn('__each', ([list, round, self], _self, at) => {
      const unknown = list instanceof Unknown ? list : isObject(list) ? list.missing : undefined;
      if (!unknown) return machine.call(machine.get(list, 'forEach', at), [round, self], list, at);
      eachEntry(machine, unknown, (item, key) => machine.call(round, [item, key, list], self, at));
      return undefined;
    }),
  };
}

/** Moves the nodes to the places of the template, and lets `typeof name` ask the locals, where a missing name is no error. Gives the names that are not declared inside. */
function relocate(program: N.Node, places: readonly Place[]): Set<string> {
  const moved = new Set<N.SourceLocation>();
  const declared = new Set<string>();
  const used = new Set<string>();
  const typeofs: N.UnaryExpression[] = [];
  visit(program, (node) => {
    if (node.type === 'Identifier') used.add(node.name);
    if (node.type === 'UnaryExpression' && node.operator === 'typeof' && node.argument.type === 'Identifier') typeofs.push(node);
    if (node.type === 'VariableDeclarator') visit(node.id, (part) => { if (part.type === 'Identifier') declared.add(part.name); });
    else if (node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration' || node.type === 'ArrowFunctionExpression') {
      if (node.type !== 'ArrowFunctionExpression' && node.id) declared.add(node.id.name);
      for (const parameter of node.params) visit(parameter, (part) => { if (part.type === 'Identifier') declared.add(part.name); });
    }
    // Nodes share locations, and locations share positions.
    if (!node.loc || moved.has(node.loc)) return;
    moved.add(node.loc);
    const place = places[node.loc.start.line - 1];
    if (!place) return;
    node.loc.start = { ...node.loc.start, line: place.line };
    node.loc.filename = place.file;
  });
  for (const node of typeofs) {
    const name = node.argument as N.Identifier;
    if (!declared.has(name.name)) node.argument = { type: 'MemberExpression', object: { ...name, name: 'locals' }, property: name, computed: false, loc: name.loc } as N.MemberExpression;
  }
  return new Set([...used].filter((name) => !declared.has(name)));
}

/**
 * A loop over a list that is not known writes an unknown number of copies, which the language's own loops cannot say. `list.forEach(f)` becomes `__each(list, f)`;
 * `for (x of list) body` becomes `if (__unknown(list)) __each(list, (x) => body); else for (x of list) body`, and loops with a condition likewise.
 */
function openLoops(program: N.Node): void {
  const seen = new Set<N.Node>();
  visit(program, (node) => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && !node.callee.computed && node.callee.property.type === 'Identifier' && node.callee.property.name === 'forEach') {
      node.arguments = [node.callee.object as N.Expression, ...node.arguments];
      node.callee = N.inherits(N.identifier('__each'), node);
    } else if (node.type === 'BlockStatement') node.body = node.body.map((statement) => openLoop(statement, seen));
    else if (node.type === 'IfStatement') {
      node.consequent = openLoop(node.consequent, seen);
      if (node.alternate) node.alternate = openLoop(node.alternate, seen);
    }
  });
}

function openLoop(loop: N.Statement, seen: Set<N.Node>): N.Statement {
  if (seen.has(loop)) return loop;
  if (loop.type === 'ForOfStatement' || loop.type === 'ForInStatement') {
    seen.add(loop);
    const parameter = loop.left.type === 'VariableDeclaration' ? loop.left.declarations[0]!.id : loop.left;
    return eachIfUnknown(loop.right, parameter as N.Identifier, [loop.body], loop);
  }
  if (loop.type !== 'ForStatement' || !loop.test || loop.init?.type !== 'VariableDeclaration') return loop;
  seen.add(loop);
  // The variables of the loop hold something unknown in a turn that stands for all of them.
  const count = N.inherits(N.identifier('__count'), loop);
  const names = loop.init.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id] : []));
  const turn = names.map((id) => N.inherits(N.expressionStatement(N.inherits(N.assignmentExpression('=', id, count), loop)), loop));
  const rest: N.ForStatement = { ...loop, init: null };
  seen.add(rest);
  return N.inherits(N.blockStatement([loop.init, eachIfUnknown(loop.test, count, [...turn, loop.body], rest)]), loop);
}

function eachIfUnknown(list: N.Expression, parameter: N.Identifier, body: N.Statement[], loop: N.Statement): N.Statement {
  const call = (name: string, args: N.Expression[]): N.Expression => N.inherits(N.callExpression(N.inherits(N.identifier(name), loop), args), loop);
  const round = N.inherits(N.arrowFunctionExpression([parameter], N.inherits(N.blockStatement(body), loop)), loop);
  return N.inherits(N.ifStatement(call('__unknown', [list]), N.inherits(N.expressionStatement(call('__each', [list, round])), loop), loop), loop);
}

/** Calls `see` for every node of a syntax tree. */
function visit(node: N.Node, see: (node: N.Node) => void): void {
  see(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && 'type' in child && typeof child.type === 'string') visit(child as N.Node, see);
    }
  }
}
