import { repoOf } from '../interpret/repo-fixture.js';
import { domOf, type DomElement } from '../accessibility/dom.js';
import { Browser, type Step, type Tab } from '../browser.js';
import type { Application } from '../framework.js';
import { next } from './next.js';

const PACKAGE = JSON.stringify({ dependencies: { next: '16.0.0', react: '19.0.0', 'react-dom': '19.0.0' } }, null, 2);
const LAYOUT = `
  export const metadata = { title: { template: '%s | Shop', default: 'Shop' } };
  export default function Layout({ children }) { return <html lang="en"><body><header><Menu /></header>{children}</body></html>; }
  import { Menu } from './menu';
`;
const MENU = `
  'use client';
  import Link from 'next/link';
  import { usePathname } from 'next/navigation';
  import { useState } from 'react';
  export function Menu() {
    const [open, setOpen] = useState(false);
    const here = usePathname();
    return <nav><button onClick={() => setOpen(!open)}>{open ? 'Close' : 'Open'}</button><Link href="/items/two" aria-current={here === '/items/two' ? 'page' : undefined}>Two</Link></nav>;
  }
`;

function open(files: Record<string, string>): { app: Application; browser: Browser } {
  const [app] = next.detect(repoOf({ 'package.json': PACKAGE, 'app/layout.tsx': LAYOUT, 'app/menu.tsx': MENU, ...files }));
  if (!app) throw new Error('no application found');
  return { app, browser: new Browser(app) };
}

function visit(browser: Browser, path: string): Tab {
  const opened = browser.open(path, undefined);
  if (!opened.ok) throw new Error(`${opened.reason}: ${opened.detail}`);
  return opened.tab;
}

const textOf = (element: DomElement): string => element.content.map((node) => (node.kind === 'element' ? textOf(node) : node.kind === 'text' ? (typeof node.text === 'string' ? node.text : '?') : '[gap]')).join('');
const text = (tab: Tab): string => domOf(tab.page).content.map((node) => (node.kind === 'element' && node.certain ? textOf(node) : '')).join(' ').trim();

function find(tab: Tab, tag: string, words: string): DomElement {
  const found = domOf(tab.page).elements.find((element) => element.markup.tag === tag && (textOf(element) === words || element.markup.attributes.get('name') === words));
  if (!found) throw new Error(`no <${tag}> ${words} in ${text(tab)}`);
  return found;
}

function act(browser: Browser, tab: Tab, step: Step): Tab {
  const done = browser.step(tab, step);
  if (!done.ok) throw new Error(`${done.reason}: ${done.detail}`);
  return done.tab;
}
const click = (browser: Browser, tab: Tab, tag: string, words: string): Tab => act(browser, tab, { do: 'click', key: find(tab, tag, words).key });

const ITEM = `
  import { notFound } from 'next/navigation';
  const items = { one: 'The first', two: 'The second' };
  export function generateStaticParams() { return Object.keys(items).map((id) => ({ id })); }
  export async function generateMetadata({ params }) { return { title: items[(await params).id] }; }
  export default async function Item({ params }) {
    const { id } = await params;
    if (!items[id]) notFound();
    return <main><h1>{items[id]}</h1></main>;
  }
`;

