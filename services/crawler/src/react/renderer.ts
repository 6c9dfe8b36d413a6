import { attributesOf } from './attributes.js';
import { handlersOf } from './events.js';
import { Special, type Env, type Hook, type Instance } from './instance.js';
import type { Machine } from '../interpret/machine.js';
import { isPromise } from '../interpret/promises.js';
import { iterate } from '../interpret/convert.js';
import { Arr, Boxed, Choice, DocumentPart, ElementObj, Fn, FRAGMENT, isObject, Thrown, Undecided, Unknown, type Obj, type Value } from '../interpret/values.js';
import type { Markup, MarkupElement, Place } from '../markup.js';

/** A tag on the page with the props it came from. */
export interface Host { readonly path: string; readonly props: Obj; readonly parent: string | null; readonly element: MarkupElement; readonly ref: DocumentPart }

/** The way to a tag that a renderer has made. */
export const pathOf = new WeakMap<MarkupElement, string>();

/**
 * React, as far as markup and behaviour go. Each pass renders the whole tree from the root: a component finds its instance by its path, so that there is nothing to
 * reconcile; an instance that a pass did not meet is unmounted. A pass whose effects or updates changed state is followed by another, until the tree stands still.
 *
 *   mount → [render → effects → microtasks and timers]* → still → event → [render → …]* → still
 *
 * What is rendered under an undecided condition is `unsure`: its effects are uncertain, and it never throws the rest of the page off.
 */
export class Renderer {
  markup: Markup[] = [];
  readonly hosts = new Map<string, Host>();
  /** The component that renders now: whose hooks are called. */
  current: Instance | null = null;
  private instances = new Map<string, Instance>();
  private met = new Set<string>();
  private order: Instance[] = [];
  private root: Value = null;
  private stale = false;
  /** State outside of components, which a lost effect may have written to. */
  readonly stores: Array<{ state: Value }> = [];
  /** The program has emptied the fields it does not control. */
  fieldsReset = false;
  private ids = 0;
  /** `fieldOf`: what the user has left in the field at a path, for programs that read it through a ref; `undefined` when that is not known. */
  constructor(readonly machine: Machine, private readonly values: { fieldOf(path: string, key: 'value' | 'checked'): Value } = { fieldOf: () => undefined }) {}

  mount(element: Value): void {
    this.root = element;
    this.stale = true;
  }
  /** An id that ties a label to its control on this page. The real one depends on React's version: it is no locator. */
  newId(): string { return `:unknown-id-${(++this.ids).toString(36)}:`; }
  schedule(): void { this.stale = true; }
  /** An update that waits until those of the same event, which are urgent, are rendered and their effects have run. */
  transition(update: () => void): void { this.transitions.push(update); }
  private readonly transitions: Array<() => void> = [];

  /** Renders and runs effects until nothing changes any more. Throws `Undecided` when it never ends, `Thrown` when the page crashes. */
  settle(): void {
    for (let pass = 0; ; pass++) {
      if (pass > 40) throw new Undecided('the page never stops rendering', undefined, true);
      if (this.stale) this.render();
      this.runEffects();
      if (this.stale) continue;
      if (this.transitions.length > 0) {
        for (const update of this.transitions.splice(0)) update();
        this.stale = true;
        continue;
      }
      this.machine.during('effect', () => this.machine.settle(() => this.stale));
      if (this.stale) continue;
      this.machine.during('effect', () => this.runIntervals());
      if (!this.stale) return;
    }
  }

  /** What an interval does happens some time or other: its first run is taken as uncertain. */
  private runIntervals(): void {
    for (const timer of this.machine.timers.filter(({ repeat }) => repeat)) {
      this.machine.cancel(timer.id);
      const why = new Unknown('an interval', timer.at);
      this.machine.uncertainly(why, () => this.machine.call(timer.callback, timer.args, undefined, timer.at));
      this.machine.runMicrotasks();
    }
  }

  /** New event: what was uncertain in the one before stays so, but no longer spreads to certain updates. */
  forgetTaints(): void {
    for (const instance of this.instances.values()) for (const hook of instance.hooks) if (hook.kind === 'state') hook.tainted = null;
  }

  private render(): void {
    this.stale = false;
    this.met = new Set();
    this.order = [];
    this.hosts.clear();
    const env: Env = { contexts: new Map(), unsure: null };
    this.markup = this.machine.during('render', () => this.node(this.root, '', null, env, NOWHERE));
    for (const [path, instance] of this.instances) if (!this.met.has(path)) { this.instances.delete(path); this.unmount(instance); }
  }

