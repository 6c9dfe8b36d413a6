import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Feature, RepoMap, type Element, type Screen } from '#contracts';

/** A small web site with its map, written by hand as a crawl would find it: for the agents that come after the crawl. */

const NAV = '<header><nav aria-label="Main"><a href="/">Home</a> <a href="/contact">Contact</a></nav></header>';
const PAGES: Record<string, string> = {
  '/': `<!doctype html><html lang="en"><head><title>Bikes</title></head><body>${NAV}
<main><h1>Bikes for rent</h1>
<button id="hours" type="button" aria-expanded="false" onclick="const open = this.getAttribute('aria-expanded') !== 'true'; this.setAttribute('aria-expanded', open); document.querySelector('#opening').hidden = !open">Opening hours</button>
<p id="opening" hidden>Every day from nine to six.</p>
<article><h2>City bike</h2><a href="/city">Details</a></article>
<article><h2>Cargo bike</h2><a href="/cargo">Details</a></article>
<label><input type="checkbox" id="news"> Newsletter</label>
</main></body></html>`,
  '/contact': `<!doctype html><html lang="en"><head><title>Contact – Bikes</title></head><body>${NAV}
<main><h1>Write to us</h1>
<form id="message" onsubmit="event.preventDefault(); const done = document.createElement('p'); done.setAttribute('role', 'status'); done.textContent = 'Thank you, ' + this.elements.name.value; this.replaceWith(done)">
<label for="name">Your name</label><input id="name" name="name" required maxlength="40">
<label for="email">E-mail</label><input id="email" name="email" type="email" required>
<label for="topic">Topic</label><select id="topic" name="topic"><option>Rent</option><option>It's "broken"</option></select>
<button>Send</button></form>
</main></body></html>`,
  '/city': `<!doctype html><html lang="en"><head><title>City bike</title></head><body>${NAV}<main><h1>City bike</h1><p>Light.</p></main></body></html>`,
  '/cargo': `<!doctype html><html lang="en"><head><title>Cargo bike</title></head><body>${NAV}<main><h1>Cargo bike</h1><p>Strong.</p></main></body></html>`,
};

export interface SampleServer { baseUrl: string; close(): Promise<void> }

/** Serves the site; with `constant` the same page at every address. */
export async function startSampleSite(constant?: string): Promise<SampleServer> {
  const server = createServer((request, response) => {
    const page = constant ?? PAGES[new URL(request.url ?? '/', 'http://sample').pathname];
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' }).end(page ?? 'Not found');
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => { server.close(() => { resolve(); }); server.closeAllConnections(); }),
  };
}

const COMMIT = 'c'.repeat(40);
const line = (file: string, n: number) => ({ file, line: n, blob: 'b'.repeat(40) });

/** An element as the crawl describes it; what is not said is static, visible and on `file:at`. */
export function sampleElement(id: string, tag: string, role: string | null, words: string | null, at: [string, number], more: Partial<Element> = {}): Element {
  return { id, tag, role, name: role === null ? null : words, text: more.field ? null : words, presence: 'shown', at: line(...at), ...more };
}
const field = (type: string, more: Partial<NonNullable<Element['field']>> = {}): Element['field'] => ({ type, required: false, readOnly: false, disabled: false, ...more });

