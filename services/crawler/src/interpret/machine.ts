import type * as N from '@babel/types';
import type { Hint, Page, Repo } from '../framework.js';
import type { Place } from '../markup.js';
import type { Binding, Scope } from './scope.js';
import { Arr, Choice, DocumentPart, Fn, FRAGMENT, ElementObj, isObject, now, Obj, Thrown, Undecided, Unknown, type Key, type Native, type Property, type Value } from './values.js';

/**
 * The machine that "runs" an application without executing anything of it. It walks syntax trees with values of our own
 * (values.ts) and keeps to these rules:
 *
 * - A value is concrete only when the source decides it. Clock, randomness, network, environment, the size of the window and every module
 *   without a model are `Unknown`. An operation on an unknown value is unknown.
 * - A branch on an unknown value is *forked*: both sides run speculatively. Where the sides differ only in variables and properties, those become a
 *   `Choice`; an effect that others can see (state, navigation, storage) under a fork ends in `Undecided`, and that behaviour is left out.
 * - What runs after waiting for something unknown, or in a callback given to unknown code, is *uncertain*: it may or may not have happened. State set then is a
 *   `Choice` of before and after; other effects end in `Undecided`.
 * - Unknown functions are taken not to change the objects they are given.
 * - Fuel, call depth, string and array sizes are limited; a limit ends in `Undecided` with `limit`. Regular expressions of the program run only when they cannot backtrack for long.
 * - A string that the explorer typed, when compared with a constant of the source, leaves a `Hint`.
 *
 * A machine is one page load: create it with `startMachine` (start.ts), load modules, call functions, read what was noted, throw it away.
 * Every method may throw `Thrown` (the program threw) or `Undecided`; `attempt` turns both into values.
 */
export class Machine {
  fuel: number;
  depth: number = 0;
  /** Strings that the explorer typed. */
  readonly typed = new Set<string>();
  readonly hints: Hint[] = [];
  readonly needs: Array<Page['needs'][number]> = [];
  /** Repository paths of style sheets that modules import, in order of import. */
  readonly styles: string[] = [];
  /** Branches and effects since the last `startWatching`, oldest first. */
  private readonly watched: Array<{ at: Place; what: 'effect' | 'branch' | 'rendered branch' }> = [];
  /** Why what runs now may or may not happen; `null` when it certainly does. */
  uncertain: Unknown | null = null;
  /** What is going on: decides what an early return under an undecided condition means, and whether unknown code may call back. */
  phase: Phase = 'load';
  readonly speculations: Speculation[] = [];
  readonly microtasks: Array<() => void> = [];
  readonly timers: Timer[] = [];
  private timerIds = 0;
  readonly storage: BrowserStorage;
  /** Prototypes and global names, filled by the builtins. */
  readonly intrinsics: Map<string, Obj> = new Map();
  readonly globals: Map<string, Value> = new Map();
  readonly options: MachineOptions;
  /** What the address bar shows: path, search and hash. */
  address: string;
  /** Where the program has sent the browser for a new page load. */
  leaving: string | null = null;
  /** `document.title`. */
  title: Value;

  constructor(options: MachineOptions, private readonly engine: Engine) {
    this.options = options;
    this.address = options.path ?? '/';
    this.title = options.title ?? '';
    this.fuel = options.fuel ?? 20_000_000;
    this.storage = options.storage ?? emptyStorage();
  }

  // ── Running ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The namespace of a module (repository path), loaded once. A module that is missing or does not parse throws `Undecided`. */
  load(path: string): Obj { return this.engine.loadModule(this, path); }
  /** What `specifier` in `from` stands for: a namespace of the repository, of a model, or an unknown one. */
  import(specifier: string, from: string, at: Place): Obj { return this.engine.importModule(this, specifier, from, at); }
  call(callee: Value, args: Value[], self?: Value, at: Place = NOWHERE): Value { return this.engine.call(this, callee, args, self, at); }
  construct(callee: Value, args: Value[], at: Place = NOWHERE, newTarget?: Fn): Value { return this.engine.construct(this, callee, args, at, newTarget); }
  evaluate(node: N.Node, frame: Frame): Value { return this.engine.evaluate(node, frame); }
  execute(node: N.Statement, frame: Frame): Completion { return this.engine.execute(node, frame); }
  bind(pattern: N.Node, value: Value, frame: Frame, how: BindingMode): void { this.engine.bind(pattern, value, frame, how); }

