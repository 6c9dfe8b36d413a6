import { attribute, closest, known, tagOf, type Dom, type DomElement } from './accessibility/dom.js';
import { inputType } from './accessibility/roles.js';
import type { Words } from './markup.js';
import { matches, type CheckedState } from './styles/selectors.js';
import { parseDeclarations } from './styles/sheet.js';
import type { Verdict } from './styles/media.js';
import type { IndexedRule, Stylebook } from './styles/stylist.js';
import { utilitiesOf } from './styles/utilities.js';

/** What style does to an element, as far as the source decides it. */
export interface Look {
  /** Has a box: no `display: none` on it or around it, no closed `details` or `dialog`. */
  rendered: Verdict;
  /** `visibility` after inheritance. */
  visible: Verdict;
  /** Transparent, without size, moved away, clipped, or dead to the pointer, possibly: no test is built on it. */
  doubtful: boolean;
  /** Has a width and a height of its own, whatever is in it. */
  sized: boolean;
  /** Whether its text runs on with its neighbours' (`display: inline`) when a name is computed. */
  inline: Verdict;
  before: PseudoText | null;
  after: PseudoText | null;
}
export interface PseudoText { text: Words; inline: Verdict }

interface Candidate { value: string; important: boolean; layer: number; specificity: number; order: number; applies: Verdict }

/**
 * Looks of all elements of a page. The cascade is kept three-valued: a declaration that may apply leaves its own value possible beside the
 * one that certainly applies; a property is decided only when all possible values agree.
 */
export function looksOf(dom: Dom, book: Stylebook): Map<DomElement, Look> {
  const looks = new Map<DomElement, Look>();
  const checked: CheckedState = (element) => checkedState(dom, element);
  for (const element of dom.elements) {
    const parent = element.parent ? looks.get(element.parent) : undefined;
    looks.set(element, lookOf(dom, element, parent, book, checked));
  }
  return looks;
}

/** The checked state of a box or radio button as the user has left it, else as the source writes it. */
export function checkedState(dom: Dom, element: DomElement): boolean | undefined {
  const state = dom.page.fields.get(element.key)?.checked;
  if (state !== undefined) return state;
  const written = attribute(element, 'checked');
  return written === null ? false : typeof written === 'string' ? true : undefined;
}
/** Whether a `details` or `dialog` is open. */
export function openState(dom: Dom, element: DomElement): boolean | undefined {
  const state = dom.page.fields.get(element.key)?.open;
  if (state !== undefined) return state;
  const written = attribute(element, 'open');
  return written === null ? false : typeof written === 'string' ? true : undefined;
}

const displays = new WeakMap<Look, Set<string>>();
const FLEX = new Set(['flex', 'inline-flex', 'grid', 'inline-grid', '-webkit-box', '-webkit-inline-box']);
/** Bootstrap, Bulma, Foundation, Materialize and their like: classes that hide in sheets which the repository does not hold. */
const HIDING_CLASS = /(^|\s)([\w-]*-)?(hidden|hide|invisible|d-(\w+-)?none|is-hidden[\w-]*|collapse|collapsed|collapsing|modal|offcanvas|dropdown-menu|dropdown-content|tab-pane|carousel-item|toast|fade|sr-only[\w-]*|visually-hidden[\w-]*|sidenav|reveal|is-closed|popover|tooltip|uk-[\w-]*|accordion-content|tabs-panel|drawer|loader|preloader|spinner|aos-[\w-]+|wow|slide|swiper-slide|hidden-\w+|visible-\w+|hide-on[\w-]*|show-on[\w-]*|navbar-menu|is-active|show-for[\w-]*|hide-for[\w-]*)(\s|$)/i;
/** Elements that only exist to draw an icon, by which classes of icon fonts. */
const ICON_CLASS = /(^|\s)(fa|fas|far|fab|fal|fad|fa-[\w-]+|bi|bi-[\w-]+|glyphicon|glyphicon-[\w-]+|icon|icons|icon-[\w-]+|mdi|mdi-[\w-]+|ti|ti-[\w-]+|ri-[\w-]+|bx|bx-[\w-]+|la|las|oi|ion-[\w-]+|feather-[\w-]+)(\s|$)/i;

