import type { Place } from '../../markup.js';
import { iterate, joinItems, toNumber, toText, truth } from '../convert.js';
import { choose, LIMITS, type Machine } from '../machine.js';
import { Arr, Choice, Fn, isObject, Undecided, Unknown, type Native, type Value } from '../values.js';
import { constructor, methods } from './define.js';
import { indexIn } from './objects.js';

export function installArrays(machine: Machine): void {
  const array = constructor(machine, 'Array', (args) => {
    const [length] = args;
    if (args.length !== 1 || typeof length !== 'number') return machine.array(args);
    if (length > LIMITS.items) throw new Undecided('an array grows too large', undefined, true);
    return machine.array(Array.from({ length }, () => undefined));
  });
  methods(machine, array, {
    isArray: ([value]) => (value instanceof Choice && value.repeated ? true : value instanceof Unknown ? value : value instanceof Arr),
    of: (args) => machine.array(args),
    from: ([source, callback], _self, at) => {
      const items = isObject(source) && !(source instanceof Arr) && machine.get(source, Symbol.iterator, at) === undefined ? arrayLike(machine, source, at) : source === undefined || source === null ? machine.throwError('TypeError', 'it is not iterable', at) : typeof source === 'number' || typeof source === 'boolean' ? [] : iterate(machine, source, at);
      if (items instanceof Unknown) return callback instanceof Fn ? machine.call(machine.fn('map', () => items), [], undefined, at) : items;
      return machine.array(callback instanceof Fn ? items.map((item, index) => machine.call(callback, [item, index], undefined, at)) : items);
    },
  });
  const proto = machine.intrinsic('Array');
  methods(machine, proto, onArrays(machine, { ...readers(machine), ...callbacks(machine), ...writers(machine) }));
  proto.put(Symbol.iterator, machine.fn('[Symbol.iterator]', (_args, self) => iteratorOver(machine, self instanceof Arr ? self.items : [])), false);
}

type ArrayMethod = (args: Value[], self: Arr, at: Place) => Value;

/** The methods also apply to `arguments`-like objects; on anything else they are unknown. */
function onArrays(machine: Machine, table: Record<string, ArrayMethod>): Record<string, Native> {
  return Object.fromEntries(Object.entries(table).map(([name, method]): [string, Native] => [name, (args, self, at) => {
    if (self instanceof Arr) return method(args, self, at);
    if (!isObject(self)) return self instanceof Unknown ? self : new Unknown(`Array.prototype.${name} on something else`, at);
    const items = arrayLike(machine, self, at);
    return items instanceof Unknown ? items : method(args, machine.array(items), at);
  }]));
}

function arrayLike(machine: Machine, obj: Value, at: Place): Value[] | Unknown {
  const length = toNumber(machine, machine.get(obj, 'length', at) ?? 0, at);
  if (length instanceof Unknown) return length;
  if (length > LIMITS.items) throw new Undecided('an array grows too large', at, true);
  return Array.from({ length: Math.max(0, Math.trunc(length) || 0) }, (_, index) => machine.get(obj, String(index), at));
}

export function iteratorOver(machine: Machine, values: readonly Value[]): Value {
  let index = 0;
  const iterator = machine.object();
  iterator.put('next', machine.fn('next', () => {
    const done = index >= values.length;
    return machine.object({ value: values[index++], done });
  }));
  iterator.put(Symbol.iterator, machine.fn('[Symbol.iterator]', () => iterator), false);
  return iterator;
}

const integer = (value: Value, fallback: number): number => (value === undefined || value instanceof Unknown || isObject(value) || typeof value === 'symbol' ? fallback : Math.trunc(Number(value)) || 0);
const firstUnknown = (args: readonly Value[]): Unknown | undefined => args.find((arg) => arg instanceof Unknown);