  /** Runs `f` and tells how it ended. Stack exhaustion of the host counts as a limit. */
  attempt<T>(f: () => T): Attempt<T> {
    const { depth, uncertain, phase } = this;
    const speculations = this.speculations.length;
    try {
      return { ok: true, value: f() };
    } catch (error) {
      this.depth = depth;
      this.uncertain = uncertain;
      this.phase = phase;
      while (this.speculations.length > speculations) this.speculations.pop()?.rollBack();
      if (error instanceof Thrown) return { ok: false, thrown: error };
      if (error instanceof Undecided) return { ok: false, undecided: error };
      if (error instanceof RangeError) return { ok: false, undecided: new Undecided('the program nests too deeply', undefined, true) };
      throw error;
    }
  }

  /** Spends fuel; called for every node evaluated. */
  burn(at: () => Place): void {
    if (--this.fuel < 0) throw new Undecided('the program runs too long to be followed', at(), true);
  }

  // ── Noting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** An effect that others can see is about to happen: refused where it is not certain that it happens. `uncertain: 'allowed'` when the caller merges before and after itself. */
  effect(what: string, at: Place, whenUncertain: 'refused' | 'allowed' = 'refused'): void {
    if (this.speculations.length > 0) throw new Undecided(`${what} depends on ${this.speculations.at(-1)?.why.reason ?? 'an unknown value'}`, this.speculations.at(-1)?.why.at ?? at);
    if (this.uncertain && whenUncertain === 'refused') throw new Undecided(`${what} depends on ${this.uncertain.reason}`, this.uncertain.at);
    this.watched.push({ at, what: 'effect' });
  }
  branch(at: Place): void { if (this.watched.length < 1_000) this.watched.push({ at, what: this.phase === 'render' ? 'rendered branch' : 'branch' }); }
  startWatching(): void { this.watched.length = 0; }
  /** The lines that decided since `startWatching`: effects, then branches, then (`rendering`) branches of components; latest first, each once, at most twelve. */
  because(rendering = true): Place[] {
    const seen = new Map<string, Place>();
    for (const what of ['effect', 'branch', ...(rendering ? ['rendered branch'] : [])]) {
      for (const entry of this.watched.toReversed()) if (entry.what === what && entry.at.file) seen.set(`${entry.at.file}:${entry.at.line}`, entry.at);
    }
    return [...seen.values()].slice(0, 12);
  }
  need(kind: Page['needs'][number]['kind'], detail: string, at: Place): void {
    if (!this.needs.some((need) => need.kind === kind && need.detail === detail)) this.needs.push({ kind, detail: detail.slice(0, 300), at });
  }
  /** Call where a program compares two values: notes a hint when one was typed by the explorer and the other is a constant. */
  compared(a: Value, b: Value, at: Place): void {
    if (this.typed.size === 0 || typeof a !== 'string' || typeof b !== 'string' || a === b) return;
    if (this.typed.has(a) && b !== '' && !this.typed.has(b)) this.hint(a, b, at);
    else if (this.typed.has(b) && a !== '' && !this.typed.has(a)) this.hint(b, a, at);
  }
  hint(typed: string, wanted: string, at: Place): void {
    if (wanted.length > 200 || this.hints.length >= 100 || this.hints.some((hint) => hint.typed === typed && hint.wanted === wanted)) return;
    this.hints.push({ typed, wanted, at });
  }