describe('the app router', () => {
  it('renders pages inside of their layouts, with the titles of both', () => {
    const { app, browser } = open({ 'app/page.tsx': `export default () => <main><h1>Hello</h1></main>;`, 'app/items/[id]/page.tsx': ITEM });
    expect(app.routes.map(({ pattern, paths }) => [pattern, paths])).toEqual([['/', ['/']], ['/items/[id]', ['/items/one', '/items/two']]]);
    const home = visit(browser, '/');
    expect([home.page.title, text(home)]).toEqual(['Shop', 'OpenTwo Hello']);
    const item = visit(browser, '/items/one');
    expect([item.page.title, item.page.route, text(item)]).toEqual(['The first | Shop', '/items/[id]', 'OpenTwo The first']);
  });

  it('keeps the state of a layout when the router moves on, and loses it on a fresh visit', () => {
    const { browser } = open({ 'app/items/[id]/page.tsx': ITEM });
    const opened = click(browser, visit(browser, '/items/one'), 'button', 'Open');
    expect(text(opened)).toBe('CloseTwo The first');
    const moved = click(browser, opened, 'a', 'Two');
    expect([moved.page.path, text(moved)]).toEqual(['/items/two', 'CloseTwo The second']);
    expect(find(moved, 'a', 'Two').markup.attributes.get('aria-current')).toBe('page');
    expect(text(visit(browser, '/items/two'))).toBe('OpenTwo The second');
    // The page before is still what it was.
    expect(text(click(browser, opened, 'button', 'Close'))).toBe('OpenTwo The first');
  });

  it('shows the not-found page of the application inside of its layout', () => {
    const { browser } = open({ 'app/items/[id]/page.tsx': ITEM, 'app/not-found.tsx': `export default () => <h1>Nothing</h1>;` });
    expect(text(visit(browser, '/items/nine'))).toBe('OpenTwo Nothing');
    expect(text(visit(browser, '/elsewhere'))).toBe('OpenTwo Nothing');
  });

  it('runs an action and follows its redirect', () => {
    const { browser } = open({
      'app/join/actions.ts': `'use server';
        import { redirect } from 'next/navigation';
        export async function join(previous, data) { if (!String(data.get('mail')).includes('@')) return 'No address'; redirect('/join/done'); }`,
      'app/join/page.tsx': `'use client';
        import { useActionState } from 'react';
        import { join } from './actions';
        export default function Join() { const [error, action] = useActionState(join, ''); return <form action={action}><input name="mail" /><button>Join</button>{error && <p role="alert">{error}</p>}</form>; }`,
      'app/join/done/page.tsx': `export default () => <h1>Welcome</h1>;`,
    });
    const form = visit(browser, '/join');
    const wrong = click(browser, form, 'button', 'Join');
    expect([wrong.page.path, text(wrong)]).toEqual(['/join', 'OpenTwo JoinNo address']);
    const filled = act(browser, form, { do: 'fill', key: find(form, 'input', 'mail').key, data: 'a@b' });
    const done = click(browser, filled, 'button', 'Join');
    expect([done.page.path, text(done)]).toEqual(['/join/done', 'OpenTwo Welcome']);
  });

  it('gives client pages their parameters through use()', () => {
    const { browser } = open({ 'app/items/[id]/page.tsx': `'use client'; import { use } from 'react'; export default function Item({ params }) { const { id } = use(params); return <h1>Item {id}</h1>; }` });
    expect(text(visit(browser, '/items/7'))).toBe('OpenTwo Item 7');
  });

  it('does not guess what a database answers', () => {
    const { browser } = open({
      'app/list/page.tsx': `import { db } from 'some-database'; export const metadata = { title: 'List' };
        export default async function List() { const rows = await db.rows(); return <ul>{rows.map((row) => <li key={row.id}>{row.name}</li>)}</ul>; }`,
      'app/mine/page.tsx': `import { db } from 'some-database'; import { redirect } from 'next/navigation';
        export default async function Mine() { if (!(await db.me())) redirect('/login'); return <h1>Mine</h1>; }`,
    });
    const { elements } = domOf(visit(browser, '/list').page);
    expect(elements.filter(({ markup }) => markup.tag === 'li').every(({ certain }) => !certain)).toBe(true);
    expect(browser.open('/mine', undefined)).toMatchObject({ ok: false, detail: expect.stringContaining('/login') });
  });

  it('goes where middleware and configuration send', () => {
    const { browser } = open({
      'app/page.tsx': `export default () => <h1>Home</h1>;`, 'app/login/page.tsx': `export default () => <h1>Login</h1>;`, 'app/admin/page.tsx': `export default () => <h1>Admin</h1>;`,
      'proxy.ts': `import { NextResponse } from 'next/server';
        export function proxy(request) { return request.cookies.has('token') ? NextResponse.next() : NextResponse.redirect(new URL('/login', request.url)); }
        export const config = { matcher: '/admin/:path*' };`,
      'next.config.mjs': `export default { basePath: '/shop', redirects: async () => [{ source: '/old', destination: '/', permanent: true }] };`,
    });
    expect(visit(browser, '/shop/admin').page.path).toBe('/shop/login');
    expect(text(visit(browser, '/shop/old'))).toBe('OpenTwo Home');
    expect(browser.open('/admin', undefined)).toMatchObject({ ok: false });
  });
});

