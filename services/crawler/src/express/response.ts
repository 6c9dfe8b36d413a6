import { posix } from 'node:path';
import { spelled } from '../interpret/spelled.js';
import { toText } from '../interpret/convert.js';
import { refuseProgramError, refuseUncertain } from './router.js';
import { Fn, isObject, Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import type { Piece } from '../templates/output.js';
import { Rendered } from '../templates/rendering.js';
import type { Reply, Server } from './server.js';
import { renderView } from './views.js';

/** `res` of a request. Answering ends in `server.reply`; a second answer is an error of the program. */
export function makeResponse(server: Server, app: Fn, req: Obj): Obj {
  const { machine } = server;
  const res = machine.object();
  const headers = new Map<string, Value>();
  let written: Piece[] = [];
  const chain = (action: (args: Value[], at: Place) => void): ((args: Value[], self: Value, at: Place) => Value) => (args, _self, at) => { action(args, at); return res; };
  const answer = (reply: Reply, at: Place): Value => {
    refuseUncertain(machine, 'the answer', at);
    if (server.reply) machine.throwError('Error', 'Cannot set headers after they are sent to the client', at);
    machine.effect('the answer', at);
    server.reply = reply;
    res.put('headersSent', true).put('writableEnded', true).put('finished', true);
    return res;
  };
  const status = (): number => { const code = machine.get(res, 'statusCode'); return typeof code === 'number' ? code : 200; };
  const page = (pieces: Piece[], at: Place): Value => answer({ kind: 'page', pieces, status: status(), at, route: routeOf(server, req), path: spelled(machine.get(req, 'originalUrl')) }, at);
  const asset = (what: string, at: Place): Value => answer({ kind: 'asset', what, at }, at);
  const text = (value: Value, at: Place): string => {
    const known = toText(machine, value, at);
    if (known instanceof Unknown) throw new Undecided(known.reason, known.at);
    return known;
  };
  const send = (value: Value, at: Place): Value => {
    const type = headers.get('content-type');
    if (typeof type === 'string' && !/html/i.test(type)) return asset(`an answer of type ${type}`, at);
    if (value instanceof Rendered) return page([...value.pieces], at);
    if (value instanceof Unknown) return page([{ kind: 'value', words: { undecided: value.reason }, raw: true, at }], at);
    if (value === undefined || value === null) return page([], at);
    if (typeof value !== 'string') return asset('an answer in JSON', at);
    return page([{ kind: 'value', words: value, raw: true, at }], at);
  };
  const redirect = (address: Value, at: Place): Value => {
    const to = toText(machine, address, at);
    if (to instanceof Unknown) throw new Undecided(`a redirect to ${to.reason}`, to.at);
    if (to !== 'back') return answer({ kind: 'redirect', to, at }, at);
    const back = machine.get(machine.get(req, 'headers'), 'referer');
    if (back instanceof Unknown) throw new Undecided('a redirect to the page before', at);
    return answer({ kind: 'redirect', to: typeof back === 'string' ? back : '/', at }, at);
  };
  const sendFile = (args: Value[], at: Place): Value => {
    const name = text(args[0], at);
    const root = isObject(args[1]) ? machine.get(args[1], 'root') : undefined;
    const path = server.repositoryPath(typeof root === 'string' ? posix.join(root, name) : name);
    return path !== null && /\.html?$/.test(path) && server.start.repo.text(path) !== null
      ? page([{ kind: 'html', text: server.start.repo.text(path)!, at: { file: path, line: 1 }, advances: true }], at)
      : server.start.repo.paths.includes(path ?? '') ? asset(`the file ${name}`, at) : missingFile(at);
  };
  const setHeader = (name: Value, value: Value): void => {
    if (typeof name === 'string') headers.set(name.toLowerCase(), value);
    else if (isObject(name)) for (const key of name.keys()) headers.set(key.toLowerCase(), machine.get(name, key));
  };
  const methods: Record<string, (args: Value[], self: Value, at: Place) => Value> = {
    status: chain(([code]) => { res.put('statusCode', code); }),
    set: chain(([name, value]) => setHeader(name, value)),
    header: chain(([name, value]) => setHeader(name, value)),
    setHeader: chain(([name, value]) => setHeader(name, value)),
    append: chain(([name, value]) => setHeader(name, value)),
    type: chain(([type]) => setHeader('content-type', type)),
    contentType: chain(([type]) => setHeader('content-type', type)),
    writeHead: chain(([code, reason, more]) => {
      res.put('statusCode', code);
      setHeader(isObject(reason) ? reason : more, undefined);
      const location = headers.get('location');
      if (typeof location === 'string') headers.set('location', location);
    }),
    get: ([name]) => (typeof name === 'string' ? headers.get(name.toLowerCase()) : undefined),
    getHeader: ([name]) => (typeof name === 'string' ? headers.get(name.toLowerCase()) : undefined),
    removeHeader: chain(([name]) => { if (typeof name === 'string') headers.delete(name.toLowerCase()); }),
    vary: chain(() => undefined), links: chain(() => undefined), on: chain(() => undefined), once: chain(() => undefined), location: chain(([to]) => { headers.set('location', to); }),
    cookie: chain(([name, value], at) => { refuseUncertain(machine, 'a cookie', at); server.cookies.set(text(name, at), value); }),
    clearCookie: chain(([name], at) => { refuseUncertain(machine, 'a cookie', at); server.cookies.delete(text(name, at)); }),
    send: ([value], _self, at) => send(value, at),
    json: (_args, _self, at) => asset('an answer in JSON', at),
    jsonp: (_args, _self, at) => asset('an answer in JSON', at),
    sendStatus: ([code], _self, at) => { res.put('statusCode', code); return page([{ kind: 'value', words: typeof code === 'number' ? STATUS[code] ?? String(code) : { undecided: 'a status' }, raw: false, at }], at); },
    redirect: (args, _self, at) => redirect(typeof args[0] === 'number' ? args[1] : typeof args[1] === 'string' ? args[0] : args[0], at),
    sendFile: (args, _self, at) => sendFile(args, at),
    sendfile: (args, _self, at) => sendFile(args, at),
    download: (_args, _self, at) => asset('a download', at),
    attachment: chain(() => { headers.set('content-type', 'application/octet-stream'); }),
    write: ([value], _self, at) => { written = [...written, { kind: 'value', words: wordsOrUnknown(value), raw: true, at }]; return true; },
    end: ([value], _self, at) => {
      const location = headers.get('location');
      if (location !== undefined && status() >= 300 && status() < 400) return redirect(location, at);
      if (written.length === 0) return send(value, at);
      return page(value === undefined ? written : [...written, { kind: 'value', words: wordsOrUnknown(value), raw: true, at }], at);
    },
    format: ([kinds], _self, at) => {
      const handler = isObject(kinds) ? ['html', 'text/html', 'default'].map((key) => machine.get(kinds, key)).find((value) => value instanceof Fn) : undefined;
      if (!handler) throw new Undecided('an answer that is not HTML', at);
      return machine.call(handler, [req, res], undefined, at);
    },
    render: ([view, given, callback], _self, at) => {
      const then = given instanceof Fn ? given : callback;
      const rendered = machine.attempt(() => new Rendered(machine, renderView(server, appOf(server, req, app), res, text(view, at), given instanceof Fn ? undefined : given, at)));
      if (!rendered.ok && rendered.undecided) throw rendered.undecided;
      if (!rendered.ok && rendered.thrown) refuseProgramError(machine, rendered.thrown);
      if (then instanceof Fn) return machine.call(then, rendered.ok ? [null, rendered.value] : [rendered.thrown?.value ?? null], undefined, at);
      if (rendered.ok) return page([...rendered.value.pieces], at);
      const next = machine.get(req, 'next');
      if (next instanceof Fn) return machine.call(next, [rendered.thrown?.value], undefined, at);
      throw rendered.thrown ?? new Undecided('a template that fails', at);
    },
  };
  for (const [name, native] of Object.entries(methods)) res.put(name, machine.fn(name, native));
  res.put('locals', machine.object()).put('statusCode', 200).put('headersSent', false).put('app', app).put('req', req);
  return res;
}

function missingFile(at: Place): never { throw new Undecided('a file that is not in the repository is sent', at); }
const wordsOrUnknown = (value: Value): string | { undecided: string } => (typeof value === 'string' ? value : value instanceof Unknown ? { undecided: value.reason } : '');

/** The application whose router handles the request: a mounted one has settings of its own. */
function appOf(server: Server, req: Obj, main: Fn): Fn {
  const app = server.machine.get(req, 'app');
  return app instanceof Fn ? app : main;
}

/** The pattern of the route that answered, with what routers before it took. */
export function routeOf(server: Server, req: Obj): string {
  const { machine } = server;
  const base = machine.get(req, 'baseUrl');
  const route = machine.get(req, 'route');
  const path = isObject(route) ? machine.get(route, 'path') : undefined;
  return typeof path === 'string' ? `${typeof base === 'string' ? base : ''}${path === '/' && base ? '' : path}` || '/' : spelled(machine.get(req, 'originalUrl')).split('?')[0]!;
}


const STATUS: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  409: 'Conflict', 410: 'Gone', 422: 'Unprocessable Entity', 429: 'Too Many Requests', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable',
};
export const statusText = (code: number): string => STATUS[code] ?? String(code);
