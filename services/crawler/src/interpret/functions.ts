import type { Place } from '../markup.js';
import { initialiseFields, type ClassCode } from './classes.js';
import { choose, LIMITS, type Completion, type Frame, type Machine } from './machine.js';
import { Closure, type FunctionNode } from './closures.js';
import { fulfilled, rejected } from './promises.js';
import { Scope } from './scope.js';
import { hoist } from './hoisting.js';
import { Fn, isObject, Obj, Thrown, Undecided, Unknown, type Value } from './values.js';
import { callUnknown } from './unknown-calls.js';

export function call(machine: Machine, callee: Value, args: Value[], self: Value, at: Place): Value {
  if (callee instanceof Unknown) return callUnknown(machine, callee, args);
  if (!(callee instanceof Fn)) return machine.throwError('TypeError', 'it is not a function', at);
  if (callee.native) return callee.native(args, self, at);
  if (callee.code instanceof Closure) return invoke(machine, callee, callee.code, args, self, undefined, at);
  return machine.throwError('TypeError', `Class constructor ${callee.name} cannot be invoked without 'new'`, at);
}

export function construct(machine: Machine, callee: Value, args: Value[], at: Place, newTarget?: Fn): Value {
  if (callee instanceof Unknown) return callUnknown(machine, callee, args);
  if (!(callee instanceof Fn)) return machine.throwError('TypeError', 'it is not a constructor', at);
  const target = newTarget ?? callee;
  if (callee.native) {
    if (!callee.constructable) machine.throwError('TypeError', `${callee.name} is not a constructor`, at);
    return callee.native(args, undefined, at, target);
  }
  if (callee.code instanceof Closure) {
    if (!callee.constructable) machine.throwError('TypeError', `${callee.name} is not a constructor`, at);
    const self = new Obj(prototypeFor(machine, target));
    const result = invoke(machine, callee, callee.code, args, self, target, at);
    return isObject(result) ? result : self;
  }
  return constructClass(machine, callee, callee.code as ClassCode, args, at, target);
}

function prototypeFor(machine: Machine, target: Fn): Obj {
  const proto = machine.get(target, 'prototype');
  return isObject(proto) ? proto : machine.intrinsic('Object');
}

/** A base class makes `this`; a derived one gets it from its parent, by `super()` in its constructor or implicitly. */
function constructClass(machine: Machine, callee: Fn, code: ClassCode, args: Value[], at: Place, target: Fn): Value {
  const constructor = code.constructorNode;
  if (!code.derived) {
    const self = new Obj(prototypeFor(machine, target));
    initialiseFields(machine, callee, self);
    if (!constructor) return self;
    const result = invoke(machine, callee, new Closure(constructor, code.scope, code.frame, code.prototype), args, self, target, at);
    return isObject(result) ? result : self;
  }
  if (!constructor) {
    const self = machine.construct(callee.proto ?? undefined, args, at, target);
    if (isObject(self)) initialiseFields(machine, callee, self);
    return self;
  }
  const holder: { self: Value } = { self: undefined };
  const result = invoke(machine, callee, new Closure(constructor, code.scope, code.frame, code.prototype), args, undefined, target, at, holder);
  return isObject(result) ? result : holder.self;
}

function invoke(machine: Machine, fn: Fn, closure: Closure, args: Value[], self: Value, newTarget: Fn | undefined, at: Place, holder?: { self: Value }): Value {
  const { node, frame: outer } = closure;
  if (++machine.depth > LIMITS.depth) { machine.depth = 0; throw new Undecided('calls nest too deeply', at, true); }
  const arrow = node.type === 'ArrowFunctionExpression';
  const frame: Frame = {
    machine, file: outer.file, scope: new Scope(closure.scope, true),
    self: arrow ? outer.self : self, home: closure.home, newTarget: arrow ? outer.newTarget : newTarget,
    maybe: [], ...(node.generator ? { yields: [] } : {}), running: fn,
  };
  const { uncertain } = machine;
  try {
    if (!arrow) frame.scope.declare('arguments', machine.array(args.slice()));
    bindParameters(node, args, frame);
    const value = node.async && !node.generator ? runAsync(node, frame) : merged(frame, runBody(node, frame));
    if (holder) holder.self = frame.self;
    return frame.yields ? generatorOver(machine, frame.yields) : value;
  } finally {
    machine.depth = Math.max(0, machine.depth - 1);
    machine.uncertain = uncertain;
  }
}

function bindParameters(node: FunctionNode, args: Value[], frame: Frame): void {
  for (const [index, parameter] of node.params.entries()) {
    if (parameter.type === 'RestElement') { frame.machine.bind(parameter.argument, frame.machine.array(args.slice(index)), frame, 'let'); return; }
    if (parameter.type === 'TSParameterProperty') {
      const inner = parameter.parameter;
      frame.machine.bind(inner, args[index], frame, 'let');
      const name = inner.type === 'Identifier' ? inner : inner.left;
      if (isObject(frame.self) && name.type === 'Identifier') frame.machine.define(frame.self, name.name, frame.scope.own(name.name)?.value);
    } else if (!(parameter.type === 'Identifier' && parameter.name === 'this')) frame.machine.bind(parameter, args[index], frame, 'let');
  }
}

function runBody(node: FunctionNode, frame: Frame): Value {
  if (node.body.type !== 'BlockStatement') return frame.machine.evaluate(node.body, frame);
  hoist(node.body.body, frame);
  for (const statement of node.body.body) {
    const completion: Completion = frame.machine.execute(statement, frame);
    if (completion) return completion.type === 'return' ? completion.value : undefined;
  }
  return undefined;
}

/** What the function returns, with what it may have returned earlier under undecided conditions. */
function merged(frame: Frame, value: Value): Value {
  return frame.maybe.length === 0 || !frame.machine.uncertain ? value : choose(frame.machine.uncertain, [...frame.maybe, value]);
}

/** Async functions run to their end at once: waiting settles what is waited for (promises.ts). */
function runAsync(node: FunctionNode, frame: Frame): Value {
  const { machine } = frame;
  try {
    return fulfilled(machine, merged(frame, runBody(node, frame)));
  } catch (error) {
    if (error instanceof Thrown) return rejected(machine, error.value, error.at);
    throw error;
  }
}

/** Generators run to their end when they are called; what they are sent by `next(value)` cannot reach them, so sending is undecided. */
function generatorOver(machine: Machine, values: readonly Value[]): Obj {
  let index = 0;
  const iterator = machine.object();
  iterator.put('next', machine.fn('next', ([sent], _self, at) => {
    if (sent !== undefined) throw new Undecided('a generator that is sent values', at);
    const done = index >= values.length;
    return machine.object({ value: values[index++], done });
  }));
  iterator.put(Symbol.iterator, machine.fn('[Symbol.iterator]', () => iterator), false);
  return iterator;
}
