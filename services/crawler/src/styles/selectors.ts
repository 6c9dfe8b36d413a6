import { parse, type CssNode } from 'css-tree';
import { attribute, descendants, known, tagOf, type DomElement } from '../accessibility/dom.js';
import { isDisabled, inputType } from '../accessibility/roles.js';
import type { Verdict } from './media.js';

/**
 * Whether a selector matches an element: `maybe` when it hangs on what the source does not decide, or on what changes under the user's hands
 * (hover, focus). A selector that is not valid CSS matches nothing, as in a browser.
 */
export interface Selector { compounds: Array<{ combinator: string; parts: CssNode[] }>; specificity: number; /** What the subject must carry, for indexing. */ key: { by: 'id' | 'class' | 'tag'; name: string } | null }

const MAX_SELECTOR = 2000;

export function parseSelector(text: string): Selector | null {
  if (text.length > MAX_SELECTOR) return null;
  let failed = false;
  let ast: CssNode;
  try {
    ast = parse(text, { context: 'selector', onParseError: () => { failed = true; } });
  } catch {
    // css-tree throws where a browser drops the rule.
    return null;
  }
  return failed || ast.type !== 'Selector' ? null : selectorOf(ast);
}

function selectorOf(ast: CssNode & { type: 'Selector' }): Selector {
  const compounds: Selector['compounds'] = [{ combinator: ' ', parts: [] }];
  ast.children.forEach((node) => {
    if (node.type === 'Combinator') compounds.push({ combinator: node.name, parts: [] });
    else compounds.at(-1)?.parts.push(node);
  });
  let specificity = 0;
  for (const { parts } of compounds) for (const part of parts) specificity += specificityOf(part);
  let key: Selector['key'] = null;
  for (const part of compounds.at(-1)?.parts ?? []) {
    if (part.type === 'IdSelector') key = { by: 'id', name: part.name };
    else if (part.type === 'ClassSelector' && key?.by !== 'id') key = { by: 'class', name: part.name };
    else if (part.type === 'TypeSelector' && part.name !== '*' && !key) key = { by: 'tag', name: part.name.toLowerCase() };
  }
  return { compounds, specificity, key };
}

function specificityOf(part: CssNode): number {
  switch (part.type) {
    case 'IdSelector': return 1_000_000;
    case 'ClassSelector': case 'AttributeSelector': return 1000;
    case 'TypeSelector': return part.name === '*' ? 0 : 1;
    case 'PseudoClassSelector': {
      if (part.name === 'where') return 0;
      if (!['not', 'is', 'has', 'matches'].includes(part.name)) return 1000;
      return Math.max(0, ...inner(part).map((selector) => selector.specificity));
    }
    default: return 0;
  }
}

const innerCache = new WeakMap<CssNode, Selector[]>();
function inner(part: CssNode & { type: 'PseudoClassSelector' }): Selector[] {
  const cached = innerCache.get(part);
  if (cached) return cached;
  const selectors: Selector[] = [];
  part.children?.forEach((child) => {
    if (child.type === 'SelectorList') child.children.forEach((one) => { if (one.type === 'Selector') selectors.push(selectorOf(one)); });
    else if (child.type === 'Selector') selectors.push(selectorOf(child));
  });
  innerCache.set(part, selectors);
  return selectors;
}

/** What the user has done to the page's controls, by element. */
export type CheckedState = (element: DomElement) => boolean | undefined;

export function matches(selector: Selector, element: DomElement, checked: CheckedState): Verdict {
  const from = (index: number, at: DomElement): Verdict => {
    const compound = selector.compounds[index];
    if (!compound) return 'yes';
    const own = matchesCompound(compound.parts, at, checked);
    if (own === 'no' || index === 0) return own;
    return both(own, related(compound.combinator, at, (candidate) => from(index - 1, candidate)));
  };
  return from(selector.compounds.length - 1, element);
}

function related(combinator: string, at: DomElement, test: (candidate: DomElement) => Verdict): Verdict {
  const above = at.parent ?? at.above;
  let verdict: Verdict = 'no';
  if (combinator === '>') return above ? test(above) : 'no';
  if (combinator === ' ') {
    for (let parent = above; parent && verdict !== 'yes'; parent = parent.parent ?? parent.above) verdict = either(verdict, test(parent));
    return verdict;
  }
  const before = siblingsBefore(at);
  if (combinator === '+') return before.unsure ? 'maybe' : before.elements.length ? test(before.elements.at(-1) as DomElement) : 'no';
  for (const sibling of before.elements) verdict = either(verdict, test(sibling));
  return verdict;
}
const both = (a: Verdict, b: Verdict): Verdict => (a === 'no' || b === 'no' ? 'no' : a === 'maybe' || b === 'maybe' ? 'maybe' : 'yes');
const either = (a: Verdict, b: Verdict): Verdict => (a === 'yes' || b === 'yes' ? 'yes' : a === 'maybe' || b === 'maybe' ? 'maybe' : 'no');
const not = (a: Verdict): Verdict => (a === 'maybe' ? a : a === 'yes' ? 'no' : 'yes');

/** Siblings before an element; `unsure` when something of unknown number stands among them. */
function siblingsBefore(element: DomElement): { elements: DomElement[]; unsure: boolean } {
  const before = element.among.slice(0, element.among.indexOf(element));
  return { elements: before.filter((node): node is DomElement => node.kind === 'element'), unsure: before.some((node) => node.kind === 'gap') };
}

