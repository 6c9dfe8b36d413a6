import type * as N from '@babel/types';
import { makeFunction } from './closures.js';
import { toKey } from './convert.js';
import type { Frame, Machine } from './machine.js';
import { accessor, plainKey } from './members.js';
import { Scope } from './scope.js';
import { placeOf } from './syntax.js';
import { Fn, isObject, Obj, Undecided, Unknown, type Key, type Value } from './values.js';

/** What a class closes over. Its fields are initialised on each instance once `this` exists. */
export class ClassCode {
  constructorNode: N.ClassMethod | null = null;
  readonly fields: Array<{ key: Key; value: N.Node | null }> = [];
  constructor(readonly derived: boolean, readonly scope: Scope, readonly frame: Frame, readonly prototype: Obj) {}
}

export function makeClass(node: N.ClassExpression | N.ClassDeclaration, frame: Frame, name: string): Fn {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  const parent = node.superClass ? machine.evaluate(node.superClass, frame) : null;
  const fn = new Fn(isObject(parent) ? parent : machine.intrinsic('Function'), name, at);
  const prototype = new Obj(parentPrototype(machine, parent, at));
  if (parent instanceof Unknown) { prototype.missing = parent; fn.missing = parent; }
  prototype.put('constructor', fn, false);
  fn.constructable = true;
  fn.put('name', name, false).put('prototype', prototype, false);
  const scope = new Scope(frame.scope);
  if (node.id) scope.declare(node.id.name, fn, true);
  const code = new ClassCode(parent instanceof Fn, scope, frame, prototype);
  fn.code = code;
  const before = frame.scope;
  frame.scope = scope;
  try {
    for (const member of node.body.body) addMember(member, fn, code, frame);
  } finally {
    frame.scope = before;
  }
  return fn;
}

/** An unknown parent: instances are plain objects of which more may be true. */
function parentPrototype(machine: Machine, parent: Value, at: ReturnType<typeof placeOf>): Obj | null {
  if (parent === null) return machine.intrinsic('Object');
  if (parent instanceof Unknown) return machine.intrinsic('Object');
  const prototype = machine.get(parent, 'prototype', at);
  return isObject(prototype) ? prototype : null;
}

function addMember(member: N.ClassBody['body'][number], fn: Fn, code: ClassCode, frame: Frame): void {
  const { machine } = frame;
  switch (member.type) {
    case 'ClassMethod': case 'ClassPrivateMethod': {
      if (member.type === 'ClassMethod' && member.kind === 'constructor') { code.constructorNode = member; return; }
      const home = member.static ? fn : code.prototype;
      const key = memberName(member, frame);
      if (key instanceof Unknown) throw new Undecided(key.reason, key.at);
      const method = makeFunction(member, frame, String(key), home);
      if (member.kind === 'get' || member.kind === 'set') accessor(home, key, member.kind, method, false); else home.put(key, method, false);
      return;
    }
    case 'ClassProperty': case 'ClassPrivateProperty': case 'ClassAccessorProperty': {
      if ('declare' in member && member.declare) return;
      const key = memberName(member, frame);
      if (key instanceof Unknown) throw new Undecided(key.reason, key.at);
      if (!member.static) { code.fields.push({ key, value: member.value ?? null }); return; }
      machine.define(fn, key, member.value ? machine.evaluate(member.value, memberFrame(code, fn, fn)) : undefined);
      return;
    }
    case 'StaticBlock':
      for (const statement of member.body) machine.execute(statement, memberFrame(code, fn, fn));
      return;
    default:
  }
}

function memberName(member: N.ClassMethod | N.ClassPrivateMethod | N.ClassProperty | N.ClassPrivateProperty | N.ClassAccessorProperty, frame: Frame): Key | Unknown {
  return 'computed' in member && member.computed ? toKey(frame.machine, frame.machine.evaluate(member.key, frame), placeOf(member, frame.file)) : plainKey(member.key);
}

const memberFrame = (code: ClassCode, self: Obj, home: Obj): Frame => ({ machine: code.frame.machine, file: code.frame.file, scope: new Scope(code.scope, true), self, home, newTarget: undefined, maybe: [] });

export function initialiseFields(machine: Machine, fn: Fn, self: Obj): void {
  if (!(fn.code instanceof ClassCode)) return;
  const { code } = fn;
  for (const { key, value } of code.fields) machine.define(self, key, value ? machine.evaluate(value, memberFrame(code, self, code.prototype)) : undefined, !(typeof key === 'string' && key.startsWith('#')));
}
