import type * as N from '@babel/types';
import { makeClass } from './classes.js';
import { iterate, truth } from './convert.js';
import { hoistFunctions } from './hoisting.js';
import type { Completion, Frame } from './machine.js';
import { strictEquals } from './operators.js';
import { Scope } from './scope.js';
import { placeOf } from './syntax.js';
import { isObject, Thrown, Undecided, Unknown, type Value } from './values.js';

/** Statements: one case per kind of node. `undefined` means: go on with the next. */
export function execute(node: N.Statement, frame: Frame): Completion {
  const { machine } = frame;
  machine.burn(() => placeOf(node, frame.file));
  switch (node.type) {
    case 'ExpressionStatement': machine.evaluate(node.expression, frame); return undefined;
    case 'VariableDeclaration': declareVariables(node, frame); return undefined;
    case 'FunctionDeclaration': return undefined;
    case 'ClassDeclaration': {
      if (!node.declare && node.id) machine.bind(node.id, makeClass(node, frame, node.id.name), frame, 'let');
      return undefined;
    }
    case 'ReturnStatement': return { type: 'return', value: node.argument ? machine.evaluate(node.argument, frame) : undefined };
    case 'IfStatement': return ifStatement(node, frame);
    case 'BlockStatement': return block(node.body, frame);
    case 'ForStatement': return forStatement(node, frame);
    case 'ForOfStatement': return forOf(node, frame);
    case 'ForInStatement': return forIn(node, frame);
    case 'WhileStatement': case 'DoWhileStatement': return whileStatement(node, frame);
    case 'SwitchStatement': return switchStatement(node, frame);
    case 'TryStatement': return tryStatement(node, frame);
    case 'ThrowStatement': throw new Thrown(machine.evaluate(node.argument, frame), placeOf(node, frame.file));
    case 'BreakStatement': return { type: 'break', label: node.label?.name };
    case 'ContinueStatement': return { type: 'continue', label: node.label?.name };
    case 'LabeledStatement': return labeled(node, frame);
    case 'TSEnumDeclaration': enumeration(node, frame); return undefined;
    case 'TSModuleDeclaration': namespaceDeclaration(node, frame); return undefined;
    case 'EmptyStatement': case 'DebuggerStatement': case 'TSTypeAliasDeclaration': case 'TSInterfaceDeclaration': case 'TSDeclareFunction':
    case 'TypeAlias': case 'InterfaceDeclaration': case 'OpaqueType': case 'DeclareModule': case 'DeclareVariable': case 'DeclareFunction': return undefined;
    default: throw new Undecided(`syntax that is not followed (${node.type})`, placeOf(node, frame.file));
  }
}

export function declareVariables(node: N.VariableDeclaration, frame: Frame): void {
  if (node.declare) return;
  const how = node.kind === 'var' ? 'var' : node.kind === 'let' ? 'let' : 'const';
  for (const { id, init } of node.declarations) {
    if (!init && how === 'var') continue;
    frame.machine.bind(id, init ? evaluateNamed(id, init, frame) : undefined, frame, how);
  }
}
function evaluateNamed(id: N.Node, init: N.Expression, frame: Frame): Value {
  const value = frame.machine.evaluate(init, frame);
  if (id.type === 'Identifier' && isObject(value) && (init.type === 'ArrowFunctionExpression' || init.type === 'ClassExpression' || init.type === 'FunctionExpression') && value.own('name')?.value === '') value.put('name', id.name, false);
  return value;
}

function block(body: readonly N.Statement[], frame: Frame): Completion {
  const before = frame.scope;
  frame.scope = new Scope(before);
  try {
    hoistFunctions(body, frame);
    for (const statement of body) {
      const completion = execute(statement, frame);
      if (completion) return completion;
    }
    return undefined;
  } finally {
    frame.scope = before;
  }
}

function ifStatement(node: N.IfStatement, frame: Frame): Completion {
  const { machine } = frame;
  const condition = truth(machine.evaluate(node.test, frame));
  if (condition instanceof Unknown) return forked(condition, [() => execute(node.consequent, frame), () => (node.alternate ? execute(node.alternate, frame) : undefined)], frame);
  machine.branch(placeOf(node.test, frame.file));
  if (condition) return execute(node.consequent, frame);
  return node.alternate ? execute(node.alternate, frame) : undefined;
}

/**
 * Runs the sides of an undecided branch. When some of them return, what they return is kept for the end of the function, and the rest of it is uncertain.
 * A side that throws is taken not to happen while rendering; in handlers it leaves the outcome undecided.
 */