function lookOf(dom: Dom, element: DomElement, parent: Look | undefined, book: Stylebook, checked: CheckedState): Look {
  const rules = rulesFor(element, book);
  const declared = collect(element, rules, null, book, checked);
  const possible = (property: string): string[] => possibleValues(declared.get(property) ?? []);
  const classes = attribute(element, 'class');
  const unsureStyle = (attribute(element, 'style') ?? '') !== '' && known(element, 'style') === undefined;
  const mayHide = unsureStyle || (book.unknownSheets && (classes !== null && (typeof classes !== 'string' || HIDING_CLASS.test(classes)))) || (book.tailwind && classes !== null && typeof classes !== 'string');

  const styledByOthers = classes !== null && (book.unknownSheets || (book.icons && (typeof classes !== 'string' || ICON_CLASS.test(classes))));

  const display = displaysOf(dom, element, declared.get('display') ?? []);
  const out = possible('position').some((value) => /^(absolute|fixed)$/.test(value)) || possible('float').some((value) => value !== 'none');
  const sureOut = every(possible('position'), (value) => /^(absolute|fixed)$/.test(value)) || every(possible('float'), (value) => value !== 'none');
  const parentDisplays = parent ? displays.get(parent) : undefined;
  const inline = inlineVerdict(display, parentDisplays, sureOut, out || mayHide || styledByOthers);

  const own: Verdict = every([...display], (value) => value === 'none') ? 'no' : display.has('none') || display.has('?') || mayHide ? 'maybe' : 'yes';
  const visibility = possible('visibility');
  const look: Look = {
    rendered: worst(worst(parent?.rendered ?? 'yes', own), insideClosed(dom, element)),
    visible: visibility.length === 0 ? parent?.visible ?? 'yes' : every(visibility, (value) => value === 'visible') ? 'yes' : every(visibility, (value) => value === 'hidden' || value === 'collapse') ? 'no' : 'maybe',
    doubtful: (parent?.doubtful ?? false) || every(possible('opacity'), (value) => /^0(\.0+)?%?$/.test(value)) || VANISHING.some(([property, test]) => possible(property).some((value) => test.test(value) && !(property === 'transform' && isCentring(value, possible)))),
    sized: inline !== 'yes' && every(possible('width'), isLength) && every(possible('height'), isLength),
    inline,
    before: pseudoText(element, rules, 'before', book, checked),
    after: pseudoText(element, rules, 'after', book, checked),
  };
  if (styledByOthers && typeof classes === 'string' && ICON_CLASS.test(classes) && !look.before) look.before = { text: { undecided: `icon of class "${classes}"` }, inline: 'maybe' };
  displays.set(look, display);
  return look;
}
const isLength = (value: string): boolean => /^(?!0)\d{1,5}(\.\d+)?(px|rem|em|vh|vw)$/.test(value);
const every = <T>(values: T[], test: (value: T) => boolean): boolean => values.length > 0 && values.every(test);
const worst = (a: Verdict, b: Verdict): Verdict => (a === 'no' || b === 'no' ? 'no' : a === 'maybe' || b === 'maybe' ? 'maybe' : 'yes');

