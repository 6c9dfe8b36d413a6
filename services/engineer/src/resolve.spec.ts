import { type Element, type RepoMap, type Target } from '#contracts';
import { candidatesFor } from '#locators';
import { sampleElement, sampleMap } from '#testing';
import { isAwayOn, resolve } from './resolve.js';

const at: [string, number] = ['a.html', 1];
const button = (id: string, more: Partial<Element> = {}) => sampleElement(id, 'button', 'button', 'Save', at, more);

const plain = (id: string, more: Partial<Element> = {}) => sampleElement(id, 'div', null, 'Saved', at, more);
const heading = (id: string, level: number) => sampleElement(id, `h${level}`, 'heading', 'Bikes', at, { level });
const form = (id: string, more: Partial<Element>) => sampleElement(id, 'form', null, null, at, more);
const nav = (id: string, name: string | null) => sampleElement(id, 'nav', 'navigation', name, at, { text: null });
const item = (id: string, more: Partial<Element> = {}) => sampleElement(id, 'li', 'listitem', null, at, { text: null, ...more });
const titled = (id: string, words: string, inItem: string) => sampleElement(id, 'h3', 'heading', words, at, { inItem });

/** A map of one screen with these elements, and a target for the first one called `target`. */
function page(...elements: Element[]): { map: RepoMap; target: Target } {
  const map = sampleMap();
  const screen = map.screens[0] as RepoMap['screens'][number];
  screen.elements = elements;
  const element = elements.find(({ id }) => id === 'target') as Element;
  return { map, target: { screen: screen.id, element: 'target', at: element.at, candidates: candidatesFor(element, screen) } };
}
const resolved = (...elements: Element[]) => { const { map, target } = page(...elements); const { candidate, within } = resolve(target, map); return { candidate, within }; };

test('takes the first candidate that finds the element alone', () => {
  expect(resolved(button('target', { testId: 'save' }))).toEqual({ candidate: { by: 'role', role: 'button', name: 'Save' } });
  expect(resolved(button('target', { testId: 'save' }), button('other'))).toEqual({ candidate: { by: 'test-id', id: 'save' } });
});

test('a hidden twin is no rival for a role, and is one for a text', () => {
  expect(resolved(button('target'), button('other', { presence: 'hidden' })).candidate).toMatchObject({ by: 'role' });
  expect(() => resolved(plain('target'), plain('other', { presence: 'hidden' }))).toThrow(expect.objectContaining({ reason: 'ambiguous' }));
});

test('a twin that may be there is a rival', () => {
  expect(() => resolved(button('target'), button('other', { presence: 'unsure' }))).toThrow(expect.objectContaining({ reason: 'ambiguous' }));
});

test('a heading’s level is used only when it has to be', () => {
  expect(resolved(heading('target', 1)).candidate).toEqual({ by: 'role', role: 'heading', name: 'Bikes' });
  expect(resolved(heading('target', 1), heading('other', 2)).candidate).toEqual({ by: 'role', role: 'heading', name: 'Bikes', level: 1 });
});

test('the landmark around tells twins apart, when there is one of it', () => {
  expect(resolved(nav('nav', null), button('target', { inLandmark: 'nav' }), button('other')).within).toEqual({ candidate: { by: 'role', role: 'navigation' } });
  expect(resolved(nav('nav', 'Main'), nav('foot', 'Foot'), button('target', { inLandmark: 'nav' }), button('other', { inLandmark: 'foot' })).within).toEqual({ candidate: { by: 'role', role: 'navigation', name: 'Main' } });
  expect(() => resolved(nav('nav', null), nav('foot', null), button('target', { inLandmark: 'nav' }), button('other', { inLandmark: 'foot' }))).toThrow(expect.objectContaining({ reason: 'ambiguous' }));
  const header = sampleElement('header', 'header', 'banner', null, at, { text: null });
  expect(() => resolved(header, { ...nav('nav', null), inLandmark: 'header' }, button('target', { inLandmark: 'header' }), button('other', { inLandmark: 'nav' }))).toThrow(expect.objectContaining({ reason: 'ambiguous' }));
});

test('so does the form, by its id or name', () => {
  expect(resolved(form('one', { htmlId: 'login' }), form('two', {}), button('target', { inForm: 'one' }), button('other', { inForm: 'two' })).within).toEqual({ candidate: { by: 'css', selector: '#login' } });
});

test('so does the item around, by something that only this item has', () => {
  expect(resolved(item('i1'), titled('h1', 'Red', 'i1'), button('target', { inItem: 'i1' }), item('i2'), titled('h2', 'Blue', 'i2'), button('other', { inItem: 'i2' })).within)
    .toEqual({ candidate: { by: 'role', role: 'listitem' }, has: { by: 'role', role: 'heading', name: 'Red' } });
  expect(() => resolved(item('i1'), titled('h1', 'Same', 'i1'), button('target', { inItem: 'i1' }), item('i2'), titled('h2', 'Same', 'i2'), button('other', { inItem: 'i2' }))).toThrow(expect.objectContaining({ reason: 'ambiguous' }));
  expect(() => resolved(item('outer'), item('i1', { inItem: 'outer' }), titled('h1', 'Red', 'i1'), button('target', { inItem: 'i1' }), button('other'))).toThrow(expect.objectContaining({ reason: 'ambiguous' }));
});

test.each<[string, (target: Target) => Target]>([
  ['another line', (target) => ({ ...target, at: { ...target.at, line: 2 } })],
  ['another file', (target) => ({ ...target, at: { ...target.at, file: 'b.html' } })],
  ['another version of the file', (target) => ({ ...target, at: { ...target.at, blob: 'd'.repeat(40) } })],
  ['an element that is not there', (target) => ({ ...target, element: 'made-up' })],
  ['a screen that is not there', (target) => ({ ...target, screen: 'made-up' })],
  ['words that the element does not have', (target) => ({ ...target, candidates: [{ by: 'role', role: 'button', name: 'Made up' }] })],
])('refuses a target with %s', (_, change) => {
  const { map, target } = page(button('target'));
  expect(() => resolve(change(target), map)).toThrow(expect.objectContaining({ reason: 'unresolved-locator' }));
});

test('refuses what is not certainly visible', () => {
  expect(() => resolved(button('target', { presence: 'hidden' }))).toThrow(expect.objectContaining({ reason: 'hidden-by-style' }));
  expect(() => resolved(button('target', { presence: 'unsure' }))).toThrow(expect.objectContaining({ reason: 'unknown-condition' }));
});

test('an element is away where nothing visible answers, and no two hidden ones', () => {
  const { map, target } = page(sampleElement('target', 'p', null, 'Gone', at));
  const found = resolve(target, map);
  const other = (...elements: Element[]) => ({ ...(map.screens[0] as RepoMap['screens'][number]), elements });
  const twin = (presence: Element['presence'], id = 'x') => sampleElement(id, 'p', null, 'Gone', at, { presence });
  expect([isAwayOn(found, other()), isAwayOn(found, other(twin('hidden'))), isAwayOn(found, other(twin('unsure'))), isAwayOn(found, other(twin('shown'))), isAwayOn(found, other(twin('hidden'), twin('hidden', 'y')))]).toEqual([true, true, false, false, false]);
});
