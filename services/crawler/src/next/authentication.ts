import type { Place } from '../markup.js';
import type { Machine, ModuleModel, ModuleModels } from '../interpret/machine.js';
import { fulfilled } from '../interpret/promises.js';
import { Fn, isObject, Undecided, Unknown, type Obj, type Value } from '../interpret/values.js';
import { defaultExport, settled } from './components.js';
import { RequestObj, ResponseObj } from './middleware.js';

/**
 * Auth.js (`next-auth` 5) as far as a browser without a session meets it: nobody is signed in, the `authorized` callback decides over pages, and signing in needs a provider
 * that the source does not hold.
 */
export function authenticationModels(): ModuleModels {
  return new Map<string, ModuleModel>([
    ['next-auth', (machine, at) => {
      const namespace = machine.namespace('next-auth', at, { AuthError: errorClass(machine), CredentialsSignin: errorClass(machine), default: machine.fn('NextAuth', ([config], _self, where) => instance(machine, config, where)) });
      return namespace.put('module.exports', machine.get(namespace, 'default'), false);
    }],
    ['next-auth/react', (machine, at) => machine.namespace('next-auth/react', at, {
      SessionProvider: machine.fn('SessionProvider', ([props], _self, where) => machine.get(props, 'children', where)),
      useSession: machine.fn('useSession', () => machine.object({ data: null, status: 'unauthenticated', update: machine.fn('update', () => fulfilled(machine, null)) })),
      getSession: machine.fn('getSession', () => fulfilled(machine, null)),
      signIn: machine.fn('signIn', signsIn), signOut: machine.fn('signOut', signsIn),
    })],
    ['next-auth/providers/*', (machine, at) => defaultExport(machine, machine.fn('provider', ([options]) => (isObject(options) ? options : new Unknown('a way to sign in', at))))],
  ]);
}

function errorClass(machine: Machine): Fn {
  const error = machine.fn('AuthError', (_args, _self, at) => { throw new Undecided('an error of the sign-in', at); });
  error.constructable = true;
  error.put('prototype', machine.intrinsic('AuthError'), false);
  return error;
}

const signsIn = (_args: Value[], _self: Value, at: Place): never => { throw new Undecided('signing in asks a provider', at); };

function instance(machine: Machine, config: Value, at: Place): Obj {
  const auth = machine.fn('auth', ([first], _self, where) => {
    if (first instanceof RequestObj) return authorize(machine, config, first, where);
    // `auth((request) => …)` makes a middleware that is told of the session.
    if (first instanceof Fn) {
      return machine.fn('middleware', ([request, event], self, place) => {
        if (isObject(request)) request.put('auth', null);
        return machine.call(first, [request, event], self, place);
      });
    }
    return fulfilled(machine, null);
  });
  const unknown = machine.namespace('the handlers of next-auth', at);
  return machine.object({ auth, handlers: unknown, signIn: machine.fn('signIn', signsIn), signOut: machine.fn('signOut', signsIn), unstable_update: machine.fn('update', signsIn) });
}

/** `false` sends to the sign-in page with the address to come back to. */
function authorize(machine: Machine, config: Value, request: RequestObj, at: Place): Value {
  const { authorized, signIn, place } = settings(machine, config, at);
  if (!(authorized instanceof Fn)) return new ResponseObj(machine, { kind: 'pass' });
  const answer = settled(machine, machine.call(authorized, [machine.object({ auth: null, request })], undefined, place), place);
  if (answer instanceof Unknown) return answer;
  if (answer instanceof ResponseObj) return answer;
  const [pathname] = request.address.split('?', 1);
  if (answer === true || pathname === signIn) return new ResponseObj(machine, { kind: 'pass' });
  const back = new Unknown('the address to come back to', place);
  return new ResponseObj(machine, { kind: 'redirect', to: { href: `${signIn}${/\?.*$/.exec(request.address)?.[0] ?? ''}`, unknown: new Map([['callbackUrl', back]]) }, at: place });
}

function settings(machine: Machine, config: Value, at: Place): { authorized: Value; signIn: string; place: Place } {
  if (!isObject(config)) throw new Undecided('the configuration of next-auth', at);
  const callbacks = machine.get(config, 'callbacks', at);
  const authorized = isObject(callbacks) ? machine.get(callbacks, 'authorized', at) : undefined;
  const pages = machine.get(config, 'pages', at);
  const signIn = isObject(pages) ? machine.get(pages, 'signIn', at) : undefined;
  return { authorized, signIn: typeof signIn === 'string' ? signIn : '/api/auth/signin', place: (authorized instanceof Fn ? authorized.at : null) ?? at };
}
