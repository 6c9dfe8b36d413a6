import type { Repo } from '../framework.js';

/**
 * The routes that the folders of a Next.js application make: `app/` (layouts nest, groups and private folders are not in the address) and `pages/`.
 * Parallel and intercepting routes are noted as left out.
 */
export interface NextRoute {
  /** As the folders say it: `/entries/[slug]`. */
  pattern: string;
  router: 'app' | 'pages';
  segments: readonly Segment[];
  /** Repository path of the module that exports the page. */
  page: string;
  /** App router: the folders from the root of `app` down to the page's, each with the modules that wrap what is below it. */
  folders: readonly Folder[];
}
export type Segment = { kind: 'static'; text: string } | { kind: 'one' | 'many' | 'maybe-many'; name: string };
export interface Folder { path: string; segment: Segment | null; layout?: string; template?: string; notFound?: string; slots: readonly string[] }

export interface NextRoutes {
  /** Most specific first. */
  routes: readonly NextRoute[];
  /** Folder of `app`, when there is one, with what wraps pages that do not exist. */
  rootFolder?: Folder;
  /** Addresses that something else than a page answers: route handlers, `pages/api`, images and files that Next makes, pages of kinds that are left out. */
  others: ReadonlyArray<readonly Segment[]>;
  /** `pages/_app`, `pages/404`. */
  pagesApp?: string;
  pages404?: string;
}

export type Params = ReadonlyMap<string, string | readonly string[]>;

const EXTENSIONS = ['tsx', 'ts', 'jsx', 'js'] as const;
const isSource = (name: string): boolean => /\.(?:tsx|ts|jsx|js)$/.test(name) && !/\.(?:d\.ts|(?:test|spec)\.[tj]sx?)$/.test(name);

/** Reads the tree only. `root` is the application's folder, `''` or without a slash at the end. */
export function findRoutes(repo: Repo, root: string): NextRoutes {
  const inRoot = root === '' ? '' : `${root}/`;
  // Next looks for `app` and `pages` at the root first, and under `src` when neither is there.
  const base = repo.paths.some((path) => path.startsWith(`${inRoot}app/`) || path.startsWith(`${inRoot}pages/`)) ? inRoot : `${inRoot}src/`;
  const files = new Set(repo.paths);
  const app = appRoutes(repo, files, `${base}app`);
  const pages = pagesRoutes(repo, files, `${base}pages`);
  const taken = new Set(app.map((route) => route.pattern));
  const routes = [...app, ...pages.filter((route) => !taken.has(route.pattern))].sort((a, b) => bySpecificity(a.segments, b.segments));
  const pagesApp = moduleAt(files, `${base}pages/_app`);
  const pages404 = moduleAt(files, `${base}pages/404`);
  return { routes, others: [...otherAddresses(repo, `${base}app`, /^(?:route|sitemap|robots|manifest|icon|apple-icon|opengraph-image|twitter-image|favicon)\d*\.\w+$/), ...apiAddresses(repo, `${base}pages`)], ...(app.length > 0 && { rootFolder: folderAt(repo, files, `${base}app`, null) }), ...(pagesApp && { pagesApp }), ...(pages404 && { pages404 }) };
}

function appRoutes(repo: Repo, files: ReadonlySet<string>, app: string): NextRoute[] {
  const routes: NextRoute[] = [];
  for (const path of repo.paths) {
    const inside = path.startsWith(`${app}/`) && /(?:^|\/)page\.(?:tsx|ts|jsx|js)$/.test(path) ? path.slice(app.length + 1) : null;
    if (inside === null) continue;
    const names = inside.split('/').slice(0, -1);
    if (names.some((name) => name.startsWith('_'))) continue;
    if (names.some((name) => /^\(\.{1,3}\)/.test(name))) { repo.leaveOut('unsupported-syntax', `intercepting route ${path}`, 'it is shown only on the way from another page', { file: path, line: 1 }); continue; }
    if (names.some((name) => name.startsWith('@'))) { repo.leaveOut('unsupported-syntax', `parallel route ${path}`, 'a slot of a layout', { file: path, line: 1 }); continue; }
    const folders = [folderAt(repo, files, app, null)];
    for (const [i, name] of names.entries()) folders.push(folderAt(repo, files, [app, ...names.slice(0, i + 1)].join('/'), isGroup(name) ? null : segmentOf(name)));
    const segments = folders.flatMap(({ segment }) => segment ?? []);
    routes.push({ pattern: patternOf(names.filter((name) => !isGroup(name))), router: 'app', segments, page: path, folders });
  }
  return routes;
}

/** Where files of `app/` that are no pages answer. What is generated has a name of its own below its folder, so it counts with everything there that has an extension. */
function otherAddresses(repo: Repo, app: string, files: RegExp): Segment[][] {
  return repo.paths.flatMap((path) => {
    if (!path.startsWith(`${app}/`)) return [];
    const names = path.slice(app.length + 1).split('/');
    const file = names.pop() ?? '';
    const special = names.some((name) => name.startsWith('@') || /^\(\.{1,3}\)/.test(name));
    if (!(special ? /^(?:page|default)\./ : files).test(file)) return [];
    const segments = names.filter((name) => !isGroup(name) && !name.startsWith('@')).map((name) => segmentOf(name.replace(/^\(\.{1,3}\)/, '')));
    return [file.startsWith('route.') || special ? segments : [...segments, { kind: 'static', text: file.replace(/\.(?:tsx?|jsx?)$/, '') }]];
  });
}

