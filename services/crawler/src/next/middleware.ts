import type { Place } from '../markup.js';
import type { Machine, ModuleModel, ModuleModels } from '../interpret/machine.js';
import { iterate } from '../interpret/convert.js';
import { Arr, Fn, isObject, Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import { settled } from './components.js';
import { matchSource } from './sources.js';

/**
 * The middleware (`middleware.ts`, since Next 16 `proxy.ts`): a function of the request that lets it pass, sends it elsewhere, or answers it itself.
 * It is asked before every page, and what it does must be certain, or nothing is known of the pages behind it.
 */
export type Verdict = { kind: 'pass' } | { kind: 'redirect' | 'rewrite'; to: Destination; at: Place };

/** `href`: a path of the application, or an absolute address; its search holds what is known. `unknown`: search parameters that are there with values that are not known. */
export interface Destination { href: string; unknown: ReadonlyMap<string, Unknown> }

/** A request as a middleware sees it. */
export class RequestObj extends Obj {
  constructor(machine: Machine, readonly address: string, at: Place) {
    super(machine.intrinsic('Object'));
    this.put('url', new Unknown('the address of the application', at)).put('method', 'GET').put('nextUrl', nextUrl(machine, address, at)).put('cookies', requestCookies(machine)).put('headers', new Unknown('the headers of the request', at));
    this.missing = new Unknown('the request', at);
  }
}

export class ResponseObj extends Obj {
  constructor(machine: Machine, readonly verdict: Verdict) {
    super(machine.intrinsic('Object'));
    this.put('cookies', machine.object({ set: machine.fn('set', refuseCookie), delete: machine.fn('delete', refuseCookie) })).put('headers', machine.object({ set: machine.fn('set', () => undefined), append: machine.fn('append', () => undefined) }));
  }
}
const refuseCookie = (_args: Value[], _self: Value, at: Place): never => { throw new Undecided('a cookie set by the middleware', at); };

/** Asks the middleware module about a page. Throws `Undecided` when it does not say. */
export function askMiddleware(machine: Machine, path: string, address: string): Verdict {
  const at: Place = { file: path, line: 1 };
  const module = machine.load(path);
  const candidates = [machine.get(module, 'middleware', at), machine.get(module, 'proxy', at), machine.get(module, 'default', at)];
  const callee = candidates.find((candidate) => candidate !== undefined);
  if (!applies(machine, machine.get(module, 'config', at), address.split(/[?#]/, 1)[0] ?? '/', at)) return { kind: 'pass' };
  if (callee === undefined) return { kind: 'pass' };
  if (!(callee instanceof Fn)) throw new Undecided(`the middleware is ${callee instanceof Unknown ? callee.reason : 'not a function'}`, at);
  const place = callee.at ?? at;
  const before = machine.uncertain;
  const answer = machine.during('event', () => settled(machine, machine.call(callee, [new RequestObj(machine, address.replace(/#.*$/, ''), place), machine.namespace('the event of the middleware', place)], undefined, place), place));
  if (answer instanceof Unknown || (machine.uncertain && machine.uncertain !== before)) throw new Undecided(`the middleware depends on ${(answer instanceof Unknown ? answer : machine.uncertain)?.reason ?? 'something unknown'}`, place);
  if (answer === undefined || answer === null) return { kind: 'pass' };
  if (!(answer instanceof ResponseObj)) throw new Undecided('the middleware answers by itself', place);
  return answer.verdict;
}

/** `config.matcher`: a source, a list of them, or objects with a source and further conditions, which are not decided. */
function applies(machine: Machine, config: Value, pathname: string, at: Place): boolean {
  const matcher = isObject(config) ? machine.get(config, 'matcher', at) : undefined;
  if (matcher === undefined) return true;
  let found = false;
  for (const entry of matcher instanceof Arr ? matcher.items : [matcher]) {
    const source = isObject(entry) ? machine.get(entry, 'source', at) : entry;
    const match = typeof source === 'string' ? matchSource(source, pathname) : 'undecided';
    if (match === 'undecided') throw new Undecided('the matcher of the middleware', at);
    if (match !== null && isObject(entry) && (machine.get(entry, 'has', at) !== undefined || machine.get(entry, 'missing', at) !== undefined)) {
      // A plain visit of a page is never a prefetch, which is what such conditions are for.
      if (!isPrefetchCondition(machine.toHost(machine.get(entry, 'missing', at)))) throw new Undecided('the conditions of the middleware’s matcher', at);
    }
    found ||= match !== null;
  }
  return found;
}
function isPrefetchCondition(missing: unknown): boolean {
  return Array.isArray(missing) && missing.every((condition: unknown) => typeof condition === 'object' && condition !== null && 'key' in condition && /^(?:next-router-prefetch|purpose)$/.test(String(condition.key)));
}

/** Its origin is not known. */
function nextUrl(machine: Machine, address: string, at: Place): Value {
  const url = machine.construct(machine.globals.get('URL'), [address, new Unknown('the address of the application', at)], at);
  if (!isObject(url)) return url;
  const clone = machine.fn('clone', (_args, self, where) => {
    const { href, unknown } = destinationOf(machine, self, where);
    const copy = nextUrl(machine, href, where);
    const params = machine.get(copy, 'searchParams', where);
    for (const [name, value] of unknown) machine.call(machine.get(params, 'set', where), [name, value], params, where);
    return copy;
  });
  return url.put('clone', clone, false).put('basePath', '', false).put('locale', '', false).put(GIVEN_SEARCH, machine.get(url, 'search', at), false);
}
/** The search a `nextUrl` began with: tells whether `search` was assigned since. */
const GIVEN_SEARCH = Symbol('search');

/** Where an address leads: text, or a URL object whose parts the program may have changed. */
export function destinationOf(machine: Machine, value: Value, at: Place): Destination {
  if (typeof value === 'string') return { href: value, unknown: new Map() };
  const refuse = (): never => { throw new Undecided('the address that a middleware sends to', at); };
  if (!isObject(value)) return refuse();
  const [origin, pathname, search, hash, params] = ['origin', 'pathname', 'search', 'hash', 'searchParams'].map((name) => machine.get(value, name, at));
  if (typeof pathname !== 'string' || typeof hash !== 'string') return refuse();
  const base = typeof origin === 'string' ? origin : '';
  const given = value.own(GIVEN_SEARCH)?.value;
  if (given !== undefined && search !== given) return typeof search === 'string' ? { href: `${base}${pathname}${search === '' || search.startsWith('?') ? search : `?${search}`}${hash}`, unknown: new Map() } : refuse();
  const known = new URLSearchParams();
  const unknown = new Map<string, Unknown>();
  for (const pair of iterate(machine, machine.call(machine.get(params, 'entries', at), [], params, at), at) as Value[]) {
    const [name, text] = ['0', '1'].map((index) => machine.get(pair, index, at));
    if (typeof name !== 'string') return refuse();
    if (text instanceof Unknown) unknown.set(name, text); else known.append(name, typeof text === 'string' ? text : '');
  }
  const text = known.toString();
  // Parameters that nobody touched stay as they were written.
  const written = typeof search === 'string' && unknown.size === 0 && new URLSearchParams(search).toString() === text ? search : text === '' ? '' : `?${text}`;
  return { href: `${base}${pathname}${written}${hash}`, unknown };
}

function requestCookies(machine: Machine): Obj {
  const { cookies } = machine.storage;
  const cookie = (name: Value): Value => (typeof name === 'string' && cookies.has(name) ? machine.object({ name, value: cookies.get(name) }) : undefined);
  return machine.object({
    get: machine.fn('get', ([name]) => cookie(name)), has: machine.fn('has', ([name]) => typeof name === 'string' && cookies.has(name)),
    getAll: machine.fn('getAll', () => machine.array([...cookies.keys()].map(cookie))),
  });
}

/** `next/server`, and the `Response.redirect` of the platform. */
export function serverModels(): ModuleModels {
  return new Map<string, ModuleModel>([['next/server', (machine, at) => machine.namespace('next/server', at, {
    NextResponse: responseClass(machine), NextRequest: machine.fn('NextRequest', () => undefined),
    userAgent: machine.fn('userAgent', (_args, _self, where) => new Unknown('the browser’s name', where)), after: machine.fn('after', () => undefined),
  })]]);
}

export function responseClass(machine: Machine): Fn {
  const away = (kind: 'redirect' | 'rewrite'): Fn => machine.fn(kind, ([url], _self, at) => new ResponseObj(machine, { kind, to: destinationOf(machine, url, at), at }));
  const answers = (name: string): Fn => machine.fn(name, (_args, _self, at) => { throw new Undecided('the middleware answers by itself', at); });
  const constructor = machine.fn('NextResponse', (_args, _self, at) => { throw new Undecided('the middleware answers by itself', at); });
  constructor.constructable = true;
  return constructor.put('redirect', away('redirect')).put('rewrite', away('rewrite')).put('next', machine.fn('next', () => new ResponseObj(machine, { kind: 'pass' }))).put('json', answers('json')).put('error', answers('error'));
}
