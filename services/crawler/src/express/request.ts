import type { PageRequest } from '../framework.js';
import { Arr, type Fn, isObject, type Obj, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { decoded } from './path-pattern.js';
import type { Server } from './server.js';

export const ORIGIN = 'http://localhost';

/** A form's fields before a body parser has read them: what `express.urlencoded` and `multer` make `req.body` of. */
export const rawBodies = new WeakMap<Obj, ReadonlyArray<readonly [string, string]>>();

/** `req` of a request of a browser. `from`: the page it was on, where that is known. */
export function makeRequest(server: Server, app: Fn, request: PageRequest, from: string | undefined): Obj {
  const { machine } = server;
  const at: Place = { file: server.start.entry, line: 1 };
  const [address = '/'] = request.path.split('#');
  const [path = '/', search = ''] = address.split('?');
  const req = machine.object();
  const unknown = (what: string): Unknown => new Unknown(what, at);
  const headers = machine.object({
    host: 'localhost', accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', connection: 'keep-alive',
    'user-agent': unknown('the user agent'), 'accept-language': unknown('the language of the browser'), 'accept-encoding': unknown('the encodings of the browser'),
    referer: request.method === 'post' && from !== undefined ? ORIGIN + from : unknown('the page before'),
  });
  if (request.method === 'post') headers.put('content-type', 'application/x-www-form-urlencoded').put('origin', ORIGIN);
  const get = machine.fn('get', ([name]) => (typeof name === 'string' ? machine.get(headers, name.toLowerCase() === 'referrer' ? 'referer' : name.toLowerCase()) : undefined));
  const entries: Record<string, Value> = {
    app, method: request.method.toUpperCase(), url: address, originalUrl: address, path, baseUrl: '', params: machine.object(), headers,
    query: parseFields(server, [...new URLSearchParams(search)], true), protocol: 'http', secure: false, hostname: 'localhost', host: 'localhost', xhr: false, httpVersion: '1.1',
    subdomains: machine.array([]), fresh: false, stale: true, ip: unknown('the address of the browser'), ips: machine.array([]), socket: unknown('the connection'), connection: unknown('the connection'),
    get, header: get,
    accepts: machine.fn('accepts', (types) => (types.length === 0 ? machine.array(['text/html', '*/*']) : types.map(answers).find((answer) => answer !== false) ?? false)),
    is: machine.fn('is', ([type]) => (request.method === 'post' && typeof type === 'string' && /urlencoded/.test(type) ? type : false)),
    on: machine.fn('on', (_args, self) => self),
  };
  for (const [name, value] of Object.entries(entries)) req.put(name, value);
  req.put('param', machine.fn('param', ([name]) => {
    for (const source of ['params', 'body', 'query']) {
      const holder = machine.get(req, source);
      if (isObject(holder) && typeof name === 'string' && holder.own(name)) return machine.get(holder, name);
    }
    return undefined;
  }));
  if (request.method === 'post') rawBodies.set(req, request.body ?? []);
  for (const [, value] of [...request.body ?? [], ...new URLSearchParams(search)]) if (value !== '') machine.typed.add(value);
  for (const part of path.split('/')) if (part.length > 2) machine.typed.add(decoded(part));
  return req;
}

/** Of the types a handler offers, the one that a browser takes. */
const answers = (type: Value): Value => (type instanceof Arr ? type.items : [type]).find((item) => typeof item === 'string' && /html|^\*|text/.test(item)) ?? false;

/** Fields as an object: repeated names become lists; with `extended`, `a[]` and `a[b]` nest. */
export function parseFields(server: Server, fields: ReadonlyArray<readonly [string, string]>, extended: boolean): Obj {
  const { machine } = server;
  const result = machine.object();
  const add = (holder: Obj, key: string, value: string): void => {
    const before = holder.own(key)?.value;
    if (before === undefined) holder.put(key, value);
    else if (before instanceof Arr) before.items.push(value);
    else holder.put(key, machine.array([before, value]));
  };
  for (const [name, value] of fields) {
    const nested = extended ? /^([^[\]]{1,100})\[([^[\]]{0,100})\]$/.exec(name) : null;
    if (!nested) { add(result, name, value); continue; }
    const [, outer = '', inner = ''] = nested;
    if (inner === '' || /^\d{1,2}$/.test(inner)) {
      const list = result.own(outer)?.value;
      if (list instanceof Arr) list.items.push(value); else result.put(outer, machine.array([value]));
    } else {
      const holder = result.own(outer)?.value;
      if (isObject(holder)) add(holder, inner, value); else result.put(outer, machine.object({ [inner]: value }));
    }
  }
  return result;
}