const nav = (file: string): Element[] => [
  sampleElement('nav', 'nav', 'navigation', 'Main', [file, 1], { text: null }),
  sampleElement('nav-home', 'a', 'link', 'Home', [file, 1], { inLandmark: 'nav', link: { href: '/', external: false, newTab: false } }),
  sampleElement('nav-contact', 'a', 'link', 'Contact', [file, 1], { inLandmark: 'nav', link: { href: '/contact', external: false, newTab: false } }),
];
const home: Element[] = [
  ...nav('index.html'),
  sampleElement('h1', 'h1', 'heading', 'Bikes for rent', ['index.html', 2], { level: 1 }),
  sampleElement('hours', 'button', 'button', 'Opening hours', ['index.html', 3], { htmlId: 'hours', expanded: false }),
  sampleElement('opening', 'p', null, 'Every day from nine to six.', ['index.html', 4], { htmlId: 'opening', presence: 'hidden' }),
  sampleElement('article-city', 'article', 'article', null, ['index.html', 5]),
  sampleElement('city', 'h2', 'heading', 'City bike', ['index.html', 5], { level: 2, inItem: 'article-city' }),
  sampleElement('city-link', 'a', 'link', 'Details', ['index.html', 5], { inItem: 'article-city', link: { href: '/city', external: false, newTab: false } }),
  sampleElement('article-cargo', 'article', 'article', null, ['index.html', 6]),
  sampleElement('cargo', 'h2', 'heading', 'Cargo bike', ['index.html', 6], { level: 2, inItem: 'article-cargo' }),
  sampleElement('cargo-link', 'a', 'link', 'Details', ['index.html', 6], { inItem: 'article-cargo', link: { href: '/cargo', external: false, newTab: false } }),
  sampleElement('news', 'input', 'checkbox', 'Newsletter', ['index.html', 7], { htmlId: 'news', label: 'Newsletter', field: field('checkbox', { checked: false }) }),
];
const contact: Element[] = [
  ...nav('contact.html'),
  sampleElement('h1', 'h1', 'heading', 'Write to us', ['contact.html', 2], { level: 1 }),
  sampleElement('form', 'form', null, null, ['contact.html', 3], { htmlId: 'message', form: { method: 'get', action: '/contact', noValidate: false } }),
  sampleElement('name', 'input', 'textbox', 'Your name', ['contact.html', 4], { htmlId: 'name', label: 'Your name', inForm: 'form', field: field('text', { name: 'name', required: true, maxLength: 40 }) }),
  sampleElement('email', 'input', 'textbox', 'E-mail', ['contact.html', 5], { htmlId: 'email', label: 'E-mail', inForm: 'form', field: field('email', { name: 'email', required: true }) }),
  sampleElement('topic', 'select', 'combobox', 'Topic', ['contact.html', 6], { htmlId: 'topic', label: 'Topic', inForm: 'form', field: field('select', { name: 'topic', value: 'Rent' }) }),
  sampleElement('send', 'button', 'button', 'Send', ['contact.html', 7], { inForm: 'form' }),
];
const thanks: Element[] = [...nav('contact.html'), contact[3] as Element, sampleElement('done', 'p', 'status', null, ['contact.html', 3], { text: null })];

function screen(id: string, path: string, title: string, elements: Element[], file: string, more: Partial<Screen> = {}): Screen {
  return { id, path, route: path, title, entry: { by: 'visit' }, elements, opaque: [], needs: [], at: line(file, 1), ...more };
}
const detail = (id: string, name: string) => screen(id, `/${id}`, name, [...nav(`${id}.html`), sampleElement('h1', 'h1', 'heading', name, [`${id}.html`, 1], { level: 1 })], `${id}.html`);

const click = (element: string) => ({ do: 'click' as const, element });
const fill = (element: string, data: object) => ({ do: 'fill' as const, element, data });
const literal = (value: string) => ({ kind: 'literal', value });
const base = { disappears: [], appears: [], navigates: false, because: [line('index.html', 3)] };

