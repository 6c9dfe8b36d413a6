import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Feature, TestCases, type Behaviour, type RepoMap } from '#contracts';
import { sampleElement, sampleFeatures, sampleMap } from '#testing';
import { design } from './design.js';

const SAMPLE = join(import.meta.dirname, '../../../libs/testing/src/sample-cases.json');

/** The sample map with one thing changed, as a feature with these behaviours. */
function feature(behaviours: string[], change: (map: RepoMap) => void = () => undefined): Feature {
  const map = sampleMap();
  change(map);
  return Feature.parse({ kind: 'feature@1', name: 'sample', title: 'Sample', depth: map.depth, behaviours, existing: [], map: { screens: map.screens, behaviours: map.behaviours }, leftOut: [] });
}
const behaviour = (map: RepoMap, id: string) => map.behaviours.find((one) => one.id === id) as Behaviour;
const screen = (map: RepoMap, id: string) => map.screens.find((one) => one.id === id) as RepoMap['screens'][number];
const only = (of: Feature) => { const { cases, leftOut } = design(of); if (cases.length !== 1) throw new Error(JSON.stringify(leftOut)); return cases[0] as TestCases['cases'][number]; };
const brief = (one: TestCases['cases'][number]['expectations'][number]) => [one.expect, 'target' in one ? one.target?.element : 'path' in one ? one.path : 'title' in one ? one.title : ''];

test('the sample cases that other specs start from are the ones it designs', () => {
  expect(sampleFeatures().map(design)).toEqual(JSON.parse(readFileSync(SAMPLE, 'utf8')));
});

test('cases match their schema, and the same feature gives the same bytes', () => {
  for (const one of sampleFeatures()) {
    expect(TestCases.parse(design(one))).toEqual(design(one));
    expect(JSON.stringify(design(structuredClone(one)))).toBe(JSON.stringify(design(one)));
  }
});

test('navigation: from a page that can be told from the other, by the link, to the address and what is only there', () => {
  const one = only(feature(['to-contact']));
  expect(one.title).toBe('The “Contact” link in the “Main” navigation opens “Write to us”');
  expect(one.setup).toEqual([{ action: 'goto', path: '/' }]);
  expect(one.given.map(brief)).toEqual([['visible', 'h1']]);
  expect(one.expectations.map(brief)).toEqual([['path', '/contact'], ['visible', 'h1'], ['title', 'Contact – Bikes']]);
  expect(one.steps[0]?.target?.candidates[0]).toEqual({ by: 'role', role: 'link', name: 'Contact' });
});

function sameWords(map: RepoMap): void {
  for (const id of ['home', 'contact']) for (const element of screen(map, id).elements) if (element.id === 'h1') { element.name = 'Bikes'; element.text = 'Bikes'; if (id === 'home') element.level = 2; }
}

test('a heading whose words are on the page before, at another level, is looked for at its own', () => {
  const heading = only(feature(['to-contact'], sameWords)).expectations.find((one) => 'target' in one && one.target?.element === 'h1');
  expect(heading).toMatchObject({ expect: 'visible', target: { candidates: [{ by: 'role', role: 'heading', name: 'Bikes', level: 1 }] } });
});

test('a screen is called by what the one before has not, where the name of the site heads both', () => {
  const { title } = only(feature(['to-contact'], (map) => {
    sameWords(map);
    for (const element of screen(map, 'home').elements) if (element.id === 'h1') element.level = 1;
    screen(map, 'contact').elements.push(sampleElement('h2', 'h2', 'heading', 'Find us', ['contact.html', 5], { level: 2 }));
  }));
  expect(title).toBe('The “Contact” link in the “Main” navigation opens “Find us”');
});

test('a screen behind a behaviour is reached through it', () => {
  const one = only(feature(['close-hours']));
  expect(one.setup.map(({ action, path, target }) => [action, path ?? target?.element])).toEqual([['goto', '/'], ['click', 'hours']]);
  expect(one.expectations.map(brief)).toEqual([['attribute', 'hours'], ['hidden', 'opening']]);
});

test('what will appear is not there before', () => {
  const one = only(feature(['open-hours']));
  expect(one.given.map(brief)).toEqual([['visible', 'h1'], ['hidden', 'opening']]);
  expect(one.expectations.map(brief)).toEqual([['visible', 'opening'], ['attribute', 'hours']]);
});

test('native validation: the field that stops the form, and the address stays', () => {
  const one = only(feature(['no-name']));
  expect(one.title).toBe('Sending without “Your name” is stopped');
  expect(one.expectations).toMatchObject([{ expect: 'path', path: '/contact' }, { expect: 'invalid', rule: 'valueMissing', target: { element: 'name' } }]);
});

test('a new value is named once and expected again', () => {
  const one = only(feature(['send']));
  expect(one.steps[0]).toMatchObject({ action: 'fill', dataName: 'yourName', data: { kind: 'unique' } });
  expect(one.expectations).toContainEqual({ expect: 'echo', dataName: 'yourName' });
});

const searching = (label: string) => only(feature(['find'], (map) => {
  screen(map, 'home').elements.push(sampleElement('q', 'input', 'textbox', label, ['index.html', 9], { label, inForm: 'search', field: { type: 'text', required: false, readOnly: false, disabled: false } }));
  map.behaviours.push({ ...behaviour(map, 'to-contact'), id: 'find', kind: 'submit-valid', steps: [{ do: 'fill', element: 'q', data: { kind: 'literal', value: 'bells' } }, { do: 'press', element: 'q', data: { kind: 'literal', value: 'Enter' } }] });
}));
test('a form with nothing but a field to search in is a search', () => {
  expect([searching('Search the shop').title, searching('Your name').title]).toEqual(['Searching for “bells” opens “Write to us”', 'Submitting the form with valid data opens “Write to us”']);
});

