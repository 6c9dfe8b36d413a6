import { iterate, toKey, toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { spreadInto } from '../members.js';
import { sameValue } from '../operators.js';
import { Arr, Fn, isObject, Obj, Unknown, type Value } from '../values.js';
import { constructor, methods } from './define.js';

export function installObjects(machine: Machine): void {
  const object = constructor(machine, 'Object', ([value]) => (isObject(value) ? value : machine.object()));
  methods(machine, machine.intrinsic('Object'), {
    hasOwnProperty: ([key]: Value[], self: Value, at: At) => hasOwn(machine, self, key, at),
    toString: (_args: Value[], self: Value) => (self instanceof Arr ? '[object Array]' : self instanceof Fn ? `function ${self.name}() { … }` : '[object Object]'),
    valueOf: (_args: Value[], self: Value) => self,
    isPrototypeOf: ([value]: Value[], self: Value) => { for (let proto = isObject(value) ? value.proto : null; proto; proto = proto.proto) if (proto === self) return true; return false; },
  });
  methods(machine, object, {
    keys: ([value], _self, at) => entries(machine, value, (key) => key, at),
    values: ([value], _self, at) => entries(machine, value, (_key, item) => item, at),
    entries: ([value], _self, at) => entries(machine, value, (key, item) => machine.array([key, item]), at),
    assign: ([target, ...sources]) => {
      if (isObject(target)) {
        for (const source of sources) {
          if (isObject(source) && !source.missing) for (const key of source.keys()) machine.set(target, key, machine.get(source, key));
          else spreadInto(machine, target, source);
        }
      }
      return target;
    },
    freeze: ([value]) => { if (isObject(value) && !(value instanceof Arr)) { value.frozen = true; for (const property of value.properties.values()) property.writable = false; } return value; },
    seal: ([value]) => value,
    preventExtensions: ([value]) => value,
    isFrozen: ([value]) => !isObject(value) || value.frozen,
    create: ([proto]) => (proto instanceof Unknown ? proto : new Obj(isObject(proto) ? proto : null)),
    getPrototypeOf: ([value]) => (value instanceof Unknown ? value : isObject(value) ? value.proto : null),
    setPrototypeOf: ([value, proto]) => { if (isObject(value)) value.proto = isObject(proto) ? proto : null; return value; },
    is: ([a, b]) => (a instanceof Unknown ? a : b instanceof Unknown ? b : Object.is(a, b)),
    hasOwn: ([value, key], _self, at) => hasOwn(machine, value, key, at),
    fromEntries: ([pairs], _self, at) => fromEntries(machine, pairs, at),
    getOwnPropertyNames: ([value]) => (value instanceof Unknown ? value : machine.array(isObject(value) ? [...value.properties.keys()].filter((key) => typeof key === 'string') : [])),
    defineProperty: ([target, key, descriptor], _self, at) => defineProperty(machine, target, key, descriptor, at),
    groupBy: ([items, callback], _self, at) => groupBy(machine, items, callback, at),
  });

  const fn = constructor(machine, 'Function', (_args, _self, at) => new Unknown('code made from text', at));
  fn.constructable = true;
  methods(machine, machine.intrinsic('Function'), {
    call: ([self, ...args], fn, at) => machine.call(fn, args, self, at),
    apply: ([self, list], fn, at) => {
      const args = list === undefined || list === null ? [] : iterate(machine, list, at);
      return args instanceof Unknown ? args : machine.call(fn, args, self, at);
    },
    bind: ([self, ...bound], fn) => {
      const result = machine.fn(fn instanceof Fn ? fn.name : '', (args, _self, at, newTarget) => (newTarget ? machine.construct(fn, [...bound, ...args], at) : machine.call(fn, [...bound, ...args], self, at)));
      result.constructable = fn instanceof Fn && fn.constructable;
      return result;
    },
    toString: (_args: Value[], _self: Value, at: At) => new Unknown('the source of a function', at),
  });
  const reflect = machine.object();
  methods(machine, reflect, {
    ownKeys: ([value], _self, at) => entries(machine, value, (key) => key, at),
    has: ([value, key], _self, at) => { const name = toKey(machine, key, at); return name instanceof Unknown ? name : machine.get(value, name, at) !== undefined; },
    get: ([value, key], _self, at) => { const name = toKey(machine, key, at); return name instanceof Unknown ? name : machine.get(value, name, at); },
  });
  machine.globals.set('Reflect', reflect);
  const symbol = machine.fn('Symbol', ([description]) => Symbol(typeof description === 'string' ? description : ''));
  symbol.put('iterator', Symbol.iterator).put('asyncIterator', Symbol.asyncIterator).put('toPrimitive', Symbol.toPrimitive).put('toStringTag', Symbol.toStringTag);
  symbol.put('for', machine.fn('for', ([key]) => Symbol.for(`interpreted:${typeof key === 'string' ? key : ''}`)));
  machine.globals.set('Symbol', symbol);
  machine.globals.set('Boolean', constructor(machine, 'Boolean', ([value]) => (value instanceof Unknown ? value : isObject(value) ? true : Boolean(value))));
  methods(machine, machine.intrinsic('Boolean'), { toString: (_args: Value[], self: Value) => (self === true ? 'true' : 'false'), valueOf: (_args: Value[], self: Value) => self });
}

type At = Parameters<Machine['throwError']>[2];

function hasOwn(machine: Machine, value: Value, key: Value, at: At): Value {
  const name = toKey(machine, key, at);
  if (value instanceof Unknown) return value;
  if (name instanceof Unknown) return name;
  if (!isObject(value)) return false;
  if (value.own(name)) return true;
  if (value.missing) return value.missing;
  if (typeof name === 'string' && machine.typed.has(name)) for (const wanted of value.keys().slice(0, 20)) machine.hint(name, wanted, at);
  return false;
}

function entries(machine: Machine, value: Value, part: (key: string, item: Value) => Value, at: At): Value {
  if (value instanceof Unknown) return value;
  if (typeof value === 'string') return machine.array(Array.from(value, (letter, index) => part(String(index), letter)));
  if (value === undefined || value === null) return machine.throwError('TypeError', 'Cannot convert undefined or null to object', at);
  if (!isObject(value)) return machine.array([]);
  if (value.missing) return new Unknown(value.missing.reason, value.missing.at);
  return machine.array(value.keys().map((key) => part(key, machine.get(value, key, at))));
}

function fromEntries(machine: Machine, pairs: Value, at: At): Value {
  const items = iterate(machine, pairs, at);
  if (items instanceof Unknown) return items;
  const obj = machine.object();
  for (const pair of items) {
    const key = toKey(machine, machine.get(pair, '0', at), at);
    if (key instanceof Unknown) obj.missing ??= key; else obj.put(key, machine.get(pair, '1', at));
  }
  return obj;
}

function defineProperty(machine: Machine, target: Value, key: Value, descriptor: Value, at: At): Value {
  const name = toKey(machine, key, at);
  if (!isObject(target) || name instanceof Unknown) return target;
  const [get, set] = ['get', 'set'].map((part) => machine.get(descriptor, part, at));
  const enumerable = machine.get(descriptor, 'enumerable', at) === true;
  machine.touch(target, name);
  target.properties.set(name, {
    value: machine.get(descriptor, 'value', at), enumerable, writable: true, ...(get instanceof Fn ? { get } : {}), ...(set instanceof Fn ? { set } : {}),
  });
  return target;
}

function groupBy(machine: Machine, items: Value, callback: Value, at: At): Value {
  const list = iterate(machine, items, at);
  if (list instanceof Unknown) return list;
  const groups = machine.object();
  for (const [index, item] of list.entries()) {
    const key = toText(machine, machine.call(callback, [item, index], undefined, at), at);
    if (key instanceof Unknown) return key;
    const group = groups.own(key)?.value;
    if (group instanceof Arr) group.items.push(item); else groups.put(key, machine.array([item]));
  }
  return groups;
}

/** Index of a value as `includes` finds it; an unknown item makes the answer unknown unless the value is found before. */
export function indexIn(machine: Machine, items: readonly Value[], value: Value, at: At): number | Unknown {
  if (value instanceof Unknown) return value;
  let unknown: Unknown | undefined;
  for (const [index, item] of items.entries()) {
    if (item instanceof Unknown) { unknown ??= item; continue; }
    if (sameValue(item, value)) return unknown ?? index;
  }
  if (typeof value === 'string') for (const item of items.slice(0, 20)) machine.compared(value, item, at);
  return unknown ?? -1;
}
