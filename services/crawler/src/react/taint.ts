import type * as N from '@babel/types';
import { Closure } from '../interpret/closures.js';
import { alike, choose } from '../interpret/machine.js';
import { Choice, Fn, isObject, Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Renderer } from './renderer.js';

/** What an effect that cannot be followed may have done, by the names its code mentions: state it can set becomes a choice; when it can navigate, nothing is certain. */
export function taint(renderer: Renderer, callback: Value, why: Unknown, navigates: (value: Value) => boolean): void {
  const setters = new Map([...renderer.states()].map((hook) => [hook.setter, hook] as const));
  const seen = new Set<Value>();
  const visit = (value: Value, depth: number): void => {
    if (!isObject(value) || seen.has(value) || depth > 4) return;
    seen.add(value);
    if (navigates(value)) throw new Undecided(`a redirect depends on ${why.reason}`, why.at);
    const hook = setters.get(value);
    if (hook) {
      const spoiled = choose(why, [hook.value, new Unknown(why.reason, why.at)]);
      if (alike(hook.value, spoiled)) return;
      hook.value = spoiled;
      renderer.schedule();
      return;
    }
    if (value instanceof Fn && value.code instanceof Closure) {
      const { node, scope, frame } = value.code;
      for (const name of namesIn(node)) if (name === 'this') visit(frame.self, depth + 1); else { const binding = scope.find(name); if (binding && !binding.dead) visit(binding.value, depth + 1); }
      if (usesThis(node)) for (const self of renderer.classes()) self.put('state', unknownState(self, why));
      return;
    }
    if (!(value instanceof Fn)) for (const property of value.properties.values()) if (property.value instanceof Fn) visit(property.value, depth + 1);
  };
  visit(callback, 0);
  for (const store of renderer.stores) {
    const spoiled = choose(why, [store.state, new Unknown(why.reason, why.at)]);
    if (alike(store.state, spoiled)) continue;
    store.state = spoiled;
    renderer.schedule();
  }
}

function unknownState(self: Obj, why: Unknown): Value {
  const state = self.own('state')?.value;
  if (!isObject(state)) return new Unknown(why.reason, why.at);
  const next = new Obj(state.proto);
  for (const key of state.keys()) next.put(key, new Choice(why.reason, why.at, [state.own(key)?.value, new Unknown(why.reason, why.at)]));
  return next;
}

const namesOf = new WeakMap<N.Node, ReadonlySet<string>>();
function namesIn(node: N.Node): ReadonlySet<string> {
  let names = namesOf.get(node);
  if (!names) {
    const found = new Set<string>();
    walk(node, (inner) => { if (inner.type === 'Identifier') found.add(inner.name); });
    namesOf.set(node, names = found);
  }
  return names;
}
function usesThis(node: N.Node): boolean {
  let found = false;
  walk(node, (inner) => { if (inner.type === 'ThisExpression') found = true; });
  return found;
}

function walk(node: N.Node, visit: (node: N.Node) => void): void {
  visit(node);
  for (const [key, value] of Object.entries(node)) {
    if (key === 'loc' || key === 'typeAnnotation') continue;
    for (const child of Array.isArray(value) ? value as unknown[] : [value as unknown]) if (isNode(child)) walk(child, visit);
  }
}
const isNode = (value: unknown): value is N.Node => typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