function apiAddresses(repo: Repo, pages: string): Segment[][] {
  return repo.paths.filter((path) => path.startsWith(`${pages}/api/`) || /\/api\.[jt]sx?$/.test(path)).filter((path) => path.startsWith(`${pages}/`))
    .map((path) => path.slice(pages.length + 1).replace(/\.\w+$/, '').split('/').filter((name, i, all) => !(name === 'index' && i === all.length - 1)).map(segmentOf));
}

const isGroup = (name: string): boolean => name.startsWith('(') && name.endsWith(')');

function folderAt(repo: Repo, files: ReadonlySet<string>, path: string, segment: Segment | null): Folder {
  const layout = moduleAt(files, `${path}/layout`);
  const template = moduleAt(files, `${path}/template`);
  const notFound = moduleAt(files, `${path}/not-found`);
  const slots = [...new Set(repo.paths.flatMap((file) => (file.startsWith(`${path}/@`) ? file.slice(path.length + 2).split('/', 1) : [])))];
  return { path, segment, slots, ...(layout && { layout }), ...(template && { template }), ...(notFound && { notFound }) };
}

function pagesRoutes(repo: Repo, files: ReadonlySet<string>, pages: string): NextRoute[] {
  return repo.paths.flatMap((path): NextRoute[] => {
    if (!path.startsWith(`${pages}/`) || !isSource(path)) return [];
    const inside = path.slice(pages.length + 1).replace(/\.\w+$/, '');
    if (inside.startsWith('api/') || /^(?:_app|_document|_error|404|500|api|middleware)$/.test(inside)) return [];
    const names = inside.split('/');
    if (names.at(-1) === 'index') names.pop();
    return [{ pattern: patternOf(names), router: 'pages', segments: names.map(segmentOf), page: path, folders: [] }];
  });
}

export function moduleAt(files: ReadonlySet<string>, withoutExtension: string): string | undefined {
  for (const extension of EXTENSIONS) if (files.has(`${withoutExtension}.${extension}`)) return `${withoutExtension}.${extension}`;
  return undefined;
}

const patternOf = (names: readonly string[]): string => `/${names.join('/')}`;

function segmentOf(name: string): Segment {
  if (name.startsWith('[[...') && name.endsWith(']]')) return { kind: 'maybe-many', name: name.slice(5, -2) };
  if (name.startsWith('[...') && name.endsWith(']')) return { kind: 'many', name: name.slice(4, -1) };
  if (name.startsWith('[') && name.endsWith(']')) return { kind: 'one', name: name.slice(1, -1) };
  return { kind: 'static', text: name };
}

const RANK = { static: 0, one: 1, many: 2, 'maybe-many': 3 } as const;

function bySpecificity(a: readonly Segment[], b: readonly Segment[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    // A path that ends here is taken by the route that ends here before it is taken by an optional rest.
    const difference = (left ? RANK[left.kind] : -1) - (right ? RANK[right.kind] : -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The route of a path without search and hash, and the parameters it takes from it. */
export function matchRoute(routes: readonly NextRoute[], pathname: string): { route: NextRoute; params: Params } | null {
  const parts = pathname.split('/').filter((part) => part !== '');
  for (const route of routes) {
    const params = matchSegments(route.segments, parts);
    if (params) return { route, params };
  }
  return null;
}

function matchSegments(segments: readonly Segment[], parts: readonly string[]): Params | null {
  const params = new Map<string, string | readonly string[]>();
  for (const [i, segment] of segments.entries()) {
    const part = parts[i];
    if (segment.kind === 'many' || segment.kind === 'maybe-many') {
      const rest = parts.slice(i);
      if (rest.length === 0) return segment.kind === 'many' ? null : params;
      return params.set(segment.name, rest.map(decoded));
    }
    if (part === undefined) return null;
    if (segment.kind === 'static') { if (segment.text !== decoded(part)) return null; }
    else params.set(segment.name, decoded(part));
  }
  return parts.length === segments.length ? params : null;
}

/** Whether a path without search and hash belongs to one of these. */
export function isAmong(addresses: ReadonlyArray<readonly Segment[]>, pathname: string): boolean {
  const parts = pathname.split('/').filter((part) => part !== '');
  return addresses.some((segments) => matchSegments(segments, parts) !== null);
}

/** The path of a route with these parameters; `null` when one is missing. */
export function pathOf(segments: readonly Segment[], params: Params): string | null {
  const parts: string[] = [];
  for (const segment of segments) {
    if (segment.kind === 'static') { parts.push(segment.text); continue; }
    const value = params.get(segment.name);
    if (value === undefined) { if (segment.kind === 'maybe-many') continue; return null; }
    if ((typeof value === 'string') !== (segment.kind === 'one')) return null;
    parts.push(...(typeof value === 'string' ? [value] : value).map(encodeURIComponent));
  }
  return `/${parts.join('/')}`;
}

function decoded(part: string): string {
  // An address with a stray `%` is taken as it stands.
  try { return decodeURIComponent(part); } catch { return part; }
}
