import { domOf, tagOf } from './accessibility/dom.js';
import { presenceOf } from './accessibility/facts.js';
import { nameOf } from './accessibility/names.js';
import type { Page } from './framework.js';
import { repoOf } from './interpret/repo-fixture.js';
import type { Markup, MarkupElement } from './markup.js';
import { looksOf } from './styles.js';
import { Stylist } from './styles/stylist.js';

const at = { file: 'a.tsx', line: 1 };
const element = (tag: string, attributes: Record<string, string | { undecided: string } | true>, ...children: Array<Markup | string>): MarkupElement => ({
  kind: 'element', tag, at, attributes: new Map(Object.entries(attributes)), children: children.map((child) => (typeof child === 'string' ? { kind: 'text', text: child, at } : child)),
});
function presences(markup: Markup[], files: Record<string, string> = {}, styles: Page['styles'] = []): string[] {
  const page: Page = { path: '/', route: '/', title: null, markup, styles, needs: [], session: undefined, fields: new Map(), at };
  const dom = domOf(page);
  const looks = looksOf(dom, new Stylist(repoOf(files)).bookOf(page));
  return dom.elements.map((one) => `${tagOf(one)} ${presenceOf(dom, one, looks)}`);
}

const moved = (style: string): string[] => presences([element('div', { style: `position: fixed; ${style}` }, 'a')]);

describe('what styles show', () => {
  it('follows Tailwind where the project uses it, and only there', () => {
    const markup = [element('p', { class: 'hidden md:block' }, 'a'), element('p', { class: 'md:hidden' }, 'b'), element('p', { class: 'hidden' }, 'c'), element('p', { class: 'hover:hidden' }, 'd'), element('p', { class: '2xl:hidden' }, 'e')];
    expect(presences(markup, { 'package.json': '{"devDependencies":{"tailwindcss":"3"}}' })).toEqual(['p shown', 'p hidden', 'p hidden', 'p unsure', 'p shown']);
    expect(presences(markup)).toEqual(['p shown', 'p shown', 'p shown', 'p shown', 'p shown']);
  });
  it('does not decide by breakpoints that the project changes', () => {
    expect(presences([element('p', { class: 'md:hidden' }, 'b')], { 'tailwind.config.js': 'module.exports = { theme: { screens: { md: "2000px" } } }' })).toEqual(['p unsure']);
  });
  it('does not decide about classes that hide in sheets of others', () => {
    expect(presences([element('div', { class: 'modal fade' }, 'a'), element('p', { class: 'lead' }, 'b')], {}, [{ path: 'https://cdn.example/bootstrap.css' }])).toEqual(['div unsure', 'p shown']);
  });
  it('knows that fonts and icons of others hide nothing', () => {
    const modal = [element('div', { class: 'modal' }, 'a')];
    const of = (path: string): string[] => presences(modal, {}, [{ text: '@import "https://fonts.googleapis.com/css?family=Lato";', at }, { path }]);
    expect(of('https://cdnjs.cloudflare.com/ajax/libs/font-awesome/5.10.2/css/all.min.css')).toEqual(['div shown']);
    expect(of('https://cdn.jsdelivr.net/combine/npm/bootstrap,npm/font-awesome/css/all.css')).toEqual(['div unsure']);
  });
  it('does not decide about classes that the source does not decide', () => {
    const styles = [{ text: '.gone{display:none}', at }];
    expect(presences([element('p', { class: { undecided: 'x' } }, 'a')], {}, styles)).toEqual(['p unsure']);
    expect(presences([element('p', { class: { undecided: 'x' } }, 'a')])).toEqual(['p shown']);
  });
  it('knows how dialogs are centred, and what is moved away', () => {
    expect([moved('left: 50%; top: 50%; transform: translate(-50%, -50%)'), moved('left: 50%; transform: translateX(-50%)'), moved('left: 0; transform: translate(-50%, -50%)'), moved('top: 50%; transform: translateX(-100%)')])
      .toEqual([['div shown'], ['div shown'], ['div unsure'], ['div unsure']]);
  });
  it('leaves out what is shown only while the mouse is over it', () => {
    expect(presences([element('nav', {}, 'x', element('ul', { class: 'sub' }, 'y'))], {}, [{ text: 'ul{display:none} nav:hover .sub{display:block}', at }])).toEqual(['nav shown', 'ul unsure']);
  });
  it('follows imports between sheets', () => {
    expect(presences([element('p', { class: 'a' }, 'x')], { 'css/main.scss': '@use "parts/hide";', 'css/parts/_hide.scss': '.a{display:none}' }, [{ path: 'css/main.scss' }])).toEqual(['p hidden']);
  });
  it('knows the classes of the body', () => {
    const page: Page = { path: '/', route: '/', title: null, markup: [element('p', {}, 'x')], body: new Map([['class', 'menu-open']]), styles: [{ text: '.menu-open p{display:none} .other p{display:block}', at }], needs: [], session: undefined, fields: new Map(), at };
    const dom = domOf(page);
    expect(presenceOf(dom, dom.elements[0] as never, looksOf(dom, new Stylist(repoOf({})).bookOf(page)))).toBe('hidden');
  });
});

const name = (markup: MarkupElement, styles: Page['styles'] = []): string | null => {
  const page: Page = { path: '/', route: '/', title: null, markup: [markup], styles, needs: [], session: undefined, fields: new Map(), at };
  const dom = domOf(page);
  return nameOf(dom, dom.elements[0] as never, looksOf(dom, new Stylist(repoOf({})).bookOf(page)));
};
const group = (...children: Markup[]): Markup => ({ kind: 'group', when: 'unsure', why: 'x', children, at });

describe('names of what is not decided', () => {
  it('is null when a word, or whether a word is there, is not decided', () => {
    expect(name(element('button', {}, 'Hello ', { kind: 'text', text: { undecided: 'name' }, at }))).toBeNull();
    expect(name(element('button', {}, 'Hello', group(element('b', {}, 'x'))))).toBeNull();
    expect(name(element('button', {}, 'Hello', group({ kind: 'text', text: 'x', at })))).toBeNull();
    expect(name(element('button', {}, { kind: 'opaque', what: 'x', at }))).toBeNull();
    expect(name(element('button', { 'aria-label': { undecided: 'x' } }, 'Hello'))).toBeNull();
  });
  it('is known when what is not decided has no words', () => {
    expect(name(element('button', {}, 'Hello', group(element('svg', {}))))).toBe('Hello');
    expect(name(element('button', { class: { undecided: 'x' } }, 'Hello'))).toBe('Hello');
  });
  it('is null when style decides whether two words touch and is not decided', () => {
    const words = element('button', {}, element('span', { class: 'a' }, 'One'), element('span', {}, 'Two'));
    expect(name(words)).toBe('OneTwo');
    expect(name(words, [{ text: '.a{display:var(--d)}', at }])).toBeNull();
    expect(name(words, [{ text: 'button{display:flex}', at }])).toBe('One Two');
  });
  it('is null for labels of icon fonts in sheets of others', () => {
    expect(name(element('button', {}, element('i', { class: 'fa fa-trash' }), ' Delete'), [{ path: 'https://cdn.example/fa.css' }])).toBeNull();
    expect(name(element('button', {}, element('i', { class: 'fa fa-trash' }), ' Delete'), [{ path: 'https://use.fontawesome.com/releases/v5.8.1/css/all.css' }])).toBeNull();
  });
});
