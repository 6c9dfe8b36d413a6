import { answering, candidatesFor } from '#locators';
import type { Behaviour, CaseStep, Element, Expectation, Screen } from '#contracts';
import { NotACase, targetOf } from './journey.js';

const ROLES = ['heading', 'alert', 'status', 'dialog', 'alertdialog', 'form', 'textbox', 'button', 'table', 'list', 'link', 'img'];
/** What tells one screen from another first: headings by level, then messages, then what one works with; last the buttons that are called otherwise than what is written on them. */
const telling = (element: Element) => (element.role === 'heading' ? (element.level ?? 6) / 10 : (ROLES.indexOf(element.role ?? '') + 1 || ROLES.length + 1) + (element.field ? -0.5 : 0) + (element.role === 'button' && element.name !== element.text ? ROLES.length : 0));

const MAX_VISIBLE = 3;
const MAX_HIDDEN = 2;

/** Those candidates that nothing on the other screen answers to, so that finding one says which screen this is. */
function distinguishing(element: Element, here: Screen, other: Screen) {
  return candidatesFor(element, here).filter((candidate) => answering(candidate, other).every(({ presence }) => presence === 'hidden'));
}

/** 0 when some locator finds this element alone: the engineer may find a way to the others, but not always. */
const ambiguity = (element: Element, screen: Screen) => (candidatesFor(element, screen).some((candidate) => answering(candidate, screen).length === 1) ? 0 : 1);

function ranked(ids: readonly string[], screen: Screen): Element[] {
  const wanted = new Set(ids);
  return screen.elements.filter((element) => wanted.has(element.id) && element.presence === 'shown').map((element, i) => ({ element, i }))
    .sort((a, b) => ambiguity(a.element, screen) - ambiguity(b.element, screen) || telling(a.element) - telling(b.element) || a.i - b.i).map(({ element }) => element);
}

const idsOf = (screen: Screen) => screen.elements.map(({ id }) => id);

/** What is on the one screen and not on the other, most telling first. */
function tellingApart(ids: readonly string[], here: Screen, other: Screen, most: number, expect: 'visible' | 'hidden'): Expectation[] {
  const found: Expectation[] = [];
  for (const element of ranked(ids, here)) {
    if (found.length === most) break;
    const candidates = distinguishing(element, here, other);
    if (candidates.length > 0) found.push({ expect, target: targetOf(element, here, candidates) });
  }
  return found;
}

/** What holds after the steps and did not before, and what held before. Throws `NotACase` when nothing that a test can see tells the two apart. */
export function expectationsOf(behaviour: Behaviour, on: Screen, to: Screen, steps: readonly CaseStep[]): { given: Expectation[]; expectations: Expectation[] } {
  const moves = on.id !== to.id && behaviour.navigates;
  const redirect = behaviour.kind === 'redirect';
  // Between two pages everything may differ; on one page only what the behaviour changes is its doing.
  const gone = tellingApart(moves ? idsOf(on) : behaviour.disappears, on, to, MAX_HIDDEN, 'hidden');
  const seen = redirect ? identity(to) : tellingApart(moves ? idsOf(to) : behaviour.appears, to, on, moves ? 1 : MAX_VISIBLE, 'visible');
  const effects = [...seen, ...changesOf(behaviour, on, to), ...echoesOf(behaviour, to, steps)];
  if (!redirect && on.title !== null && to.title !== null && on.title !== to.title) effects.push({ expect: 'title', title: to.title });
  if (!moves && !redirect) effects.push(...gone);
  if (behaviour.invalid) effects.push(invalidOf(behaviour.invalid, on));
  if (effects.length === 0) throw new NotACase('no-observable-effect', behaviour.navigates ? `nothing static on ${to.path} tells it from ${on.path}` : 'nothing static changes on the page');
  const path: Expectation[] = behaviour.navigates || behaviour.invalid || redirect ? [{ expect: 'path', path: behaviour.invalid ? on.path : to.path, ...(behaviour.openSearch && { openSearch: true as const }) }] : [];
  return { given: redirect ? [] : givenOf(on, to, gone, seen), expectations: [...path, ...effects] };
}