  // ── Speculation ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Call before a variable changes. */
  touchBinding(binding: Binding): void { this.speculations.at(-1)?.binding(binding); }
  /** Call before a property of an object changes. */
  touch(obj: Obj, key: Key): void { this.speculations.at(-1)?.property(obj, key); }
  /** Call before the items of an array, map or set change: those cannot be merged. */
  touchAll(obj: Obj): void {
    const speculation = this.speculations.at(-1);
    if (speculation && obj.born <= speculation.since) throw new Undecided(`a collection changes under a condition on ${speculation.why.reason}`, speculation.why.at);
  }
  /** Runs both sides of an undecided branch, each on the state before it, and merges what they changed into choices. */
  fork<T>(why: Unknown, sides: ReadonlyArray<() => T>): T[] {
    const results: T[] = [];
    const logs: Speculation[] = [];
    for (const side of sides) {
      const speculation = new Speculation(why, now());
      this.speculations.push(speculation);
      results.push(side());
      this.speculations.pop();
      speculation.rollBack();
      logs.push(speculation);
    }
    mergeSpeculations(this, why, logs);
    return results;
  }
  during<T>(phase: Phase, f: () => T): T {
    const before = this.phase;
    this.phase = phase;
    try { return f(); } finally { this.phase = before; }
  }
  /** Runs `f` as something that may or may not happen. */
  uncertainly<T>(why: Unknown, f: () => T): T {
    const before = this.uncertain;
    this.uncertain = before ?? why;
    try { return f(); } finally { this.uncertain = before; }
  }

  // ── Properties ─────────────────────────────────────────────────────────────────────────────────────────────────

  get(target: Value, key: Key, at: Place = NOWHERE): Value {
    if (target instanceof Unknown) return this.engine.getOfUnknown(this, target, key, at);
    if (target === undefined || target === null) this.throwError('TypeError', `Cannot read properties of ${String(target)} (reading '${String(key)}')`, at);
    if (typeof target === 'string') {
      if (key === 'length') return target.length;
      if (typeof key === 'string' && /^\d{1,9}$/.test(key)) return target[Number(key)];
    }
    let holder: Obj | null = isObject(target) ? target : this.prototypeOf(target);
    let missing: Unknown | undefined;
    for (; holder; holder = holder.proto) {
      const property = holder.own(key);
      if (property) return property.get ? this.call(property.get, [], target, at) : property.set ? undefined : property.value;
      missing ??= holder.missing;
    }
    return missing ? new Unknown(`${missing.reason}.${String(key)}`, missing.at) : undefined;
  }
  set(target: Value, key: Key, value: Value, at: Place = NOWHERE): void {
    if (target instanceof DocumentPart) { target.changed(this.phase, at); return; }
    if (target instanceof Unknown) return;
    if (!isObject(target)) {
      if (target === undefined || target === null) this.throwError('TypeError', `Cannot set properties of ${String(target)} (setting '${String(key)}')`, at);
      return;
    }
    for (let holder: Obj | null = target; holder; holder = holder.proto) {
      const property = holder.own(key);
      if (property?.set) { this.call(property.set, [value], target, at); return; }
      if (property && (!property.writable || property.get)) this.throwError('TypeError', `Cannot assign to read only property '${String(key)}'`, at);
      if (property) break;
    }
    if (target.frozen) this.throwError('TypeError', `Cannot assign to read only property '${String(key)}'`, at);
    this.define(target, key, value);
  }
  /** Sets an own property without looking at prototypes. */
  define(target: Obj, key: Key, value: Value, enumerable = true): void {
    if (target instanceof Arr && typeof key === 'string' && (key === 'length' || /^(?:0|[1-9]\d{0,9})$/.test(key))) {
      this.touchAll(target);
      const index = Number(key === 'length' ? value : key);
      if (!(index <= LIMITS.items)) throw new Undecided('an array grows too large', undefined, true);
      if (key === 'length') target.items.length = index; else target.items[index] = value;
      return;
    }
    this.touch(target, key);
    const before = target.properties.get(key);
    target.properties.set(key, { value, enumerable: before?.enumerable ?? enumerable, writable: true });
  }
  prototypeOf(value: Exclude<Value, undefined | null | Unknown>): Obj | null {
    if (isObject(value)) return value.proto;
    return this.intrinsic(typeof value === 'string' ? 'String' : typeof value === 'number' ? 'Number' : typeof value === 'boolean' ? 'Boolean' : typeof value === 'bigint' ? 'BigInt' : 'Symbol');
  }

