import { spelled } from '../../interpret/spelled.js';
import type { ModuleModel } from '../../interpret/machine.js';
import { Arr, Fn, isObject, type Native, Obj, Undecided, Unknown, type Value } from '../../interpret/values.js';
import { formParser } from './express.js';
import { statusText } from '../response.js';
import type { Server } from '../server.js';
import { callable, commonJs, functions, passing } from './module.js';

/** Middleware that neither answers a browser's ordinary request nor changes what is shown. */
const PASSING = [
  'morgan', 'helmet', 'cors', 'compression', 'serve-favicon', 'express-rate-limit', 'express-pino-logger', 'pino-http', 'express-winston', 'response-time', 'express-slow-down', 'hpp',
  'express-mongo-sanitize', 'xss-clean', 'connect-timeout', 'express-useragent', 'express-request-id', 'express-status-monitor', 'errorhandler', 'livereload', 'connect-livereload',
];

/** The parts of helmet, each a middleware of its own. */
const HEADERS = [
  'contentSecurityPolicy', 'crossOriginEmbedderPolicy', 'crossOriginOpenerPolicy', 'crossOriginResourcePolicy', 'dnsPrefetchControl', 'frameguard', 'hidePoweredBy', 'hsts', 'ieNoOpen', 'noSniff', 'originAgentCluster',
  'permittedCrossDomainPolicies', 'referrerPolicy', 'xssFilter',
];

/** Words whose plural is certain. */
const REGULAR = /^(?:item|todo|task|user|comment|post|message|result|product|book|note|file|friend|member|point|question|answer|vote|like|view|follower|day|week|month|year|hour|minute|second|error|song|movie|recipe|event|order|photo|video|ticket|guest|game|player|team|card|link)$/i;

export function middlewareModels(server: Server): Array<[string, ModuleModel]> {
  const models: Array<[string, ModuleModel]> = PASSING.map((name) => [name, (machine) => {
    const make = callable(machine, name, () => passing(machine, name));
    make.missing = new Unknown(name, { file: server.start.entry, line: 1 });
    for (const key of ['rateLimit', 'default', 'helmet', ...(name === 'helmet' ? HEADERS : [])]) make.put(key, make);
    return commonJs(machine, make);
  }]);
  const one = (name: string, make: (machine: typeof server.machine) => Obj): void => { models.push([name, (machine) => commonJs(machine, make(machine))]); };
  one('express-session', () => sessionModel(server));
  one('cookie-session', () => cookieSession(server));
  one('cookie-parser', () => cookieParser(server));
  for (const name of ['connect-flash', 'express-flash', 'req-flash', 'express-flash-message']) one(name, () => flashModel(server));
  for (const name of ['csurf', '@dr.pogodin/csurf', 'tiny-csrf', 'lusca']) one(name, () => csrfModel(server));
  one('method-override', () => methodOverride(server));
  one('http-errors', (machine) => httpErrors(machine));
  one('multer', () => multer(server));
  one('express-async-errors', (machine) => machine.object());
  one('express-async-handler', (machine) => callable(machine, 'asyncHandler', ([handler]) => asyncHandler(machine, handler)));
  one('connect-ensure-login', () => ensureLogin(server));
  one('debug', (machine) => callable(machine, 'debug', () => machine.fn('log', () => undefined)));
  one('dotenv', (machine) => machine.object(functions(machine, { config: () => machine.object({ parsed: machine.object() }) })));
  models.push(['dotenv/config', (machine) => machine.object()]);
  for (const name of ['mkdirp', 'colors', 'chalk']) one(name, (machine) => {
    const silent = callable(machine, name, () => undefined, { sync: machine.fn('sync', () => undefined), mkdirp: machine.fn('mkdirp', () => undefined) });
    silent.missing = new Unknown(name, { file: server.start.entry, line: 1 });
    return silent;
  });
  one('pluralize', (machine) => callable(machine, 'pluralize', ([word, count, inclusive], _self, at) => {
    // One, or a regular plural; irregular words are left unknown.
    const text = count === 1 ? word : typeof word === 'string' && typeof count === 'number' && REGULAR.test(word) ? `${word}s` : new Unknown('a plural', at);
    return inclusive === true && !(text instanceof Unknown) ? `${spelled(count)} ${spelled(text)}` : text;
  }));
  // Session stores are given the session package and make a class; where sessions are kept does not matter to the browser.
  for (const name of ['connect-mongo', 'connect-sqlite3', 'connect-pg-simple', 'connect-redis', 'session-file-store', 'connect-session-sequelize', 'express-mysql-session', 'connect-mongodb-session', 'memorystore', 'better-sqlite3-session-store']) {
    one(name, (machine) => {
      const store = callable(machine, 'Store', () => store, { create: machine.fn('create', () => store), on: machine.fn('on', () => store), sync: machine.fn('sync', () => store) });
      store.put('default', store).put('RedisStore', store);
      return store;
    });
  }
  return models;
}