  private unmount(instance: Instance): void {
    for (const hook of instance.hooks) if (hook.kind === 'effect') this.cleanUp(hook);
    const unmounting = instance.self ? this.machine.get(instance.self, 'componentWillUnmount') : undefined;
    if (unmounting instanceof Fn) this.quietly(() => this.machine.call(unmounting, [], instance.self));
  }
  private cleanUp(hook: Extract<Hook, { kind: 'effect' }>): void {
    const { cleanup } = hook;
    hook.cleanup = undefined;
    if (cleanup instanceof Fn) this.quietly(() => this.machine.call(cleanup, [], undefined, hook.at));
  }
  /** Cleaning up has no say in what the page shows; what cannot be followed there is let go. */
  private quietly(run: () => void): void {
    const done = this.machine.attempt(() => this.machine.during('effect', run));
    if (!done.ok && done.undecided?.limit) throw done.undecided;
  }

  // ── Effects ────────────────────────────────────────────────────────────────────────────────────────────────────

  private runEffects(): void {
    for (const layout of [true, false]) {
      for (const instance of this.order) {
        for (const hook of instance.hooks) if (hook.kind === 'effect' && hook.due && hook.layout === layout) this.runEffect(instance, hook);
        if (layout) this.runLifecycle(instance);
      }
    }
  }

  private runEffect(instance: Instance, hook: Extract<Hook, { kind: 'effect' }>): void {
    hook.due = false;
    this.cleanUp(hook);
    this.effect(hook.callback, hook.uncertain ?? instance.env.unsure, hook.at, () => {
      const cleanup = this.machine.call(hook.callback, [], undefined, hook.at);
      hook.cleanup = cleanup instanceof Fn ? cleanup : undefined;
      this.machine.runMicrotasks();
    });
  }

  /** An effect that cannot be followed may set any state that its code can reach. */
  private effect(callback: Value, why: Unknown | null, at: Place, run: () => void): void {
    const ran = this.machine.attempt(() => this.machine.during('effect', () => (why ? this.machine.uncertainly(why, run) : run())));
    if (ran.ok) return;
    if (ran.thrown) { if (why) return; throw ran.thrown; }
    if (ran.undecided.limit) throw ran.undecided;
    this.onLostEffect(callback, new Unknown(ran.undecided.reason, ran.undecided.at ?? at));
  }
  /** Set by `taint.ts`'s user: spoils what a lost effect could have done. Throws `Undecided` when that is everything. */
  onLostEffect: (callback: Value, why: Unknown) => void = (_callback, why) => { throw new Undecided(why.reason, why.at); };

  private runLifecycle(instance: Instance): void {
    const { self } = instance;
    if (!self) return;
    const name = instance.mounted ? 'componentDidUpdate' : 'componentDidMount';
    const method = this.machine.get(self, name);
    const before = instance.mounted ? [instance.props ?? this.machine.object(), this.machine.get(self, '[[state]]')] : [];
    instance.mounted = true;
    instance.props = this.machine.get(self, 'props') as Obj;
    const state = this.machine.get(self, 'state');
    if (method instanceof Fn && (name === 'componentDidMount' || before[1] !== state)) this.effect(method, instance.env.unsure, instance.at, () => { this.machine.call(method, before, self, instance.at); this.machine.runMicrotasks(); });
    self.put('[[state]]', state, false);
  }

  // ── Rendering ──────────────────────────────────────────────────────────────────────────────────────────────────

  private node(value: Value, path: string, parent: string | null, env: Env, at: Place): Markup[] {
    if (value === undefined || value === null || typeof value === 'boolean' || value === '') return [];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return [{ kind: 'text', text: String(value), at }];
    if (value instanceof Choice) return this.choice(value, path, parent, env, at);
    if (value instanceof Unknown) return [{ kind: 'text', text: { undecided: value.reason }, at: at.file ? at : value.at }];
    if (value instanceof Arr) return value.items.flatMap((item, index) => this.node(item, `${path}/${keyOf(item, index)}`, parent, env, at));
    if (value instanceof ElementObj) return this.element(value, path, parent, env);
    if (isObject(value) && isPromise(this.machine, value)) return this.node(this.awaited(value, at), path, parent, env, at);
    if (value instanceof Boxed) { const items = iterate(this.machine, value, at); return items instanceof Unknown ? [] : this.node(this.machine.array(items), path, parent, env, at); }
    if (typeof value === 'symbol') return [];
    return [{ kind: 'opaque', what: 'an object where markup was expected', at }];
  }

