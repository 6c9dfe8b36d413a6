import type { Place, Words } from '../markup.js';
import type { Machine } from '../interpret/machine.js';
import { fulfilled } from '../interpret/promises.js';
import { Fn, isObject, Thrown, Undecided, Unknown, type ElementObj, type Obj, type Value } from '../interpret/values.js';
import { settled } from './components.js';
import { paramsObject, searchObject, Signal } from './navigation.js';
import type { Folder, NextRoute, NextRoutes, Params } from './routes.js';
import { titleOf } from './title.js';

/** The element that React would render for a route: the page inside of its layouts, or inside of `pages/_app`. */
export interface Tree { element: ElementObj; title: Words | null; at: Place }

export interface Visit { route: NextRoute; params: Params; address: string; unknownSearch: ReadonlyMap<string, Unknown> }

/** Throws `Thrown` with a `Signal` when the page redirects or does not exist before it renders. */
export function treeOf(machine: Machine, routes: NextRoutes, visit: Visit): Tree {
  return visit.route.router === 'app' ? appTree(machine, visit) : pagesTree(machine, routes, visit);
}

/** What is shown when a page says `notFound()` (`within`: the folders on the way to it) or no route fits; `null` when the application leaves that to Next. */
export function notFoundTree(machine: Machine, routes: NextRoutes, within: readonly Folder[]): Tree | null {
  const folders = within.length > 0 ? within : routes.rootFolder ? [routes.rootFolder] : [];
  const last = folders.findLastIndex(({ notFound }) => notFound !== undefined);
  const path = last >= 0 ? folders[last]?.notFound : routes.pages404;
  if (path === undefined) return null;
  const at: Place = { file: path, line: 1 };
  const element = machine.element(defaultExportOf(machine, path), machine.object(), `not-found ${path}`, at);
  const inLayouts = last >= 0 ? wrapped(machine, element, folders.slice(0, last + 1), new Map()) : inApp(machine, routes, element.type, machine.object(), at);
  return { element: inLayouts, title: null, at };
}

// ── app/ ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function appTree(machine: Machine, { route, params, address, unknownSearch }: Visit): Tree {
  const at: Place = { file: route.page, line: 1 };
  const search = searchObject(machine, address);
  for (const [name, value] of unknownSearch) search.put(name, value);
  const props = machine.object({ params: awaitable(machine, paramsObject(machine, params)), searchParams: awaitable(machine, search) });
  const modules = [...route.folders.map(({ layout }) => layout ?? null), route.page].map((path) => (path === null ? null : { namespace: machine.load(path), path }));
  const page = machine.element(defaultExportOf(machine, route.page), props, keyOf(route.page, params), at);
  return { element: wrapped(machine, page, route.folders, params), title: titleOf(machine, modules, props), at };
}

/** Parameters and search are promises since Next 15, and plain objects before: this is both. */
function awaitable(machine: Machine, value: Obj): Value {
  const promise = fulfilled(machine, value);
  for (const key of value.keys()) promise.put(key, machine.get(value, key));
  return promise;
}

/** A layout keeps its state while its own parameters stay the same, which its key says. */
function wrapped(machine: Machine, page: ElementObj, folders: readonly Folder[], params: Params): ElementObj {
  let element = page;
  for (const folder of folders.toReversed()) {
    for (const path of [folder.template, folder.layout]) {
      if (path === undefined) continue;
      const at: Place = { file: path, line: 1 };
      const props = machine.object({ children: machine.array([element]), params: awaitable(machine, paramsObject(machine, params)) });
      for (const slot of folder.slots) props.put(slot, machine.element(new Unknown(`the slot @${slot}`, at), machine.object(), null, at));
      element = machine.element(defaultExportOf(machine, path), props, keyOf(path, path === folder.template ? params : ownParams(folders, folder, params)), at);
    }
  }
  return element;
}

function ownParams(folders: readonly Folder[], folder: Folder, params: Params): Params {
  const above = folders.slice(0, folders.indexOf(folder) + 1).flatMap(({ segment }) => (segment && segment.kind !== 'static' ? [segment.name] : []));
  return new Map([...params].filter(([name]) => above.includes(name)));
}

const keyOf = (path: string, params: Params): string => [path, ...[...params].map(([name, value]) => `${name}=${typeof value === 'string' ? value : value.join('/')}`)].join(' ');

function defaultExportOf(machine: Machine, path: string): Value {
  const at: Place = { file: path, line: 1 };
  const component = machine.get(machine.load(path), 'default', at);
  return component === undefined ? new Unknown(`${path} has no default export`, at) : component;
}

// ── pages/ ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function pagesTree(machine: Machine, routes: NextRoutes, visit: Visit): Tree {
  const { page } = visit.route;
  const at: Place = { file: page, line: 1 };
  const component = defaultExportOf(machine, page);
  return { element: inApp(machine, routes, component, pageProps(machine, component, visit), at), title: null, at };
}