/** Handlers made of async functions: what they throw is passed on. The interpreter runs async functions to their end, so the promise says at once how it ended. */
function asyncHandler(machine: Server['machine'], handler: Value): Fn {
  return machine.fn('asyncHandler', (args, self, at) => {
    const result = machine.call(handler, args, self, at);
    const caught = isObject(result) ? machine.get(result, 'catch') : undefined;
    return caught instanceof Fn ? machine.call(caught, [args.at(-1)], result, at) : result;
  });
}

// ── Sessions and cookies ─────────────────────────────────────────────────────────────────────────────────────────────

/** The session of the browser that is followed. Its id is made new when the program regenerates it. */
function sessionModel(server: Server): Fn {
  const { machine } = server;
  const attach = (req: Obj): Obj => {
    const data = machine.object();
    server.session = data;
    const done = (args: readonly Value[]): Value => (args[0] instanceof Fn ? machine.call(args[0], []) : undefined);
    const hidden: Record<string, Native> = {
      save: (args) => done(args), reload: (args) => done(args), touch: () => data,
      destroy: (args) => { server.session = null; machine.set(req, 'session', undefined); return done(args); },
      regenerate: (args) => { const next = attach(req); machine.set(req, 'session', next); return done(args); },
    };
    for (const [name, native] of Object.entries(hidden)) data.put(name, machine.fn(name, native), false);
    data.put('id', server.fresh('text'), false).put('cookie', machine.object(), false);
    return data;
  };
  const make = callable(machine, 'session', () => machine.fn('session', ([req, , next]) => {
    if (isObject(req) && !isObject(machine.get(req, 'session'))) {
      const session = server.session ?? attach(req);
      // The functions of an older session act on the request at hand.
      if (server.session === session) {
        session.put('destroy', machine.fn('destroy', (args) => { server.session = null; machine.set(req, 'session', undefined); return args[0] instanceof Fn ? machine.call(args[0], []) : undefined; }), false);
        session.put('regenerate', machine.fn('regenerate', (args) => { machine.set(req, 'session', attach(req)); return args[0] instanceof Fn ? machine.call(args[0], []) : undefined; }), false);
      }
      machine.set(req, 'session', session);
      machine.set(req, 'sessionID', machine.get(session, 'id'));
    }
    return machine.call(next, []);
  }));
  const store = callable(machine, 'Store', () => machine.object());
  make.put('Store', store).put('MemoryStore', store);
  return make;
}

function cookieSession(server: Server): Fn {
  const { machine } = server;
  return callable(machine, 'cookieSession', () => machine.fn('cookieSession', ([req, , next]) => {
    server.session ??= machine.object();
    if (isObject(req)) {
      machine.set(req, 'session', server.session);
      server.afterReply.push(() => { const last = machine.get(req, 'session'); server.session = isObject(last) ? last : null; });
    }
    return machine.call(next, []);
  }));
}

function cookieParser(server: Server): Fn {
  const { machine } = server;
  return callable(machine, 'cookieParser', () => machine.fn('cookieParser', ([req, , next]) => {
    if (isObject(req)) {
      const cookies = machine.object();
      for (const [name, value] of server.cookies) cookies.put(name, isObject(value) || value instanceof Unknown ? value : String(value));
      machine.set(req, 'cookies', cookies);
      machine.set(req, 'signedCookies', cookies);
    }
    return machine.call(next, []);
  }));
}

/** `req.flash(type, message)` keeps a message in the session, `req.flash(type)` takes the messages out. */
export function flash(server: Server, req: Obj, args: readonly Value[]): Value {
  const { machine } = server;
  const session = machine.get(req, 'session');
  if (!isObject(session)) return machine.throwError('Error', 'req.flash() requires sessions', { file: server.start.entry, line: 1 });
  let kept = machine.get(session, 'flash');
  if (!isObject(kept)) machine.set(session, 'flash', kept = machine.object());
  const [type, message] = args;
  if (type instanceof Unknown) throw new Undecided('a flash message of an unknown kind', type.at);
  if (type === undefined) { machine.set(session, 'flash', machine.object()); return kept; }
  const before = machine.get(kept, spelled(type));
  if (message === undefined) {
    kept.properties.delete(spelled(type));
    return before instanceof Arr ? before : machine.array([]);
  }
  const list = [...before instanceof Arr ? before.items : [], ...message instanceof Arr ? message.items : [message]];
  machine.set(kept, spelled(type), machine.array(list));
  return list.length;
}

