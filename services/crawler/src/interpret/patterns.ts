import type * as N from '@babel/types';
import { iterate, toKey } from './convert.js';
import { choose, type BindingMode, type Frame } from './machine.js';
import { plainKey } from './members.js';
import { placeOf } from './syntax.js';
import { Arr, isObject, Unknown, type Value } from './values.js';

/** Destructuring: gives each name of a pattern its part of a value. */
export function bind(pattern: N.Node, value: Value, frame: Frame, how: BindingMode, assign: (target: N.Node, value: Value, frame: Frame) => void): void {
  const { machine } = frame;
  const at = placeOf(pattern, frame.file);
  const inner = (node: N.Node, part: Value): void => bind(node, part, frame, how, assign);
  switch (pattern.type) {
    case 'Identifier': if (how === 'assign') assign(pattern, value, frame); else declare(pattern.name, value, frame, how); return;
    case 'AssignmentPattern': inner(pattern.left, withDefault(value, pattern.right, frame)); return;
    case 'ArrayPattern': {
      const items = value instanceof Arr ? value.items : iterate(machine, value, at);
      for (const [index, element] of pattern.elements.entries()) {
        if (!element) continue;
        if (element.type === 'RestElement') { inner(element.argument, items instanceof Unknown ? items : machine.array(items.slice(index))); continue; }
        inner(element, items instanceof Unknown ? machine.get(items, String(index), at) : items[index]);
      }
      return;
    }
    case 'ObjectPattern': {
      if (value === undefined || value === null) machine.throwError('TypeError', `Cannot destructure '${String(value)}'`, at);
      const taken: string[] = [];
      for (const property of pattern.properties) {
        if (property.type === 'RestElement') { inner(property.argument, rest(value, taken, frame)); continue; }
        const key = property.computed ? toKey(machine, machine.evaluate(property.key, frame), at) : plainKey(property.key);
        if (key instanceof Unknown) { inner(property.value, key); continue; }
        if (typeof key === 'string') taken.push(key);
        inner(property.value, machine.get(value, key, at));
      }
      return;
    }
    case 'RestElement': inner(pattern.argument, value); return;
    case 'TSParameterProperty': inner(pattern.parameter, value); return;
    default: assign(pattern, value, frame);
  }
}

function declare(name: string, value: Value, frame: Frame, how: BindingMode): void {
  const scope = how === 'var' ? frame.scope.functionScope() : frame.scope;
  const existing = scope.own(name);
  if (how === 'var' && existing) { frame.machine.touchBinding(existing); existing.value = value; return; }
  // A closure may already hold the hoisted binding: it is filled in, not replaced.
  if (existing?.dead) { existing.dead = false; existing.value = value; existing.constant = how === 'const'; return; }
  scope.declare(name, value, how === 'const');
}

/** The default stands in for `undefined` only; whether an unknown value is undefined is undecided. */
function withDefault(value: Value, fallback: N.Node, frame: Frame): Value {
  if (value === undefined) return frame.machine.evaluate(fallback, frame);
  return value instanceof Unknown ? choose(value, [value, frame.machine.fork(value, [(): Value => frame.machine.evaluate(fallback, frame), (): Value => undefined])[0]]) : value;
}

function rest(value: Value, taken: readonly string[], frame: Frame): Value {
  if (value instanceof Unknown) return value;
  const copy = frame.machine.object();
  if (!isObject(value)) return copy;
  for (const key of value.keys()) if (!taken.includes(key)) copy.put(key, frame.machine.get(value, key));
  if (value.missing) copy.missing = value.missing;
  return copy;
}
