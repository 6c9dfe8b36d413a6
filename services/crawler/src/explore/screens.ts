import { createHash } from 'node:crypto';
import type { Behaviour, Element, Screen } from '#contracts';
import { domOf, type Dom, type DomElement } from '../accessibility/dom.js';
import { elementFacts, isNotable } from '../accessibility/facts.js';
import { hasOwnText, textOf } from '../accessibility/names.js';
import type { Tab } from '../browser.js';
import type { Repo } from '../framework.js';
import { isKnown } from '../markup.js';
import { looksOf } from '../styles.js';
import type { Stylist } from '../styles/stylist.js';
import { UNIQUE } from './data.js';

/** What a tab shows, in the words of the map. */
export interface View {
  tab: Tab; dom: Dom;
  elements: Element[];
  byId: ReadonlyMap<string, Element>;
  title: string | null;
  opaque: Screen['opaque'];
  /** Equal for views that a user cannot tell apart: same path, same shown elements. Values in fields are the user's own. */
  signature: string;
  /** The same without the path. */
  content: string;
}

const MAX_ELEMENTS = 3000;

export function viewOf(tab: Tab, repo: Repo, stylist: Stylist, testIdAttribute: string): View {
  const { page } = tab;
  const dom = domOf(page);
  const looks = looksOf(dom, stylist.bookOf(page));
  const notable = dom.elements.filter((element) => isNotable(dom, element));
  if (notable.length > MAX_ELEMENTS) repo.leaveOut('limit-reached', `${page.path}: ${notable.length - MAX_ELEMENTS} of ${notable.length} elements`, undefined, page.at);
  const elements = notable.slice(0, MAX_ELEMENTS).map((element) => maskUnique(elementFacts(dom, element, looks, repo, testIdAttribute)));
  const title = isKnown(page.title ?? undefined) && !UNIQUE.test(page.title as string) ? page.title as string : null;
  const shown = elements.filter((element) => element.presence === 'shown').map((element) => [element.id, element.role, element.name, element.text, element.expanded, element.pressed]);
  const opaque = new Map<string, Screen['opaque'][number]>();
  for (const node of [...dom.content, ...dom.elements.flatMap((element: DomElement) => element.content)]) {
    if (node.kind === 'gap' && node.opaque) opaque.set(`${node.what} ${node.at.file}:${node.at.line}`, { what: node.what, at: repo.locate(node.at) });
  }
  const content = createHash('sha256').update(JSON.stringify([page.route, title, shown])).digest('hex');
  return {
    content, tab, dom, elements, byId: new Map(elements.map((element) => [element.id, element])), title, opaque: [...opaque.values()],
    signature: createHash('sha256').update(JSON.stringify([page.path, content])).digest('hex'),
  };
}

/** Words that hold a value made new on every run are not static. */
function maskUnique(element: Element): Element {
  const masked = { ...element };
  for (const key of ['name', 'text'] as const) if (masked[key] !== null && UNIQUE.test(masked[key])) masked[key] = null;
  for (const key of ['label', 'placeholder', 'title', 'alt', 'testId', 'htmlId'] as const) if (masked[key] !== undefined && UNIQUE.test(masked[key])) delete masked[key];
  return masked;
}

/** The ways to find an element by words of the source, without its position. Empty: nothing tells it from others. */
export function handles(element: Element): string[] {
  const found: string[] = [];
  if (element.role && element.name) found.push(`role ${element.role} ${element.name} ${element.level ?? ''}`);
  if (element.testId) found.push(`test-id ${element.testId}`);
  if (element.label && element.field) found.push(`label ${element.label}`);
  if (element.placeholder) found.push(`placeholder ${element.placeholder}`);
  if (element.text && element.text.length <= 200 && element.tag !== 'option') found.push(`text ${element.text}`);
  if (element.alt) found.push(`alt ${element.alt}`);
  if (element.title) found.push(`title ${element.title}`);
  return found;
}
export const isShown = (element: Element): boolean => element.presence === 'shown';

