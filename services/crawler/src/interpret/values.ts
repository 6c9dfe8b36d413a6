import type { Place } from '../markup.js';

/**
 * The values of interpreted programs. Primitives are the host's own; everything with identity is a class of ours, so that no
 * object of the host is ever reachable from a repository's code, and `__proto__` or `constructor` are keys like any other.
 */
export type Value = undefined | null | boolean | number | string | bigint | symbol | Obj | Unknown;
export type Key = string | symbol;

let births = 0;
/** Rises with every object and binding: tells what existed before a speculation began. */
export const birth = (): number => ++births;
export const now = (): number => births;

/** A value that the source does not decide: what it stands for, and where it entered. Any operation on it gives an `Unknown`. */
export class Unknown {
  constructor(readonly reason: string, readonly at: Place) {}
}
/**
 * One of several values, by a condition that the source does not decide, or (`repeated`) a list of an unknown number of copies of its one option.
 * For every operation it is an `Unknown`; only a renderer unfolds it.
 */
export class Choice extends Unknown {
  constructor(reason: string, at: Place, readonly options: readonly Value[], readonly repeated = false) { super(reason, at); }
}

/** A node of the document that the program got hold of. Reading it is unknown; changing it in a handler is an effect that nobody follows. */
export class DocumentPart extends Unknown {
  /** `reader` when it is certainly there, and some of it is known: gives `undefined` for what is not. */
  constructor(reason: string, at: Place, readonly reader?: (key: Key) => Value) { super(reason, at); }
  changed(phase: string, at: Place): void {
    if (phase === 'event') throw new Undecided(`the document is changed directly (${this.reason})`, at);
  }
}

export interface Property { value: Value; get?: Fn; set?: Fn; enumerable: boolean; writable: boolean }

export class Obj {
  readonly born = birth();
  readonly properties = new Map<Key, Property>();
  frozen = false;
  /** An object of which more may be true than is known (third-party namespace): a missing property is this instead of `undefined`. */
  missing?: Unknown;
  constructor(public proto: Obj | null) {}
  own(key: Key): Property | undefined { return this.properties.get(key); }
  put(key: Key, value: Value, enumerable = true): this {
    this.properties.set(key, { value, enumerable, writable: true });
    return this;
  }
  /** Own enumerable string keys, integers first, as the language orders them. */
  keys(): string[] {
    const keys: string[] = [];
    for (const [key, property] of this.properties) if (typeof key === 'string' && property.enumerable) keys.push(key);
    if (!keys.some(isIndex)) return keys;
    return [...keys.filter(isIndex).sort((a, b) => Number(a) - Number(b)), ...keys.filter((key) => !isIndex(key))];
  }
}
export const isIndex = (key: string): boolean => /^(?:0|[1-9]\d{0,9})$/.test(key);

export class Arr extends Obj {
  constructor(proto: Obj | null, public items: Value[]) { super(proto); }
  override own(key: Key): Property | undefined {
    if (typeof key === 'string') {
      if (key === 'length') return { value: this.items.length, enumerable: false, writable: true };
      if (isIndex(key)) return Number(key) in this.items ? { value: this.items[Number(key)], enumerable: true, writable: true } : undefined;
    }
    return super.own(key);
  }
  override keys(): string[] { return [...Object.keys(this.items), ...super.keys()]; }
}

/** A function written on our side. `at` is the place of the call. */
export type Native = (args: Value[], self: Value, at: Place, newTarget?: Fn) => Value;

/** A function: either `native`, or a `body` that `functions.ts` knows how to run. */
export class Fn extends Obj {
  native?: Native;
  /** Closure of an interpreted function; its shape belongs to `functions.ts`. */
  code?: unknown;
  /** Native functions may be constructed only when they say so. */
  constructable = false;
  constructor(proto: Obj | null, readonly name: string, readonly at: Place | null) { super(proto); }
}

/** An object with one value of ours inside that programs cannot see: Map, Set, Date, RegExp, Promise, URL … */
export class Boxed<T> extends Obj {
  constructor(proto: Obj | null, public inner: T) { super(proto); }
}

/** What JSX and `createElement` make. `type`: tag, component, or a symbol such as `FRAGMENT`. */
export class ElementObj extends Obj {
  constructor(proto: Obj | null, readonly type: Value, readonly props: Obj, readonly key: Value, readonly at: Place) {
    super(proto);
    this.put('type', type).put('props', props).put('key', key).put('$$typeof', Symbol.for('react.element'));
    const ref = props.own('ref');
    this.put('ref', ref ? ref.value : null);
  }
}
export const FRAGMENT: unique symbol = Symbol('Fragment');

/** The interpreted program threw `value`. */
export class Thrown extends Error {
  constructor(readonly value: Value, readonly at: Place) { super('thrown by the interpreted program'); }
}
/** The interpreter cannot say what happens: a branch on an unknown value, an effect under an undecided condition, a limit. Interpreted `catch` never sees it. */
export class Undecided extends Error {
  constructor(readonly reason: string, readonly at: Place | undefined, readonly limit = false) { super(reason); }
}

export const isObject = (value: Value): value is Obj => value instanceof Obj;
export const isUnknown = (value: Value): value is Unknown => value instanceof Unknown;
export const isFn = (value: Value): value is Fn => value instanceof Fn;
