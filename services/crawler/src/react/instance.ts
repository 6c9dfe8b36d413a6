import type { Place } from '../markup.js';
import { Obj, type Unknown, type Value } from '../interpret/values.js';

/** What React keeps for one component at one place in the tree. */
export interface Instance {
  /** The way from the root by child index or key; the identity across renders, together with `type`. */
  readonly path: string;
  readonly type: Value;
  readonly at: Place;
  readonly hooks: Hook[];
  /** How many hooks this render has called so far. */
  cursor: number;
  /** `this` of a class component. */
  self: Obj | null;
  mounted: boolean;
  /** Context values above it. */
  env: Env;
  /** Of a class component: state updates since the last render. */
  pending: Value[];
  props: Obj | null;
}

export type Hook =
  | { kind: 'state'; value: Value; setter: Value; /** Why an update since the last event may not have happened: later ones cannot hide that. */ tainted: Unknown | null }
  | { kind: 'ref'; value: Obj }
  | { kind: 'memo'; value: Value; deps: readonly Value[] | null }
  | { kind: 'effect'; deps: readonly Value[] | null; due: boolean; callback: Value; cleanup: Value; layout: boolean; uncertain: Unknown | null; at: Place };

/** What a subtree is rendered under. */
export interface Env {
  readonly contexts: ReadonlyMap<Obj, Value>;
  /** Why the subtree may not be rendered at all. */
  readonly unsure: Unknown | null;
}

/** The kinds of element types that are neither tags nor functions. */
export class Special extends Obj {
  constructor(proto: Obj | null, readonly kind: 'memo' | 'forwardRef' | 'lazy' | 'context' | 'provider' | 'consumer', readonly inner: Value, readonly context: Special | null = null) { super(proto); }
}

export function sameDeps(a: readonly Value[] | null, b: readonly Value[] | null, alike: (a: Value, b: Value) => boolean): boolean {
  return a !== null && b !== null && a.length === b.length && a.every((value, index) => alike(value, b[index]));
}