  private awaited(value: Value, at: Place): Value {
    if (!isPromise(this.machine, value)) return value;
    this.machine.settle(() => value.inner.status !== 'pending');
    if (value.inner.status === 'rejected') throw new Thrown(value.inner.value, at);
    if (value.inner.status === 'pending') return new Unknown('a promise', at);
    return value.inner.uncertain ? new Choice(value.inner.uncertain.reason, at, [null, value.inner.value]) : value.inner.value;
  }

  private choice(choice: Choice, path: string, parent: string | null, env: Env, at: Place): Markup[] {
    const inner: Env = { ...env, unsure: env.unsure ?? choice };
    if (choice.options.every((option) => typeof option === 'string' || typeof option === 'number')) return [{ kind: 'text', text: { undecided: choice.reason }, at }];
    const children = choice.options.flatMap((option, index) => this.node(option, `${path}/?${index}`, parent, inner, at));
    return children.length === 0 ? [] : [{ kind: 'group', when: choice.repeated ? 'repeated' : 'unsure', why: choice.reason, children, at: choice.at.file ? choice.at : at }];
  }

  private element(element: ElementObj, path: string, parent: string | null, env: Env): Markup[] {
    const { type, props, at } = element;
    if (type === FRAGMENT) return this.node(this.machine.get(props, 'children'), `${path}/f`, parent, env, at);
    if (typeof type === 'string') return [this.host(type, element, path, parent, env)];
    if (type instanceof Fn) return this.component(type, element, path, parent, env);
    if (type instanceof Special) return this.special(type, element, path, parent, env);
    if (type instanceof Choice && !type.repeated) return this.choice(new Choice(type.reason, at, type.options.map((option) => this.machine.element(option, props, element.key, at))), path, parent, env, at);
    if (type instanceof Unknown) return this.foreign(type.reason, element, path, parent, env);
    return [{ kind: 'opaque', what: 'an element of a type that is not a component', at }];
  }

  private special(type: Special, element: ElementObj, path: string, parent: string | null, env: Env): Markup[] {
    const { props, at } = element;
    const children = this.machine.get(props, 'children');
    switch (type.kind) {
      case 'memo': return this.element(this.machine.element(type.inner, props, element.key, at), `${path}/m`, parent, env);
      case 'forwardRef': return type.inner instanceof Fn ? this.component(type.inner, element, `${path}/r`, parent, env, [props.own('ref')?.value ?? null]) : this.element(this.machine.element(type.inner, props, element.key, at), path, parent, env);
      case 'lazy': {
        const module = this.awaited(this.machine.call(type.inner, [], undefined, at), at);
        return this.element(this.machine.element(this.machine.get(module, 'default', at), props, element.key, at), `${path}/l`, parent, env);
      }
      case 'context': case 'provider': return this.node(children, `${path}/c`, parent, { ...env, contexts: new Map(env.contexts).set(type.context ?? type, this.machine.get(props, 'value')) }, at);
      case 'consumer': return this.node(this.machine.call(children, [env.contexts.has(type.context ?? type) ? env.contexts.get(type.context ?? type) : type.inner], undefined, at), `${path}/c`, parent, env, at);
    }
  }

  private host(type: string, element: ElementObj, path: string, parent: string | null, env: Env): MarkupElement {
    const { props, at } = element;
    const tag = type.toLowerCase();
    const markup: MarkupElement = { kind: 'element', tag, attributes: attributesOf(this.machine, tag, props, at), children: [], at };
    const ref = new DocumentPart(`<${tag}>`, at, (key) => (key === 'value' || key === 'checked' ? this.values.fieldOf(path, key) : key === 'tagName' || key === 'nodeName' ? tag.toUpperCase() : undefined));
    pathOf.set(markup, path);
    this.hosts.set(path, { path, props, parent, element: markup, ref });
    const handlers = handlersOf(tag, props, path);
    if (handlers.size > 0) markup.handlers = handlers;
    const raw = this.machine.get(props, 'dangerouslySetInnerHTML');
    const holder = props.own('ref')?.value;
    if (isObject(holder) && !(holder instanceof Fn)) holder.put('current', ref);
    if (raw !== undefined && raw !== null) {
      markup.raw = true;
      markup.children = [{ kind: 'opaque', what: 'raw HTML', at }];
      return markup;
    }
    const children = this.machine.get(props, 'children');
    if (tag === 'textarea') markup.children = this.node(this.machine.get(props, 'value') ?? this.machine.get(props, 'defaultValue') ?? children, `${path}/0`, path, env, at);
    else markup.children = this.node(children, `${path}/0`, path, env, at);
    if (tag === 'select') select(markup, this.machine.get(props, 'value') ?? this.machine.get(props, 'defaultValue'));
    return markup;
  }

