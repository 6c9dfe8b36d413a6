import { repoOf } from '../interpret/repo-fixture.js';
import { findRoutes, matchRoute, pathOf } from './routes.js';

const tree = (paths: string[]) => repoOf(Object.fromEntries(paths.map((path) => [path, ''])));

it('finds pages through groups, parameters and both routers, and says what it leaves out', () => {
  const repo = tree([
    'app/layout.tsx', 'app/page.tsx', 'app/not-found.tsx', 'app/(shop)/cart/page.tsx', 'app/(shop)/layout.tsx', 'app/posts/[slug]/page.tsx', 'app/docs/[[...rest]]/page.js',
    'app/_private/page.tsx', 'app/api/route.ts', 'app/@modal/login/page.tsx', 'app/feed/(..)photo/[id]/page.tsx', 'app/posts/page.test.tsx',
    'pages/_app.tsx', 'pages/index.tsx', 'pages/old/index.tsx', 'pages/old/[id].tsx', 'pages/api/x.ts', 'pages/404.tsx',
  ]);
  const found = findRoutes(repo, '');
  expect(found.routes.map(({ pattern, router }) => `${router} ${pattern}`).sort()).toEqual(['app /', 'app /cart', 'app /docs/[[...rest]]', 'app /posts/[slug]', 'pages /old', 'pages /old/[id]']);
  expect(found).toMatchObject({ pagesApp: 'pages/_app.tsx', pages404: 'pages/404.tsx', rootFolder: { layout: 'app/layout.tsx', notFound: 'app/not-found.tsx', slots: ['modal'] } });
  const cart = found.routes.find(({ pattern }) => pattern === '/cart');
  expect(cart?.folders.map(({ layout }) => layout)).toEqual(['app/layout.tsx', 'app/(shop)/layout.tsx', undefined]);
  expect(repo.left).toMatchObject([
    { reason: 'unsupported-syntax', what: 'parallel route app/@modal/login/page.tsx' },
    { reason: 'unsupported-syntax', what: 'intercepting route app/feed/(..)photo/[id]/page.tsx' },
  ]);
});

it('looks into src when the root has neither folder, and stays within its application', () => {
  const repo = tree(['web/src/app/page.tsx', 'app/page.tsx', 'other/pages/x.tsx']);
  expect(findRoutes(repo, 'web').routes.map(({ page }) => page)).toEqual(['web/src/app/page.tsx']);
});

it('matches the most specific route and reads its parameters', () => {
  const repo = tree(['app/a/[id]/page.tsx', 'app/a/new/page.tsx', 'app/a/[...rest]/page.tsx', 'app/b/[[...rest]]/page.tsx']);
  const { routes } = findRoutes(repo, '');
  const match = (path: string): unknown => { const found = matchRoute(routes, path); return found && [found.route.pattern, Object.fromEntries(found.params)]; };
  expect(match('/a/new')).toEqual(['/a/new', {}]);
  expect(match('/a/x%20y')).toEqual(['/a/[id]', { id: 'x y' }]);
  expect(match('/a/x/y')).toEqual(['/a/[...rest]', { rest: ['x', 'y'] }]);
  expect(match('/b')).toEqual(['/b/[[...rest]]', {}]);
  expect(match('/b/1')).toEqual(['/b/[[...rest]]', { rest: ['1'] }]);
  expect(match('/a')).toBeNull();
  expect(match('/a/%E0%A4%A')).toEqual(['/a/[id]', { id: '%E0%A4%A' }]);
});

it('builds the path of a route from its parameters', () => {
  const repo = tree(['app/a/[id]/page.tsx', 'app/b/[[...rest]]/page.tsx']);
  const { routes } = findRoutes(repo, '');
  const segments = (pattern: string) => routes.find((route) => route.pattern === pattern)?.segments ?? [];
  expect(pathOf(segments('/a/[id]'), new Map([['id', 'x y']]))).toBe('/a/x%20y');
  expect(pathOf(segments('/a/[id]'), new Map())).toBeNull();
  expect(pathOf(segments('/b/[[...rest]]'), new Map([['rest', ['1', '2']]]))).toBe('/b/1/2');
  expect(pathOf(segments('/b/[[...rest]]'), new Map())).toBe('/b');
});
