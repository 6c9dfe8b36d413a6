import type { Place } from '../../markup.js';
import { toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { DocumentPart, Obj, Undecided, Unknown, type Fn, type Key, type Native, type Property, type Value } from '../values.js';
import { ORIGIN } from './addresses.js';
import { constructor, getter, methods } from './define.js';

/** What a page finds in a browser: its address, storage, cookies, and a document that it can hold but that nobody follows. */
export function installBrowser(machine: Machine): void {
  machine.globals.set('localStorage', storageObject(machine, machine.storage.local, 'local storage'));
  machine.globals.set('sessionStorage', storageObject(machine, machine.storage.session, 'session storage'));
  machine.globals.set('location', locationObject(machine));
  machine.globals.set('history', historyObject(machine));
  machine.globals.set('document', documentObject(machine));
  machine.globals.set('navigator', machine.namespace('navigator', HERE, { onLine: true, webdriver: true }));
  machine.globals.set('process', machine.namespace('process', HERE, { env: machine.namespace('the environment', HERE, { PUBLIC_URL: (machine.options.base ?? '/').replace(/\/$/, '') }) }));
  machine.globals.set('screen', machine.namespace('screen', HERE));
  const nothing = (name: string): Fn => machine.fn(name, () => undefined);
  for (const name of ['scrollTo', 'scrollBy', 'scroll', 'focus', 'print', 'addEventListener', 'removeEventListener', 'dispatchEvent', 'postMessage']) machine.globals.set(name, nothing(name));
  // The browser that runs the tests dismisses at once a dialog that nobody answers.
  machine.globals.set('alert', machine.fn('alert', () => undefined));
  for (const name of ['confirm', 'prompt']) machine.globals.set(name, machine.fn(name, (_args, _self, at) => { throw new Undecided(`a dialog (${name})`, at); }));
  for (const name of ['innerWidth', 'innerHeight', 'scrollX', 'scrollY', 'pageYOffset', 'devicePixelRatio', 'matchMedia', 'getComputedStyle', 'performance', 'crypto', 'caches', 'indexedDB', 'parent', 'top', 'opener', 'visualViewport', 'screenX']) machine.globals.set(name, new Unknown(name, HERE));
  machine.globals.set('open', machine.fn('open', () => new Unknown('another window', HERE)));
  for (const name of ['Event', 'CustomEvent', 'Image', 'Audio', 'FileReader', 'AbortController', 'IntersectionObserver', 'ResizeObserver', 'MutationObserver', 'Blob', 'File', 'Notification', 'Worker', 'BroadcastChannel', 'Headers', 'Request', 'Response', 'TextEncoder', 'TextDecoder', 'DOMParser']) {
    constructor(machine, name, () => machine.namespace(name, HERE));
  }
  for (const name of ['HTMLElement', 'Element', 'Node', 'HTMLInputElement', 'HTMLFormElement', 'HTMLButtonElement', 'HTMLDivElement', 'Document', 'Window']) machine.globals.set(name, new Unknown(name, HERE));
}
const HERE: Place = { file: '', line: 1 };

/** `localStorage`, also by property: `localStorage.token`. */
class StorageObject extends Obj {
  constructor(private readonly machine: Machine, private readonly store: Map<string, string>) { super(machine.intrinsic('Storage')); }
  override own(key: Key): Property | undefined {
    if (key === 'length') return { value: this.store.size, enumerable: false, writable: false };
    const method = super.own(key);
    if (method || typeof key !== 'string' || !this.store.has(key)) return method;
    return { value: undefined, enumerable: true, writable: true, set: this.machine.fn('set', ([value], self, at) => this.machine.call(this.machine.get(self, 'setItem'), [key, value], self, at)), get: this.machine.fn('get', () => unpacked(this.store.get(key))) };
  }
  override keys(): string[] { return [...this.store.keys()]; }
}

/** An unknown value in a store is marked, so that it comes out unknown again, on later pages too. */
const UNKNOWN_MARK = '\u0000unknown:';
const packed = (value: string | Unknown): string => (value instanceof Unknown ? UNKNOWN_MARK + value.reason : value);
const unpacked = (text: string | undefined): Value => (text === undefined ? null : text.startsWith(UNKNOWN_MARK) ? new Unknown(text.slice(UNKNOWN_MARK.length), HERE) : text);

function storageObject(machine: Machine, store: Map<string, string>, what: string): Obj {
  const keyOf = (key: Value, at: Place): string => {
    const text = toText(machine, key, at);
    if (text instanceof Unknown) throw new Undecided(`${what} under ${text.reason}`, at);
    return text;
  };
  const storage = new StorageObject(machine, store);
  methods(machine, storage, {
    getItem: ([key], _self, at) => unpacked(store.get(keyOf(key, at))),
    setItem: ([key, value], _self, at) => {
      machine.effect(what, at);
      if (store.size > 500) throw new Undecided(`${what} grows too large`, at, true);
      store.set(keyOf(key, at), packed(toText(machine, value, at)));
      return undefined;
    },
    removeItem: ([key], _self, at) => { machine.effect(what, at); store.delete(keyOf(key, at)); return undefined; },
    clear: (_args, _self, at) => { machine.effect(what, at); store.clear(); return undefined; },
    key: ([index]) => (typeof index === 'number' ? [...store.keys()][index] ?? null : null),
  });
  return storage;
}

/** Sends the browser to another page: what follows on this one no longer matters. */
export function leave(machine: Machine, target: Value, at: Place): void {
  const text = toText(machine, target, at);
  if (text instanceof Unknown) throw new Undecided(`goes to ${text.reason}`, at);
  machine.effect('going to another page', at);
  const url = URL.canParse(text, ORIGIN + machine.address) ? new URL(text, ORIGIN + machine.address) : null;
  if (!url || url.origin !== ORIGIN) throw new Undecided(`leaves the application for ${text.slice(0, 100)}`, at);
  machine.leaving = url.pathname + url.search + url.hash;
}

function locationObject(machine: Machine): Obj {
  const location = machine.object();
  const url = (): URL => new URL(ORIGIN + machine.address);
  for (const name of ['pathname', 'search', 'hash'] as const) {
    location.properties.set(name, { value: undefined, enumerable: true, writable: true, get: machine.fn(name, () => url()[name]), set: machine.fn(name, ([value], _self, at) => { if (name === 'hash') throw new Undecided('the hash is set by hand', at); leave(machine, value, at); return undefined; }) });
  }
  for (const name of ['origin', 'host', 'hostname', 'port', 'protocol']) location.put(name, new Unknown(`location.${name}`, HERE));
  location.properties.set('href', { value: undefined, enumerable: true, writable: true, get: machine.fn('href', () => new Unknown('location.href', HERE)), set: machine.fn('href', ([value], _self, at) => { leave(machine, value, at); return undefined; }) });
  const go = ([target]: Value[], _self: Value, at: Place): Value => { leave(machine, target, at); return undefined; };
  methods(machine, location, { assign: go, replace: go, reload: (_args, _self, at) => { leave(machine, machine.address, at); return undefined; }, toString: () => new Unknown('location.href', HERE) });
  return location;
}

const travel: Native = (_args, _self, at) => { throw new Undecided('goes back in the history of the browser', at); };

function historyObject(machine: Machine): Obj {
  const history = machine.object({ state: null, length: new Unknown('history.length', HERE), scrollRestoration: 'auto' });
  const change = ([state, , target]: Value[], _self: Value, at: Place): Value => {
    machine.effect('the address', at);
    history.put('state', state);
    if (target === undefined || target === null) return undefined;
    const text = toText(machine, target, at);
    if (text instanceof Unknown) throw new Undecided(`the address becomes ${text.reason}`, at);
    if (!URL.canParse(text, ORIGIN + machine.address)) return machine.throwError('DOMException', 'SecurityError', at);
    const url = new URL(text, ORIGIN + machine.address);
    machine.address = url.pathname + url.search + url.hash;
    return undefined;
  };
  methods(machine, history, { pushState: change, replaceState: change, back: travel, forward: travel, go: travel });
  return history;
}

function documentObject(machine: Machine): Obj {
  const document = machine.object({ readyState: 'complete', visibilityState: 'visible', hidden: false, referrer: '' });
  document.missing = new DocumentPart('document', HERE);
  for (const name of ['documentElement', 'body', 'head']) document.put(name, machine.namespace(`document.${name}`, HERE));
  for (const name of ['getElementById', 'querySelector', 'createElement', 'createTextNode', 'getElementsByClassName', 'getElementsByTagName', 'querySelectorAll', 'createDocumentFragment', 'getElementsByName']) {
    methods(machine, document, { [name]: ([what], _self, at) => new DocumentPart(`document.${name}(${typeof what === 'string' ? what.slice(0, 60) : ''})`, at) });
  }
  methods(machine, document, { addEventListener: () => undefined, removeEventListener: () => undefined, execCommand: () => true });
  document.properties.set('title', {
    value: undefined, enumerable: true, writable: true, get: machine.fn('title', () => machine.title),
    set: machine.fn('title', ([value], _self, at) => {
      const title = toText(machine, value, at);
      machine.title = machine.uncertain && title !== machine.title ? new Unknown(machine.uncertain.reason, at) : title;
      return undefined;
    }),
  });
  document.properties.set('cookie', {
    value: undefined, enumerable: true, writable: true,
    get: machine.fn('cookie', () => cookieText(machine)),
    set: machine.fn('cookie', ([value], _self, at) => { setCookie(machine, value, at); return undefined; }),
  });
  getter(machine, document, 'location', () => machine.globals.get('location'));
  return document;
}

function cookieText(machine: Machine): Value {
  const cookies = [...machine.storage.cookies];
  const unknown = cookies.map(([, value]) => unpacked(value)).find((value) => value instanceof Unknown);
  return unknown ?? cookies.map(([name, value]) => `${name}=${value}`).join('; ');
}

/** `name=value; expires=…`: a date in the past or a `max-age` of zero removes it; a date that depends on now is taken to lie in the future. */
function setCookie(machine: Machine, value: Value, at: Place): void {
  machine.effect('a cookie', at);
  const text = toText(machine, value, at);
  if (text instanceof Unknown) throw new Undecided(`a cookie of ${text.reason}`, at);
  const [pair = '', ...attributes] = text.split(';').slice(0, 20).map((part) => part.trim());
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals));
  const expires = attributes.find((attribute) => /^expires=/i.test(attribute))?.slice(8);
  const gone = attributes.some((attribute) => /^max-age=(?:0|-\d+)$/i.test(attribute)) || (expires !== undefined && Date.parse(expires) < Date.UTC(2001, 0));
  if (gone) machine.storage.cookies.delete(name); else machine.storage.cookies.set(name, pair.slice(equals + 1));
}

/** Puts a cookie from a model (`js-cookie`), which is a plain object of the page as far as others can see. */
export function putCookie(machine: Machine, name: string, value: string | Unknown | null, at: Place): void {
  machine.effect('a cookie', at);
  if (value === null) machine.storage.cookies.delete(name); else machine.storage.cookies.set(name, packed(value));
}
export const readCookie = (machine: Machine, name: string): Value => (machine.storage.cookies.has(name) ? unpacked(machine.storage.cookies.get(name)) : undefined);
