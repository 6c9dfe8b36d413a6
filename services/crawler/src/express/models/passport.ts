import { spelled } from '../../interpret/spelled.js';
import type { ModuleModel } from '../../interpret/machine.js';
import { Arr, Fn, isObject, Obj, Undecided, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import type { Server } from '../server.js';
import { callable, commonJs, decided, functions } from './module.js';
import { flash } from './middleware.js';

/** passport with passport-local: the verify function of the program decides; other strategies leave the application. */
export function passportModels(server: Server): Array<[string, ModuleModel]> {
  const state: State = { strategies: new Map(), serialize: undefined, deserialize: undefined };
  return [['passport', (machine) => commonJs(machine, passport(server, state))], ['passport-local', local]];
}

/** `passport-local`. */
const local: ModuleModel = (machine) => {
  const strategy = callable(machine, 'Strategy', ([first, second]) => {
    const [options, verify] = first instanceof Fn ? [undefined, first] : [first, second];
    const option = (name: string): Value => (isObject(options) ? machine.get(options, name) : undefined);
    const made = machine.object({ name: 'local' });
    locals.set(made, { verify, username: spelled(option('usernameField')) || 'username', password: spelled(option('passwordField')) || 'password', withRequest: option('passReqToCallback') === true });
    return made;
  });
  strategy.put('Strategy', strategy);
  return commonJs(machine, strategy);
};

interface Local { verify: Value; username: string; password: string; withRequest: boolean }
const locals = new WeakMap<Obj, Local>();
interface State { strategies: Map<string, Value>; serialize: Value; deserialize: Value }

function passport(server: Server, state: State): Obj {
  const { machine } = server;
  const self = machine.object();
  const chain = (f: (args: Value[]) => void) => (args: Value[]): Value => { f(args); return self; };
  const passing = (): Value => machine.fn('passport', ([req, , next]) => { if (isObject(req)) prepare(server, state, req); return machine.call(next, []); });
  const restoring = (): Value => machine.fn('passportSession', ([req, , next]) => {
    if (!isObject(req)) return machine.call(next, []);
    prepare(server, state, req);
    return restore(server, state, req, next);
  });
  for (const [name, fn] of Object.entries(functions(machine, {
    use: chain(([first, second]) => {
      const strategy = second ?? first;
      const name = typeof first === 'string' ? first : isObject(strategy) ? machine.get(strategy, 'name') : undefined;
      if (typeof name === 'string') state.strategies.set(name, strategy);
    }),
    initialize: passing, session: restoring,
    serializeUser: chain(([fn]) => { state.serialize = fn; }),
    deserializeUser: chain(([fn]) => { state.deserialize = fn; }),
    authenticate: ([names, options, callback], _self, at) => {
      if ((names instanceof Arr ? names.items[0] : names) === 'session') return restoring();
      return authenticator(server, state, names, options instanceof Fn ? undefined : options, options instanceof Fn ? options : callback, at);
    },
  }))) self.put(name, fn);
  self.put('Passport', callable(machine, 'Passport', () => passport(server, { strategies: new Map(), serialize: undefined, deserialize: undefined })));
  return self;
}

/** Since 0.6 signing in and out makes a new session, and what was in the old one is lost unless it is asked to stay. */
const regenerates = (server: Server): boolean => {
  const version = server.start.dependencies.get('passport') ?? '';
  const [major = 1, minor = 0] = (/\d+(?:\.\d+)?/.exec(version)?.[0] ?? '1.0').split('.').map(Number);
  return major > 0 || minor >= 6;
};

function renewSession(server: Server, req: Obj, keep: boolean): void {
  const { machine } = server;
  const session = machine.get(req, 'session');
  if (!regenerates(server) || !isObject(session)) return;
  const kept = keep ? session.keys().map((key) => [key, machine.get(session, key)] as const) : [];
  const regenerate = machine.get(session, 'regenerate');
  if (!(regenerate instanceof Fn)) return;
  machine.call(regenerate, [], session);
  for (const [key, value] of kept) machine.set(machine.get(req, 'session'), key, value);
}

/** `req.login`, `req.logout` and their kin. */
function prepare(server: Server, state: State, req: Obj): void {
  const { machine } = server;
  const logIn = machine.fn('login', ([user, given, callback], _self, at) => {
    const done = given instanceof Fn ? given : callback;
    const options = given instanceof Fn ? undefined : given;
    machine.set(req, 'user', user);
    if (isObject(options) && machine.get(options, 'session') === false) return machine.call(done, [], undefined, at);
    renewSession(server, req, isObject(options) && machine.get(options, 'keepSessionInfo') === true);
    const store = (kept: Value): void => {
      const session = machine.get(req, 'session');
      if (!isObject(session)) machine.throwError('Error', 'Login sessions require session support.', at);
      machine.set(session, 'passport', machine.object({ user: kept }));
      if (done instanceof Fn) machine.call(done, [], undefined, at);
    };
    if (!(state.serialize instanceof Fn)) { store(user); return undefined; }
    return machine.call(state.serialize, [user, callbackFn(server, (error, kept) => {
      if (decided(error, 'signing in', at)) machine.call(done, [error], undefined, at); else store(kept);
    })], undefined, at);
  });
  const logOut = machine.fn('logout', ([given, callback], _self, at) => {
    const done = given instanceof Fn ? given : callback;
    machine.set(req, 'user', null);
    const session = machine.get(req, 'session');
    if (isObject(session)) session.properties.delete('passport');
    renewSession(server, req, isObject(given) && machine.get(given, 'keepSessionInfo') === true);
    return done instanceof Fn ? machine.call(done, [], undefined, at) : undefined;
  });
  for (const name of ['login', 'logIn']) req.put(name, logIn);
  for (const name of ['logout', 'logOut']) req.put(name, logOut);
  const signedIn = (): Value => { const user = machine.get(req, 'user'); return user instanceof Unknown ? user : user !== undefined && user !== null && user !== false; };
  req.put('isAuthenticated', machine.fn('isAuthenticated', signedIn));
  req.put('isUnauthenticated', machine.fn('isUnauthenticated', () => { const known = signedIn(); return known instanceof Unknown ? known : !known; }));
}

const callbackFn = (server: Server, f: (error: Value, value: Value, info: Value) => void): Fn => server.machine.fn('done', ([error, value, info]) => { f(error, value, info); return undefined; });

function restore(server: Server, state: State, req: Obj, next: Value): Value {
  const { machine } = server;
  const session = machine.get(req, 'session');
  const kept = isObject(session) ? machine.get(session, 'passport') : undefined;
  const user = isObject(kept) ? machine.get(kept, 'user') : undefined;
  if (user === undefined || user === null) return machine.call(next, []);
  if (!(state.deserialize instanceof Fn)) { machine.set(req, 'user', user); return machine.call(next, []); }
  machine.call(state.deserialize, [user, callbackFn(server, (error, found) => {
    if (decided(error, 'restoring the user', { file: '', line: 1 })) { machine.call(next, [error]); return; }
    if (found === false || found === null || found === undefined) machine.get(session, 'passport'); else machine.set(req, 'user', found);
    machine.call(next, []);
  })]);
  return undefined;
}

function authenticator(server: Server, state: State, names: Value, options: Value, callback: Value, at: Place): Fn {
  const { machine } = server;
  const option = (name: string): Value => (isObject(options) ? machine.get(options, name) : undefined);
  const name = names instanceof Arr ? names.items[0] : names;
  const redirect = (res: Value, to: Value): Value => machine.call(machine.get(res, 'redirect'), [to], res, at);
  return machine.fn('authenticate', ([req, res, next]) => {
    if (!isObject(req)) return undefined;
    prepare(server, state, req);
    const strategy = typeof name === 'string' ? state.strategies.get(name) : undefined;
    const local = isObject(strategy) ? locals.get(strategy) : undefined;
    if (!local) throw new Undecided(`signing in by ${typeof name === 'string' ? name : 'a strategy'} leaves the application`, at);

    const keepMessage = (kind: 'Message' | 'Flash', type: string, how: 'failure' | 'success', info: Value): void => {
      const wanted = option(`${how}${kind}`);
      if (wanted === undefined || wanted === false) return;
      const message = typeof wanted === 'string' ? wanted : isObject(wanted) ? machine.get(wanted, 'message') : isObject(info) ? machine.get(info, 'message') : info;
      if (message === undefined) return;
      if (kind === 'Flash') { flash(server, req, [isObject(info) && typeof machine.get(info, 'type') === 'string' ? machine.get(info, 'type') : type, message]); return; }
      const session = machine.get(req, 'session');
      const messages = machine.get(session, 'messages');
      machine.set(session, 'messages', machine.array([...messages instanceof Arr ? messages.items : [], message]));
    };
    const fail = (info: Value, status: number): Value => {
      if (callback instanceof Fn) return machine.call(callback, [null, false, info, status], undefined, at);
      keepMessage('Flash', 'error', 'failure', info);
      keepMessage('Message', 'error', 'failure', info);
      const to = option('failureRedirect');
      if (to !== undefined) return redirect(res, to);
      return machine.call(machine.get(res, 'sendStatus'), [status === 400 ? 400 : 401], res, at);
    };
    const succeed = (user: Value, info: Value): Value => {
      if (callback instanceof Fn) return machine.call(callback, [null, user, info], undefined, at);
      keepMessage('Flash', 'success', 'success', info);
      keepMessage('Message', 'success', 'success', info);
      return machine.call(machine.get(req, 'login'), [user, options, machine.fn('done', ([error]) => {
        if (decided(error, 'signing in', at)) return machine.call(next, [error]);
        const session = machine.get(req, 'session');
        let to = option('successReturnToOrRedirect');
        if (to !== undefined) {
          const back = isObject(session) ? machine.get(session, 'returnTo') : undefined;
          if (back !== undefined) { to = back; (session as Obj).properties.delete('returnTo'); }
          return redirect(res, to);
        }
        return option('successRedirect') === undefined ? machine.call(next, []) : redirect(res, option('successRedirect'));
      })], req, at);
    };

    const field = (key: string): Value => {
      const body = machine.get(req, 'body');
      const query = machine.get(req, 'query');
      return (isObject(body) ? machine.get(body, key) : undefined) ?? (isObject(query) ? machine.get(query, key) : undefined);
    };
    const [username, password] = [field(local.username), field(local.password)];
    if (username === undefined || username === '' || password === undefined || password === '') return fail(machine.object({ message: option('badRequestMessage') ?? 'Missing credentials' }), 400);
    const done = callbackFn(server, (error, user, info) => {
      if (decided(error, 'signing in', at)) { machine.call(callback instanceof Fn ? callback : next, [error]); return; }
      if (decided(user, 'signing in', at)) succeed(user, info); else fail(info, 401);
    });
    return machine.call(local.verify, [...local.withRequest ? [req] : [], username, password, done], undefined, at);
  });
}
