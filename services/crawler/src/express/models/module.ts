import type { Machine } from '../../interpret/machine.js';
import { fulfilled, rejected } from '../../interpret/promises.js';
import { Fn, isObject, type Native, type Obj, Thrown, Undecided, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';

/** A CommonJS module: `exported` is what `require` gives, its properties are what `import {…}` sees, itself is the default. */
export function commonJs(machine: Machine, exported: Obj): Obj {
  const namespace = machine.object();
  for (const key of exported.keys()) namespace.put(key, machine.get(exported, key));
  namespace.missing = exported.missing;
  return namespace.put('default', exported).put('module.exports', exported, false);
}

/** A function of the program with functions as its properties. */
export function callable(machine: Machine, name: string, native: Native, properties: Readonly<Record<string, Value>> = {}): Fn {
  const fn = machine.fn(name, native);
  fn.constructable = true;
  for (const [key, value] of Object.entries(properties)) fn.put(key, value);
  return fn;
}

export const functions = (machine: Machine, natives: Readonly<Record<string, Native>>): Record<string, Fn> =>
  Object.fromEntries(Object.entries(natives).map(([name, native]) => [name, machine.fn(name, native)]));

/** A middleware that passes every request on. */
export const passing = (machine: Machine, name: string): Fn => machine.fn(name, ([, , next]) => machine.call(next, []));

/** The Node convention: the result goes to a callback when the last argument is one, else into a promise. `produce` may throw `Thrown`. */
export function answerLater(machine: Machine, args: readonly Value[], at: Place, produce: () => Value, self?: Value): Value {
  const callback = args.at(-1);
  let result: Value;
  try {
    result = produce();
  } catch (thrown) {
    if (!(thrown instanceof Thrown)) throw thrown;
    if (!(callback instanceof Fn)) return rejected(machine, thrown.value, thrown.at);
    machine.later(callback, [thrown.value], 0, false, at);
    return undefined;
  }
  if (!(callback instanceof Fn)) return fulfilled(machine, result);
  machine.later(machine.fn('callback', () => machine.call(callback, [null, result], self, at)), [], 0, false, at);
  return undefined;
}

/** The truth of a value that decides what the server does: unknown is undecided. */
export function decided(value: Value, what: string, at: Place): boolean {
  if (value instanceof Unknown) throw new Undecided(`${what} depends on ${value.reason}`, value.at.file ? value.at : at);
  return isObject(value) ? true : Boolean(value);
}