  // ── Making values ──────────────────────────────────────────────────────────────────────────────────────────────

  intrinsic(name: string): Obj {
    let proto = this.intrinsics.get(name);
    if (!proto) this.intrinsics.set(name, proto = new Obj(name === 'Object' ? null : this.intrinsic('Object')));
    return proto;
  }
  object(entries: Readonly<Record<string, Value>> = {}): Obj {
    const obj = new Obj(this.intrinsic('Object'));
    for (const [key, value] of Object.entries(entries)) obj.put(key, value);
    return obj;
  }
  array(items: Value[]): Arr { return new Arr(this.intrinsic('Array'), items); }
  fn(name: string, native: Native): Fn {
    const fn = new Fn(this.intrinsic('Function'), name, null);
    fn.native = native;
    return fn;
  }
  element(type: Value, props: Obj, key: Value, at: Place): ElementObj { return new ElementObj(this.intrinsic('Object'), type, props, key, at); }
  /** A namespace of which only some names are modelled; the others are unknown. */
  namespace(name: string, at: Place, entries: Readonly<Record<string, Value>> = {}): Obj {
    const obj = this.object(entries);
    obj.missing = new Unknown(name, at);
    return obj;
  }
  throwError(kind: string, message: string, at: Place): never {
    throw new Thrown(this.error(kind, message), at);
  }
  error(kind: string, message: string): Obj {
    return new Obj(this.intrinsic(kind)).put('message', message, false).put('stack', '', false);
  }
  /** JSON-like host data as interpreted values. */
  fromHost(data: unknown): Value {
    if (Array.isArray(data)) return this.array(data.map((item) => this.fromHost(item)));
    if (typeof data === 'object' && data !== null) {
      const obj = this.object();
      for (const [key, value] of Object.entries(data)) obj.put(key, this.fromHost(value));
      return obj;
    }
    if (typeof data === 'string' || typeof data === 'number' || typeof data === 'boolean' || data === null) return data;
    return undefined;
  }
  /** Interpreted values as plain host data: `undefined` where a value is unknown, a function, or nests more than 20 deep. Keys land in prototype-less objects. */
  toHost(value: Value, depth = 20): unknown {
    if (!isObject(value)) return value instanceof Unknown || typeof value === 'symbol' ? undefined : value;
    if (depth === 0 || value instanceof Fn) return undefined;
    if (value instanceof Arr) return value.items.map((item) => this.toHost(item, depth - 1));
    const data: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const key of value.keys()) data[key] = this.toHost(this.get(value, key), depth - 1);
    return data;
  }

  // ── Time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  later(callback: Value, args: Value[], delay: number, repeat: boolean, at: Place): number {
    const id = ++this.timerIds;
    this.timers.push({ id, callback, args, delay, repeat, at, uncertain: this.uncertain });
    return id;
  }
  cancel(id: Value): void {
    const index = this.timers.findIndex((timer) => timer.id === id);
    if (index >= 0) this.timers.splice(index, 1);
  }
  runMicrotasks(): void {
    for (let count = 0; this.microtasks.length > 0; count++) {
      if (count > 20_000) throw new Undecided('callbacks never end', undefined, true);
      this.microtasks.shift()?.();
    }
  }
  /**
   * Runs everything that is waiting: microtasks, then timers by delay, until nothing is left or `until` holds. What is due later than `LIMITS.patience` cannot be awaited by a
   * test, so it is undecided whether it has happened; intervals are left alone.
   */
  settle(until: () => boolean = () => false): void {
    this.runMicrotasks();
    for (let count = 0; !until(); count++) {
      const due = this.timers.filter((timer) => !timer.repeat).sort((a, b) => a.delay - b.delay || a.id - b.id)[0];
      if (!due) return;
      if (count > 2_000) throw new Undecided('timers never end', due.at, true);
      this.timers.splice(this.timers.indexOf(due), 1);
      const run = (): Value => this.call(due.callback, due.args, undefined, due.at);
      const why = due.uncertain ?? (due.delay > LIMITS.patience ? new Unknown(`a timer of ${due.delay} ms`, due.at) : null);
      if (why) this.uncertainly(why, run); else run();
      this.runMicrotasks();
    }
  }
}

