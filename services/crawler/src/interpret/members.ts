import type * as N from '@babel/types';
import { toKey } from './convert.js';
import { choose, type Frame, type Machine } from './machine.js';
import { placeOf } from './syntax.js';
import { isObject, Unknown, type Fn, type Key, type Obj, type Value } from './values.js';

export function plainKey(node: N.Node): string {
  switch (node.type) {
    case 'Identifier': return node.name;
    case 'StringLiteral': return node.value;
    case 'NumericLiteral': return String(node.value);
    case 'PrivateName': return `#${node.id.name}`;
    default: return '';
  }
}

export function memberKey(node: N.MemberExpression | N.OptionalMemberExpression, frame: Frame): Key | Unknown {
  return node.computed ? toKey(frame.machine, frame.machine.evaluate(node.property, frame), placeOf(node, frame.file)) : plainKey(node.property);
}

export function superProperty(frame: Frame, key: Key): Value {
  for (let holder = frame.home?.proto ?? null; holder; holder = holder.proto) {
    const property = holder.own(key);
    if (property) return property.get ? frame.machine.call(property.get, [], frame.self) : property.value;
    if (holder.missing) return holder.missing;
  }
  return undefined;
}

export function accessor(obj: Obj, key: Key, kind: 'get' | 'set', method: Fn, enumerable: boolean): void {
  const before = obj.properties.get(key);
  obj.properties.set(key, { value: undefined, enumerable, writable: true, get: kind === 'get' ? method : before?.get, set: kind === 'set' ? method : before?.set });
}

/** `{...source}`: what an unknown source may have overwritten is unknown afterwards. */
export function spreadInto(machine: Machine, target: Obj, source: Value): void {
  if (source instanceof Unknown) {
    for (const property of target.properties.values()) property.value = choose(source, [property.value, source]);
    target.missing ??= source;
    return;
  }
  if (typeof source === 'string') { for (const [index, letter] of Array.from(source).entries()) target.put(String(index), letter); return; }
  if (!isObject(source)) return;
  if (source.missing) spreadInto(machine, target, source.missing);
  for (const key of source.keys()) target.put(key, machine.get(source, key));
  for (const [key, property] of source.properties) if (typeof key === 'symbol' && property.enumerable) target.put(key, property.value);
}