/** The map of the site at commit `ccc…`. Every call makes it anew. */
export function sampleMap(): RepoMap {
  return RepoMap.parse({
    kind: 'repo-map@1', repository: '/srv/bikes', commit: COMMIT, baseBranch: 'main', depth: 'standard',
    stack: { packageManager: 'npm', frameworks: [{ name: 'html', root: '', at: line('index.html', 1) }], entryPoints: [], scripts: {}, start: { command: 'npm start', root: '', port: 4100 } },
    tests: { other: [], specs: [], pageObjects: [], fixtures: [], suffix: '.spec.ts', language: 'ts', esm: true },
    routes: ['/', '/contact', '/city', '/cargo'].map((pattern) => ({ pattern, framework: 'html', at: line('index.html', 1), screens: [] })),
    screens: [
      screen('home', '/', 'Bikes', home, 'index.html'),
      screen('home-open', '/', 'Bikes', home.map((one) => (one.id === 'opening' ? { ...one, presence: 'shown' as const } : one.id === 'hours' ? { ...one, expanded: true } : one)), 'index.html', { entry: { by: 'behaviour', behaviour: 'open-hours' } }),
      screen('contact', '/contact', 'Contact – Bikes', contact, 'contact.html'),
      screen('thanks', '/contact', 'Contact – Bikes', thanks, 'contact.html', { entry: { by: 'behaviour', behaviour: 'send' } }),
      detail('city', 'City bike'), detail('cargo', 'Cargo bike'),
    ],
    behaviours: [
      { ...base, id: 'to-contact', kind: 'navigation', on: 'home', to: 'contact', steps: [click('nav-contact')], navigates: true, appears: ['h1', 'form', 'name', 'email', 'topic', 'send'], disappears: ['h1', 'hours', 'news'] },
      { ...base, id: 'to-home', kind: 'navigation', on: 'contact', to: 'home', steps: [click('nav-home')], navigates: true, appears: ['h1', 'hours'], disappears: ['h1', 'send'] },
      { ...base, id: 'to-contact-again', kind: 'navigation', on: 'city', to: 'contact', steps: [click('nav-contact')], navigates: true, appears: ['h1', 'form', 'name'], disappears: ['h1'] },
      { ...base, id: 'to-cargo', kind: 'navigation', on: 'home', to: 'cargo', steps: [click('cargo-link')], navigates: true, appears: ['h1'], disappears: ['h1', 'city'] },
      { ...base, id: 'open-hours', kind: 'toggle', on: 'home', to: 'home-open', steps: [click('hours')], appears: ['opening'], changes: [{ element: 'hours', property: 'expanded', from: 'false', to: 'true' }] },
      { ...base, id: 'close-hours', kind: 'toggle', on: 'home-open', to: 'home', steps: [click('hours')], disappears: ['opening'], changes: [{ element: 'hours', property: 'expanded', from: 'true', to: 'false' }] },
      { ...base, id: 'tick-news', kind: 'toggle', on: 'home', to: 'home', steps: [{ do: 'check', element: 'news' }], changes: [{ element: 'news', property: 'checked', from: 'false', to: 'true' }] },
      { ...base, id: 'choose-topic', kind: 'select', on: 'contact', to: 'contact', steps: [{ do: 'select', element: 'topic', data: literal('It\'s "broken"') }], changes: [{ element: 'topic', property: 'value', from: 'Rent', to: 'It\'s "broken"' }] },
      {
        ...base, id: 'send', kind: 'submit-valid', on: 'contact', to: 'thanks', appears: ['done'], disappears: ['form', 'name', 'send'], echoes: [{ step: 0 }],
        steps: [fill('name', { kind: 'unique', prefix: 'Ada', format: 'text' }), fill('email', literal('ada@example.com')), click('send')], because: [line('contact.html', 3)],
      },
      { ...base, id: 'no-name', kind: 'submit-missing', on: 'contact', to: 'contact', steps: [fill('email', literal('ada@example.com')), click('send')], invalid: { element: 'name', rule: 'valueMissing' }, because: [line('contact.html', 4)] },
      { ...base, id: 'bad-mail', kind: 'submit-malformed', on: 'contact', to: 'contact', steps: [fill('name', literal('Ada')), fill('email', literal('nobody')), click('send')], invalid: { element: 'email', rule: 'typeMismatch' }, because: [line('contact.html', 5)] },
      { ...base, id: 'nothing', kind: 'edit', on: 'contact', to: 'contact', steps: [fill('name', literal('Ada'))] },
    ],
    leftOut: [{ reason: 'external-link', what: 'the map in the footer' }],
    counts: { files: 5, filesRead: 4, bytesRead: 2048 },
  });
}

/** The map cut into features as the crawl does it. */
export function sampleFeatures(map: RepoMap = sampleMap()): Feature[] {
  const feature = (name: string, title: string, behaviours: string[]) => Feature.parse({ kind: 'feature@1', name, title, depth: map.depth, behaviours, existing: [], map: { screens: map.screens, behaviours: map.behaviours }, leftOut: [] });
  return [
    feature('home', 'Home', ['to-contact', 'to-cargo', 'open-hours', 'close-hours', 'tick-news']),
    feature('contact', 'Contact', ['to-home', 'to-contact-again', 'choose-topic', 'send', 'no-name', 'bad-mail', 'nothing']),
  ];
}
