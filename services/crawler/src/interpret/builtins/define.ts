import type { Machine } from '../machine.js';
import { Fn, isObject, Obj, type Native, type Value } from '../values.js';

/** Puts native functions on an object. */
export function methods(machine: Machine, obj: Obj, natives: Readonly<Record<string, Native>>): void {
  for (const [name, native] of Object.entries(natives)) obj.put(name, machine.fn(name, native), false);
}

/** A global constructor with its prototype. */
export function constructor(machine: Machine, name: string, native: Native): Fn {
  const fn = machine.fn(name, native);
  fn.constructable = true;
  const proto = machine.intrinsic(name);
  fn.put('prototype', proto, false).put('name', name, false);
  proto.put('constructor', fn, false);
  machine.globals.set(name, fn);
  return fn;
}

/** The prototype an instance gets: that of the class under construction, when it is derived. */
export function prototypeOf(machine: Machine, name: string, newTarget: Fn | undefined): Obj {
  const proto: Value = newTarget ? machine.get(newTarget, 'prototype') : undefined;
  return isObject(proto) ? proto : machine.intrinsic(name);
}

export function getter(machine: Machine, obj: Obj, name: string, native: Native): void {
  obj.properties.set(name, { value: undefined, get: machine.fn(name, native), enumerable: false, writable: true });
}