  // ── Components ─────────────────────────────────────────────────────────────────────────────────────────────────

  private instance(type: Value, path: string, at: Place, env: Env): Instance {
    let instance = this.instances.get(path);
    if (instance && instance.type !== type) { this.unmount(instance); instance = undefined; }
    instance ??= { path, type, at, hooks: [], cursor: 0, self: null, mounted: false, env, pending: [], props: null };
    this.instances.set(path, instance);
    this.met.add(path);
    instance.cursor = 0;
    instance.env = env;
    return instance;
  }

  /** Renders a component; one that cannot be followed is opaque. What it throws goes to the nearest boundary. */
  private component(type: Fn, element: ElementObj, path: string, parent: string | null, env: Env, more: readonly Value[] = []): Markup[] {
    const { at } = element;
    const props = withDefaults(this.machine, type, element.props);
    const instance = this.instance(type, path, at, env);
    const before = this.current;
    this.current = instance;
    const { uncertain } = this.machine;
    const rendered = this.machine.attempt(() => (isClass(this.machine, type) ? this.renderClass(instance, type, props) : this.awaited(this.machine.call(type, [props, ...more], undefined, at), at)));
    this.current = before;
    this.machine.uncertain = uncertain;
    if (!rendered.ok) {
      if (rendered.thrown && !env.unsure) throw rendered.thrown;
      if (rendered.undecided?.limit && this.machine.fuel < 0) throw rendered.undecided;
      return [{ kind: 'opaque', what: `${type.name || 'a component'}: ${rendered.undecided?.reason ?? 'may fail'}`.slice(0, 200), at: rendered.undecided?.at ?? at }];
    }
    const boundary = instance.self && this.isBoundary(instance.self) ? instance : null;
    try {
      const markup = this.node(rendered.value, `${path}/~`, parent, env, at);
      this.order.push(instance);
      return markup;
    } catch (error) {
      if (!(error instanceof Thrown) || !boundary) throw error;
      return this.recover(error, boundary, type, path, parent, env, at);
    }
  }

  private isBoundary(self: Obj): boolean {
    return this.machine.get(self, 'componentDidCatch') !== undefined || this.machine.get(this.machine.get(self, 'constructor'), 'getDerivedStateFromError') !== undefined;
  }
  private recover(error: Thrown, boundary: Instance, type: Fn, path: string, parent: string | null, env: Env, at: Place): Markup[] {
    const { self } = boundary;
    const derive = this.machine.get(type, 'getDerivedStateFromError');
    if (!self || !(derive instanceof Fn)) throw error;
    this.mergeState(self, this.machine.call(derive, [error.value], type, at));
    const rendered = this.machine.call(this.machine.get(self, 'render'), [], self, at);
    this.order.push(boundary);
    return this.node(rendered, `${path}/!`, parent, env, at);
  }

  private renderClass(instance: Instance, type: Fn, props: Obj): Value {
    const { machine } = this;
    const contextType = machine.get(type, 'contextType');
    if (!instance.self) {
      const made = machine.construct(type, [props], instance.at);
      if (!isObject(made)) return made;
      instance.self = made;
      machine.define(made, 'props', props);
      this.legacy(instance, made, ['componentWillMount', 'UNSAFE_componentWillMount'], []);
    } else if (machine.get(instance.self, 'props') !== props) this.legacy(instance, instance.self, ['componentWillReceiveProps', 'UNSAFE_componentWillReceiveProps'], [props]);
    const { self } = instance;
    if (contextType instanceof Special) self.put('context', instance.env.contexts.has(contextType) ? instance.env.contexts.get(contextType) : contextType.inner);
    self.put('props', props);
    const derive = machine.get(type, 'getDerivedStateFromProps');
    if (derive instanceof Fn) this.mergeState(self, machine.call(derive, [props, machine.get(self, 'state')], type, instance.at));
    return machine.call(machine.get(self, 'render', instance.at), [], self, instance.at);
  }

  /** Lifecycle methods of before version 17. */
  private legacy(instance: Instance, self: Obj, names: readonly string[], args: Value[]): void {
    for (const name of names) {
      const method = this.machine.get(self, name);
      if (method instanceof Fn) this.effect(method, instance.env.unsure, instance.at, () => { this.machine.call(method, args, self, instance.at); });
    }
  }

