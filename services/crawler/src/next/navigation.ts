import type { Place, Words } from '../markup.js';
import type { Machine, ModuleModel, ModuleModels } from '../interpret/machine.js';
import { fulfilled } from '../interpret/promises.js';
import { isObject, Obj, Thrown, Undecided, Unknown, type Fn, type Value } from '../interpret/values.js';
import type { Params } from './routes.js';

/** What one page load knows of its address, and how its code moves on. Paths are without the `basePath`. */
export interface Navigator {
  /** Path with search and hash. */
  readonly address: string;
  readonly pattern: string;
  readonly params: Params;
  title: Words | null;
  /** The address as an `href` shows it. */
  shown(href: string): string;
  /** Whether the application's router follows it, instead of the browser. */
  owns(href: string): boolean;
  /** Search parameters whose values are not known. */
  readonly unknownSearch: ReadonlyMap<string, Unknown>;
  /** Throws `Undecided` when it is not certain that it happens. */
  go(href: string, how: 'push' | 'replace', at: Place): void;
  /** A redirect or a missing page that was thrown, or (`Undecided`) may have been; whoever acts on it takes it away. */
  signal: Signal | Undecided | null;
  /** The functions that leave the page. */
  readonly leaving: WeakSet<Obj>;
}

/** What `redirect` and `notFound` throw through the components of a page, to be caught by the router alone. */
export class Signal extends Obj {
  constructor(machine: Machine, readonly kind: 'redirect' | 'not-found', readonly href: string) {
    super(machine.intrinsic('Error'));
    this.put('message', kind === 'redirect' ? 'NEXT_REDIRECT' : 'NEXT_NOT_FOUND', false).put('digest', kind === 'redirect' ? `NEXT_REDIRECT;replace;${href};307;` : 'NEXT_HTTP_ERROR_FALLBACK;404', false);
  }
}

/** The modules by which code asks where it is and goes elsewhere. */
export function navigationModels(navigator: Navigator): ModuleModels {
  return new Map<string, ModuleModel>([
    ['next/navigation', (machine, at) => navigationModule(machine, navigator, at)],
    ['next/router', (machine) => pagesRouterModule(machine, navigator)],
    ['next/headers', (machine, at) => headersModule(machine, at)],
    ['next/cache', (machine) => cacheModule(machine)],
    ['server-only', (machine) => machine.object()],
    ['client-only', (machine) => machine.object()],
  ]);
}

