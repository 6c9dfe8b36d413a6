import { fillDestination, matchSource } from './sources.js';

const match = (source: string, path: string): unknown => {
  const found = matchSource(source, path);
  return found instanceof Map ? Object.fromEntries(found) : found;
};

it.each([
  ['/blog', '/blog', {}],
  ['/blog', '/Blog/', {}],
  ['/blog', '/blog/x', null],
  ['/blog/:slug', '/blog/One', { slug: 'One' }],
  ['/blog/:slug', '/blog/one/two', null],
  ['/write/:path*', '/write', { path: '' }],
  ['/write/:path*', '/write/a/b', { path: 'a/b' }],
  ['/write/:path+', '/write', null],
  ['/write/:path*', '/writer', null],
  ['/n/:id(\\d+)', '/n/12', { id: '12' }],
  ['/n/:id(\\d+)', '/n/x', null],
  ['/:lang(en|de)/about', '/de/about', { lang: 'de' }],
  ['/:lang(en|de)/about', '/fr/about', null],
  ['/(.*)', '/', { 0: '' }],
  ['/admin(.*)', '/admin/users', { 0: '/users' }],
  ['/x/:a([a-z]{2,})', '/x/ab', 'undecided'],
])('%s on %s', (source, path, expected) => { expect(match(source, path)).toEqual(expected); });

describe('everything but', () => {
  const source = '/((?!api|_next/static|_next/image|favicon.ico$|.*\\.png$).*)';
  it.each([['/', true], ['/dashboard', true], ['/apiary', false], ['/_next/static/x.js', false], ['/a/b.png', false], ['/a/b.png/c', true], ['/favicon.ico', false]])('%s', (path, expected) => {
    expect(matchSource(source, path) !== null).toBe(expected);
  });
});

it('is not slowed down by a hostile source', () => {
  expect(match(`${'/(.*)'.repeat(30)}/end`, `/${'a/'.repeat(200)}`)).toBeNull();
});

it('fills a destination', () => {
  expect(fillDestination('/entries/:slug?x=1', new Map([['slug', 'one']]))).toBe('/entries/one?x=1');
  expect(fillDestination('/entries/:slug', new Map())).toBeNull();
});
