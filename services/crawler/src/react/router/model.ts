import { toText } from '../../interpret/convert.js';
import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';
import { Boxed, Fn, isObject, Unknown, type Native, type Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { hooks } from '../hooks.js';
import type { Renderer } from '../renderer.js';
import { linkComponents } from './links.js';
import type { History } from './history.js';
import { joinPaths, matchPath } from './matching.js';
import { RouteTree } from './routes.js';
import { versionFive } from './version-five.js';

/** `react-router`, `react-router-dom` (versions 5 to 7) and `history`. */
export function routerModels(renderer: () => Renderer, history: () => History): ModuleModels {
  let namespace: Obj | undefined;
  const model: ModuleModel = (machine, at) => (namespace ??= routerNamespace(machine, renderer(), history(), at));
  const bare: ModuleModel = (machine, at) => machine.namespace('history', at, Object.fromEntries(['createBrowserHistory', 'createHashHistory', 'createMemoryHistory'].map((name) => [name, machine.fn(name, () => { if (name === 'createHashHistory') history().mode = 'hash'; return history().object; })])));
  return new Map<string, ModuleModel>([['react-router', model], ['react-router-dom', model], ['react-router/dom', model], ['history', bare]]);
}

function routerNamespace(machine: Machine, renderer: Renderer, history: History, at: Place): Obj {
  const tree = new RouteTree(machine, renderer, history);
  const namespace = machine.namespace('react-router', at);
  const tables = [routers(machine, history, tree), outlets(machine, renderer, history, tree), locationHooks(machine, renderer, history, tree), linkComponents(machine, renderer, history, tree), versionFive(machine, renderer, history, tree)];
  for (const table of tables) for (const [name, native] of Object.entries(table)) namespace.put(name, machine.fn(name, native));
  const route = namespace.own('Route')?.value;
  namespace.put('Routes', machine.fn('Routes', ([props], _self, place) => tree.render(tree.fromElements(machine.get(props, 'children'), route), place)));
  namespace.put('createRoutesFromElements', machine.fn('createRoutesFromElements', ([children]) => new Boxed(machine.intrinsic('Object'), tree.fromElements(children, route))));
  namespace.put('createRoutesFromChildren', namespace.own('createRoutesFromElements')?.value);
  namespace.put('Outlet', tree.outlet);
  namespace.put('default', namespace, false).put('module.exports', namespace, false);
  return namespace;
}

function routers(machine: Machine, history: History, tree: RouteTree): Record<string, Native> {
  const router = (mode: History['mode']): Native => ([props], _self, at) => {
    const basename = machine.get(props, 'basename', at);
    history.mode = mode;
    if (typeof basename === 'string') history.basename = joinPaths('/', basename);
    return machine.get(props, 'children', at);
  };
  const data = (mode: History['mode']): Native => ([routes, options], _self, at) => {
    history.mode = mode;
    const basename = isObject(options) ? machine.get(options, 'basename') : undefined;
    if (typeof basename === 'string') history.basename = joinPaths('/', basename);
    const list = routes instanceof Boxed && Array.isArray(routes.inner) ? routes.inner as ReturnType<RouteTree['fromObjects']> : tree.fromObjects(routes, at);
    const made = machine.namespace('router', at, { navigate: history.navigate(() => '/', 'router'), subscribe: machine.fn('subscribe', () => machine.fn('unsubscribe', () => undefined)) });
    return made.put('[[routes]]', new Boxed(null, list), false);
  };
  return {
    BrowserRouter: router('browser'), HashRouter: router('hash'), MemoryRouter: router('memory'), StaticRouter: router('browser'), Router: router('browser'), unstable_HistoryRouter: router('browser'), HistoryRouter: router('browser'),
    createBrowserRouter: data('browser'), createHashRouter: data('hash'), createMemoryRouter: data('memory'),
    RouterProvider: ([props], _self, at) => {
      const made = machine.get(props, 'router', at);
      const list = isObject(made) ? made.own('[[routes]]')?.value : undefined;
      return list instanceof Boxed ? tree.render(list.inner as ReturnType<RouteTree['fromObjects']>, at) : made;
    },
    ScrollRestoration: () => null, Prompt: () => null,
  };
}

function outlets(machine: Machine, renderer: Renderer, history: History, tree: RouteTree): Record<string, Native> {
  const { useEffect } = hooks(renderer);
  return {
    Navigate: ([props], self, at) => {
      const options = machine.object({ replace: machine.get(props, 'replace') ?? false, state: machine.get(props, 'state') ?? null });
      const to = machine.get(props, 'to', at);
      const base = tree.base;
      const navigate = history.navigate(() => base, base);
      const target = history.resolve(to, base, at);
      const go = machine.fn('redirect', () => machine.call(navigate, [target, options], undefined, at));
      history.navigators.add(go);
      useEffect?.([go, machine.array([target])], self, at);
      return null;
    },
    useOutlet: () => tree.here('outlet'),
    useOutletContext: () => renderer.context(tree.outletContext),
    useRoutes: ([routes], _self, at) => tree.render(tree.fromObjects(routes, at), at),
    useLoaderData: () => tree.here('data'),
    useRouteLoaderData: (_args, _self, at) => new Unknown('the data of another route', at),
    useActionData: () => tree.lastActionData,
    useRouteError: (_args, _self, at) => tree.here('error') ?? new Unknown('the error of a route', at),
    isRouteErrorResponse: ([error]) => (error instanceof Unknown ? error : isObject(error) && error.own('status') !== undefined),
    useNavigation: () => machine.object({ state: 'idle', location: undefined, formData: undefined }),
    useRevalidator: (_args, _self, at) => machine.namespace('revalidator', at, { state: 'idle' }),
    redirect: ([to], _self, at) => { const target = history.resolve(to, '/', at); return target instanceof Unknown ? target : machine.object().put('[[redirect]]', target, false).put('status', 302); },
    json: ([data]) => data, data: ([data]) => data, defer: ([data]) => data,
    Await: ([props], _self, at) => {
      const children = machine.get(props, 'children', at);
      const value = machine.get(props, 'resolve', at);
      return children instanceof Fn ? machine.call(children, [value], undefined, at) : children;
    },
  };
}

function locationHooks(machine: Machine, renderer: Renderer, history: History, tree: RouteTree): Record<string, Native> {
  const base = (): string => tree.base;
  const { useMemo } = hooks(renderer);
  return {
    useLocation: () => history.location,
    useNavigate: () => { const from = base(); return history.navigate(() => from, from); },
    useParams: () => tree.here('params'),
    useNavigationType: () => 'PUSH',
    useInRouterContext: () => true,
    useHref: ([to], _self, at) => { const target = history.resolve(to, base(), at); return target instanceof Unknown ? target : history.shown(target); },
    useResolvedPath: ([to], _self, at) => { const target = history.resolve(to, base(), at); return target instanceof Unknown ? target : machine.object({ pathname: target.split(/[?#]/)[0] ?? '/', search: '', hash: '' }); },
    useMatch: ([pattern], _self, at) => matched(machine, pattern, history.pathname, at),
    matchPath: ([pattern, path], _self, at) => (typeof pattern === 'string' && isObject(path) ? matched(machine, path, pattern, at) : typeof path === 'string' ? matched(machine, pattern, path, at) : new Unknown('matchPath', at)),
    useMatches: (_args, _self, at) => new Unknown('useMatches()', at),
    generatePath: ([pattern, params], _self, at) => generated(machine, pattern, params, at),
    useSearchParams: (_args, self, at) => {
      const search = machine.get(history.location, 'search');
      const params = useMemo?.([machine.fn('', () => machine.construct(machine.globals.get('URLSearchParams'), [search], at)), machine.array([search])], self, at);
      const set = machine.fn('setSearchParams', ([next, options], _inner, place) => {
        const value = next instanceof Fn ? machine.call(next, [params], undefined, place) : next;
        const made = machine.construct(machine.globals.get('URLSearchParams'), [value], place);
        const text = toText(machine, made, place);
        const target = text instanceof Unknown ? text : `${history.pathname}${text ? `?${text}` : ''}`;
        return machine.call(history.navigate(base, base()), [target, options], undefined, place);
      });
      history.navigators.add(set);
      return machine.array([params, set]);
    },
    useBlocker: (_args, _self, at) => machine.namespace('blocker', at, { state: 'unblocked' }),
    useBeforeUnload: () => undefined,
    useFetcher: (_args, _self, at) => machine.namespace('fetcher', at, { state: 'idle' }),
    createSearchParams: (args, _self, at) => machine.construct(machine.globals.get('URLSearchParams'), args, at),
  };
}

function matched(machine: Machine, pattern: Value, pathname: string, at: Place): Value {
  const path = isObject(pattern) ? machine.get(pattern, 'path', at) : pattern;
  if (typeof path !== 'string') return path instanceof Unknown ? path : null;
  const options = isObject(pattern) ? pattern : null;
  const end = options ? machine.get(options, 'end') !== false && machine.get(options, 'exact') !== false : true;
  const match = matchPath(path, pathname, end);
  return match ? machine.object({ params: machine.fromHost({ ...match.params }), pathname: match.base, pathnameBase: match.base, pattern: machine.object({ path }), path, url: match.base, isExact: match.base === pathname }) : null;
}

function generated(machine: Machine, pattern: Value, params: Value, at: Place): Value {
  if (typeof pattern !== 'string') return new Unknown('a path', at);
  const parts: string[] = [];
  for (const segment of pattern.split('/')) {
    if (!segment.startsWith(':')) { parts.push(segment); continue; }
    const value = machine.get(params, segment.slice(1).replace(/\?$/, ''), at);
    const text = value === undefined ? '' : toText(machine, value, at);
    if (text instanceof Unknown) return text;
    if (text) parts.push(encodeURIComponent(text));
  }
  return parts.join('/');
}
