import { iterate, truth } from '../interpret/convert.js';
import { type Machine, NOWHERE } from '../interpret/machine.js';
import { Arr, isObject, type Obj, Unknown, type Value } from '../interpret/values.js';

/**
 * One round per entry of a list or object, as template engines loop. Of an unknown list there is one round with an unknown entry, which may happen any number of times,
 * and `otherwise` (what an engine writes for an empty list) may happen too.
 */
export function eachEntry(machine: Machine, list: Value, round: (item: Value, key: Value, index: number, count: number) => void, otherwise: () => void = () => undefined): void {
  if (list instanceof Unknown) {
    const anything = new Unknown(list.reason, list.at);
    machine.fork(anything, [() => machine.uncertainly(anything, () => round(anything, anything, Number.NaN, Number.NaN)), otherwise]);
    return;
  }
  const length = isObject(list) && !(list instanceof Arr) ? machine.get(list, 'length') : undefined;
  if (length instanceof Unknown) {
    // A list of which some items are known: it goes through them itself.
    const run = (): void => void machine.call(machine.get(list, 'forEach'), [machine.fn('round', ([item, key]) => { round(item, key, Number.NaN, Number.NaN); return undefined; })], list);
    if (truth(length) === true) run(); else machine.fork(length, [run, otherwise]);
    return;
  }
  const entries = isObject(list) ? entriesOf(machine, list) : [];
  for (const [index, [key, item]] of entries.entries()) round(item, key, index, entries.length);
  if (entries.length === 0) otherwise();
}

function entriesOf(machine: Machine, list: Obj): Array<[Value, Value]> {
  if (list instanceof Arr || machine.get(list, Symbol.iterator) !== undefined) {
    const items = iterate(machine, list, NOWHERE);
    if (!(items instanceof Unknown)) return items.map((item, index) => [index, item]);
  }
  return list.keys().map((key) => [key, machine.get(list, key)]);
}