function readers(machine: Machine): Record<string, ArrayMethod> {
  return {
    slice: (args, { items }) => firstUnknown(args) ?? machine.array(items.slice(integer(args[0], 0), args[1] === undefined ? undefined : integer(args[1], 0))),
    concat: (args, { items }) => {
      const result = items.slice();
      for (const arg of args) {
        if (arg instanceof Unknown) return arg;
        if (arg instanceof Arr) result.push(...arg.items); else result.push(arg);
      }
      return machine.array(result);
    },
    join: ([separator], self, at) => {
      const between = separator === undefined ? ',' : toText(machine, separator, at);
      return between instanceof Unknown ? between : joinItems(machine, self, between, at);
    },
    toString: (_args: Value[], self: Arr, at: Place) => joinItems(machine, self, ',', at),
    includes: ([value], { items }, at) => { const index = indexIn(machine, items, value, at); return index instanceof Unknown ? (items.length === 0 ? false : index) : index >= 0; },
    indexOf: ([value], { items }, at) => (items.length === 0 ? -1 : indexIn(machine, items, value, at)),
    lastIndexOf: ([value], { items }) => items.lastIndexOf(value),
    at: ([index], { items }) => (index instanceof Unknown ? index : items.at(integer(index, 0))),
    flat: ([depth], { items }) => machine.array(flatten(items, integer(depth, 1))),
    toReversed: (_args, { items }) => machine.array(items.toReversed()),
    toSpliced: (args, { items }) => machine.array(items.toSpliced(integer(args[0], 0), integer(args[1], 0), ...args.slice(2))),
    with: ([index, value], { items }) => machine.array(items.with(integer(index, 0), value)),
    toSorted: ([compare], { items }, at) => sorted(machine, items, compare, at),
    keys: (_args, { items }) => iteratorOver(machine, [...items.keys()]),
    values: (_args, { items }) => iteratorOver(machine, items),
    entries: (_args, { items }) => iteratorOver(machine, items.map((item, index) => machine.array([index, item]))),
  };
}

function flatten(items: readonly Value[], depth: number): Value[] {
  return items.flatMap((item) => (item instanceof Arr && depth > 0 ? flatten(item.items, Math.min(depth, 50) - 1) : [item]));
}

function callbacks(machine: Machine): Record<string, ArrayMethod> {
  const each = (callback: Value, self: Arr, index: number, at: Place): Value => machine.call(callback, [self.items[index], index, self], undefined, at);
  /** The first item for which the callback holds; whether an earlier one holds must be decided. */
  const find = (callback: Value, self: Arr, at: Place, from: 'start' | 'end'): { index: number } | { unknown: Unknown; among: Value[] } => {
    const order = from === 'start' ? [...self.items.keys()] : [...self.items.keys()].toReversed();
    for (const [position, index] of order.entries()) {
      const holds = truth(each(callback, self, index, at));
      if (holds instanceof Unknown) return { unknown: holds, among: order.slice(position).map((candidate) => self.items[candidate]) };
      if (holds) return { index };
    }
    return { index: -1 };
  };
  const item = (found: ReturnType<typeof find>, self: Arr): Value => ('unknown' in found ? choose(found.unknown, [...found.among, undefined]) : self.items[found.index]);
  const position = (found: ReturnType<typeof find>): Value => ('unknown' in found ? found.unknown : found.index);
  return {
    map: ([callback], self, at) => machine.array(self.items.map((_item, index) => each(callback, self, index, at))),
    flatMap: ([callback], self, at) => machine.array(flatten(self.items.map((_item, index) => each(callback, self, index, at)), 1)),
    forEach: ([callback], self, at) => { for (let index = 0; index < self.items.length; index++) each(callback, self, index, at); return undefined; },
    filter: ([callback], self, at) => {
      const kept: Value[] = [];
      for (const [index, item] of self.items.entries()) {
        const holds = truth(each(callback, self, index, at));
        if (holds instanceof Unknown) return new Unknown(`a list filtered by ${holds.reason}`, holds.at);
        if (holds) kept.push(item);
      }
      machine.branch(at);
      return machine.array(kept);
    },
    find: ([callback], self, at) => item(find(callback, self, at, 'start'), self),
    findLast: ([callback], self, at) => item(find(callback, self, at, 'end'), self),
    findIndex: ([callback], self, at) => position(find(callback, self, at, 'start')),
    findLastIndex: ([callback], self, at) => position(find(callback, self, at, 'end')),
    some: ([callback], self, at) => { const found = find(callback, self, at, 'start'); return 'unknown' in found ? found.unknown : found.index >= 0; },
    every: ([callback], self, at) => {
      let unknown: Unknown | undefined;
      for (const index of self.items.keys()) {
        const holds = truth(each(callback, self, index, at));
        if (holds instanceof Unknown) unknown ??= holds; else if (!holds) return false;
      }
      return unknown ?? true;
    },
    reduce: (args, self, at) => reduce(machine, args, self, [...self.items.keys()], at),
    reduceRight: (args, self, at) => reduce(machine, args, self, [...self.items.keys()].toReversed(), at),
  };
}