function inApp(machine: Machine, routes: NextRoutes, component: Value, props: Obj, at: Place): ElementObj {
  if (routes.pagesApp === undefined) return machine.element(component, props, null, at);
  const app = defaultExportOf(machine, routes.pagesApp);
  return machine.element(app, machine.object({ Component: component, pageProps: props, router: new Unknown('the router that _app is given', at) }), null, { file: routes.pagesApp, line: 1 });
}

/** What `getStaticProps`, `getServerSideProps` or `getInitialProps` hand to a page, as far as the source decides it. */
function pageProps(machine: Machine, component: Value, { route, params, address }: Visit): Obj {
  const at: Place = { file: route.page, line: 1 };
  const namespace = machine.load(route.page);
  const loader = ['getStaticProps', 'getServerSideProps'].map((name) => machine.get(namespace, name, at)).find((value) => value !== undefined);
  const initial = isObject(component) ? machine.get(component, 'getInitialProps', at) : undefined;
  if (loader === undefined && initial === undefined) return machine.object();
  const query = paramsObject(machine, params);
  for (const source of [searchObject(machine, address)]) for (const key of source.keys()) query.put(key, machine.get(source, key));
  const context = machine.namespace('the context of a page', at, { params: paramsObject(machine, params), query, pathname: route.pattern, asPath: address, resolvedUrl: address });
  const result = settled(machine, machine.call(loader ?? initial, [context], undefined, at), at);
  if (loader === undefined) return isObject(result) ? result : unknownProps(machine, result, at);
  if (!isObject(result)) return unknownProps(machine, result, at);
  if (machine.get(result, 'notFound', at) === true) throw new Thrown(new Signal(machine, 'not-found', ''), at);
  const redirect = machine.get(result, 'redirect', at);
  const destination = isObject(redirect) ? machine.get(redirect, 'destination', at) : undefined;
  if (typeof destination === 'string') throw new Thrown(new Signal(machine, 'redirect', destination), at);
  if (redirect !== undefined) throw new Undecided('where the page redirects to', at);
  const props = settled(machine, machine.get(result, 'props', at), at);
  return isObject(props) && !(props instanceof Fn) ? props : unknownProps(machine, props, at);
}

function unknownProps(machine: Machine, why: Value, at: Place): Obj {
  return machine.namespace(why instanceof Unknown ? why.reason : 'the properties of the page', at);
}

// ── Addresses that the source lists ──────────────────────────────────────────────────────────────────────────────────

/** The parameters that `generateStaticParams` or `getStaticPaths` list; empty when there are none or they are not known. */
export function listedParams(machine: Machine, route: NextRoute): Params[] {
  const at: Place = { file: route.page, line: 1 };
  const read = machine.attempt(() => (route.router === 'app' ? appParams(machine, route, at) : pagesParams(machine, route, at)));
  return read.ok ? read.value : [];
}

function appParams(machine: Machine, route: NextRoute, at: Place): Params[] {
  let known: Params[] = [new Map()];
  for (const path of [...route.folders.flatMap(({ layout }) => layout ?? []), route.page]) {
    const generate = machine.get(machine.load(path), 'generateStaticParams', at);
    if (!(generate instanceof Fn)) continue;
    known = known.flatMap((params) => entries(machine, settled(machine, machine.call(generate, [machine.object({ params: paramsObject(machine, params) })], undefined, at), at), at)
      .map((entry): Params => new Map([...params, ...paramsIn(machine, entry)])));
  }
  return known.filter(({ size }) => size > 0);
}

function pagesParams(machine: Machine, route: NextRoute, at: Place): Params[] {
  const list = machine.get(machine.load(route.page), 'getStaticPaths', at);
  if (!(list instanceof Fn)) return [];
  const result = settled(machine, machine.call(list, [machine.object()], undefined, at), at);
  return entries(machine, isObject(result) ? machine.get(result, 'paths', at) : result, at).flatMap((entry) => (isObject(entry) ? [paramsIn(machine, machine.get(entry, 'params', at))] : []));
}

/** Enough addresses of one route to see what its pages are like. */
const MAX_ADDRESSES = 20;

function entries(machine: Machine, list: Value, at: Place): Value[] {
  const length = isObject(list) ? machine.get(list, 'length', at) : undefined;
  return typeof length === 'number' ? Array.from({ length: Math.min(length, MAX_ADDRESSES) }, (_, i) => machine.get(list, String(i), at)) : [];
}

function paramsIn(machine: Machine, entry: Value): Params {
  const params = new Map<string, string | readonly string[]>();
  if (!isObject(entry)) return params;
  for (const key of entry.keys()) {
    const value = machine.toHost(machine.get(entry, key));
    if (typeof value === 'string') params.set(key, value);
    else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) params.set(key, value);
  }
  return params;
}
