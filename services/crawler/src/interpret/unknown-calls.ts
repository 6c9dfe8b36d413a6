import type { Place } from '../markup.js';
import { isPromise } from './promises.js';
import { choose, type Machine } from './machine.js';
import { Boxed, Choice, DocumentPart, Fn, isObject, Thrown, Unknown, type Key, type Value } from './values.js';

/** What calls and properties of unknown values give, and what becomes of the functions that are handed to unknown code. */

/** A property of a choice is the choice of the properties; of anything else unknown, unknown. */
export function getOfUnknown(machine: Machine, target: Unknown, key: Key, at: Place): Value {
  if (target instanceof Choice && !target.repeated && target.options.every((option) => isObject(option) && !(option instanceof Boxed && isPromise(machine, option)))) {
    return choose(target, target.options.map((option) => machine.get(option, key, at)), target.at);
  }
  const read = target instanceof DocumentPart ? target.reader?.(key) : undefined;
  if (read !== undefined) return read;
  if (target instanceof DocumentPart) return new DocumentPart(extended(target.reason, key), target.at);
  return target instanceof Choice ? new Unknown(target.reason, target.at) : new Unknown(extended(target.reason, key), target.at);
}
const extended = (reason: string, key: Key): string => (reason.length < 60 && typeof key === 'string' && /^[\w$.()'@/-]+$/.test(reason) ? `${reason}.${key}` : reason);

/** Calls what nothing is known of. Handlers and effects: functions among the arguments may be called back, now or later, with anything. */
export function callUnknown(machine: Machine, callee: Unknown, args: readonly Value[]): Value {
  const result = new Unknown(callee.reason, callee.at);
  if (machine.phase === 'load' || machine.phase === 'render') return result;
  for (const arg of args) if (arg instanceof Fn) callBack(machine, arg, callee);
  return result;
}

function callBack(machine: Machine, callback: Fn, why: Unknown): void {
  const anything = new Unknown(why.reason, why.at);
  machine.uncertainly(why, () => {
    try {
      machine.call(callback, [anything, anything, anything], undefined, why.at);
    } catch (error) {
      // What a callback throws goes to the unknown code that called it.
      if (!(error instanceof Thrown)) throw error;
    }
  });
}

const KEEPS = new Set(['filter', 'slice', 'sort', 'reverse', 'toSorted', 'toReversed', 'concat']);

/** A method of an unknown value. `map` gives an unknown number of copies of what its callback makes of an unknown item. */
export function callUnknownMethod(machine: Machine, self: Unknown, key: Key | Unknown, args: readonly Value[], at: Place): Value {
  const [callback] = args;
  if (self instanceof DocumentPart) return callDocument(machine, self, key, at);
  const item = new Unknown(self.reason, self.at);
  if ((key === 'map' || key === 'flatMap') && callback instanceof Fn) {
    const copy = machine.fork(self, [(): Value => machine.call(callback, [item, new Unknown(`the position in ${self.reason}`, self.at), self], undefined, at), (): Value => undefined])[0];
    return new Choice(self.reason, at, [copy], true);
  }
  if (key === 'forEach' && callback instanceof Fn) {
    machine.fork(self, [(): Value => machine.call(callback, [item, item, self], undefined, at), (): Value => undefined]);
    return undefined;
  }
  if (typeof key === 'string' && KEEPS.has(key) && self instanceof Choice && self.repeated) return self;
  if (typeof key === 'string' && (KEEPS.has(key) || ARRAY_READERS.has(key))) return item;
  return callUnknown(machine, machine.get(self, key instanceof Unknown ? '?' : key, at) as Unknown, args);
}
/** Their callbacks are taken to have no effects of their own. */
const ARRAY_READERS = new Set(['find', 'findIndex', 'findLast', 'some', 'every', 'reduce', 'reduceRight', 'join', 'includes', 'indexOf', 'at']);

const HARMLESS = /^(?:focus|blur|select|scroll\w*|get\w*|has\w*|contains|closest|matches|query\w*|addEventListener|removeEventListener|dispatchEvent|observe|setSelectionRange|setPointerCapture|play|pause|load)$/;
/** Listeners on the document are not followed; methods that change it are refused in handlers. */
function callDocument(machine: Machine, self: DocumentPart, key: Key | Unknown, at: Place): Value {
  if (typeof key !== 'string' || !HARMLESS.test(key)) self.changed(machine.phase, at);
  return new DocumentPart(self.reason, self.at);
}
