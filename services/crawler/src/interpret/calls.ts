import type * as N from '@babel/types';
import { initialiseFields } from './classes.js';
import { iterate, toText } from './convert.js';
import { choose, type Frame, type Machine } from './machine.js';
import { memberKey, superProperty } from './members.js';
import { fulfilled } from './promises.js';
import { placeOf } from './syntax.js';
import { callUnknownMethod } from './unknown-calls.js';
import { Arr, Choice, Fn, isObject, Undecided, Unknown, type Key, type Value } from './values.js';

type Callish = N.CallExpression | N.OptionalCallExpression | N.ImportExpression;

/** A call; `resolved` when an optional chain has already found the function. */
export function evaluateCall(node: Callish, frame: Frame, resolved?: { callee: Value; self: Value; key: Key | Unknown }): Value {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  if (node.type === 'ImportExpression') return dynamicImport(machine, machine.evaluate(node.source, frame), frame);
  if (node.callee.type === 'Import') return dynamicImport(machine, node.arguments[0] ? machine.evaluate(node.arguments[0], frame) : undefined, frame);
  if (node.callee.type === 'Super') return superCall(node, frame);
  const { callee, self, key } = resolved ?? target(node.callee, frame);
  const args = evaluateArguments(node.arguments, frame);
  if (args.unknown && callee instanceof Fn && callee.native) {
    if (self instanceof Arr && (key === 'push' || key === 'unshift' || key === 'splice')) throw new Undecided(args.unknown.reason, args.unknown.at);
    return args.unknown;
  }
  if (self instanceof Choice && !self.repeated && !(key instanceof Unknown) && self.options.every((option) => isObject(option) || typeof option === 'string')) return methodOfEach(machine, self, key, args.values, at);
  if (self instanceof Unknown && !(callee instanceof Fn)) return callUnknownMethod(machine, self, key, args.values, at);
  if (callee instanceof Choice && !callee.repeated && callee.options.every((option) => option instanceof Fn)) return choose(callee, machine.fork(callee, callee.options.map((option) => (): Value => machine.call(option, args.values, self, at))));
  if (!(callee instanceof Fn) && !(callee instanceof Unknown)) machine.throwError('TypeError', `${typeof key === 'string' && key ? key : 'it'} is not a function`, at);
  return machine.call(callee, args.values, self, at);
}

/** A method of one of several values: the choice of what it gives on each. */
function methodOfEach(machine: Machine, self: Choice, key: Key, args: Value[], at: ReturnType<typeof placeOf>): Value {
  const methods = self.options.map((option) => machine.get(option, key, at));
  if (!methods.every((method) => method instanceof Fn)) return callUnknownMethod(machine, new Unknown(self.reason, self.at), key, args, at);
  return choose(self, machine.fork(self, self.options.map((option, index) => (): Value => machine.call(methods[index], args, option, at))));
}

function target(node: N.Node, frame: Frame): { callee: Value; self: Value; key: Key | Unknown } {
  const { machine } = frame;
  if (node.type === 'MemberExpression') {
    const key = memberKey(node, frame);
    if (node.object.type === 'Super') return { callee: key instanceof Unknown ? key : superProperty(frame, key), self: frame.self, key };
    const self = machine.evaluate(node.object, frame);
    return { callee: key instanceof Unknown ? key : machine.get(self, key, placeOf(node, frame.file)), self, key };
  }
  if (node.type === 'TSNonNullExpression' || node.type === 'ParenthesizedExpression' || node.type === 'TSAsExpression') return target(node.expression, frame);
  return { callee: machine.evaluate(node, frame), self: undefined, key: node.type === 'Identifier' ? node.name : '' };
}

/** `unknown`: an unknown number of values was spread; eight unknown ones stand for them. */
export function evaluateArguments(nodes: readonly N.Node[], frame: Frame): { values: Value[]; unknown?: Unknown } {
  const values: Value[] = [];
  let unknown: Unknown | undefined;
  for (const node of nodes) {
    if (node.type !== 'SpreadElement') { values.push(frame.machine.evaluate(node, frame)); continue; }
    const items = iterate(frame.machine, frame.machine.evaluate(node.argument, frame), placeOf(node, frame.file));
    if (items instanceof Unknown) { unknown = items; values.push(...Array.from({ length: 8 }, () => items)); } else for (const item of items) values.push(item);
  }
  return unknown ? { values, unknown } : { values };
}

export function evaluateNew(node: N.NewExpression, frame: Frame): Value {
  const callee = frame.machine.evaluate(node.callee, frame);
  const args = evaluateArguments(node.arguments, frame);
  return args.unknown && callee instanceof Fn && callee.native ? args.unknown : frame.machine.construct(callee, args.values, placeOf(node, frame.file));
}

function superCall(node: N.CallExpression | N.OptionalCallExpression, frame: Frame): Value {
  const { machine } = frame;
  const { running } = frame;
  const args = evaluateArguments(node.arguments, frame).values;
  const self = machine.construct(running?.proto ?? undefined, args, placeOf(node, frame.file), frame.newTarget);
  frame.self = self;
  if (running && isObject(self)) initialiseFields(machine, running, self);
  return self;
}

/** `import(…)`: an unknown namespace where the module is not known or cannot be followed. */
function dynamicImport(machine: Machine, specifier: Value, frame: Frame): Value {
  const at = { file: frame.file, line: 1 };
  const path = toText(machine, specifier, at);
  if (path instanceof Unknown) return path;
  const loaded = machine.attempt(() => machine.import(path, frame.file, at));
  if (loaded.ok) return fulfilled(machine, loaded.value);
  if (loaded.undecided) return new Unknown(loaded.undecided.reason, loaded.undecided.at ?? at);
  throw loaded.thrown;
}
