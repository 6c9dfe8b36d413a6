import type { Place } from '../markup.js';
import { LIMITS, type Machine } from './machine.js';
import { Arr, Boxed, Choice, DocumentPart, Fn, isObject, Undecided, Unknown, type Value } from './values.js';

/** Conversions between types as the language defines them. Each gives the `Unknown` that stood in the way, where one did. */

export function truth(value: Value): boolean | Unknown {
  if (value instanceof DocumentPart && value.reader) return true;
  if (value instanceof Choice && !value.repeated) return sameTruth(value);
  if (value instanceof Unknown) return value;
  return isObject(value) ? true : Boolean(value);
}

/** A choice among values that are all true, or all false, is decided. */
function sameTruth(choice: Choice): boolean | Unknown {
  const truths = new Set(choice.options.map(truth));
  const [first] = truths;
  return truths.size === 1 && typeof first === 'boolean' ? first : choice;
}

/** Objects by `valueOf` and `toString`. */
export function toPrimitive(machine: Machine, value: Value, hint: 'string' | 'number', at: Place): Exclude<Value, import('./values.js').Obj> {
  if (!isObject(value)) return value;
  if (value instanceof Arr) return joinItems(machine, value, ',', at);
  const exotic = machine.get(value, Symbol.toPrimitive, at);
  if (exotic instanceof Fn) return primitive(machine.call(exotic, [hint], value, at), at);
  for (const name of hint === 'string' ? ['toString', 'valueOf'] : ['valueOf', 'toString']) {
    const method = machine.get(value, name, at);
    if (method instanceof Unknown) return method;
    if (!(method instanceof Fn)) continue;
    const result = machine.call(method, [], value, at);
    if (!isObject(result)) return result;
  }
  return machine.throwError('TypeError', 'Cannot convert object to primitive value', at);
}
const primitive = (value: Value, at: Place): Exclude<Value, import('./values.js').Obj> => (isObject(value) ? new Unknown('a conversion', at) : value);

export function toText(machine: Machine, value: Value, at: Place): string | Unknown {
  if (typeof value === 'string') return value;
  const plain = toPrimitive(machine, value, 'string', at);
  if (plain instanceof Unknown) return plain;
  if (typeof plain === 'symbol') return machine.throwError('TypeError', 'Cannot convert a Symbol value to a string', at);
  return String(plain);
}

export function toNumber(machine: Machine, value: Value, at: Place): number | Unknown {
  if (typeof value === 'number') return value;
  const plain = toPrimitive(machine, value, 'number', at);
  if (plain instanceof Unknown) return plain;
  if (typeof plain === 'symbol' || typeof plain === 'bigint') return machine.throwError('TypeError', 'Cannot convert to a number', at);
  return Number(plain);
}

/** A property key; an unknown one is returned as such. */
export function toKey(machine: Machine, value: Value, at: Place): string | symbol | Unknown {
  return typeof value === 'symbol' ? value : toText(machine, value, at);
}

export function joinItems(machine: Machine, array: Arr, separator: string, at: Place): string | Unknown {
  const parts: string[] = [];
  for (const item of array.items) {
    if (item === undefined || item === null) { parts.push(''); continue; }
    const text = toText(machine, item, at);
    if (text instanceof Unknown) return text;
    parts.push(text);
  }
  return bounded(parts.join(separator), at);
}

/** Text within the limit; longer text is a way to exhaust memory. */
export function bounded(text: string, at: Place): string {
  if (text.length > LIMITS.text) throw new Undecided('a text grows too long', at, true);
  return text;
}

/** The items of anything iterable; `Unknown` when it, or how it iterates, is unknown. */
export function iterate(machine: Machine, value: Value, at: Place): Value[] | Unknown {
  if (value instanceof Unknown) return value;
  if (value instanceof Arr) return value.items.slice();
  if (typeof value === 'string') return Array.from(value);
  if (value instanceof Boxed) {
    const inner: unknown = value.inner;
    if (inner instanceof Set) return [...inner] as Value[];
    if (inner instanceof Map) return [...(inner as Map<Value, Value>)].map(([key, item]) => machine.array([key, item]));
  }
  const method = isObject(value) ? machine.get(value, Symbol.iterator, at) : undefined;
  if (method instanceof Unknown) return method;
  if (!(method instanceof Fn)) machine.throwError('TypeError', 'object is not iterable', at);
  const iterator = machine.call(method, [], value, at);
  const next = machine.get(iterator, 'next', at);
  const items: Value[] = [];
  for (;;) {
    const step = machine.call(next, [], iterator, at);
    const done = truth(machine.get(step, 'done', at));
    if (done instanceof Unknown) return done;
    if (done) return items;
    items.push(machine.get(step, 'value', at));
    if (items.length > LIMITS.items) throw new Undecided('an iteration does not end', at, true);
  }
}

export function typeOf(value: Value): string | Unknown {
  if (value instanceof Unknown) return value;
  if (value === null) return 'object';
  if (value instanceof Fn) return 'function';
  return isObject(value) ? 'object' : typeof value;
}