/** Redirects start nowhere: the screen is known by its most telling element. */
function identity(screen: Screen): Expectation[] {
  const best = ranked(idsOf(screen), screen).find((element) => candidatesFor(element, screen).length > 0 && telling(element) <= ROLES.length);
  return best ? [{ expect: 'visible', target: targetOf(best, screen) }] : [];
}

/** What was there before and is gone afterwards; on one and the same page its main heading, and that what will appear is not there yet. */
function givenOf(on: Screen, to: Screen, gone: readonly Expectation[], seen: readonly Expectation[]): Expectation[] {
  const before = gone.flatMap((one): Expectation[] => (one.expect === 'hidden' ? [{ expect: 'visible', target: one.target }] : [])).slice(0, 1);
  if (on.path !== to.path) return before.length === 0 && on.title !== null && on.title !== to.title ? [{ expect: 'title', title: on.title }] : before;
  const heading = ranked(idsOf(on), on).find((element) => element.role === 'heading' && candidatesFor(element, on).length > 0);
  const known: Expectation[] = heading ? [{ expect: 'visible', target: targetOf(heading, on) }] : before;
  const absent = seen.flatMap((one): Expectation[] => (one.expect === 'visible' ? [{ expect: 'hidden', target: one.target }] : [])).slice(0, 1);
  return [...known, ...absent];
}

function invalidOf({ element: id, rule }: NonNullable<Behaviour['invalid']>, on: Screen): Expectation {
  const element = on.elements.find((one) => one.id === id);
  if (!element) throw new NotACase('unknown-outcome', `the invalid element is not on ${on.path}`);
  return { expect: 'invalid', target: targetOf(element, on), rule };
}

function changesOf(behaviour: Behaviour, on: Screen, to: Screen): Expectation[] {
  return behaviour.changes.flatMap(({ element: id, property, to: value }): Expectation[] => {
    const element = to.elements.find((one) => one.id === id);
    if (!element || candidatesFor(element, to).length === 0) return [];
    // A field holds what was put into it, whatever the application does.
    if ((property === 'value' || property === 'checked') && behaviour.steps.some((step) => step.element === id)) return [];
    const target = targetOf(element, to);
    switch (property) {
      case 'value': return [{ expect: 'value', target, data: { kind: 'literal', value } }];
      case 'checked': return [{ expect: 'checked', target, checked: value === 'true' }];
      case 'disabled': return [{ expect: 'enabled', target, enabled: value !== 'true' }];
      case 'expanded': case 'pressed': return [{ expect: 'attribute', target, attribute: `aria-${property}`, value }];
      // A selected <option> shows as the value of its list.
      case 'selected': return element.tag === 'option' ? [] : [{ expect: 'attribute', target, attribute: 'aria-selected', value }];
      case 'text': return textChange(element, on, to, value);
    }
  });
}

/** A locator that holds the new text would say nothing about the old one: found by something else, its text is compared; else the new text has to appear. */
function textChange(element: Element, on: Screen, to: Screen, text: string): Expectation[] {
  const lasting = candidatesFor(element, to).filter((candidate) => answering(candidate, on).some(({ id }) => id === element.id));
  if (lasting.length > 0) return [{ expect: 'text', target: targetOf(element, to, lasting), text }];
  const fresh = distinguishing(element, to, on);
  return fresh.length > 0 ? [{ expect: 'visible', target: targetOf(element, to, fresh) }] : [];
}

function echoesOf(behaviour: Behaviour, to: Screen, steps: readonly CaseStep[]): Expectation[] {
  return behaviour.echoes.flatMap(({ step, element: id }): Expectation[] => {
    const typed = steps[step];
    if (typed?.dataName === undefined || typed.data?.kind !== 'unique') return [];
    const element = to.elements.find((one) => one.id === id);
    const candidates = element ? candidatesFor(element, to) : [];
    if (element?.field) return candidates.length > 0 ? [{ expect: 'value', target: targetOf(element, to), data: typed.data, dataName: typed.dataName }] : [];
    return [{ expect: 'echo', dataName: typed.dataName, ...(element && candidates.length > 0 && { target: targetOf(element, to) }) }];
  });
}
