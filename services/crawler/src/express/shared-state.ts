import { Binding, type Scope } from '../interpret/scope.js';
import { Arr, Boxed, Fn, isObject, type Key, now, type Obj, type Property, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { OpenList, type Strangers } from './open-list.js';
import { routerStateOf } from './router.js';
import type { Server } from './server.js';
import { stateFacts, type StateFacts } from './state-facts.js';
import { isNew, strangersOf } from './strangers.js';

/**
 * Makes a started server one that has been used. What its handlers change lives as long as the process, and other browsers have used it before or use it now: variables and
 * properties that handlers assign become unknown, collections they add to become open. What the browser at hand adds stays known.
 */
export function shareState(server: Server, app: Fn): void {
  const { start } = server;
  server.goOn();
  const sharing = new Sharing(server, stateFacts(start.repo, start.root, start.entry), strangersOf(server));
  // The second walk finds the other references to what the first has replaced.
  sharing.walk(app);
  sharing.walk(app);
  const before = now();
  const { machine } = server;
  const touch = machine.touch.bind(machine);
  const touchAll = machine.touchAll.bind(machine);
  const touchBinding = machine.touchBinding.bind(machine);
  // A change of anything that was there before the first request is a change that other browsers see.
  machine.touch = (obj, key): void => { if (obj.born <= before) server.wrote = true; touch(obj, key); };
  machine.touchAll = (obj): void => { if (obj.born <= before) server.wrote = true; touchAll(obj); };
  machine.touchBinding = (binding): void => { if (binding.born <= before) server.wrote = true; touchBinding(binding); };
}

/** A walk over everything that handlers can reach. */
class Sharing {
  readonly #seen = new Set<object>();
  readonly #opened = new Map<Obj, Value>();
  constructor(private readonly server: Server, private readonly facts: StateFacts, private readonly strangers: Strangers) {}

  walk(app: Fn): void {
    this.#seen.clear();
    this.#fn(app);
  }

  #fn(fn: Fn): void {
    if (this.#seen.has(fn)) return;
    this.#seen.add(fn);
    for (const layer of routerStateOf(fn)?.layers ?? []) for (const handler of layer.handlers) this.#value(handler);
    const { code } = fn;
    if (typeof code === 'object' && code !== null && 'scope' in code && 'frame' in code) this.#scope(code.scope as Scope, (code.frame as { file: string }).file);
    this.#properties(fn);
  }

  #scope(scope: Scope, file: string): void {
    for (let at: Scope | null = scope; at; at = at.parent) {
      if (this.#seen.has(at)) return;
      this.#seen.add(at);
      for (const [name, binding] of at.entries()) {
        if (binding.dead) continue;
        // Variables of other modules are reached through their own scopes too.
        const value = binding.value;
        this.#value(value);
        if (!(binding instanceof Binding)) continue;
        const key = `${file}#${name}`;
        if (this.facts.variables.has(key)) binding.value = this.facts.counters.has(key) && typeof value === 'number' ? this.server.fresh('number') : this.#unknown(name, file);
        else binding.value = this.#open(value, name, file);
      }
    }
  }

  #value(value: Value): void {
    if (!isObject(value)) return;
    if (value instanceof Fn) { this.#fn(value); return; }
    if (this.#seen.has(value)) return;
    this.#seen.add(value);
    if (value instanceof Arr) for (const item of value.items) this.#value(item);
    if (value instanceof Boxed && (value.inner instanceof Map || value.inner instanceof Set)) for (const item of value.inner.values()) this.#value(item as Value);
    if (value.proto) this.#value(value.proto);
    this.#properties(value);
  }

  #properties(obj: Obj): void {
    for (const [key, property] of obj.properties) {
      if (typeof key !== 'string' || property.get) continue;
      this.#value(property.value);
      if (property.value instanceof Fn && !this.facts.properties.has(key)) continue;
      if (this.facts.properties.has(key) && !(property.value instanceof Fn && !property.value.code)) property.value = this.facts.counterProperties.has(key) && typeof property.value === 'number' ? this.server.fresh('number') : this.#unknown(key, '');
      else property.value = this.#open(property.value, key, '');
    }
  }

  /** A collection under a name by which handlers change collections. */
  #open(value: Value, name: string, file: string): Value {
    const { facts, server: { machine } } = this;
    if (!isObject(value) || value instanceof Fn || value instanceof OpenList) return value;
    const known = this.#opened.get(value);
    if (known !== undefined) return known;
    const [grows, shrinks] = [facts.grows.has(name), facts.shrinks.has(name)];
    if (value instanceof Arr) {
      if (!grows && !shrinks && !facts.keyed.has(name)) return value;
      const list = new OpenList(machine, shrinks ? [] : value.items, this.#unknown(name, file), this.strangers);
      this.#opened.set(value, list);
      return list;
    }
    if (value instanceof Boxed) {
      if (grows || shrinks) this.#opened.set(value, value);
      if ((grows || shrinks) && value.inner instanceof Map) openMap(this.server, value as Boxed<Map<Value, Value>>, shrinks, this.#unknown(name, file));
      else if ((grows || shrinks) && value.inner instanceof Set) return this.#unknown(name, file);
      return value;
    }
    if (facts.keyed.has(name)) {
      openKeys(value, this.#unknown(name, file));
      this.#opened.set(value, value);
    }
    return value;
  }

  #unknown(name: string, file: string): Unknown { return new Unknown(`${name}, which requests of others change`, { file: file || this.server.start.entry, line: 1 }); }
}

/** An object used as a table: keys that are new in this run are certainly not there yet, others may be. */
function openKeys(obj: Obj, more: Unknown): void {
  for (const key of obj.keys()) obj.put(key, more);
  obj.missing = more;
  const own = obj.own.bind(obj);
  obj.own = (key: Key): Property | undefined => own(key) ?? (typeof key === 'string' && isNew(key) ? { value: undefined, enumerable: false, writable: true } : undefined);
}

function openMap(server: Server, map: Boxed<Map<Value, Value>>, shrinks: boolean, more: Unknown): void {
  const { machine } = server;
  if (shrinks) map.inner.clear();
  const there = (key: Value): boolean | Unknown => map.inner.has(key) || (isNew(key) ? false : more);
  const changed = (_at: Place): void => { machine.touchAll(map); server.wrote = true; };
  map.put('get', machine.fn('get', ([key]) => { const found = there(key); return found instanceof Unknown ? found : map.inner.get(key); }), false);
  map.put('has', machine.fn('has', ([key]) => there(key)), false);
  map.put('set', machine.fn('set', ([key, value], _self, at) => { changed(at); map.inner.set(key, value); return map; }), false);
  map.put('delete', machine.fn('delete', ([key], _self, at) => { changed(at); const found = there(key); map.inner.delete(key); return found; }), false);
  for (const name of ['values', 'keys', 'entries', 'forEach', 'size']) map.put(name, name === 'size' ? more : machine.fn(name, () => more), false);
  map.put(Symbol.iterator, machine.fn('[Symbol.iterator]', () => more), false);
}
