import type { Element, LocatorCandidate } from '#contracts';
import { sampleElement } from '#testing';
import { answering, landmarksOf } from './answering.js';
import { candidatesFor, namelessCandidates } from './candidates.js';

const at: [string, number] = ['a.html', 1];
const field = (type: string, value?: string): Element['field'] => ({ type, required: false, readOnly: false, disabled: false, ...(value !== undefined && { value }) });
const alone = (element: Element) => candidatesFor(element, { elements: [element] });
const found = (candidate: LocatorCandidate, ...elements: Element[]) => answering(candidate, { elements }).map(({ id }) => id);

test('roles are looked up in the accessibility tree, without what is hidden', () => {
  const shown = sampleElement('shown', 'button', 'button', 'Save', at);
  const hidden = sampleElement('hidden', 'button', 'button', 'Save', at, { presence: 'hidden' });
  const unsure = sampleElement('unsure', 'button', 'button', 'Save', at, { presence: 'unsure' });
  expect(found({ by: 'role', role: 'button', name: 'Save' }, shown, hidden, unsure)).toEqual(['shown', 'unsure']);
  expect(found({ by: 'text', text: 'Save' }, shown, hidden)).toEqual(['shown', 'hidden']);
});

test('names are whole and case-sensitive, white space is folded', () => {
  const element = sampleElement('a', 'a', 'link', ' Read\n more ', at);
  expect(found({ by: 'role', role: 'link', name: 'Read more' }, element)).toEqual(['a']);
  for (const name of ['read more', 'Read', 'Read more …']) expect(found({ by: 'role', role: 'link', name }, element)).toEqual([]);
  expect(found({ by: 'role', role: 'button', name: 'Read more' }, element)).toEqual([]);
});

test('a level tells headings apart', () => {
  const headings = [1, 2].map((level) => sampleElement(`h${level}`, `h${level}`, 'heading', 'Bikes', at, { level }));
  expect(found({ by: 'role', role: 'heading', name: 'Bikes', level: 2 }, ...headings)).toEqual(['h2']);
  expect(found({ by: 'role', role: 'heading', name: 'Bikes' }, ...headings)).toHaveLength(2);
});

test('labels are found by aria-label too, on anything', () => {
  const input = sampleElement('input', 'input', 'textbox', 'Search', at, { label: 'Search', field: field('text') });
  const nav = sampleElement('nav', 'nav', 'navigation', 'Search', at, { text: 'Home About' });
  const button = sampleElement('button', 'button', 'button', 'Search', at);
  expect(found({ by: 'label', text: 'Search' }, input, nav, button)).toEqual(['input', 'nav']);
});

test('the text of an input button is its value', () => {
  expect(found({ by: 'text', text: 'Go' }, sampleElement('go', 'input', 'button', 'Go', at, { field: field('submit', 'Go') }), sampleElement('typed', 'input', 'textbox', null, at, { field: field('text', 'Go') }))).toEqual(['go']);
});

test('landmarks are listed from the inside out, even when the map goes in circles', () => {
  const header = sampleElement('header', 'header', 'banner', null, at);
  const nav = sampleElement('nav', 'nav', 'navigation', null, at, { inLandmark: 'header' });
  const link = sampleElement('link', 'a', 'link', 'Home', at, { inLandmark: 'nav' });
  expect(landmarksOf(link, { elements: [header, nav, link] })).toEqual(['nav', 'header']);
  expect(landmarksOf(link, { elements: [{ ...header, inLandmark: 'nav' }, nav, link] })).toEqual(['nav', 'header']);
});

test('candidates come best first, and only from what is static', () => {
  const password = sampleElement('p', 'input', null, null, at, { label: 'Password', placeholder: 'Secret', testId: 'pw', htmlId: 'password', field: field('password') });
  expect(alone(password).map(({ by }) => by)).toEqual(['label', 'placeholder', 'test-id', 'css']);
  expect(alone(sampleElement('h', 'h1', 'heading', 'Hi', at, { level: 1 }))).toEqual([{ by: 'role', role: 'heading', name: 'Hi' }, { by: 'role', role: 'heading', name: 'Hi', level: 1 }, { by: 'text', text: 'Hi' }]);
  expect(alone(sampleElement('d', 'div', null, null, at, { htmlId: ':r1:' }))).toEqual([]);
  expect(alone(sampleElement('d', 'div', null, 'x'.repeat(200), at, { htmlId: 'a8f3e21c9' }))).toEqual([]);
});

test('a box around others has no words of its own', () => {
  const box = sampleElement('box', 'div', null, 'ApplaudNobody yet.', at);
  const button = sampleElement('button', 'button', 'button', 'Applaud', at);
  const message = sampleElement('message', 'p', null, 'Nobody yet.', at);
  expect(candidatesFor(box, { elements: [box, button, message] })).toEqual([]);
  expect(candidatesFor(message, { elements: [box, button, message] })).toEqual([{ by: 'text', text: 'Nobody yet.' }]);
  const [outer, inner, twin] = [sampleElement('outer', 'div', null, 'Hi', at), sampleElement('inner', 'p', null, 'Hi', at), sampleElement('twin', 'p', null, 'Hi', at)];
  expect(found({ by: 'text', text: 'Hi' }, outer, inner)).toEqual(['inner']);
  expect(found({ by: 'text', text: 'Hi' }, inner, twin)).toEqual(['inner', 'twin']);
});

test('a control without a name is the only one of its role, or has a class that says what it is for', () => {
  const previous = sampleElement('p', 'button', 'button', null, at, { classes: 'btn prev-btn' });
  const styled = sampleElement('s', 'button', 'button', null, at, { classes: 'css-1x2y3z mt-4' });
  const password = sampleElement('pw', 'input', null, null, at, { field: { ...field('password') as NonNullable<Element['field']>, name: 'secret' } });
  expect(namelessCandidates(previous, { elements: [previous] })).toEqual([{ by: 'role', role: 'button' }, { by: 'css', selector: 'button.btn' }, { by: 'css', selector: 'button.prev-btn' }]);
  expect(namelessCandidates(styled, { elements: [styled], opaque: [{ what: 'a widget', at: styled.at }] })).toEqual([]);
  expect(namelessCandidates(password, { elements: [password] })).toEqual([{ by: 'css', selector: 'input[name="secret"]' }, { by: 'css', selector: 'input[type="password"]' }]);
  expect(found({ by: 'css', selector: 'button.btn' }, previous, sampleElement('q', 'button', 'button', 'Next', at, { classes: 'btn' }), sampleElement('any', 'button', 'button', 'More', at, { classes: '*' }))).toEqual(['p', 'q', 'any']);
});
