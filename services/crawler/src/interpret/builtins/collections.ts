import type { Place } from '../../markup.js';
import { iterate } from '../convert.js';
import { LIMITS, type Machine } from '../machine.js';
import { Boxed, Fn, Undecided, Unknown, type Native, type Value } from '../values.js';
import { iteratorOver } from './arrays.js';
import { constructor, getter, methods, prototypeOf } from './define.js';

/** `Map`, `Set` and their weak kin, on the host's own. An unknown key makes what the collection holds unknowable, which is undecided. */
export function installCollections(machine: Machine): void {
  for (const name of ['Map', 'WeakMap']) {
    constructor(machine, name, ([source], _self, at, newTarget) => {
      const map = new Map<Value, Value>();
      const pairs: Value[] | Unknown = source === undefined || source === null ? [] : iterate(machine, source, at);
      if (pairs instanceof Unknown) return pairs;
      for (const pair of pairs) map.set(machine.get(pair, '0', at), machine.get(pair, '1', at));
      return new Boxed(prototypeOf(machine, name, newTarget), map);
    });
    methods(machine, machine.intrinsic(name), mapMethods(machine));
    getter(machine, machine.intrinsic(name), 'size', (_args, self, at) => inner(machine, self, Map, at).size);
    machine.intrinsic(name).put(Symbol.iterator, machine.fn('entries', (_args, self, at) => iteratorOver(machine, pairs(machine, self, at))), false);
  }
  for (const name of ['Set', 'WeakSet']) {
    constructor(machine, name, ([source], _self, at, newTarget) => {
      const items: Value[] | Unknown = source === undefined || source === null ? [] : iterate(machine, source, at);
      if (items instanceof Unknown) return items;
      const unknown = items.find((item) => item instanceof Unknown);
      return unknown ?? new Boxed(prototypeOf(machine, name, newTarget), new Set(items));
    });
    methods(machine, machine.intrinsic(name), setMethods(machine));
    getter(machine, machine.intrinsic(name), 'size', (_args, self, at) => inner(machine, self, Set, at).size);
    machine.intrinsic(name).put(Symbol.iterator, machine.fn('values', (_args, self, at) => iteratorOver(machine, [...inner<Set<Value>>(machine, self, Set, at)])), false);
  }
}

function inner<T extends Map<Value, Value> | Set<Value>>(machine: Machine, self: Value, kind: new () => T, at: Place): T {
  return self instanceof Boxed && self.inner instanceof kind ? self.inner : machine.throwError('TypeError', `it is not a ${kind.name}`, at);
}
const pairs = (machine: Machine, self: Value, at: Place): Value[] => [...inner<Map<Value, Value>>(machine, self, Map, at)].map(([key, value]) => machine.array([key, value]));

function changing(machine: Machine, self: Value, key: Value, at: Place): void {
  if (self instanceof Boxed) machine.touchAll(self);
  if (key instanceof Unknown) throw new Undecided(`a collection keyed by ${key.reason}`, key.at);
  if (self instanceof Boxed && (self.inner instanceof Map || self.inner instanceof Set) && self.inner.size > LIMITS.items) throw new Undecided('a collection grows too large', at, true);
}
function looked(machine: Machine, keys: Iterable<Value>, key: Value, at: Place): void {
  if (typeof key !== 'string' || !machine.typed.has(key)) return;
  for (const wanted of [...keys].slice(0, 20)) machine.compared(key, wanted, at);
}

function mapMethods(machine: Machine): Record<string, Native> {
  const of = (self: Value, at: Place): Map<Value, Value> => inner<Map<Value, Value>>(machine, self, Map, at);
  return {
    get: ([key], self, at) => { if (key instanceof Unknown) return key; if (!of(self, at).has(key)) looked(machine, of(self, at).keys(), key, at); return of(self, at).get(key); },
    has: ([key], self, at) => { if (key instanceof Unknown) return key; if (!of(self, at).has(key)) looked(machine, of(self, at).keys(), key, at); return of(self, at).has(key); },
    set: ([key, value], self, at) => { changing(machine, self, key, at); of(self, at).set(key, value); return self; },
    delete: ([key], self, at) => { changing(machine, self, key, at); return of(self, at).delete(key); },
    clear: (_args, self, at) => { changing(machine, self, undefined, at); of(self, at).clear(); return undefined; },
    forEach: ([callback], self, at) => { for (const [key, value] of of(self, at)) machine.call(callback, [value, key, self], undefined, at); return undefined; },
    keys: (_args, self, at) => iteratorOver(machine, [...of(self, at).keys()]),
    values: (_args, self, at) => iteratorOver(machine, [...of(self, at).values()]),
    entries: (_args, self, at) => iteratorOver(machine, pairs(machine, self, at)),
  };
}

function setMethods(machine: Machine): Record<string, Native> {
  const of = (self: Value, at: Place): Set<Value> => inner<Set<Value>>(machine, self, Set, at);
  return {
    has: ([key], self, at) => { if (key instanceof Unknown) return key; if (!of(self, at).has(key)) looked(machine, of(self, at), key, at); return of(self, at).has(key); },
    add: ([key], self, at) => { changing(machine, self, key, at); of(self, at).add(key); return self; },
    delete: ([key], self, at) => { changing(machine, self, key, at); return of(self, at).delete(key); },
    clear: (_args, self, at) => { changing(machine, self, undefined, at); of(self, at).clear(); return undefined; },
    forEach: ([callback], self, at) => { if (callback instanceof Fn) for (const value of of(self, at)) machine.call(callback, [value, value, self], undefined, at); return undefined; },
    keys: (_args, self, at) => iteratorOver(machine, [...of(self, at)]),
    values: (_args, self, at) => iteratorOver(machine, [...of(self, at)]),
    entries: (_args, self, at) => iteratorOver(machine, [...of(self, at)].map((value) => machine.array([value, value]))),
  };
}
