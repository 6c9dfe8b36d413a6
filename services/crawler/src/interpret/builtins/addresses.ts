import type { Place } from '../../markup.js';
import { iterate, toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { Boxed, DocumentPart, Fn, isObject, Obj, Thrown, Unknown, type Native, type Value } from '../values.js';
import { iteratorOver } from './arrays.js';
import { constructor, getter, methods, prototypeOf } from './define.js';

/** The host of the application is not known: this stands for it inside, and never comes out as text. */
export const ORIGIN = 'http://application.invalid';

/** `URL`, `URLSearchParams`, `FormData` and the encoding functions. */
export function installAddresses(machine: Machine): void {
  for (const [name, run] of Object.entries({ encodeURIComponent, decodeURIComponent, encodeURI, decodeURI })) {
    machine.globals.set(name, machine.fn(name, ([value], _self, at) => {
      const text = toText(machine, value, at);
      if (text instanceof Unknown) return text;
      try { return run(text); } catch (error) { return machine.throwError('URIError', error instanceof Error ? error.message : 'URI malformed', at); }
    }));
  }
  for (const [name, run] of Object.entries({ btoa, atob })) {
    machine.globals.set(name, machine.fn(name, ([value], _self, at) => {
      const text = toText(machine, value, at);
      if (text instanceof Unknown) return text;
      try { return run(text); } catch { throw new Thrown(machine.error('DOMException', 'InvalidCharacterError'), at); }
    }));
  }
  installParams(machine);
  installFormData(machine);
  installUrl(machine);
}

/** Pairs in order, as `URLSearchParams` and `FormData` hold them. */
export class Pairs { constructor(public list: Array<[string, Value]>) {} }
const pairsOf = (machine: Machine, self: Value, at: Place): Pairs => (self instanceof Boxed && self.inner instanceof Pairs ? self.inner : machine.throwError('TypeError', 'Illegal invocation', at));

function pairMethods(machine: Machine): Record<string, Native> {
  const named = (key: Value, self: Value, at: Place): Array<[string, Value]> | Unknown => {
    const name = toText(machine, key, at);
    return name instanceof Unknown ? name : pairsOf(machine, self, at).list.filter(([other]) => other === name);
  };
  return {
    get: ([key], self, at) => { const found = named(key, self, at); return found instanceof Unknown ? found : found[0]?.[1] ?? null; },
    getAll: ([key], self, at) => { const found = named(key, self, at); return found instanceof Unknown ? found : machine.array(found.map(([, value]) => value)); },
    has: ([key], self, at) => { const found = named(key, self, at); return found instanceof Unknown ? found : found.length > 0; },
    set: ([key, value], self, at) => {
      const name = toText(machine, key, at);
      const text = value instanceof Unknown ? value : toText(machine, value, at);
      if (name instanceof Unknown) return undefined;
      if (self instanceof Boxed) machine.touchAll(self);
      const pairs = pairsOf(machine, self, at);
      const index = pairs.list.findIndex(([other]) => other === name);
      if (index < 0) pairs.list.push([name, text]); else pairs.list = [...pairs.list.slice(0, index), [name, text], ...pairs.list.slice(index + 1).filter(([other]) => other !== name)];
      return undefined;
    },
    append: ([key, value], self, at) => {
      const name = toText(machine, key, at);
      if (name instanceof Unknown) return undefined;
      if (self instanceof Boxed) machine.touchAll(self);
      pairsOf(machine, self, at).list.push([name, value instanceof Unknown ? value : toText(machine, value, at)]);
      return undefined;
    },
    delete: ([key], self, at) => {
      const pairs = pairsOf(machine, self, at);
      if (self instanceof Boxed) machine.touchAll(self);
      pairs.list = pairs.list.filter(([other]) => other !== key);
      return undefined;
    },
    forEach: ([callback], self, at) => { for (const [key, value] of pairsOf(machine, self, at).list) machine.call(callback, [value, key, self], undefined, at); return undefined; },
    keys: (_args, self, at) => iteratorOver(machine, pairsOf(machine, self, at).list.map(([key]) => key)),
    values: (_args, self, at) => iteratorOver(machine, pairsOf(machine, self, at).list.map(([, value]) => value)),
    entries: (_args, self, at) => iteratorOver(machine, pairsOf(machine, self, at).list.map((pair) => machine.array([...pair]))),
  };
}

function install(machine: Machine, name: string, from: (args: Value[], at: Place) => Array<[string, Value]> | Unknown): Obj {
  constructor(machine, name, (args, _self, at, newTarget) => {
    const list = from(args, at);
    return list instanceof Unknown ? list : new Boxed(prototypeOf(machine, name, newTarget), new Pairs(list));
  });
  const proto = machine.intrinsic(name);
  const table = pairMethods(machine);
  methods(machine, proto, table);
  proto.put(Symbol.iterator, proto.own('entries')?.value, false);
  return proto;
}

function installParams(machine: Machine): void {
  const proto = install(machine, 'URLSearchParams', ([source], at) => {
    if (source === undefined || source === null) return [];
    if (source instanceof Unknown) return source;
    if (typeof source === 'string') return [...new URLSearchParams(source)];
    if (source instanceof Boxed && source.inner instanceof Pairs) return [...source.inner.list];
    if (!isObject(source)) return [];
    if (source.missing) return source.missing;
    const entries = machine.get(source, Symbol.iterator, at) instanceof Fn ? iterate(machine, source, at) : source.keys().map((key) => machine.array([key, machine.get(source, key, at)]));
    if (entries instanceof Unknown) return entries;
    const list: Array<[string, Value]> = [];
    for (const entry of entries) {
      const [key, value] = ['0', '1'].map((index) => toText(machine, machine.get(entry, index, at), at));
      if (key instanceof Unknown) return key;
      list.push([key ?? '', value]);
    }
    return list;
  });
  methods(machine, proto, { toString: (_args: Value[], self: Value, at: Place) => paramsText(pairsOf(machine, self, at)), sort: (_args, self, at) => { pairsOf(machine, self, at).list.sort(([a], [b]) => (a < b ? -1 : 1)); return undefined; } });
  getter(machine, proto, 'size', (_args, self, at) => pairsOf(machine, self, at).list.length);
}
function paramsText(pairs: Pairs): Value {
  const unknown = pairs.list.find(([, value]) => value instanceof Unknown);
  return unknown ? unknown[1] : new URLSearchParams(pairs.list.map(([key, value]): [string, string] => [key, typeof value === 'string' ? value : ''])).toString();
}

/** Under this key the form of an event gives its successful controls, as `Pairs`. */
export const FIELDS = Symbol('fields');


function installFormData(machine: Machine): void {
  install(machine, 'FormData', ([form], at) => {
    if (form === undefined) return [];
    const fields = form instanceof DocumentPart ? form.reader?.(FIELDS) : undefined;
    return fields instanceof Boxed && fields.inner instanceof Pairs ? [...fields.inner.list] : new Unknown('the fields of a form', at);
  });
}

function installUrl(machine: Machine): void {
  constructor(machine, 'URL', ([address, base], _self, at, newTarget) => {
    const text = toText(machine, address, at);
    if (text instanceof Unknown) return text;
    const from = base === undefined ? undefined : base instanceof Unknown ? ORIGIN : toText(machine, base, at);
    if (from instanceof Unknown) return from;
    let url: URL;
    try { url = new URL(text, from); } catch { return machine.throwError('TypeError', 'Invalid URL', at); }
    const known = url.origin !== ORIGIN;
    const here = (value: string): Value => (known ? value : new Unknown('the address of the application', at));
    const obj = new Obj(prototypeOf(machine, 'URL', newTarget));
    for (const name of ['pathname', 'search', 'hash', 'protocol', 'username', 'password', 'port'] as const) obj.put(name, url[name]);
    for (const name of ['href', 'origin', 'host', 'hostname'] as const) obj.put(name, here(url[name]));
    obj.put('searchParams', machine.construct(machine.globals.get('URLSearchParams'), [url.search], at));
    obj.put('toString', machine.fn('toString', () => here(url.href)), false);
    return obj;
  }).put('createObjectURL', machine.fn('createObjectURL', (_args, _self, at) => new Unknown('an object URL', at))).put('revokeObjectURL', machine.fn('revokeObjectURL', () => undefined));
}