  /** `setState`: merges into a new state object; before and after both stay possible when it is uncertain that it happens. */
  setState(self: Obj, update: Value, at: Place): void {
    this.machine.effect('state', at, 'allowed');
    const state = this.machine.get(self, 'state');
    const partial = update instanceof Fn ? this.machine.call(update, [state, this.machine.get(self, 'props')], self, at) : update;
    if (partial === null || partial === undefined) return;
    this.mergeState(self, partial);
    this.stale = true;
  }
  private mergeState(self: Obj, partial: Value): void {
    if (partial === null || partial === undefined) return;
    const { machine } = this;
    const state = machine.get(self, 'state');
    const next = machine.object();
    if (isObject(state)) for (const key of state.keys()) next.put(key, machine.get(state, key));
    if (partial instanceof Unknown) next.missing = partial;
    else if (isObject(partial)) for (const key of partial.keys()) next.put(key, machine.uncertain ? new Choice(machine.uncertain.reason, machine.uncertain.at, [machine.get(state, key), machine.get(partial, key)]) : machine.get(partial, key));
    self.put('state', next);
  }

  /**
   * A component of a package without a model. Providers and boundaries show their children; of any other it is not known what it does with them.
   */
  private foreign(name: string, element: ElementObj, path: string, parent: string | null, env: Env): Markup[] {
    const { props, at } = element;
    const children = this.machine.get(props, 'children');
    const own = (name.split(' of ')[0] ?? name).split('.').at(-1) ?? name;
    if (TRANSPARENT.test(own) && !(children instanceof Fn)) return this.node(children, `${path}/t`, parent, env, at);
    const why = new Unknown(`what ${own} does with its children`, at);
    const inner: Env = { ...env, unsure: env.unsure ?? why };
    const parts = [...props.keys()].map((key) => this.machine.get(props, key)).filter((value) => value instanceof ElementObj || value instanceof Arr || (value === children && !(value instanceof Fn)));
    const markup = parts.flatMap((part, index) => this.node(part instanceof Arr && part !== children ? this.machine.array(part.items.filter((item) => item instanceof ElementObj)) : part, `${path}/x${index}`, parent, inner, at));
    return [{ kind: 'opaque', what: name, at, ...(markup.length > 0 ? { children: markup } : {}) }];
  }

  context(context: Special): Value {
    const env = this.current?.env;
    return env?.contexts.has(context) ? env.contexts.get(context) : context.inner;
  }
  /** The hooks of all components that are mounted. */
  * states(): Generator<Extract<Hook, { kind: 'state' }>> {
    for (const instance of this.instances.values()) for (const hook of instance.hooks) if (hook.kind === 'state') yield hook;
  }
  /** Class components that are mounted. */
  * classes(): Generator<Obj> {
    for (const { self } of this.instances.values()) if (self) yield self;
  }
}

const NOWHERE: Place = { file: '', line: 1 };
const TRANSPARENT = /(?:Provider|Boundary|Suspense|StrictMode|Router|Theme|Gate|Profiler|Helmet|Analytics|QueryClient)$/;

function keyOf(item: Value, index: number): string {
  const key = item instanceof ElementObj ? item.key : null;
  return typeof key === 'string' || typeof key === 'number' ? `$${key}` : String(index);
}

function isClass(machine: Machine, type: Fn): boolean {
  const proto = type.own('prototype')?.value;
  return isObject(proto) && machine.get(proto, 'isReactComponent') !== undefined;
}

function withDefaults(machine: Machine, type: Fn, props: Obj): Obj {
  const defaults = machine.get(type, 'defaultProps');
  if (!isObject(defaults)) return props;
  const full = machine.object();
  if (props.missing) full.missing = props.missing;
  for (const key of defaults.keys()) full.put(key, machine.get(defaults, key));
  for (const key of props.keys()) if (machine.get(props, key) !== undefined || !defaults.own(key)) full.put(key, machine.get(props, key));
  return full;
}

/** Marks the options of a controlled select. */
function select(markup: MarkupElement, value: Value): void {
  if (value === undefined || value === null) return;
  const wanted = value instanceof Arr ? value.items : [value];
  const visit = (nodes: readonly Markup[]): void => {
    for (const node of nodes) {
      if (node.kind === 'element' && node.tag === 'option') {
        const own = node.attributes.get('value') ?? (node.children.every((child) => child.kind === 'text' && typeof child.text === 'string') ? node.children.map((child) => (child.kind === 'text' && typeof child.text === 'string' ? child.text : '')).join('') : undefined);
        if (wanted.some((item) => item instanceof Unknown) || typeof own === 'object') node.attributes.set('selected', { undecided: 'the value of the select' });
        else if (wanted.some((item) => typeof item !== 'object' && typeof item !== 'symbol' && String(item) === own)) node.attributes.set('selected', true);
      } else if (node.kind !== 'text') visit(node.children ?? []);
    }
  };
  visit(markup.children);
}