/** Text of large containers changes with anything inside of them. */
const CONTAINERS = new Set(['main', 'navigation', 'banner', 'contentinfo', 'region', 'form', 'list', 'table', 'rowgroup', 'group', 'complementary', 'document', 'article', 'dialog', 'search']);

export interface Difference { appears: string[]; disappears: string[]; changes: Behaviour['changes']; retitled: boolean }

/** What a user can tell apart between two views. `touched`: elements whose own state the steps changed, which proves nothing about the application. */
export function difference(before: View, after: View, touched: ReadonlySet<string>): Difference {
  return {
    appears: only(after, before), disappears: only(before, after), changes: changesBetween(before, after, touched),
    retitled: after.title !== null && before.title !== null && after.title !== before.title,
  };
}

/** Shown elements of one view that can be found by something which nothing shown, or perhaps shown, in the other answers to. */
function only(here: View, there: View): string[] {
  const elsewhere = new Set(there.elements.filter((element) => element.presence !== 'hidden').flatMap(handles));
  return here.elements.filter((element) => {
    if (!isShown(element)) return false;
    // A role and a name tell by themselves, whatever else on the other page has the same words.
    const named = element.role !== null && Boolean(element.name);
    const own = handles(element).filter((handle) => !(handle.startsWith('text ') && (named || CONTAINERS.has(element.role ?? '') || repeatsPart(element, here))));
    return own.length > 0 && own.every((handle) => !elsewhere.has(handle)) && !mayStandIn(element, there);
  }).map((element) => element.id);
}
/** Whether an element of the same line in the other view has words that are not known: they may be the same ones. */
function mayStandIn(element: Element, there: View): boolean {
  return element.text !== null && element.text !== '' && !element.testId && there.elements.some((other) => other.presence !== 'hidden' && other.text === null && other.tag === element.tag && other.at.line === element.at.line && other.at.file === element.at.file && !hasLongText(other, there));
}
/** Its text is left out for its length, not because it is unknown. */
function hasLongText({ id }: Element, view: View): boolean {
  const node = view.dom.byKey.get(id);
  return node !== undefined && textOf(node) !== null;
}
/** A container without words of its own: the part inside that has them stands for it. */
function repeatsPart(element: Element, view: View): boolean {
  return view.elements.some((inner) => inner.parent === element.id && inner.text !== null && inner.text !== '' && inner.text === element.text);
}

function changesBetween(before: View, after: View, touched: ReadonlySet<string>): Behaviour['changes'] {
  const changes: Behaviour['changes'] = [];
  for (const element of after.elements) {
    const was = before.byId.get(element.id);
    if (!was || !isShown(element) || !isShown(was) || !stableHandle(was, element)) continue;
    const add = (property: Behaviour['changes'][number]['property'], from: string | boolean | undefined, to: string | boolean | undefined): void => {
      if (from !== to && to !== undefined && !(typeof to === 'string' && UNIQUE.test(to))) changes.push({ element: element.id, property, ...(from !== undefined && { from: String(from) }), to: String(to) });
    };
    if (!touched.has(element.id)) { add('value', was.field?.value, element.field?.value); add('checked', was.field?.checked, element.field?.checked); }
    for (const property of ['expanded', 'pressed', 'selected'] as const) add(property, was[property], element[property]);
    add('disabled', was.disabled ?? was.field?.disabled ?? false, element.disabled ?? element.field?.disabled ?? false);
    const node = after.dom.byKey.get(element.id);
    // The text of a box around others changes with anything in it; only words of its own are its own.
    if (!element.field && was.text && element.text && (element.testId ?? element.label) && node && hasOwnText(node)) add('text', was.text, element.text);
  }
  return changes;
}
const fixed = (element: Element): string[] => handles(element).filter((handle) => !handle.startsWith('text '));
/** Found by the same words before and after. */
function stableHandle(before: Element, after: Element): boolean {
  const old = new Set(fixed(before));
  return fixed(after).some((handle) => old.has(handle));
}