function flashModel(server: Server): Fn {
  const { machine } = server;
  const make = callable(machine, 'flash', () => machine.fn('flash', ([req, res, next]) => {
    if (isObject(req)) {
      machine.set(req, 'flash', machine.fn('flash', (args) => flash(server, req, args)));
      // express-flash shows the messages to templates by itself.
      const locals = isObject(res) ? machine.get(res, 'locals') : undefined;
      if (server.start.dependencies.has('express-flash') && isObject(locals) && isObject(machine.get(req, 'session'))) {
        const render = machine.get(res, 'render');
        machine.set(res, 'render', machine.fn('render', (args, self, at) => {
          machine.set(locals, 'messages', machine.get(machine.get(req, 'session'), 'flash') ?? machine.object());
          machine.set(machine.get(req, 'session'), 'flash', machine.object());
          return machine.call(render, args, self, at);
        }));
      }
    }
    return machine.call(next, []);
  }));
  make.put('flash', make);
  return make;
}

/** The token that the page carries is the one the server expects: forms of the application's own pages pass. */
function csrfModel(server: Server): Fn {
  const { machine } = server;
  return callable(machine, 'csrf', () => machine.fn('csrf', ([req, , next]) => {
    if (isObject(req)) machine.set(req, 'csrfToken', machine.fn('csrfToken', () => server.fresh('text')));
    return machine.call(next, []);
  }));
}

// ── The rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function methodOverride(server: Server): Fn {
  const { machine } = server;
  return callable(machine, 'methodOverride', ([getter]) => machine.fn('methodOverride', ([req, res, next], _self, at) => {
    if (isObject(req) && machine.get(req, 'method') === 'POST') {
      const method = getter instanceof Fn ? machine.call(getter, [req, res], undefined, at) : typeof getter === 'string' && !getter.startsWith('X-') ? machine.get(machine.get(req, 'query'), getter) : undefined;
      if (method instanceof Unknown) throw new Undecided('the method of a request', at);
      if (typeof method === 'string' && method !== '') { machine.set(req, 'originalMethod', 'POST'); machine.set(req, 'method', method.toUpperCase()); }
    }
    return machine.call(next, []);
  }));
}

function httpErrors(machine: Server['machine']): Fn {
  const create: Native = (args) => {
    let status = 500;
    let message: Value;
    const error = machine.error('Error', '');
    for (const arg of args) {
      if (typeof arg === 'number') status = arg; else if (typeof arg === 'string') message = arg;
      else if (isObject(arg)) for (const key of arg.keys()) error.put(key, machine.get(arg, key));
    }
    return error.put('message', message ?? statusText(status), false).put('status', status).put('statusCode', status).put('expose', status < 500).put('name', `${statusText(status).replaceAll(' ', '')}Error`, false).put('stack', new Unknown('the stack', { file: '', line: 1 }), false);
  };
  const make = callable(machine, 'createError', create);
  const names: Record<string, number> = { BadRequest: 400, Unauthorized: 401, Forbidden: 403, NotFound: 404, MethodNotAllowed: 405, Conflict: 409, Gone: 410, UnprocessableEntity: 422, TooManyRequests: 429, InternalServerError: 500, NotImplemented: 501, ServiceUnavailable: 503 };
  for (const [name, status] of Object.entries(names)) make.put(name, callable(machine, name, ([message]) => create([status, message], undefined, { file: '', line: 1 })));
  return make;
}

/** Forms with files: the text fields are read; files are none. */
function multer(server: Server): Fn {
  const { machine } = server;
  const make = callable(machine, 'multer', () => {
    const upload = machine.object();
    for (const name of ['single', 'array', 'fields', 'none', 'any']) upload.put(name, machine.fn(name, () => formParser(server, undefined)));
    return upload;
  }, { memoryStorage: machine.fn('memoryStorage', () => machine.object()), diskStorage: machine.fn('diskStorage', () => machine.object()) });
  return make;
}

function ensureLogin(server: Server): Obj {
  const { machine } = server;
  const options = (given: Value, name: string): Value => (isObject(given) ? machine.get(given, name) : undefined);
  const signedIn = (req: Value): boolean => isObject(req) && Boolean(machine.get(req, 'user') ?? false);
  const logIn: Native = ([given]) => {
    const target = typeof given === 'string' ? given : options(given, 'redirectTo') ?? '/login';
    const returns = options(given, 'setReturnTo') !== false;
    return machine.fn('ensureLoggedIn', ([req, res, next], _self, at) => {
      if (signedIn(req)) return machine.call(next, []);
      const session = isObject(req) ? machine.get(req, 'session') : undefined;
      if (returns && isObject(session)) machine.set(session, 'returnTo', machine.get(req, 'originalUrl'));
      return machine.call(machine.get(res, 'redirect'), [target], res, at);
    });
  };
  const logOut: Native = ([given]) => machine.fn('ensureLoggedOut', ([req, res, next], _self, at) =>
    (signedIn(req) ? machine.call(machine.get(res, 'redirect'), [typeof given === 'string' ? given : options(given, 'redirectTo') ?? '/'], res, at) : machine.call(next, [])));
  return callable(machine, 'ensureLoggedIn', logIn, functions(machine, { ensureLoggedIn: logIn, ensureAuthenticated: logIn, ensureLoggedOut: logOut, ensureUnauthenticated: logOut, ensureNotLoggedIn: logOut }));
}
