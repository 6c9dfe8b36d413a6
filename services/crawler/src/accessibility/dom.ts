import type { Page } from '../framework.js';
import type { Markup, MarkupElement, Place, Words } from '../markup.js';

/**
 * A page's markup as a document: parents, tree order, ids, labels. Groups and opaque parts are flattened into their parent's content
 * as a `gap` (something unknown may stand here) followed by their elements, which are then not `certain`.
 */
export interface DomElement {
  kind: 'element';
  markup: MarkupElement;
  parent: DomElement | null;
  /** For the outermost elements: `body`, which is not one of the page's elements but which styles may speak of. */
  above: DomElement | null;
  content: DomContent[];
  /** The list it stands in: its parent's content, or that of the page. */
  among: DomContent[];
  /** See `elementKey`. */
  key: string;
  /** In the document for certain, and exactly once. */
  certain: boolean;
  /** Why it is not certain. */
  why?: string;
  /** Stands in its parent's content only perhaps, or several times. */
  conditional: boolean;
}
export type DomContent = DomElement | { kind: 'text'; text: Words } | { kind: 'gap'; what: string; opaque: boolean; at: Place };

export interface Dom {
  page: Page;
  content: DomContent[];
  /** In tree order. */
  elements: DomElement[];
  byKey: ReadonlyMap<string, DomElement>;
  byMarkup: ReadonlyMap<MarkupElement, DomElement>;
  /** First element with each id, in tree order. */
  byId: ReadonlyMap<string, DomElement>;
  /** By control: its labels in tree order. */
  labels: ReadonlyMap<DomElement, DomElement[]>;
}

/** Deeper trees than this come from recursion without end, not from people. */
const MAX_DEPTH = 256;
/** What comes later on a page of more is not looked at: every element is compared with all others. */
const MAX_ELEMENTS = 10_000;
const built = new WeakMap<Page, Dom>();

/** The document of a page; made once per page, which must not be changed afterwards. */
export function domOf(page: Page): Dom {
  const known = built.get(page);
  if (known) return known;
  const ordinals = new Map<string, number>();
  const elements: DomElement[] = [];
  const body = shell('body', page.body, shell('html', undefined, null, page.at), page.at);
  const flatten = (markup: readonly Markup[], parent: DomElement | null, why: string | undefined, conditional: boolean, depth: number, content: DomContent[] = []): DomContent[] => {
    for (const node of markup) {
      if (depth > MAX_DEPTH || elements.length >= MAX_ELEMENTS) {
        content.push({ kind: 'gap', what: depth > MAX_DEPTH ? `elements nested more than ${MAX_DEPTH} deep` : `all after the first ${MAX_ELEMENTS} elements`, opaque: true, at: 'at' in node ? node.at : page.at });
        return content;
      }
      if (node.kind === 'text') content.push({ kind: 'text', text: conditional ? { undecided: why ?? '' } : node.text });
      else if (node.kind === 'element') {
        const place = `${node.at.file}:${node.at.line}:${node.tag}`;
        const ordinal = ordinals.get(place) ?? 0;
        ordinals.set(place, ordinal + 1);
        const element: DomElement = { kind: 'element', markup: node, parent, above: parent ? null : body, content: [], among: content, key: ordinal ? `${place}:${ordinal + 1}` : place, certain: why === undefined, conditional, ...(why !== undefined && { why }) };
        elements.push(element);
        if (node.raw) element.content.push({ kind: 'gap', what: `raw HTML in <${node.tag}>`, opaque: true, at: node.at });
        flatten(node.children, element, why, false, depth + 1, element.content);
        content.push(element);
      } else {
        const reason = node.kind === 'opaque' ? node.what : node.why;
        content.push({ kind: 'gap', what: reason, opaque: node.kind === 'opaque', at: node.at });
        flatten(node.children ?? [], parent, reason, true, depth + 1, content);
      }
    }
    return content;
  };
  const content = flatten(page.markup, null, undefined, false, 0);
  const byId = new Map<string, DomElement>();
  for (const element of elements) {
    const id = attribute(element, 'id');
    if (typeof id === 'string' && id && !byId.has(id)) byId.set(id, element);
  }
  const dom: Dom = {
    page, content, elements, byId, labels: labelsOf(elements, byId),
    byKey: new Map(elements.map((element) => [element.key, element])), byMarkup: new Map(elements.map((element) => [element.markup, element])),
  };
  built.set(page, dom);
  return dom;
}

function shell(tag: string, attributes: Page['body'], parent: DomElement | null, at: Place): DomElement {
  return { kind: 'element', markup: { kind: 'element', tag, attributes: new Map(attributes), children: [], at }, parent, above: null, content: [], among: [], key: tag, certain: true, conditional: false };
}

/** The identity of an element across re-renders: source place, tag, and its number among those of the same place. Throws for an element of another page. */
export function elementKey(page: Page, element: MarkupElement): string {
  const found = domOf(page).byMarkup.get(element);
  if (!found) throw new Error(`<${element.tag}> of ${element.at.file}:${element.at.line} is not on this page`);
  return found.key;
}

/** `null`: certainly not set. A bare attribute is `''`. */
export function attribute(element: DomElement, name: string): Words | null {
  const value = element.markup.attributes.get(name);
  return value === undefined ? null : value === true ? '' : value;
}
/** The value when the source decides it and it is set. */
export function known(element: DomElement, name: string): string | undefined {
  const value = attribute(element, name);
  return typeof value === 'string' ? value : undefined;
}
export const tagOf = (element: DomElement): string => element.markup.tag;

/** The nearest ancestor, the element itself included, that the test accepts. */
export function closest(element: DomElement | null, test: (candidate: DomElement) => boolean): DomElement | null {
  for (let at = element; at; at = at.parent) if (test(at)) return at;
  return null;
}
export const childElements = (element: DomElement): DomElement[] => element.content.filter((node): node is DomElement => node.kind === 'element');
export function* descendants(element: DomElement): Generator<DomElement> {
  for (const child of childElements(element)) { yield child; yield* descendants(child); }
}

const LABELABLE = new Set(['button', 'input', 'meter', 'output', 'progress', 'select', 'textarea']);
export const isLabelable = (element: DomElement): boolean => LABELABLE.has(tagOf(element)) && !(tagOf(element) === 'input' && known(element, 'type')?.toLowerCase() === 'hidden');

/** The control of a `label`: by `for`, else the first labelable element inside. */
export function labelledControl(dom: { byId: ReadonlyMap<string, DomElement> }, label: DomElement): DomElement | undefined {
  const target = attribute(label, 'for');
  if (typeof target === 'string') {
    const control = dom.byId.get(target);
    return control && isLabelable(control) ? control : undefined;
  }
  if (target !== null) return undefined;
  for (const inside of descendants(label)) if (isLabelable(inside)) return inside;
  return undefined;
}
function labelsOf(elements: DomElement[], byId: ReadonlyMap<string, DomElement>): Map<DomElement, DomElement[]> {
  const labels = new Map<DomElement, DomElement[]>();
  for (const label of elements) {
    const control = tagOf(label) === 'label' ? labelledControl({ byId }, label) : undefined;
    if (control) labels.set(control, [...(labels.get(control) ?? []), label]);
  }
  return labels;
}