function forked(why: Unknown, sides: ReadonlyArray<() => Completion>, frame: Frame): Completion {
  const { machine } = frame;
  const scope = frame.scope;
  const threw: Thrown[] = [];
  const completions = machine.fork(why, sides.map((side) => (): Completion | 'threw' => {
    try {
      return side();
    } catch (error) {
      if (!(error instanceof Thrown) || machine.phase === 'event' || machine.phase === 'effect') throw error instanceof Thrown ? new Undecided(why.reason, why.at) : error;
      threw.push(error);
      frame.scope = scope;
      return 'threw';
    }
  })).filter((completion) => completion !== 'threw');
  const [firstThrown] = threw;
  if (completions.length === 0 && firstThrown) throw firstThrown;
  const returned: Value[] = [];
  let goesOn = false;
  for (const completion of completions) {
    if (completion?.type === 'return') returned.push(completion.value);
    else if (completion) throw new Undecided(`a loop that ${completion.type === 'break' ? 'ends' : 'skips'} by ${why.reason}`, why.at);
    else goesOn = true;
  }
  if (returned.length === 0) return undefined;
  if (threw.length === 0 || returned.length > 1 || goesOn) machine.uncertain ??= why;
  if (!goesOn) { frame.maybe.push(...returned.slice(0, -1)); return { type: 'return', value: returned.at(-1) }; }
  frame.maybe.push(...returned);
  return undefined;
}

/** What a loop does with the completion of its body: `stop`, go on (`undefined`), or leave with it. */
function afterBody(completion: Completion, labels: readonly string[]): Completion | 'stop' {
  if (!completion) return undefined;
  if (completion.type === 'return') return completion;
  const mine = completion.label === undefined || labels.includes(completion.label);
  if (!mine) return completion;
  return completion.type === 'break' ? 'stop' : undefined;
}

function decidedTest(test: N.Expression, frame: Frame): boolean {
  const condition = truth(frame.machine.evaluate(test, frame));
  if (condition instanceof Unknown) throw new Undecided(`a loop that depends on ${condition.reason}`, condition.at);
  return condition;
}

function forStatement(node: N.ForStatement, frame: Frame, labels: readonly string[] = []): Completion {
  const before = frame.scope;
  frame.scope = new Scope(before);
  try {
    if (node.init?.type === 'VariableDeclaration') declareVariables(node.init, frame); else if (node.init) frame.machine.evaluate(node.init, frame);
    const header = frame.scope;
    const names = node.init?.type === 'VariableDeclaration' && node.init.kind !== 'var' ? node.init.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : [])) : [];
    for (;;) {
      frame.machine.burn(() => placeOf(node, frame.file));
      if (node.test && !decidedTest(node.test, frame)) return undefined;
      const end = afterBody(execute(node.body, frame), labels);
      if (end) return end === 'stop' ? undefined : end;
      // Each turn has variables of its own: closures keep the values of theirs.
      const turn = new Scope(before);
      for (const name of names) turn.declare(name, (frame.scope.own(name) ?? header.own(name))?.value);
      if (names.length > 0) frame.scope = turn;
      if (node.update) frame.machine.evaluate(node.update, frame);
    }
  } finally {
    frame.scope = before;
  }
}

function each(values: readonly Value[], node: N.ForOfStatement | N.ForInStatement, frame: Frame, labels: readonly string[]): Completion {
  const before = frame.scope;
  for (const value of values) {
    frame.scope = new Scope(before);
    try {
      if (node.left.type === 'VariableDeclaration') {
        const [declarator] = node.left.declarations;
        if (declarator) frame.machine.bind(declarator.id, value, frame, node.left.kind === 'var' ? 'var' : node.left.kind === 'let' ? 'let' : 'const');
      } else frame.machine.bind(node.left, value, frame, 'assign');
      const end = afterBody(execute(node.body, frame), labels);
      if (end) return end === 'stop' ? undefined : end;
    } finally {
      frame.scope = before;
    }
  }
  return undefined;
}

function forOf(node: N.ForOfStatement, frame: Frame, labels: readonly string[] = []): Completion {
  const values = iterate(frame.machine, frame.machine.evaluate(node.right, frame), placeOf(node, frame.file));
  if (values instanceof Unknown) throw new Undecided(`a loop over ${values.reason}`, values.at);
  return each(values, node, frame, labels);
}

function forIn(node: N.ForInStatement, frame: Frame, labels: readonly string[] = []): Completion {
  const object = frame.machine.evaluate(node.right, frame);
  if (object instanceof Unknown) throw new Undecided(`a loop over ${object.reason}`, object.at);
  if (!isObject(object)) return undefined;
  if (object.missing) throw new Undecided(`a loop over ${object.missing.reason}`, object.missing.at);
  return each(object.keys(), node, frame, labels);
}

function whileStatement(node: N.WhileStatement | N.DoWhileStatement, frame: Frame, labels: readonly string[] = []): Completion {
  let first = node.type === 'DoWhileStatement';
  for (;;) {
    frame.machine.burn(() => placeOf(node, frame.file));
    if (!first && !decidedTest(node.test, frame)) return undefined;
    first = false;
    const end = afterBody(execute(node.body, frame), labels);
    if (end) return end === 'stop' ? undefined : end;
  }
}

function labeled(node: N.LabeledStatement, frame: Frame): Completion {
  const labels = [node.label.name];
  const completion = ((): Completion => {
    switch (node.body.type) {
      case 'ForStatement': return forStatement(node.body, frame, labels);
      case 'ForOfStatement': return forOf(node.body, frame, labels);
      case 'ForInStatement': return forIn(node.body, frame, labels);
      case 'WhileStatement': case 'DoWhileStatement': return whileStatement(node.body, frame, labels);
      default: return execute(node.body, frame);
    }
  })();
  return completion?.type === 'break' && completion.label === node.label.name ? undefined : completion;
}

