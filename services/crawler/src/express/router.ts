import { spelled } from '../interpret/spelled.js';
import { isPromise } from '../interpret/promises.js';
import { Closure } from '../interpret/closures.js';
import type { Machine } from '../interpret/machine.js';
import { Arr, Fn, isObject, Obj, Thrown, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { OpaquePattern, type PathPattern, pathPattern } from './path-pattern.js';
import type { Server } from './server.js';

/** One entry of a router: for `use` a prefix, for a method an exact path. */
export interface Layer { method: string; pattern: PathPattern | OpaquePattern; handlers: Value[]; at: Place }
export interface RouterState { layers: Layer[]; parameters: Map<string, Value[]>; mergeParams: boolean }

export const METHODS = ['get', 'post', 'put', 'delete', 'patch', 'head', 'options'] as const;

const states = new WeakMap<Obj, RouterState>();
/** The layers of a router or application. */
export const routerStateOf = (router: Obj): RouterState | undefined => states.get(router);
/** Lets an application answer for its router. */
export function shareState(router: Obj, application: Obj): void {
  const state = states.get(router);
  if (state) states.set(application, state);
}

/** A router as a function of the program: calling it handles a request. */
export function makeRouter(server: Server, options: Value): Fn {
  const { machine } = server;
  const state: RouterState = { layers: [], parameters: new Map(), mergeParams: isObject(options) && machine.get(options, 'mergeParams') === true };
  const router = machine.fn('router', ([req, res, next]) => {
    if (isObject(req) && isObject(res)) new Passage(server, state, req, res, next).start();
    return undefined;
  });
  states.set(router, state);
  addRouting(server, router, state);
  return router;
}

function addRouting(server: Server, router: Fn, state: RouterState): void {
  const { machine } = server;
  const add = (method: string, path: Value, handlers: readonly Value[], at: Place): void => {
    for (const handler of handlers) if (!(handler instanceof Fn) && !(handler instanceof Unknown)) machine.throwError('TypeError', 'Route handlers must be functions', at);
    state.layers.push({ method, pattern: pathPattern(path, method === 'use'), handlers: [...handlers], at });
  };
  router.put('use', machine.fn('use', (args, self, at) => {
    const given = flat(args);
    const first = args[0];
    const hasPath = typeof first === 'string' || (isObject(first) && !(first instanceof Fn) && !(first instanceof Arr && flat([first])[0] instanceof Fn)) ;
    add('use', hasPath ? first : '/', (hasPath ? flat(args.slice(1)) : given), at);
    return self;
  }));
  for (const method of [...METHODS, 'all']) {
    router.put(method, machine.fn(method, (args, self, at) => {
      add(method, args[0], flat(args.slice(1)), at);
      return self;
    }));
  }
  router.put('route', machine.fn('route', ([path]) => {
    const route = machine.object();
    for (const method of [...METHODS, 'all']) {
      route.put(method, machine.fn(method, (args, self, at) => {
        add(method, path, flat(args), at);
        return self;
      }));
    }
    return route;
  }));
  router.put('param', machine.fn('param', ([name, handler], self) => {
    if (typeof name === 'string') state.parameters.set(name, [...state.parameters.get(name) ?? [], handler]);
    return self;
  }));
}

const flat = (values: readonly Value[]): Value[] => values.flatMap((value) => (value instanceof Arr ? flat(value.items) : [value]));

/** What the `next` functions of all routers know: an error is passed on until a handler of four parameters takes it. */
type Next = (error?: Value) => void;

/** One request on its way through one router. */
class Passage {
  readonly #machine: Machine;
  readonly #outer: { url: Value; baseUrl: Value; params: Value };
  readonly #path: string;
  readonly #method: string;

  constructor(private readonly server: Server, private readonly state: RouterState, private readonly req: Obj, private readonly res: Obj, private readonly done: Value) {
    this.#machine = server.machine;
    this.#outer = { url: this.#get('url'), baseUrl: this.#get('baseUrl'), params: this.#get('params') };
    this.#path = spelled(this.#get('path')) || '/';
    this.#method = spelled(this.#get('method')).toLowerCase();
  }

  start(): void { this.#layer(0, undefined); }

  #get(name: string): Value { return this.#machine.get(this.req, name); }

  /** Goes on with the layer at `index`. `error`: `undefined` when there is none. */
  #layer(index: number, error: Value): void {
    const layer = this.state.layers[index];
    if (!layer) { this.#leave(error); return; }
    const method = this.#methodNow();
    if (layer.method !== 'use' && layer.method !== 'all' && layer.method !== method && !(method === 'head' && layer.method === 'get')) { this.#layer(index + 1, error); return; }
    if (layer.pattern instanceof OpaquePattern) throw new Undecided(`a route whose path is not known (${layer.pattern.reason})`, layer.at);
    const match = layer.pattern.match(this.#path);
    if (!match) { this.#layer(index + 1, error); return; }
    this.#enter(layer, layer.pattern, match.used, match.params);
    this.#parameters(layer, match.params, error, (failure) => this.#handler(layer, 0, failure, index));
  }

  #methodNow(): string {
    const method = this.#get('method');
    return typeof method === 'string' ? method.toLowerCase() : this.#method;
  }

  #enter(layer: Layer, pattern: PathPattern, used: string, found: ReadonlyArray<[string, string]>): void {
    const machine = this.#machine;
    const params = machine.object();
    const { params: outer } = this.#outer;
    if (this.state.mergeParams && isObject(outer)) for (const key of outer.keys()) params.put(key, machine.get(outer, key));
    for (const [name, value] of found) params.put(name, value);
    machine.set(this.req, 'params', params);
    if (layer.method === 'use') {
      const rest = spelled(this.#outer.url).slice(used.length);
      this.#setUrl(rest.startsWith('/') ? rest : `/${rest}`, `${spelled(this.#outer.baseUrl)}${used}`);
    } else {
      this.#setUrl(this.#outer.url, this.#outer.baseUrl);
      machine.set(this.req, 'route', machine.object({ path: pattern.text }));
      machine.branch(layer.at);
    }
  }

  #setUrl(url: Value, base: Value): void {
    this.#machine.set(this.req, 'url', url);
    this.#machine.set(this.req, 'path', spelled(url).split('?')[0]);
    this.#machine.set(this.req, 'baseUrl', base);
  }

  #leave(error: Value): void {
    this.#setUrl(this.#outer.url, this.#outer.baseUrl);
    this.#machine.set(this.req, 'params', this.#outer.params);
    this.#machine.call(this.done, error === undefined ? [] : [error]);
  }

  /** `router.param` callbacks, one after the other, before the handlers. */
  #parameters(layer: Layer, found: ReadonlyArray<[string, string]>, error: Value, then: Next): void {
    const calls = error === undefined ? found.flatMap(([name, value]) => (this.state.parameters.get(name) ?? []).map((handler) => ({ name, value, handler }))) : [];
    const step = (index: number): void => {
      const call = calls[index];
      if (!call) { then(error); return; }
      this.#run(call.handler, (next) => [this.req, this.res, next, call.value, call.name], (failure) => (failure === undefined ? step(index + 1) : then(failure)), layer.at);
    };
    step(0);
  }

  #handler(layer: Layer, position: number, error: Value, index: number): void {
    const handler = layer.handlers[position];
    if (handler === undefined) { this.#layer(index + 1, error); return; }
    if (takesError(handler) !== (error !== undefined)) { this.#handler(layer, position + 1, error, index); return; }
    this.#run(handler, (next) => (error === undefined ? [this.req, this.res, next] : [error, this.req, this.res, next]), (failure) => {
      if (failure === 'route' && layer.method !== 'use') this.#layer(index + 1, undefined);
      else if (failure === 'router') this.#leave(undefined);
      else { this.#again(layer); this.#handler(layer, position + 1, failure, index); }
    }, layer.at);
  }

  /** A mounted router may have left its own address behind. */
  #again(layer: Layer): void {
    if (layer.pattern instanceof OpaquePattern) return;
    const match = layer.pattern.match(this.#path);
    if (match) this.#enter(layer, layer.pattern, match.used, match.params);
  }

  /** Calls a handler. What it throws, and in Express 5 what its promise is rejected with, goes to the error handlers. */
  #run(handler: Value, args: (next: Fn) => Value[], then: Next, at: Place): void {
    const machine = this.#machine;
    let called = false;
    const next = machine.fn('next', ([failure]) => {
      refuseUncertain(machine, 'passing the request on', at);
      if (called) return undefined;
      called = true;
      then(failure === null || failure === false || failure === '' || failure === 0 ? undefined : failure);
      return undefined;
    });
    if (machine.depth > 180) throw new Undecided('handlers call each other without end', at, true);
    machine.set(this.req, 'next', next);
    let result: Value;
    try {
      result = machine.call(handler, args(next), undefined, at);
    } catch (thrown) {
      if (!(thrown instanceof Thrown)) throw thrown;
      refuseProgramError(machine, thrown);
      if (called) throw new Undecided('a handler throws after it has passed the request on', thrown.at);
      called = true;
      then(thrown.value === undefined ? machine.error('Error', 'undefined') : thrown.value);
      return;
    }
    if (!isPromise(machine, result) || result.inner.status !== 'rejected' || called) return;
    if (!this.server.passesRejections) throw new Undecided('a rejected promise that nothing handles', result.inner.at ?? at);
    refuseProgramError(machine, new Thrown(result.inner.value, result.inner.at ?? at));
    called = true;
    then(result.inner.value);
  }
}

const takesError = (handler: Value): boolean => handler instanceof Fn && handler.code instanceof Closure && handler.code.node.params.length === 4;

/** A mistake such as reading a property of `undefined`: more likely one of the models than of a program that is in use, so what it leads to is not decided. */
export function refuseProgramError(machine: Machine, thrown: Thrown): void {
  const { value } = thrown;
  if (!isObject(value) || (value.proto !== machine.intrinsic('TypeError') && value.proto !== machine.intrinsic('ReferenceError'))) return;
  throw new Undecided(`the program fails: ${spelled(machine.get(value, 'message'))}`, thrown.at);
}

/** Handlers follow each other, and answers are given, for certain or not at all. */
export function refuseUncertain(machine: Machine, what: string, at: Place): void {
  const why = machine.speculations.at(-1)?.why ?? machine.uncertain;
  if (why) throw new Undecided(`${what} depends on ${why.reason}`, why.at.file ? why.at : at);
}
