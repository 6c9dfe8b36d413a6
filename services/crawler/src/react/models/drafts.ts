import type { Machine } from '../../interpret/machine.js';
import { Arr, Boxed, Fn, isObject, Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';

/** Immer's `produce`: the recipe may change a draft; what it did not change stays the very same object. */
export function produce(machine: Machine, base: Value, recipe: Value, more: readonly Value[], at: Place): Value {
  const copies = new Map<Obj, Obj>();
  const draft = copyOf(machine, base, copies);
  const result = machine.call(recipe, [draft, ...more], undefined, at);
  const originals = new Map([...copies].map(([original, copy]) => [copy, original]));
  return finished(result === undefined ? draft : result, originals, new Map());
}

function copyOf(machine: Machine, value: Value, copies: Map<Obj, Obj>): Value {
  if (!isObject(value) || value instanceof Fn || value instanceof Boxed) return value;
  const known = copies.get(value);
  if (known) return known;
  if (value instanceof Arr) {
    const copy = machine.array([]);
    copies.set(value, copy);
    copy.items = value.items.map((item) => copyOf(machine, item, copies));
    return copy;
  }
  const copy = new Obj(value.proto);
  copies.set(value, copy);
  if (value.missing) copy.missing = value.missing;
  for (const [key, property] of value.properties) copy.properties.set(key, { ...property, writable: true, value: copyOf(machine, property.value, copies) });
  return copy;
}

function finished(value: Value, originals: ReadonlyMap<Obj, Obj>, done: Map<Obj, Obj>): Value {
  if (!isObject(value) || value instanceof Fn || value instanceof Boxed) return value;
  const known = done.get(value);
  if (known) return known;
  done.set(value, value);
  const original = originals.get(value);
  if (value instanceof Arr) value.items = value.items.map((item) => finished(item, originals, done));
  else for (const property of value.properties.values()) property.value = finished(property.value, originals, done);
  const same = original && (value instanceof Arr ? original instanceof Arr && original.items.length === value.items.length && value.items.every((item, index) => item === original.items[index])
    : original.properties.size === value.properties.size && [...value.properties].every(([key, property]) => original.properties.get(key)?.value === property.value && original.properties.has(key)));
  if (same) done.set(value, original);
  return same ? original : value;
}
