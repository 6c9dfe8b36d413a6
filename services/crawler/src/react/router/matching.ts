import type { Place } from '../../markup.js';
import type { Value } from '../../interpret/values.js';

/** A route as both `<Route>` elements and route objects say it. Values are interpreted ones. */
export interface Route {
  path: string | undefined;
  index: boolean;
  caseSensitive: boolean;
  element: Value; component: Value; errorElement: Value; loader: Value; action: Value; lazy: Value; handle: Value;
  id: string;
  children: Route[];
  at: Place;
}
export interface Match { route: Route; params: Readonly<Record<string, string>>; /** What the route itself and those above it have matched. */ base: string }

/** The branch of routes that matches a path best, outermost first, by react-router's ranking; `null` when none does. */
export function matchRoutes(routes: readonly Route[], pathname: string): Match[] | null {
  const branches = flatten(routes, [], '').sort((a, b) => b.score - a.score || compareOrder(a.order, b.order));
  for (const branch of branches) {
    const full = matchPath(branch.pattern, pathname, true, branch.routes.at(-1)?.caseSensitive ?? false);
    if (!full) continue;
    let pattern = '';
    return branch.routes.map((route) => {
      pattern = joinPaths(pattern, route.path ?? '');
      return { route, params: full.params, base: matchPath(pattern.replace(/\/?\*$/, ''), pathname, false)?.base ?? '/' };
    });
  }
  return null;
}

interface Branch { routes: Route[]; pattern: string; score: number; order: number[] }
function flatten(routes: readonly Route[], above: Route[], prefix: string, order: number[] = []): Branch[] {
  return routes.slice(0, 500).flatMap((route, index): Branch[] => {
    const branch = [...above, route];
    const own = route.path?.startsWith('/') && above.length > 0 && prefix !== '' && !route.path.startsWith(prefix) ? route.path : route.path?.startsWith(prefix) && prefix !== '' && route.path.startsWith('/') ? route.path : joinPaths(prefix, route.path ?? '');
    const below = flatten(route.children, branch, own, [...order, index]);
    if (route.path === undefined && !route.index) return below;
    return [...below, ...explode(own).map((pattern) => ({ routes: branch, pattern, score: scoreOf(pattern, route.index), order: [...order, index] }))];
  });
}
/** `/a/:b?` stands for `/a/:b` and `/a`. */
function explode(pattern: string): string[] {
  const segments = pattern.split('/');
  const optional = segments.findIndex((segment) => segment.endsWith('?'));
  if (optional < 0 || segments.filter((segment) => segment.endsWith('?')).length > 5) return [pattern];
  const required = segments.with(optional, (segments[optional] ?? '').slice(0, -1)).join('/');
  return [...explode(required), ...explode(segments.toSpliced(optional, 1).join('/') || '/')];
}
function scoreOf(pattern: string, index: boolean): number {
  const segments = pattern.split('/');
  const start = segments.length + (segments.includes('*') ? -2 : 0) + (index ? 2 : 0);
  return segments.filter((segment) => segment !== '*').reduce((score, segment) => score + (segment.startsWith(':') ? 3 : segment === '' ? 1 : 10), start);
}
function compareOrder(a: readonly number[], b: readonly number[]): number {
  const siblings = a.length === b.length && a.slice(0, -1).every((value, index) => value === b[index]);
  return siblings ? (a.at(-1) ?? 0) - (b.at(-1) ?? 0) : 0;
}

export const joinPaths = (...paths: readonly string[]): string => paths.join('/').replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1') || '/';

/**
 * Matches `/users/:id`, `/files/*`, `/a/:b?` segment by segment. `end`: the whole path must match; otherwise a prefix of whole segments.
 * Parameters may carry a pattern in parentheses as version 5 allows; of these only digits are checked.
 */
export function matchPath(pattern: string, pathname: string, end: boolean, caseSensitive = false): { params: Record<string, string>; base: string } | null {
  const wanted = pattern.split('/').filter(Boolean);
  const given = pathname.split('/').filter(Boolean);
  const params: Record<string, string> = Object.create(null) as Record<string, string>;
  const same = (a: string, b: string): boolean => (caseSensitive ? a === b : a.toLowerCase() === b.toLowerCase());
  let used = 0;
  for (const [index, segment] of wanted.entries()) {
    if ((segment === '*' || segment === '(.*)') && index === wanted.length - 1) {
      params['*'] = given.slice(used).map(decoded).join('/');
      return { params, base: `/${given.slice(0, used).join('/')}` };
    }
    const value = given[used];
    const optional = segment.endsWith('?');
    const [, name, digits] = /^:(\w+)(\(\\d\+\))?(?:\([^)]{0,80}\))?\??$/.exec(segment) ?? [];
    if (value === undefined) { if (optional) continue; return null; }
    if (name !== undefined) {
      if (digits && !/^\d+$/.test(value)) return null;
      params[name] = decoded(value);
    } else if (!same(optional ? segment.slice(0, -1) : segment, value)) { if (optional) continue; return null; }
    used++;
  }
  if (end && used < given.length) return null;
  return { params, base: `/${given.slice(0, used).join('/')}` };
}
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoding: react-router too takes the segment as it stands.
    return text;
  }
}