function matchesCompound(parts: CssNode[], element: DomElement, checked: CheckedState): Verdict {
  let verdict: Verdict = 'yes';
  for (const part of parts) {
    verdict = both(verdict, matchesPart(part, element, checked));
    if (verdict === 'no') break;
  }
  return verdict;
}

function matchesPart(part: CssNode, element: DomElement, checked: CheckedState): Verdict {
  switch (part.type) {
    case 'TypeSelector': return part.name === '*' || part.name.toLowerCase() === tagOf(element) ? 'yes' : 'no';
    case 'IdSelector': return compare(attribute(element, 'id'), (id) => id === part.name);
    case 'ClassSelector': return compare(attribute(element, 'class'), (names) => names.split(/\s+/).includes(unescapeName(part.name)));
    case 'AttributeSelector': return matchesAttribute(part, element);
    case 'PseudoClassSelector': return matchesPseudo(part, element, checked);
    case 'Percentage': return 'no';
    default: return 'maybe';
  }
}
function compare(value: ReturnType<typeof attribute>, test: (value: string) => boolean): Verdict {
  return value === null ? 'no' : typeof value !== 'string' ? 'maybe' : test(value) ? 'yes' : 'no';
}
const unescapeName = (name: string): string => name.replaceAll(/\\(.)/g, '$1');

function matchesAttribute(part: CssNode & { type: 'AttributeSelector' }, element: DomElement): Verdict {
  const wanted = part.value?.type === 'String' ? part.value.value : part.value?.type === 'Identifier' ? part.value.name : undefined;
  // The DOM keeps such states as properties too; a control's own state may differ from what the source writes.
  return compare(attribute(element, part.name.name.toLowerCase()), (value) => {
    if (wanted === undefined) return true;
    switch (part.matcher) {
      case '=': return value === wanted;
      case '~=': return value.split(/\s+/).includes(wanted);
      case '|=': return value === wanted || value.startsWith(`${wanted}-`);
      case '^=': return wanted !== '' && value.startsWith(wanted);
      case '$=': return wanted !== '' && value.endsWith(wanted);
      case '*=': return wanted !== '' && value.includes(wanted);
      default: return false;
    }
  });
}

function matchesPseudo(part: CssNode & { type: 'PseudoClassSelector' }, element: DomElement, checked: CheckedState): Verdict {
  const anyInner = (): Verdict => inner(part).reduce<Verdict>((verdict, selector) => either(verdict, matches(selector, element, checked)), 'no');
  const at = (test: (place: { before: DomElement[]; after: DomElement[] }) => boolean): Verdict => {
    if (element.among.some((node) => node.kind === 'gap')) return 'maybe';
    const all = element.among.filter((node): node is DomElement => node.kind === 'element');
    return test({ before: all.slice(0, all.indexOf(element)), after: all.slice(all.indexOf(element) + 1) }) ? 'yes' : 'no';
  };
  switch (part.name.toLowerCase()) {
    case 'not': return not(anyInner());
    case 'is': case 'where': case 'matches': case '-webkit-any': return anyInner();
    case 'root': return tagOf(element) === 'html' ? 'yes' : 'no';
    case 'first-child': return at((p) => p.before.length === 0);
    case 'last-child': return at((p) => p.after.length === 0);
    case 'only-child': return at((p) => p.before.length + p.after.length === 0);
    case 'first-of-type': return at((p) => !p.before.some((e) => tagOf(e) === tagOf(element)));
    case 'last-of-type': return at((p) => !p.after.some((e) => tagOf(e) === tagOf(element)));
    case 'nth-child': return at((p) => isNth(part, p.before.length + 1));
    case 'nth-last-child': return at((p) => isNth(part, p.after.length + 1));
    case 'nth-of-type': return at((p) => isNth(part, p.before.filter((e) => tagOf(e) === tagOf(element)).length + 1));
    case 'empty': return element.content.length === 0 ? 'yes' : element.content.some((node) => node.kind === 'gap') ? 'maybe' : 'no';
    case 'checked': {
      const state = checked(element);
      const type = tagOf(element) === 'input' ? inputType(element) : undefined;
      if (type !== 'checkbox' && type !== 'radio') return tagOf(element) === 'option' ? 'maybe' : 'no';
      return state === undefined ? 'maybe' : state ? 'yes' : 'no';
    }
    case 'disabled': { const state = isDisabled(element); return state === undefined ? 'maybe' : state ? 'yes' : 'no'; }
    case 'enabled': { const state = isDisabled(element); return state === undefined ? 'maybe' : state ? 'no' : 'yes'; }
    case 'link': case 'any-link': return known(element, 'href') !== undefined ? 'yes' : 'no';
    case 'has': return [...descendants(element)].some((below) => inner(part).some((selector) => matches(selector, below, checked) !== 'no')) ? 'maybe' : 'no';
    case 'global': case 'local': case 'deep': return 'maybe';
    default: return 'maybe';
  }
}

/** `2n+1`, `odd`, `3` of the `nth-` pseudo-classes, without `of`. */
function isNth(part: CssNode & { type: 'PseudoClassSelector' }, position: number): boolean {
  const first = part.children?.first;
  const nth = first?.type === 'Nth' ? first.nth : undefined;
  if (nth?.type === 'Identifier') return position % 2 === (nth.name === 'odd' ? 1 : 0);
  if (nth?.type !== 'AnPlusB') return false;
  const [a, b] = [Number(nth.a ?? 0), Number(nth.b ?? 0)];
  return a === 0 ? position === b : (position - b) % a === 0 && (position - b) / a >= 0;
}