/** Values that take an element out of sight or reach without taking its box away. */
const VANISHING: ReadonlyArray<readonly [string, RegExp]> = [
  ['width', /^0(px|%|rem|em)?$/], ['height', /^0(px|%|rem|em)?$/], ['max-width', /^0(px|%|rem|em)?$/], ['max-height', /^0(px|%|rem|em)?$/],
  ['transform', /scale[XY]?\(\s*0|translate[XY3d]*\([^)]*(\d{2,}(%|vw|vh)|\d{3,}px)/i], ['scale', /^0/], ['clip', /rect/], ['clip-path', /inset\(\s*(50|100)%|circle\(\s*0/], ['pointer-events', /^none$/],
  ['left', /^-\s*(\d{3,}|\d+%|\d+vw)/], ['right', /^-\s*(\d{3,}|\d+%|\d+vw)/], ['top', /^-\s*(\d{3,}|\d+%|\d+vh)/], ['bottom', /^-\s*(\d{3,}|\d+%|\d+vh)/], ['text-indent', /^-\s*\d{3,}/], ['content-visibility', /hidden|auto/], ['zero', /^yes$/],
];

/** Half way into its container, and half its own size back: how dialogs are centred. */
function isCentring(transform: string, possible: (property: string) => string[]): boolean {
  const found = /^translate(x|y)?\(\s*-50%\s*(,\s*-50%\s*)?\)$/.exec(transform);
  const half = (property: string): boolean => every(possible(property), (value) => value === '50%');
  if (!found) return false;
  return found[2] === undefined ? half(found[1] === 'y' ? 'top' : 'left') : half('left') && half('top');
}

function rulesFor(element: DomElement, book: Stylebook): IndexedRule[] {
  const rules = [...book.rest, ...(book.byTag.get(tagOf(element)) ?? [])];
  const id = attribute(element, 'id');
  if (typeof id === 'string') rules.push(...(book.byId.get(id) ?? []));
  const classes = attribute(element, 'class');
  if (typeof classes === 'string') for (const name of new Set(classes.split(/\s+/))) rules.push(...(book.byClass.get(name) ?? []));
  else if (classes !== null) for (const list of book.byClass.values()) rules.push(...list);
  return rules;
}

type Declared = Map<string, Candidate[]>;
function collect(element: DomElement, rules: IndexedRule[], pseudo: 'before' | 'after' | null, book: Stylebook, checked: CheckedState): Declared {
  const declared: Declared = new Map();
  const add = (property: string, candidate: Candidate): void => { const list = declared.get(property); if (list) list.push(candidate); else declared.set(property, [candidate]); };
  const addUtilities = (classes: string, from: Omit<Candidate, 'value' | 'applies' | 'important'> & { applies: Verdict }): void => {
    const utilities = utilitiesOf(classes, book.customScreens);
    for (const utility of utilities) {
      // Two utilities of one rank: their order in the generated sheet decides, which the source does not show.
      const clash = utilities.some((other) => other.property === utility.property && other.rank === utility.rank && other.value !== utility.value);
      add(utility.property, { value: utility.value, important: utility.important, layer: from.layer, specificity: from.specificity, order: from.order + utility.rank, applies: clash ? 'maybe' : worst(from.applies, utility.applies) });
    }
  };
  for (const { rule, selector, order } of rules) {
    if (rule.pseudo !== pseudo) continue;
    const verdict = matches(selector, element, checked);
    if (verdict === 'no') continue;
    const applies = worst(verdict, rule.applies);
    for (const [property, { value, important }] of rule.declarations) {
      const base = { layer: rule.layered ? 0 : 1, specificity: selector.specificity, order, applies };
      if (property === '@apply') addUtilities(value, base);
      else add(property, { ...base, value: value.toLowerCase() === value || property === 'content' ? value : value.toLowerCase(), important });
    }
  }
  if (pseudo) return declared;
  const classes = known(element, 'class');
  if (book.tailwind && classes) addUtilities(classes, { layer: 1, specificity: 1000, order: 1e9, applies: 'yes' });
  const style = known(element, 'style');
  if (style) for (const [property, { value, important }] of parseDeclarations(style)) add(property, { value: value.toLowerCase(), important, layer: 2, specificity: 0, order: 0, applies: 'yes' });
  return declared;
}

const outranks = (a: Candidate, b: Candidate): number =>
  Number(a.important) - Number(b.important) || (a.important && a.layer < 2 && b.layer < 2 ? b.layer - a.layer : a.layer - b.layer) || a.specificity - b.specificity || a.order - b.order;

/** The certain winner's value and those of higher rank that may apply; empty when nothing is declared for certain and nothing may be. */
function possibleValues(candidates: Candidate[]): string[] {
  const winner = candidates.filter((candidate) => candidate.applies === 'yes').sort(outranks).at(-1);
  const values = candidates.filter((candidate) => candidate === winner || (candidate.applies === 'maybe' && (!winner || outranks(candidate, winner) > 0))).map((candidate) => candidate.value);
  // Without a certain declaration the initial or inherited value stays possible.
  if (!winner && values.length > 0) values.push('');
  return values;
}

const INLINE_TAGS = new Set([
  'a', 'abbr', 'acronym', 'b', 'bdi', 'bdo', 'big', 'br', 'canvas', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'iframe', 'img', 'ins', 'kbd', 'label', 'map', 'mark', 'output', 'picture', 'q', 's', 'samp', 'small', 'span',
  'strong', 'sub', 'sup', 'svg', 'time', 'tt', 'u', 'var', 'video', 'wbr', 'audio', 'embed', 'object', 'path', 'g', 'circle', 'rect', 'line', 'polyline', 'polygon', 'ellipse', 'text', 'tspan', 'use', 'defs', 'title', 'desc',
]);
const NOT_RENDERED = new Set(['script', 'style', 'template', 'head', 'meta', 'link', 'base', 'noscript', 'datalist', 'param', 'source', 'track', 'area']);

function displaysOf(dom: Dom, element: DomElement, candidates: Candidate[]): Set<string> {
  const tag = tagOf(element);
  const values = new Set(possibleValues(candidates).map((value) => (/var\(|[$@#]|^(inherit|unset|revert|revert-layer)$/.test(value) ? '?' : value)));
  const native = nativeDisplay(dom, element, tag);
  if (values.size === 0) return native;
  if (values.delete('')) for (const value of native) values.add(value);
  // `hidden` is a weak rule of the user agent: a sheet that sets any display wins over it, unless a reset makes it important.
  if (attribute(element, 'hidden') !== null) values.add('none').add('?');
  if (NOT_RENDERED.has(tag) || (tag === 'input' && inputType(element) === 'hidden')) return new Set(['none']);
  return values;
}
function nativeDisplay(dom: Dom, element: DomElement, tag: string): Set<string> {
  const hidden = attribute(element, 'hidden');
  if (hidden !== null) return new Set(hidden === 'until-found' || typeof hidden !== 'string' ? ['none', '?'] : ['none']);
  if (attribute(element, 'popover') !== null) return new Set(['none']);
  if (tag === 'dialog') { const open = openState(dom, element); return new Set(open === undefined ? ['none', 'block'] : open ? ['block'] : ['none']); }
  if (tag === 'input') { const type = inputType(element); return new Set(type === 'hidden' ? ['none'] : type === undefined ? ['none', 'inline-block'] : ['inline-block']); }
  if (NOT_RENDERED.has(tag)) return new Set(['none']);
  if (INLINE_TAGS.has(tag) || tag.includes('-')) return new Set(['inline']);
  return new Set(['block']);
}

/** Content of a closed `details` has no box, its first `summary` apart; options of a drop-down have none of their own. */
function insideClosed(dom: Dom, element: DomElement): Verdict {
  const { parent } = element;
  if (!parent) return 'yes';
  if (tagOf(parent) === 'details') {
    const summary = parent.content.find((node): node is DomElement => node.kind === 'element' && tagOf(node) === 'summary');
    const open = openState(dom, parent);
    return element === summary || open === true ? 'yes' : open === false ? 'no' : 'maybe';
  }
  if (tagOf(element) === 'option' || tagOf(element) === 'optgroup') {
    const select = closest(parent, (at) => tagOf(at) === 'select');
    if (select) return attribute(select, 'multiple') !== null || attribute(select, 'size') !== null ? 'maybe' : 'no';
  }
  return 'yes';
}

function inlineVerdict(display: Set<string>, parent: Set<string> | undefined, out: boolean, unsure: boolean): Verdict {
  if (out || (parent && every([...parent], (value) => FLEX.has(value)))) return 'no';
  const inline = [...display].map((value): Verdict => (value === 'inline' ? 'yes' : value === '?' || value === 'none' ? 'maybe' : 'no'));
  const own: Verdict = every(inline, (value) => value === 'yes') ? 'yes' : every(inline, (value) => value === 'no') ? 'no' : 'maybe';
  return unsure || (parent && [...parent].some((value) => FLEX.has(value) || value === '?') && own !== 'no') ? 'maybe' : own;
}

function pseudoText(element: DomElement, rules: IndexedRule[], pseudo: 'before' | 'after', book: Stylebook, checked: CheckedState): PseudoText | null {
  if (!rules.some(({ rule }) => rule.pseudo === pseudo)) return null;
  const declared = collect(element, rules, pseudo, book, checked);
  const contents = new Set(possibleValues(declared.get('content') ?? []).map((value) => value || 'none'));
  if (contents.size === 0 || every([...contents], (value) => value === 'none' || value === 'normal')) return null;
  const possible = (property: string): string[] => possibleValues(declared.get(property) ?? []);
  if (every(possible('display'), (value) => value === 'none') || every(possible('visibility'), (value) => value === 'hidden')) return null;
  const block = every(possible('display'), (value) => value !== 'inline' && value !== '') || every(possible('position'), (value) => /absolute|fixed/.test(value)) || every(possible('float'), (value) => value !== 'none' && value !== '');
  const undecided = contents.size > 1 || [...contents].some((value) => /var\(|[$@#]/.test(value)) || possible('display').includes('none');
  return { text: undecided ? { undecided: `::${pseudo} of <${tagOf(element)}>` } : contentText([...contents][0] as string, element), inline: block ? 'no' : possible('display').length > 1 ? 'maybe' : 'yes' };
}

/** Strings and `attr()`; anything else in `content` (images, counters, quotes) has no text for Playwright. */
function contentText(value: string, element: DomElement): Words {
  const slash = /(?:^|["'\s)])\/\s*(?=["'a])/.exec(value);
  const source = slash ? value.slice(slash.index + slash[0].length) : value;
  let text = '';
  for (let rest = source.trim(); rest; rest = rest.trim()) {
    const string = /^"((?:[^"\\]|\\[\s\S])*)"|^'((?:[^'\\]|\\[\s\S])*)'/.exec(rest);
    const attr = /^attr\(\s*([\w-]+)\s*\)/.exec(rest);
    if (string) text += unescapeString(string[1] ?? string[2] ?? '');
    else if (attr) {
      const words = attribute(element, (attr[1] as string).toLowerCase()) ?? '';
      if (typeof words !== 'string') return words;
      text += words;
    } else return '';
    rest = rest.slice((string ?? attr)?.[0].length);
  }
  return text;
}
const unescapeString = (text: string): string => text.replaceAll(/\\([0-9a-f]{1,6})\s?|\\([\s\S])/gi, (_, hex: string | undefined, char: string | undefined) => {
  if (hex === undefined) return char === '\n' ? '' : char ?? '';
  const point = Number.parseInt(hex, 16);
  return point > 0 && point <= 0x10_FF_FF && !(point >= 0xD8_00 && point <= 0xDF_FF) ? String.fromCodePoint(point) : '\uFFFD';
});