export interface MachineOptions {
  repo: Repo;
  /** Folder of the application: bare paths, aliases and package.json are looked up from here. */
  root: string;
  models: ModuleModels;
  /** What `window` and its kin offer. */
  host: 'browser' | 'node';
  /** Address of the page (path, search, hash), for `location`; `/` when absent. */
  path?: string;
  /** What `document.title` is before the program runs. */
  title?: string;
  /** `import.meta.env.BASE_URL`; `/` when absent. */
  base?: string;
  storage?: BrowserStorage;
  /** Nodes to evaluate at most; 20 million when absent. */
  fuel?: number;
}
/** What stands for a module outside of the repository. Called once per machine, at the first import. */
export type ModuleModel = (machine: Machine, at: Place) => Obj;
/** By exact specifier, or by prefix where the key ends in `/*`. */
export type ModuleModels = ReadonlyMap<string, ModuleModel>;

/** What outlives a page load in a browser. Copied when a page is kept. */
export interface BrowserStorage { local: Map<string, string>; session: Map<string, string>; cookies: Map<string, string> }
export const emptyStorage = (): BrowserStorage => ({ local: new Map(), session: new Map(), cookies: new Map() });
export const copyStorage = (storage: BrowserStorage): BrowserStorage => ({ local: new Map(storage.local), session: new Map(storage.session), cookies: new Map(storage.cookies) });

/** `load`: module bodies; `render`: components; `effect`: what runs after rendering; `event`: handlers. */
export type Phase = 'load' | 'render' | 'effect' | 'event';
export type Attempt<T> = { ok: true; value: T } | { ok: false; thrown: Thrown; undecided?: undefined } | { ok: false; undecided: Undecided; thrown?: undefined };

/** One activation of a function or module. */
export interface Frame {
  readonly machine: Machine;
  readonly file: string;
  scope: Scope;
  self: Value;
  /** Where `super` looks: the prototype (or class) that holds the running method. */
  readonly home: Obj | null;
  readonly newTarget: Fn | undefined;
  /** Values returned under undecided conditions so far. */
  readonly maybe: Value[];
  readonly yields?: Value[];
  /** The function that runs: its parent is what `super()` calls. */
  readonly running?: Fn;
}
export type Completion = undefined | { type: 'return'; value: Value } | { type: 'break' | 'continue'; label: string | undefined };
export type BindingMode = 'let' | 'const' | 'var' | 'assign';

interface Timer { id: number; callback: Value; args: Value[]; delay: number; repeat: boolean; at: Place; uncertain: Unknown | null }

/** The evaluators, tied to the machine in start.ts so that their files need not import each other in a circle. */
export interface Engine {
  evaluate(node: N.Node, frame: Frame): Value;
  execute(node: N.Statement, frame: Frame): Completion;
  bind(pattern: N.Node, value: Value, frame: Frame, how: BindingMode): void;
  call(machine: Machine, callee: Value, args: Value[], self: Value, at: Place): Value;
  construct(machine: Machine, callee: Value, args: Value[], at: Place, newTarget?: Fn): Value;
  getOfUnknown(machine: Machine, target: Unknown, key: Key, at: Place): Value;
  loadModule(machine: Machine, path: string): Obj;
  importModule(machine: Machine, specifier: string, from: string, at: Place): Obj;
}