function switchStatement(node: N.SwitchStatement, frame: Frame): Completion {
  const { machine } = frame;
  const value = machine.evaluate(node.discriminant, frame);
  const before = frame.scope;
  frame.scope = new Scope(before);
  try {
    hoistFunctions(node.cases.flatMap((item) => item.consequent), frame);
    if (value instanceof Unknown) return forked(value, casesOf(node).map((start) => (): Completion => runCases(node, start, frame)), frame);
    let start = node.cases.length;
    for (const [index, item] of node.cases.entries()) {
      if (!item.test) continue;
      const equal = strictEquals(machine, value, machine.evaluate(item.test, frame), placeOf(item, frame.file));
      if (equal instanceof Unknown) throw new Undecided(`a choice by ${equal.reason}`, equal.at);
      if (equal) { start = index; break; }
    }
    if (start === node.cases.length) start = node.cases.findIndex((item) => !item.test);
    const chosen = node.cases[start];
    machine.branch(placeOf(chosen ?? node, frame.file));
    return chosen ? runCases(node, start, frame) : undefined;
  } finally {
    frame.scope = before;
  }
}
/** Where a switch may be entered: at each case with statements of its own, or nowhere. */
function casesOf(node: N.SwitchStatement): number[] {
  const starts = node.cases.flatMap((item, index) => (item.consequent.length > 0 ? [index] : []));
  return node.cases.some((item) => !item.test) ? starts : [...starts, node.cases.length];
}
function runCases(node: N.SwitchStatement, start: number, frame: Frame): Completion {
  for (const item of node.cases.slice(start)) {
    for (const statement of item.consequent) {
      const completion = execute(statement, frame);
      if (completion) return completion.type === 'break' && completion.label === undefined ? undefined : completion;
    }
  }
  return undefined;
}

/** When something unknown was waited for in the block, its failure is as possible as its success: the handler runs as well, as uncertain as the rest. */
function tryStatement(node: N.TryStatement, frame: Frame): Completion {
  const { machine } = frame;
  const certainBefore = machine.uncertain === null;
  let completion: Completion;
  try {
    completion = execute(node.block, frame);
    if (certainBefore && machine.uncertain && node.handler) {
      const why: Unknown = machine.uncertain;
      const failed = handle(node.handler, new Unknown(`the failure of ${why.reason}`, why.at), frame);
      if (failed?.type === 'return') frame.maybe.push(failed.value);
    }
  } catch (error) {
    if (!(error instanceof Thrown)) throw error;
    if (node.handler) completion = handleOrFinish(node, error, frame);
    else { if (node.finalizer) { const last = execute(node.finalizer, frame); if (last) return last; } throw error; }
  }
  return (node.finalizer ? execute(node.finalizer, frame) : undefined) ?? completion;
}
function handleOrFinish(node: N.TryStatement, error: Thrown, frame: Frame): Completion {
  try {
    return node.handler ? handle(node.handler, error.value, frame) : undefined;
  } catch (second) {
    if (second instanceof Thrown && node.finalizer) { const last = execute(node.finalizer, frame); if (last) return last; }
    throw second;
  }
}
function handle(handler: N.CatchClause, value: Value, frame: Frame): Completion {
  const before = frame.scope;
  frame.scope = new Scope(before);
  try {
    if (handler.param) frame.machine.bind(handler.param, value, frame, 'let');
    return execute(handler.body, frame);
  } finally {
    frame.scope = before;
  }
}

function enumeration(node: N.TSEnumDeclaration, frame: Frame): void {
  if (node.declare) return;
  const obj = frame.machine.object();
  const members = 'body' in node && node.body ? node.body.members : [];
  let next: Value = 0;
  const before = frame.scope;
  const scope = new Scope(before);
  for (const member of members) {
    const name = member.id.type === 'Identifier' ? member.id.name : member.id.value;
    frame.scope = scope;
    const value: Value = member.initializer ? frame.machine.evaluate(member.initializer, frame) : next;
    frame.scope = before;
    scope.declare(name, value);
    obj.put(name, value);
    if (typeof value === 'number') { obj.put(String(value), name); next = value + 1; }
  }
  frame.scope.declare(node.id.name, obj);
}

function namespaceDeclaration(node: N.TSModuleDeclaration, frame: Frame): void {
  if (node.declare || node.id.type !== 'Identifier' || node.body?.type !== 'TSModuleBlock') return;
  const obj = frame.machine.object();
  const before = frame.scope;
  frame.scope = new Scope(before);
  try {
    hoistFunctions(node.body.body, frame);
    for (const statement of node.body.body) {
      execute('declaration' in statement && statement.declaration ? statement.declaration as N.Statement : statement, frame);
    }
    for (const [name, binding] of frame.scope.entries()) obj.put(name, binding.value);
  } finally {
    frame.scope = before;
  }
  frame.scope.declare(node.id.name, obj);
}