test('who signs up signs in: the same new value keeps its name over the journey', () => {
  const one = only(feature(['again'], (map) => {
    map.behaviours.push({ ...behaviour(map, 'send'), id: 'again', on: 'thanks', to: 'home', navigates: true, echoes: [], steps: [{ do: 'fill', element: 'name', data: { kind: 'unique', prefix: 'Ada', format: 'text' } }] });
    screen(map, 'thanks').elements.push(sampleElement('name', 'input', 'textbox', 'Nickname', ['contact.html', 9], { label: 'Nickname', field: { type: 'text', required: false, readOnly: false, disabled: false } }));
  }));
  expect(one.setup.find(({ action }) => action === 'fill')?.dataName).toBe('yourName');
  expect(one.steps[0]?.dataName).toBe('yourName');
});

test('a control without words is found by what it is, and called by its class', () => {
  const one = only(feature(['to-contact'], (map) => {
    const link = screen(map, 'home').elements.find(({ id }) => id === 'nav-contact');
    if (link) Object.assign(link, { name: null, text: null, classes: 'menu-link wide' });
  }));
  expect(one.title).toBe('The link (menu-link) in the “Main” navigation opens “Write to us”');
  expect(one.steps[0]?.target?.candidates).toEqual([{ by: 'role', role: 'link' }, { by: 'css', selector: 'a.menu-link' }]);
});

test('a redirect is a visit that ends elsewhere', () => {
  const one = only(feature(['guard'], (map) => map.behaviours.push({ ...behaviour(map, 'to-contact'), id: 'guard', kind: 'redirect', on: 'contact', to: 'contact', visited: '/private', steps: [], appears: [], disappears: [] })));
  expect(one.title).toBe('Visiting /private leads to “Write to us”');
  expect([one.setup, one.steps]).toEqual([[], [{ action: 'goto', path: '/private' }]]);
  expect(one.expectations.map(brief)).toEqual([['path', '/contact'], ['visible', 'h1']]);
});

test.each<[string, string, (map: RepoMap) => void, string]>([
  ['what only the browser does', 'tick-news', () => undefined, 'no-observable-effect'],
  ['what changes nothing', 'nothing', () => undefined, 'no-observable-effect'],
  ['a page that cannot be told from the other', 'to-cargo', (map) => { screen(map, 'cargo').title = 'Bikes'; screen(map, 'cargo').elements = screen(map, 'home').elements; }, 'no-observable-effect'],
  ['a control that may not be there', 'to-contact', (map) => { const link = screen(map, 'home').elements.find(({ id }) => id === 'nav-contact'); if (link) link.presence = 'unsure'; }, 'unknown-condition'],
  ['a control without words, beside markup that is not known', 'to-contact', (map) => {
    screen(map, 'home').opaque = [{ what: 'Widget of a package', at: screen(map, 'home').at }];
    const link = screen(map, 'home').elements.find(({ id }) => id === 'nav-contact');
    if (link) { link.name = null; link.text = null; }
  }, 'no-accessible-name'],
  ['a screen nobody leads to', 'to-contact', (map) => { screen(map, 'home').entry = { by: 'behaviour', behaviour: 'gone' }; }, 'unknown-outcome'],
  ['a screen that leads to itself', 'to-contact', (map) => { screen(map, 'home').entry = { by: 'behaviour', behaviour: 'to-home' }; screen(map, 'contact').entry = { by: 'behaviour', behaviour: 'to-contact' }; }, 'beyond-depth'],
])('leaves out %s, and says so', (_, id, change, reason) => {
  const { cases, leftOut } = design(feature([id], change));
  expect(cases).toEqual([]);
  expect(leftOut).toEqual([expect.objectContaining({ reason, what: expect.any(String), at: expect.anything() })]);
});

test('a menu that is on every page is one test', () => {
  const { cases, leftOut } = design(feature(['to-contact', 'to-contact-again']));
  expect(cases).toHaveLength(1);
  expect(leftOut).toEqual([expect.objectContaining({ reason: 'already-covered' })]);
});

test('over the limit of the depth, what is worth least is left out', () => {
  const many = feature(['send', 'no-name', 'bad-mail', 'open-hours', 'close-hours', 'to-cargo', 'to-home']);
  many.depth = 'smoke';
  const { cases, leftOut } = design(many);
  expect(cases.map(({ kind }) => kind)).toEqual(['submit-valid', 'submit-missing', 'submit-malformed', 'toggle', 'toggle']);
  expect(leftOut.map(({ reason }) => reason)).toEqual(['limit-reached', 'limit-reached']);
});

const ids = (order: string[]) => new Map(design(feature(order)).cases.map(({ behaviour: of, id }) => [of, id]));

test('ids follow what is tested, not where it stands in the list', () => {
  expect(ids(['send', 'no-name', 'to-home'])).toEqual(ids(['to-home', 'no-name', 'send']));
});

test('words of the repository stay on their line and within their length', () => {
  const one = only(feature(['to-contact'], (map) => {
    const link = screen(map, 'home').elements.find(({ id }) => id === 'nav-contact');
    if (link) { link.name = `a\nb\u202E${'x'.repeat(110)}`; link.text = link.name; }
  }));
  expect(one.title).not.toMatch(/[\n\u202E]/);
  expect(one.title.length).toBeLessThanOrEqual(200);
});