export const NOWHERE: Place = { file: '', line: 1 };
export const LIMITS = { depth: 220, items: 200_000, text: 2_000_000, patience: 2_000 } as const;
export { FRAGMENT };

/** What one side of an undecided branch has changed of the state before it. */
class Speculation {
  readonly bindings = new Map<Binding, Value>();
  readonly properties = new Map<Obj, Map<Key, Property | undefined>>();
  readonly after = { bindings: new Map<Binding, Value>(), properties: new Map<Obj, Map<Key, Property | undefined>>() };
  constructor(readonly why: Unknown, readonly since: number) {}
  binding(binding: Binding): void {
    if (binding.born <= this.since && !this.bindings.has(binding)) this.bindings.set(binding, binding.value);
  }
  property(obj: Obj, key: Key): void {
    if (obj.born > this.since) return;
    let keys = this.properties.get(obj);
    if (!keys) this.properties.set(obj, keys = new Map<Key, Property | undefined>());
    if (!keys.has(key)) keys.set(key, obj.properties.get(key));
  }
  rollBack(): void {
    for (const [binding, value] of this.bindings) {
      this.after.bindings.set(binding, binding.value);
      binding.value = value;
    }
    for (const [obj, keys] of this.properties) {
      const after = new Map<Key, Property | undefined>();
      this.after.properties.set(obj, after);
      for (const [key, property] of keys) {
        after.set(key, obj.properties.get(key));
        if (property) obj.properties.set(key, property); else obj.properties.delete(key);
      }
    }
  }
}

function mergeSpeculations(machine: Machine, why: Unknown, logs: readonly Speculation[]): void {
  const bindings = new Set(logs.flatMap((log) => [...log.bindings.keys()]));
  for (const binding of bindings) {
    const options = logs.map((log) => (log.bindings.has(binding) ? log.after.bindings.get(binding) : binding.value));
    machine.touchBinding(binding);
    binding.value = choose(why, options);
  }
  const objects = new Set(logs.flatMap((log) => [...log.properties.keys()]));
  for (const obj of objects) {
    for (const key of new Set(logs.flatMap((log) => [...(log.properties.get(obj)?.keys() ?? [])]))) {
      const options = logs.map((log) => (log.properties.get(obj)?.has(key) ? log.after.properties.get(obj)?.get(key) : obj.properties.get(key))?.value);
      machine.touch(obj, key);
      obj.properties.set(key, { value: choose(why, options), enumerable: true, writable: true });
    }
  }
}

/** One value when all options are the same, a `Choice` otherwise; nested choices of one reason are flattened. */
export function choose(why: Unknown, options: readonly Value[], at: Place = why.at): Value {
  const flat = options.flatMap((option) => (option instanceof Choice && !option.repeated && option.reason === why.reason ? option.options : [option]));
  const distinct = flat.filter((option, index) => flat.findIndex((other) => alike(option, other)) === index);
  if (distinct.length === 1) return distinct[0];
  return distinct.length > 16 ? new Unknown(why.reason, at) : new Choice(why.reason, at, distinct);
}

/** Whether two values are the same as far as anyone can tell: unknown ones are when they stand for the same thing at the same place. */
export function alike(a: Value, b: Value): boolean {
  if (!(a instanceof Unknown) || !(b instanceof Unknown)) return Object.is(a, b);
  if (a instanceof Choice || b instanceof Choice) return a instanceof Choice && b instanceof Choice && a.repeated === b.repeated && a.options.length === b.options.length && a.options.every((option, index) => alike(option, b.options[index]));
  return a.reason === b.reason && a.at.file === b.at.file && a.at.line === b.at.line;
}