function reduce(machine: Machine, args: readonly Value[], self: Arr, order: number[], at: Place): Value {
  const [callback, initial] = args;
  let value = initial;
  if (args.length < 2) {
    const first = order.shift();
    if (first === undefined) return machine.throwError('TypeError', 'Reduce of empty array with no initial value', at);
    value = self.items[first];
  }
  for (const index of order) value = machine.call(callback, [value, self.items[index], index, self], undefined, at);
  return value;
}

function sorted(machine: Machine, items: readonly Value[], compare: Value, at: Place): Value {
  const unknown = { found: null as Unknown | null };
  const order = (a: Value, b: Value): number => {
    if (unknown.found) return 0;
    const result = compare instanceof Fn ? toNumber(machine, machine.call(compare, [a, b], undefined, at), at) : byText(machine, a, b, at);
    if (result instanceof Unknown) { unknown.found = result; return 0; }
    return result;
  };
  const result = items.toSorted((a, b) => (a === undefined ? 1 : b === undefined ? -1 : order(a, b)));
  return unknown.found ? new Unknown(`an order by ${unknown.found.reason}`, unknown.found.at) : machine.array(result);
}
function byText(machine: Machine, a: Value, b: Value, at: Place): number | Unknown {
  const left = toText(machine, a, at);
  const right = toText(machine, b, at);
  if (left instanceof Unknown) return left;
  if (right instanceof Unknown) return right;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Where a list changes must be known. */
function positions(args: readonly Value[]): void {
  const unknown = firstUnknown(args.slice(0, 2));
  if (unknown) throw new Undecided(`a list changed at ${unknown.reason}`, unknown.at);
}

function writers(machine: Machine): Record<string, ArrayMethod> {
  const writing = (method: ArrayMethod): ArrayMethod => (args, self, at) => {
    machine.touchAll(self);
    if (self.items.length + args.length > LIMITS.items) throw new Undecided('an array grows too large', at, true);
    return method(args, self, at);
  };
  return {
    push: writing((args, self) => self.items.push(...args)),
    pop: writing((_args, self) => self.items.pop()),
    shift: writing((_args, self) => self.items.shift()),
    unshift: writing((args, self) => self.items.unshift(...args)),
    reverse: writing((_args, self) => { self.items.reverse(); return self; }),
    splice: writing((args, self) => {
      positions(args);
      const start = integer(args[0], 0);
      return machine.array(args.length === 1 ? self.items.splice(start) : self.items.splice(start, integer(args[1], 0), ...args.slice(2)));
    }),
    fill: writing(([value, start, end], self) => { self.items.fill(value, integer(start, 0), end === undefined ? undefined : integer(end, 0)); return self; }),
    sort: writing(([compare], self, at) => {
      const result = sorted(machine, self.items, compare, at);
      if (!(result instanceof Arr)) throw new Undecided(result instanceof Unknown ? result.reason : 'an order', at);
      self.items = result.items;
      return self;
    }),
  };
}