const pathOf = (address: string): string => (address.split(/[?#]/, 1)[0] ?? '');
const searchOf = (address: string): string => /\?([^#]*)/.exec(address)?.[1] ?? '';

/** A path, or an object with `pathname`, `query` and `hash`, as text. */
export function hrefOf(machine: Machine, href: Value, at: Place): string | Unknown {
  if (typeof href === 'string') return href;
  if (href instanceof Unknown || !isObject(href)) return href instanceof Unknown ? href : new Unknown('the address of a link', at);
  const part = (name: string): Value => machine.get(href, name, at);
  const pathname = part('pathname');
  const hash = part('hash');
  const search = isObject(part('query')) ? machine.toHost(part('query')) : undefined;
  if (part('query') instanceof Unknown || pathname instanceof Unknown || hash instanceof Unknown) return new Unknown('the address of a link', at);
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(search ?? {})) {
    if (value === undefined) return new Unknown('the address of a link', at);
    for (const item of Array.isArray(value) ? value : [value]) query.append(key, String(item));
  }
  const text = query.toString();
  return `${typeof pathname === 'string' ? pathname : ''}${text === '' ? '' : `?${text}`}${typeof hash === 'string' && hash !== '' ? `#${hash.replace(/^#/, '')}` : ''}`;
}

/** Parameters as programs see them. */
export function paramsObject(machine: Machine, params: Params): Obj {
  const obj = machine.object();
  for (const [name, value] of params) obj.put(name, typeof value === 'string' ? value : machine.array([...value]));
  return obj;
}

/** The search as an object of strings and lists, as `searchParams` and `query` are. */
export function searchObject(machine: Machine, address: string): Obj {
  const search = new URLSearchParams(searchOf(address));
  const obj = machine.object();
  for (const key of new Set(search.keys())) {
    const all = search.getAll(key);
    obj.put(key, all.length === 1 ? all[0] : machine.array(all));
  }
  return obj;
}

function navigationModule(machine: Machine, navigator: Navigator, at: Place): Obj {
  const redirect = machine.fn('redirect', ([href], _self, where) => {
    const text = hrefOf(machine, href, where);
    return raise(machine, navigator, text instanceof Unknown ? new Undecided(`goes to ${text.reason}`, where) : new Signal(machine, 'redirect', text), where);
  });
  const notFound = machine.fn('notFound', (_args, _self, where) => raise(machine, navigator, new Signal(machine, 'not-found', ''), where));
  navigator.leaving.add(redirect).add(notFound);
  const rethrow = machine.fn('unstable_rethrow', ([error], _self, where) => { if (error instanceof Signal) throw new Thrown(error, where); return undefined; });
  const router = routerObject(machine, navigator);
  return machine.namespace('next/navigation', at, {
    redirect, permanentRedirect: redirect, notFound, unstable_rethrow: rethrow,
    useRouter: machine.fn('useRouter', () => router),
    usePathname: machine.fn('usePathname', () => pathOf(navigator.address)),
    useParams: machine.fn('useParams', () => paramsObject(machine, navigator.params)),
    useSearchParams: machine.fn('useSearchParams', (_args, _self, where) => searchParams(machine, navigator, where)),
    useServerInsertedHTML: machine.fn('useServerInsertedHTML', () => undefined),
    RedirectType: machine.object({ push: 'push', replace: 'replace' }),
  });
}

/** A page that may turn out to be another one is not certain at all, whatever the branch does that leads here: this is remembered beside what is thrown. */
function raise(machine: Machine, navigator: Navigator, signal: Signal | Undecided, at: Place): never {
  const why = machine.speculations.at(-1)?.why ?? machine.uncertain;
  navigator.signal = why && signal instanceof Signal ? new Undecided(`${signal.kind === 'redirect' ? `a redirect to ${signal.href}` : 'whether the page exists'} depends on ${why.reason}`, why.at) : signal;
  if (navigator.signal instanceof Undecided) throw navigator.signal;
  throw new Thrown(navigator.signal, at);
}

function searchParams(machine: Machine, navigator: Navigator, at: Place): Value {
  const params = machine.construct(machine.globals.get('URLSearchParams'), [searchOf(navigator.address)], at);
  for (const [name, value] of navigator.unknownSearch) machine.call(machine.get(params, 'append', at), [name, value], params, at);
  return params;
}

/** Methods of both routers. Going back or forward depends on what the user did before, which a page does not know. */
function routerObject(machine: Machine, navigator: Navigator): Obj {
  const go = (how: 'push' | 'replace'): Fn => machine.fn(how, ([href], _self, at) => {
    const text = hrefOf(machine, href, at);
    if (text instanceof Unknown) throw new Undecided(`goes to ${text.reason}`, at);
    navigator.go(text, how, at);
    return fulfilled(machine, true);
  });
  const [push, replace] = [go('push'), go('replace')];
  navigator.leaving.add(push).add(replace);
  const refused = (name: string): Fn => machine.fn(name, (_args, _self, at) => { throw new Undecided(`router.${name}()`, at); });
  return machine.object({
    push, replace, back: refused('back'), forward: refused('forward'), reload: refused('reload'),
    // The source that a refresh reads again is the same.
    refresh: machine.fn('refresh', () => undefined), prefetch: machine.fn('prefetch', () => fulfilled(machine, undefined)),
  });
}

function pagesRouterModule(machine: Machine, navigator: Navigator): Obj {
  const nothing = machine.fn('listen', () => undefined);
  const current = (): Obj => {
    const router = routerObject(machine, navigator);
    const query = paramsObject(machine, navigator.params);
    const search = searchObject(machine, navigator.address);
    for (const key of search.keys()) query.put(key, machine.get(search, key));
    return router.put('pathname', navigator.pattern).put('route', navigator.pattern).put('asPath', navigator.address).put('query', query)
      .put('isReady', true).put('isFallback', false).put('basePath', navigator.shown('/').replace(/\/$/, '')).put('events', machine.object({ on: nothing, off: nothing, emit: nothing }));
  };
  const namespace = machine.object({
    useRouter: machine.fn('useRouter', () => current()),
    withRouter: machine.fn('withRouter', ([component]) => machine.fn('WithRouter', ([props], _self, at) => {
      const all = machine.object();
      if (isObject(props)) for (const key of props.keys()) all.put(key, machine.get(props, key));
      return machine.element(component, all.put('router', current()), null, at);
    })),
  });
  return namespace.put('default', current()).put('Router', current());
}

/** Cookies of the page's browser; they are read when the page loads. Older code calls `cookies()` without waiting, so the promise answers for them. */
function headersModule(machine: Machine, at: Place): Obj {
  const { cookies } = machine.storage;
  const cookie = (name: string): Value => machine.object({ name, value: cookies.get(name) });
  const nameOf = (value: Value, where: Place): string => {
    if (typeof value === 'string') return value;
    const name = isObject(value) ? machine.get(value, 'name', where) : value;
    if (typeof name !== 'string') throw new Undecided('a cookie whose name is not known', where);
    return name;
  };
  const methods = {
    get: machine.fn('get', ([name], _self, where) => (cookies.has(nameOf(name, where)) ? cookie(nameOf(name, where)) : undefined)),
    has: machine.fn('has', ([name], _self, where) => cookies.has(nameOf(name, where))),
    getAll: machine.fn('getAll', () => machine.array([...cookies.keys()].map(cookie))),
    set: machine.fn('set', ([name, value], _self, where) => {
      const text = isObject(name) ? machine.get(name, 'value', where) : value;
      if (typeof text !== 'string') throw new Undecided('a cookie whose value is not known', where);
      machine.effect('a cookie', where);
      cookies.set(nameOf(name, where), text);
      return undefined;
    }),
    delete: machine.fn('delete', ([name], _self, where) => { machine.effect('a cookie', where); cookies.delete(nameOf(name, where)); return undefined; }),
  };
  const store = (): Value => {
    const promise = fulfilled(machine, machine.object(methods));
    for (const [name, method] of Object.entries(methods)) promise.put(name, method, false);
    return promise;
  };
  return machine.namespace('next/headers', at, { cookies: machine.fn('cookies', store), headers: machine.fn('headers', (_args, _self, where) => new Unknown('the headers of the request', where)) });
}

/** Everything is rendered anew after an action, so caches do not show. */
function cacheModule(machine: Machine): Obj {
  const nothing = machine.fn('revalidate', () => undefined);
  const same = machine.fn('cache', ([f]) => f);
  return machine.object({
    revalidatePath: nothing, revalidateTag: nothing, updateTag: nothing, refresh: nothing, unstable_noStore: nothing, cacheLife: nothing, cacheTag: nothing,
    unstable_cache: same, unstable_cacheLife: nothing, unstable_cacheTag: nothing,
  });
}

