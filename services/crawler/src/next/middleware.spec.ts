import { repoOf } from '../interpret/repo-fixture.js';
import { emptyStorage } from '../interpret/machine.js';
import { startMachine } from '../interpret/start.js';
import { authenticationModels } from './authentication.js';
import { askMiddleware, responseClass, serverModels, type Verdict } from './middleware.js';

function ask(source: string, path: string, cookies: Record<string, string> = {}, others: Record<string, string> = {}): Verdict {
  const repo = repoOf({ 'middleware.ts': source, ...others });
  const storage = emptyStorage();
  for (const [name, value] of Object.entries(cookies)) storage.cookies.set(name, value);
  const machine = startMachine({ repo, root: '', host: 'node', models: new Map([...serverModels(), ...authenticationModels()]), storage });
  machine.globals.set('Response', responseClass(machine));
  return askMiddleware(machine, 'middleware.ts', path);
}

const GUARD = `
import { NextResponse, type NextRequest } from 'next/server';
export function middleware(request: NextRequest) {
  if (!request.cookies.get('session')) return NextResponse.redirect(new URL('/login?from=' + request.nextUrl.pathname, request.url));
  return NextResponse.next();
}
export const config = { matcher: ['/admin/:path*'] };
`;

it('sends a visitor without the cookie to the login page, only where the matcher says so', () => {
  expect(ask(GUARD, '/admin/users')).toEqual({ kind: 'redirect', to: { href: '/login?from=/admin/users', unknown: new Map() }, at: { file: 'middleware.ts', line: 4 } });
  expect(ask(GUARD, '/admin/users', { session: 'x' })).toEqual({ kind: 'pass' });
  expect(ask(GUARD, '/about')).toEqual({ kind: 'pass' });
});

it('rewrites through a copy of the address', () => {
  const source = `
    import { NextResponse } from 'next/server';
    export default function proxy(request) { const url = request.nextUrl.clone(); url.pathname = '/en' + url.pathname; return NextResponse.rewrite(url); }
  `;
  expect(ask(source, '/about?x=1')).toMatchObject({ kind: 'rewrite', to: { href: '/en/about?x=1' } });
});

it('does not guess what depends on the environment', () => {
  const source = `
    import { NextResponse } from 'next/server';
    export async function middleware(request) { if (process.env.CLOSED) return NextResponse.redirect(new URL('/closed', request.url)); }
  `;
  expect(() => ask(source, '/')).toThrow(/CLOSED|process\.env|condition/);
});

it('follows the authorized callback of next-auth', () => {
  const source = `import NextAuth from 'next-auth'; import { authConfig } from './auth.config'; export default NextAuth(authConfig).auth; export const config = { matcher: ['/((?!api|.*\\\\.png$).*)'] };`;
  const config = `
    export const authConfig = { pages: { signIn: '/login' }, providers: [], callbacks: { authorized({ auth, request: { nextUrl } }) {
      const isLoggedIn = !!auth?.user;
      if (nextUrl.pathname.startsWith('/dashboard')) return isLoggedIn;
      if (isLoggedIn) return Response.redirect(new URL('/dashboard', nextUrl));
      return true;
    } } };
  `;
  expect(ask(source, '/dashboard', {}, { 'auth.config.ts': config })).toMatchObject({ kind: 'redirect', to: { href: '/login', unknown: new Map([['callbackUrl', expect.anything()]]) } });
  expect(ask(source, '/login', {}, { 'auth.config.ts': config })).toEqual({ kind: 'pass' });
});