describe('addresses', () => {
  const pages = { 'app/page.tsx': `export default () => <h1>Home</h1>;`, 'app/about/page.tsx': `export default () => <h1>About</h1>;` };

  it('are not pages when a file, a handler or a rewrite answers', () => {
    const { browser } = open({
      ...pages, 'app/not-found.tsx': `export default () => <h1>Nothing</h1>;`, 'public/terms.pdf': '', 'app/api/items/[id]/route.ts': 'export function GET() {}', 'app/sitemap.ts': '', 'pages/api/old.ts': '',
      'next.config.mjs': `export default { rewrites: async () => ({ beforeFiles: [{ source: '/about', destination: 'https://elsewhere.example' }], fallback: [{ source: '/legacy/:path*', destination: 'https://old.example/:path*' }] }) };`,
    });
    for (const path of ['/terms.pdf', '/api/items/3', '/sitemap', '/api/old', '/about', '/legacy/x']) expect([path, browser.open(path, undefined).ok]).toEqual([path, false]);
    expect(text(visit(browser, '/nothing'))).toBe('OpenTwo Nothing');
  });

  it('end as the configuration has it', () => {
    expect(visit(open(pages).browser, '/about/').page.path).toBe('/about');
    const slashed = open({ ...pages, 'next.config.mjs': 'export default { trailingSlash: true };' });
    expect(slashed.app.routes.map(({ paths }) => paths)).toEqual([['/'], ['/about/']]);
    const { page } = visit(slashed.browser, '/about?x=1');
    expect(page.path).toBe('/about/?x=1');
    expect(find({ page, focus: null }, 'a', 'Two').markup.attributes.get('href')).toBe('/items/two/');
  });
});

describe('the pages router', () => {
  it('reads files of the repository for its pages', () => {
    const { app, browser } = open({
      'pages/_app.js': `export default function App({ Component, pageProps }) { return <main><Component {...pageProps} /></main>; }`,
      'pages/posts/[id].js': `
        import Head from 'next/head';
        import { all, post } from '../../lib/posts';
        export async function getStaticPaths() { return { paths: all().map((id) => ({ params: { id } })), fallback: false }; }
        export async function getStaticProps({ params }) { return { props: { post: post(params.id) } }; }
        export default function Post({ post }) { return <><Head><title>{post.title}</title></Head><h1>{post.title}</h1><p>{post.text}</p></>; }`,
      'lib/posts.js': `
        import fs from 'fs';
        import path from 'path';
        import matter from 'gray-matter';
        const folder = path.join(process.cwd(), 'posts');
        export const all = () => fs.readdirSync(folder).map((name) => name.replace(/\\.md$/, ''));
        export function post(id) { const { data, content } = matter(fs.readFileSync(path.join(folder, id + '.md'), 'utf8')); return { title: data.title, text: content.trim() }; }`,
      'posts/first.md': `---\ntitle: The first\n---\n\nOnce upon a time.\n`, 'posts/second.md': `---\ntitle: The second\n---\n\nAnd then.\n`,
    });
    expect(app.routes).toMatchObject([{ pattern: '/posts/[id]', paths: ['/posts/first', '/posts/second'] }]);
    const post = visit(browser, '/posts/second');
    expect([post.page.title, text(post)]).toEqual(['The second', 'The secondAnd then.']);
  });

  it('waits for compilers of Markdown without losing what is read beside the text', () => {
    const { browser } = open({
      'pages/[id].js': `
        import { remark } from 'remark';
        import html from 'remark-html';
        import { serialize } from 'next-mdx-remote/serialize';
        import { slow } from 'some-package';
        const titles = { one: 'The first', two: 'The second' };
        export async function getStaticPaths() { return { paths: Object.keys(titles).map((id) => ({ params: { id } })), fallback: false }; }
        export async function getStaticProps({ params }) {
          const text = (await remark().use(html).process('# Text')).toString();
          const source = await serialize(text);
          if (params.id === 'two') await slow();
          return { props: { title: titles[params.id], text, source } };
        }
        export default function Post({ title, text }) { return <main><h1>{title}</h1><div dangerouslySetInnerHTML={{ __html: text }} /></main>; }`,
    });
    expect([text(visit(browser, '/one')), text(visit(browser, '/two'))]).toEqual(['The first[gap][gap]', '?[gap][gap]']);
  });
});
