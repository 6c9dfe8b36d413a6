import type { Place } from '../../markup.js';
import { toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { Arr, Boxed, Fn, isObject, Thrown, Unknown, type Value } from '../values.js';
import { methods } from './define.js';

/** `JSON` and `structuredClone`. */
export function installData(machine: Machine): void {
  const json = machine.object();
  methods(machine, json, {
    parse: ([text], _self, at) => {
      const source = toText(machine, text, at);
      if (source instanceof Unknown) return source;
      if (source.length > 1_000_000) return new Unknown('a large JSON text', at);
      let data: unknown;
      try { data = JSON.parse(source); } catch (error) { return machine.throwError('SyntaxError', error instanceof Error ? error.message : 'Unexpected token', at); }
      return machine.fromHost(data);
    },
    stringify: ([value, replacer, space], _self, at) => {
      if (replacer instanceof Fn || replacer instanceof Arr) return new Unknown('JSON with a replacer', at);
      const data = plain(machine, value, at, 0);
      if (data instanceof Unknown) return data;
      return data === undefined ? undefined : JSON.stringify(data, null, typeof space === 'number' || typeof space === 'string' ? space : undefined);
    },
  });
  machine.globals.set('JSON', json);
  machine.globals.set('structuredClone', machine.fn('structuredClone', ([value], _self, at) => clone(machine, value, new Map(), at)));
}

/** Host data for `JSON.stringify`: what JSON leaves out is `undefined`; one unknown part makes the text unknown. */
function plain(machine: Machine, value: Value, at: Place, depth: number): unknown {
  if (value instanceof Unknown) return value;
  if (depth > 100) throw new Thrown(machine.error('TypeError', 'Converting circular structure to JSON'), at);
  if (!isObject(value)) return typeof value === 'symbol' || typeof value === 'bigint' ? undefined : value;
  if (value.missing) return value.missing;
  const toJson = machine.get(value, 'toJSON', at);
  if (toJson instanceof Fn) return plain(machine, machine.call(toJson, [], value, at), at, depth + 1);
  if (value instanceof Fn) return undefined;
  if (value instanceof Arr) {
    const items: unknown[] = [];
    for (const item of value.items) {
      const part = plain(machine, item, at, depth + 1);
      if (part instanceof Unknown) return part;
      items.push(part ?? null);
    }
    return items;
  }
  const data = Object.create(null) as Record<string, unknown>;
  for (const key of value.keys()) {
    const part = plain(machine, machine.get(value, key, at), at, depth + 1);
    if (part instanceof Unknown) return part;
    data[key] = part;
  }
  return data;
}

function clone(machine: Machine, value: Value, done: Map<Value, Value>, at: Place): Value {
  if (!isObject(value)) return value;
  const known = done.get(value);
  if (known) return known;
  if (value instanceof Arr) {
    const copy = machine.array([]);
    done.set(value, copy);
    for (const item of value.items) copy.items.push(clone(machine, item, done, at));
    return copy;
  }
  if (value instanceof Fn || value instanceof Boxed || value.missing) return new Unknown('structuredClone', at);
  const copy = machine.object();
  done.set(value, copy);
  for (const key of value.keys()) copy.put(key, clone(machine, machine.get(value, key, at), done, at));
  return copy;
}
