import { toText } from '../../interpret/convert.js';
import type { Machine } from '../../interpret/machine.js';
import { isPromise } from '../../interpret/promises.js';
import { Arr, ElementObj, FRAGMENT, Fn, isObject, Thrown, Unknown, type Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { Special } from '../instance.js';
import type { Renderer } from '../renderer.js';
import type { History } from './history.js';
import { joinPaths, matchRoutes, type Match, type Route } from './matching.js';

/** Renders the branch of routes that matches the address, each route around the outlet of the next (version 6 and later). */
export class RouteTree {
  /** Below a route: its outlet, parameters, base, loader data. */
  readonly context: Special;
  readonly outletContext: Special;
  private loaded = new Map<string, { at: string; data: Value }>();
  private actionData: Value = undefined;
  constructor(private readonly machine: Machine, private readonly renderer: Renderer, private readonly history: History) {
    this.context = new Special(machine.intrinsic('Object'), 'context', machine.object({ outlet: null, params: machine.object(), base: '/', data: undefined, error: undefined, id: '' }));
    this.outletContext = new Special(machine.intrinsic('Object'), 'context', undefined);
    this.outlet = this.makeOutlet();
  }
  here(part: string): Value { return this.machine.get(this.renderer.context(this.context), part); }

  /** The path that relative links start from. */
  get base(): string { const base = this.here('base'); return typeof base === 'string' ? base : '/'; }

  render(routes: readonly Route[], at: Place): Value {
    const from = this.base;
    this.note(routes, from);
    const { pathname } = this.history;
    const rest = from === '/' ? pathname : pathname.slice(from.length) || '/';
    const matches = matchRoutes(routes, rest);
    if (!matches) return this.lost(routes, at);
    const pattern = joinPaths(this.prefix(), ...matches.map(({ route }) => route.path ?? '').filter((path, index, all) => !all.slice(index + 1).some((later) => later.startsWith('/') && later.startsWith(path) && path.startsWith('/'))));
    this.history.matched = { pattern: pattern.replace(/\/\*$/, '/*'), at: matches.at(-1)?.route.at ?? at };
    return this.nest(matches, from, pattern, at);
  }
  private prefix(): string { const pattern = this.here('pattern'); return typeof pattern === 'string' ? pattern.replace(/\/?\*$/, '') : ''; }

  private nest(matches: readonly Match[], from: string, pattern: string, at: Place): Value {
    const above = this.here('params');
    const params = this.machine.object();
    if (isObject(above)) for (const key of above.keys()) params.put(key, this.machine.get(above, key));
    for (const [key, value] of Object.entries(matches.at(-1)?.params ?? {})) params.put(key, value);
    let outlet: Value = null;
    for (const { route, base } of matches.toReversed()) {
      const data = this.load(route, params, at);
      const value = this.machine.object({ outlet, params, base: joinPaths(from, base), data, id: route.id, pattern, action: route.action, handle: route.handle });
      outlet = this.machine.element(this.context, this.machine.object({ value, children: this.elementOf(route) }), route.id, route.at);
    }
    return outlet;
  }
  private elementOf(route: Route): Value {
    const { machine } = this;
    if (route.lazy instanceof Fn) {
      const module = this.awaited(machine.call(route.lazy, [], undefined, route.at));
      const component = isObject(module) ? machine.get(module, 'Component') ?? machine.get(module, 'default') : module;
      return isObject(component) || component instanceof Unknown ? machine.element(component, machine.object(), null, route.at) : isObject(module) ? machine.get(module, 'element') : module;
    }
    if (route.element !== undefined) return route.element;
    if (route.component !== undefined) return machine.element(route.component, machine.object(), null, route.at);
    return this.here('outlet') === undefined ? null : machine.element(this.outlet, machine.object(), null, route.at);
  }
  /** `<Outlet/>`. */
  readonly outlet: Fn;
  private makeOutlet(): Fn {
    return this.machine.fn('Outlet', ([props], _self, at) => {
      const outlet = this.here('outlet');
      const context = this.machine.get(props, 'context');
      return context === undefined ? outlet : this.machine.element(this.outletContext, this.machine.object({ value: context, children: outlet }), null, at);
    });
  }

  /** No route matches: the router shows the outermost error element, or nothing that is in the source. */
  private lost(routes: readonly Route[], at: Place): Value {
    const fallback = routes.find((route) => route.errorElement !== undefined);
    this.history.matched = { pattern: '*', at };
    if (fallback) return this.machine.element(this.context, this.machine.object({ value: this.machine.object({ outlet: null, params: this.machine.object(), base: '/', error: this.machine.object({ status: 404, statusText: 'Not Found', data: new Unknown('the message of the router', at) }) }), children: fallback.errorElement }), 'error', fallback.at);
    return null;
  }

  // ── Data ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private awaited(value: Value): Value {
    if (!isPromise(this.machine, value)) return value;
    this.machine.settle(() => value.inner.status !== 'pending');
    if (value.inner.status === 'rejected') throw new Thrown(value.inner.value, value.inner.at ?? { file: '', line: 1 });
    return value.inner.status === 'fulfilled' && !value.inner.uncertain ? value.inner.value : new Unknown(value.inner.uncertain?.reason ?? 'a promise', value.inner.at ?? { file: '', line: 1 });
  }
  /** Loaders run once per address; a redirect from one navigates. */
  private load(route: Route, params: Obj, at: Place): Value {
    if (!(route.loader instanceof Fn)) return route.loader instanceof Unknown ? route.loader : undefined;
    const known = this.loaded.get(route.id);
    if (known?.at === this.history.inner) return known.data;
    this.loaded.set(route.id, { at: this.history.inner, data: undefined });
    const data = this.run(route.loader, this.machine.object({ params, request: this.request('GET', null, at) }), at);
    this.loaded.set(route.id, { at: this.history.inner, data });
    return data;
  }
  private run(callback: Value, args: Value, at: Place): Value {
    const done = this.machine.attempt(() => this.machine.during('effect', () => this.awaited(this.machine.call(callback, [args], undefined, at))));
    if (!done.ok && done.undecided) { if (done.undecided.limit) throw done.undecided; return new Unknown(done.undecided.reason, done.undecided.at ?? at); }
    const result = done.ok ? done.value : done.thrown.value;
    const target = isObject(result) ? result.own('[[redirect]]')?.value : undefined;
    if (typeof target === 'string') { this.history.go(target, true, null, at); return undefined; }
    if (!done.ok) throw done.thrown;
    return result;
  }
  private request(method: string, form: Value, at: Place): Obj {
    return this.machine.namespace('request', at, { method, url: new Unknown('the address of the application', at), formData: this.machine.fn('formData', () => form) });
  }
  /** A submitted `<Form>`: the action of the route runs, then its loaders again. */
  submit(action: Value, form: Value, params: Value, at: Place): void {
    this.machine.effect('a form action', at);
    this.actionData = this.run(action, this.machine.object({ params, request: this.request('POST', form, at) }), at);
    this.loaded.clear();
    this.renderer.schedule();
  }
  get lastActionData(): Value { return this.actionData; }

  // ── Reading routes ─────────────────────────────────────────────────────────────────────────────────────────────

  private note(routes: readonly Route[], prefix: string): void {
    for (const route of routes) {
      const pattern = joinPaths(prefix, route.path ?? '');
      if (route.path !== undefined || route.index) if (route.children.every((child) => !child.index)) this.history.patterns.set(route.path?.startsWith('/') && prefix !== '/' && !route.path.startsWith(prefix) ? route.path : pattern, route.at);
      this.note(route.children, route.path?.startsWith('/') ? route.path : pattern);
    }
  }

  /** The routes that `<Route>` elements say. */
  fromElements(children: Value, type: Value, prefix = ''): Route[] {
    const routes: Route[] = [];
    const items = children instanceof Arr ? children.items : [children];
    for (const [index, item] of items.entries()) {
      if (item instanceof Arr) routes.push(...this.fromElements(item, type, `${prefix}${index}-`));
      if (!(item instanceof ElementObj)) continue;
      if (item.type === FRAGMENT) routes.push(...this.fromElements(this.machine.get(item.props, 'children'), type, `${prefix}${index}-`));
      else if (item.type === type) routes.push(this.route(item.props, item.at, `${prefix}${index}`, this.fromElements(this.machine.get(item.props, 'children'), type, `${prefix}${index}-`)));
    }
    return routes;
  }
  /** The routes that objects say. */
  fromObjects(list: Value, at: Place, prefix = ''): Route[] {
    if (!(list instanceof Arr)) return [];
    return list.items.flatMap((item, index) => (isObject(item) ? [this.route(item, at, `${prefix}${index}`, this.fromObjects(this.machine.get(item, 'children'), at, `${prefix}${index}-`))] : []));
  }
  private route(source: Obj, at: Place, id: string, children: Route[]): Route {
    const { machine } = this;
    const path = machine.get(source, 'path');
    const text = path === undefined || path === null ? undefined : toText(machine, path, at);
    const error = machine.get(source, 'errorElement');
    const boundary = machine.get(source, 'ErrorBoundary');
    const element = machine.get(source, 'element');
    const place = element instanceof ElementObj && element.at.file ? element.at : at;
    return {
      path: text instanceof Unknown ? undefined : text, index: machine.get(source, 'index') === true, caseSensitive: machine.get(source, 'caseSensitive') === true,
      element, component: machine.get(source, 'Component'), loader: machine.get(source, 'loader'), action: machine.get(source, 'action'), lazy: machine.get(source, 'lazy'), handle: machine.get(source, 'handle'),
      errorElement: error === undefined && boundary !== undefined ? machine.element(boundary, machine.object(), null, place) : error, id: id || 'root', children, at: place,
    };
  }
}
