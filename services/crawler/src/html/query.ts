import { domOf, type DomElement } from '../accessibility/dom.js';
import { Undecided } from '../interpret/values.js';
import type { MarkupElement, Place } from '../markup.js';
import { matches, parseSelector } from '../styles/selectors.js';
import { splitList } from '../styles/sheet.js';
import { toMarkup, walk, type HtmlNode } from './node.js';

interface Index { version: number; elements: DomElement[]; nodes: Map<DomElement, HtmlNode>; byNode: Map<HtmlNode, DomElement> }
const indices = new WeakMap<HtmlNode, Index>();

/** The document as the style engine sees it, made anew after every change. */
function indexOf(root: HtmlNode): Index {
  const known = indices.get(root);
  if (known?.version === root.host.version) return known;
  const nodeOf = new Map<MarkupElement, HtmlNode>();
  // Groups of unsure nodes are flattened: a script sees what stands there at the time.
  const doubts = [...walk(root)].map((node) => [node, node.unsure] as const);
  for (const [node] of doubts) node.unsure = undefined;
  const markup = toMarkup(root, (element, node) => nodeOf.set(element, node));
  for (const [node, doubt] of doubts) node.unsure = doubt;
  const at: Place = root.at;
  const dom = domOf({ path: '/', route: '/', title: null, markup, styles: [], needs: [], session: undefined, fields: new Map(), at });
  const nodes = new Map(dom.elements.map((element) => [element, nodeOf.get(element.markup) as HtmlNode]));
  const index = { version: root.host.version, elements: dom.elements, nodes, byNode: new Map([...nodes].map(([element, node]) => [node, element])) };
  indices.set(root, index);
  return index;
}

/** The nodes below `scope` that a selector names, in tree order. Throws `Undecided` when the source does not decide whether one does. */
export function select(root: HtmlNode, scope: HtmlNode, selector: string, at: Place): HtmlNode[] {
  const index = indexOf(root);
  const within = scope === root ? null : new Set(walk(scope));
  const selectors = splitList(selector.replaceAll(':scope ', '')).map((one) => parseSelector(one));
  const found: HtmlNode[] = [];
  for (const element of index.elements) {
    const node = index.nodes.get(element);
    if (!node || (within && !within.has(node))) continue;
    if (selectors.some((one) => one && verdict(one, element, node, selector, at))) found.push(node);
  }
  return found;
}
export function selects(root: HtmlNode, node: HtmlNode, selector: string, at: Place): boolean {
  const element = indexOf(root).byNode.get(node);
  return !!element && splitList(selector).some((text) => { const one = parseSelector(text); return one !== null && verdict(one, element, node, selector, at); });
}
function verdict(selector: NonNullable<ReturnType<typeof parseSelector>>, element: DomElement, node: HtmlNode, text: string, at: Place): boolean {
  const answer = matches(selector, element, () => node.checked ?? node.attributes.has('checked'));
  if (answer === 'maybe') throw new Undecided(`what ${text.slice(0, 80)} selects`, at);
  return answer === 'yes';
}
