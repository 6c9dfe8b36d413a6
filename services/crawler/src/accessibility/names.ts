import type { Words } from '../markup.js';
import type { Look, PseudoText } from '../styles.js';
import type { Verdict } from '../styles/media.js';
import { attribute, childElements, closest, descendants, tagOf, type Dom, type DomElement } from './dom.js';
import { inputType, roleOf } from './roles.js';

/**
 * Accessible names as Playwright's `getByRole` computes them. Two marks travel inside the text while it is put together: UNDECIDED where the source does not
 * give a word, MAYBE_SPACE where style decides whether two words touch. A name that still holds one of them at the end is `null`.
 */
const UNDECIDED = '\uFDD0';
const MAYBE_SPACE = '\uFDD1';

const words = (value: Words | null): string => (value === null ? '' : typeof value === 'string' ? value : UNDECIDED);

interface Context {
  dom: Dom; looks: Map<DomElement, Look>;
  visited: Set<DomElement>;
  /** The element itself, something inside of it, or neither (a label, a reference). */
  target: 'self' | 'descendant' | null;
  labelledBy?: { hidden: Verdict }; label?: { hidden: Verdict }; native?: { hidden: Verdict };
}

const NAMELESS = new Set(['caption', 'code', 'definition', 'deletion', 'emphasis', 'generic', 'insertion', 'mark', 'paragraph', 'presentation', 'strong', 'subscript', 'suggestion', 'superscript', 'term', 'time']);

/** The accessible name; `''` when there is certainly none, `null` when the source does not decide it. */
export function nameOf(dom: Dom, element: DomElement, looks: Map<DomElement, Look>): string | null {
  const role = roleOf(dom, element);
  if (role === undefined) return null;
  if (NAMELESS.has(role ?? '')) return '';
  return settle(alternative(element, { dom, looks, visited: new Set(), target: 'self' }));
}

function settle(text: string): string | null {
  if (text.includes(UNDECIDED)) return null;
  const spaced = text.replaceAll(/[\s\uFDD1]+/g, (run) => (!run.includes(MAYBE_SPACE) ? run : /\s/.test(run) ? ' ' : MAYBE_SPACE));
  const flat = spaced.split('\u00A0').map((chunk) => chunk.replaceAll(/[\u200B\u00AD]/g, '').replaceAll(/\s+/g, ' ')).join('\u00A0').trim();
  const trimmed = flat.replaceAll(/^[\uFDD1\s]+|[\uFDD1\s]+$/g, '');
  return trimmed.includes(MAYBE_SPACE) ? null : trimmed;
}

/** Whether assistive technology (and with it `getByRole`) does not see the element. */
export function hiddenForAria(element: DomElement, looks: Map<DomElement, Look>): Verdict {
  const look = looks.get(element);
  if (!look) return 'no';
  const option = tagOf(element) === 'option' && closest(element, (at) => tagOf(at) === 'select');
  let verdict: Verdict = option ? 'no' : look.rendered === 'no' || look.visible === 'no' ? 'yes' : look.rendered === 'maybe' || look.visible === 'maybe' ? 'maybe' : 'no';
  for (let at: DomElement | null = element; at && verdict !== 'yes'; at = at.parent) {
    const hidden = attribute(at, 'aria-hidden');
    if (typeof hidden === 'string') { if (hidden.toLowerCase() === 'true') verdict = 'yes'; }
    else if (hidden !== null) verdict = 'maybe';
  }
  return verdict;
}

const FROM_CONTENT = new Set(['button', 'cell', 'checkbox', 'columnheader', 'gridcell', 'heading', 'link', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'option', 'radio', 'row', 'rowheader', 'switch', 'tab', 'tooltip', 'treeitem']);
const FROM_CONTENT_INSIDE = new Set([
  '', 'caption', 'code', 'contentinfo', 'definition', 'deletion', 'emphasis', 'insertion', 'list', 'listitem', 'mark', 'none', 'paragraph', 'presentation', 'region', 'row', 'rowgroup', 'section', 'strong', 'subscript', 'superscript', 'table', 'term', 'time',
]);
const PLACEHOLDER_TYPES = new Set(['text', 'password', 'number', 'search', 'tel', 'email', 'url']);

/** The text alternative of one element in its context: the steps of accname in Playwright's order. */
function alternative(element: DomElement, context: Context): string {
  if (context.visited.has(element)) return '';
  const inside: Context = { ...context, target: context.target === 'self' ? 'descendant' : context.target };
  const hiddenReference = [context.labelledBy, context.label, context.native].some((reference) => reference?.hidden === 'yes');
  if (['style', 'script', 'noscript', 'template'].includes(tagOf(element))) return '';
  const hidden = hiddenReference ? 'no' : hiddenForAria(element, context.looks);
  if (hidden === 'yes') { context.visited.add(element); return ''; }
  const text = visibleAlternative(element, context, inside);
  // An element that may be hidden contributes a text that may be missing.
  return (hidden === 'maybe' || (element.conditional && context.target !== 'self')) && text.trim() ? UNDECIDED : text;
}

function visibleAlternative(element: DomElement, context: Context, inside: Context): string {
  const { dom, looks } = context;
  const references = attribute(element, 'aria-labelledby');
  if (references !== null && typeof references !== 'string') return UNDECIDED;
  const referenced = references === null ? [] : idRefs(element, dom, references);
  if (referenced === UNDECIDED) return UNDECIDED;
  if (!context.labelledBy && referenced.length > 0) {
    const text = referenced.map((target) => alternative(target, { ...context, labelledBy: { hidden: hiddenForAria(target, looks) }, target: null, label: undefined, native: undefined })).join(' ');
    if (text) return text;
  }
  const role = roleOf(dom, element);
  if (role === undefined) return UNDECIDED;
  const tag = tagOf(element);
  if (context.label || context.labelledBy || context.target === 'descendant') {
    const isOwnLabel = (dom.labels.get(element) ?? []).includes(element) || referenced.includes(element);
    const embedded = isOwnLabel ? undefined : embeddedControl(element, role, tag, inside);
    if (embedded !== undefined) { context.visited.add(element); return embedded; }
  }
  const label = attribute(element, 'aria-label');
  if (words(label).trim()) { context.visited.add(element); return words(label); }
  if (role !== 'presentation' && role !== 'none') {
    const native = nativeAlternative(element, tag, context, inside, referenced.length > 0);
    if (native !== undefined) return native;
  }
  const summary = tag === 'summary' && role !== 'presentation' && role !== 'none';
  if (FROM_CONTENT.has(role ?? '') || (context.target === 'descendant' && FROM_CONTENT_INSIDE.has(role ?? '')) || summary || context.labelledBy || context.label || context.native) {
    context.visited.add(element);
    const text = contentText(element, inside);
    if (context.target === 'self' ? text.replaceAll(MAYBE_SPACE, ' ').trim() : text) return text;
  }
  context.visited.add(element);
  const title = attribute(element, 'title');
  return (role === 'presentation' || role === 'none') && tag !== 'iframe' ? '' : words(title).trim() ? words(title) : '';
}

function idRefs(element: DomElement, dom: Dom, references: string): DomElement[] | typeof UNDECIDED {
  const found: DomElement[] = [];
  for (const id of references.split(' ').filter(Boolean)) {
    const target = dom.byId.get(id);
    // An element that is only perhaps there makes the name perhaps another one.
    if (target && !target.certain && target.why !== element.why) return UNDECIDED;
    if (target && !found.includes(target)) found.push(target);
  }
  return found;
}

/** The value of a control inside of a label or of named content, which stands for the control there. */
function embeddedControl(element: DomElement, role: string | null, tag: string, inside: Context): string | undefined {
  const field = inside.dom.page.fields.get(element.key)?.value;
  if (role === 'textbox' || role === 'searchbox') return tag === 'input' || tag === 'textarea' ? field ?? (tag === 'textarea' ? textContent(element) : words(attribute(element, 'value'))) : textContent(element);
  if (role === 'combobox' || role === 'listbox') {
    if (tag !== 'select') return tag === 'input' ? field ?? words(attribute(element, 'value')) : UNDECIDED;
    if (field !== undefined) return UNDECIDED;
    const options = [...descendants(element)].filter((option) => tagOf(option) === 'option');
    if (options.some((option) => option.conditional)) return UNDECIDED;
    const selected = options.filter((option) => attribute(option, 'selected') !== null);
    return (selected.length > 0 ? selected : options.slice(0, 1)).map((option) => alternative(option, inside)).join(' ');
  }
  if (['progressbar', 'scrollbar', 'slider', 'spinbutton', 'meter'].includes(role ?? '')) return words(attribute(element, 'aria-valuetext') ?? attribute(element, 'aria-valuenow') ?? attribute(element, 'value'));
  return role === 'menu' ? '' : undefined;
}

/** What HTML itself says about names; `undefined` when it says nothing and the content decides. */
function nativeAlternative(element: DomElement, tag: string, context: Context, inside: Context, labelled: boolean): string | undefined {
  const { dom, visited } = context;
  const title = words(attribute(element, 'title'));
  const alt = (): string => { const value = words(attribute(element, 'alt')); return value.trim() ? value : title; };
  const labels = dom.labels.get(element) ?? [];
  const uncertainLabel = labels.some((label) => !label.certain && label.why !== element.why) || mayBeLabelledByUnknown(element, dom);
  const fromLabels = (): string => (uncertainLabel ? UNDECIDED : labels.map((label) => alternative(label, { ...context, label: { hidden: hiddenForAria(label, context.looks) }, native: undefined, labelledBy: undefined, target: null })).filter(Boolean).join(' '));
  const child = (wanted: string): string | undefined => {
    const found = childElements(element).find((candidate) => tagOf(candidate) === wanted);
    return found ? alternative(found, { ...inside, native: { hidden: hiddenForAria(found, context.looks) } }) : element.content.some((node) => node.kind === 'gap' && node.opaque) ? UNDECIDED : undefined;
  };
  if (tag === 'input') {
    const type = inputType(element);
    if (type === undefined) return UNDECIDED;
    if (type === 'button' || type === 'submit' || type === 'reset') {
      visited.add(element);
      const value = words(attribute(element, 'value'));
      return value.trim() ? value : type === 'submit' ? 'Submit' : type === 'reset' ? 'Reset' : title;
    }
    if (type === 'file' || type === 'image') {
      visited.add(element);
      if ((labels.length > 0 || uncertainLabel) && !context.labelledBy) return fromLabels();
      return type === 'file' ? 'Choose File' : alt().trim() ? alt() : 'Submit';
    }
  }
  if (labelled && ['button', 'output', 'textarea', 'select', 'input', 'meter', 'progress', 'fieldset', 'figure'].includes(tag)) return undefined;
  switch (tag) {
    case 'button': visited.add(element); return labels.length > 0 || uncertainLabel ? fromLabels() : undefined;
    case 'output': visited.add(element); return labels.length > 0 ? fromLabels() : title;
    case 'textarea': case 'select': case 'input': case 'meter': case 'progress': {
      visited.add(element);
      if (labels.length > 0 || uncertainLabel) return fromLabels();
      const placeholder = tag === 'textarea' || (tag === 'input' && PLACEHOLDER_TYPES.has(inputType(element) ?? ''));
      return !placeholder || title ? title : words(attribute(element, 'placeholder'));
    }
    case 'fieldset': visited.add(element); return child('legend') ?? title;
    case 'figure': visited.add(element); return child('figcaption') ?? title;
    case 'img': case 'area': visited.add(element); return alt();
    case 'table': { visited.add(element); const caption = child('caption'); if (caption !== undefined) return caption; const summary = words(attribute(element, 'summary')); return summary || undefined; }
    default: break;
  }
  if (tag === 'svg' || closest(element.parent, (at) => tagOf(at) === 'svg')) {
    visited.add(element);
    const found = childElements(element).find((candidate) => tagOf(candidate) === 'title');
    if (found) return alternative(found, { ...inside, labelledBy: { hidden: hiddenForAria(found, context.looks) } });
    if (element.content.some((node) => node.kind === 'gap' && node.opaque)) return UNDECIDED;
  }
  return undefined;
}

/** A label whose `for` is not decided may be meant for a control whose id is not decided either. */
function mayBeLabelledByUnknown(element: DomElement, dom: Dom): boolean {
  const id = attribute(element, 'id');
  return id !== null && typeof id !== 'string' && dom.elements.some((label) => { const target = tagOf(label) === 'label' ? attribute(label, 'for') : null; return target !== null && typeof target !== 'string'; });
}

function contentText(element: DomElement, context: Context): string {
  const { looks, dom } = context;
  const look = looks.get(element);
  let text = pseudo(look?.before ?? null);
  for (const node of element.content) {
    if (node.kind === 'text') text += words(node.text);
    else if (node.kind === 'gap') { if (node.opaque) text += UNDECIDED; }
    else text += spaced(node, alternative(node, context), looks.get(node));
  }
  const owned = attribute(element, 'aria-owns');
  if (owned !== null) {
    const targets = typeof owned === 'string' ? idRefs(element, dom, owned) : UNDECIDED;
    text += targets === UNDECIDED ? UNDECIDED : targets.map((target) => spaced(target, alternative(target, context), looks.get(target))).join('');
  }
  return text + pseudo(look?.after ?? null);
}
const spaced = (element: DomElement, text: string, look: Look | undefined): string => {
  if (tagOf(element) === 'br' || look?.inline === 'no') return ` ${text} `;
  return look?.inline === 'maybe' ? `${MAYBE_SPACE}${text}${MAYBE_SPACE}` : text;
};
const pseudo = (part: PseudoText | null): string => {
  if (!part) return '';
  const text = words(part.text);
  return part.inline === 'no' ? ` ${text} ` : part.inline === 'maybe' ? `${MAYBE_SPACE}${text}${MAYBE_SPACE}` : text;
};

/** `textContent`, with UNDECIDED where it is not known. */
function textContent(element: DomElement): string {
  return element.content.map((node) => (node.kind === 'text' ? words(node.text) : node.kind === 'gap' ? (node.opaque ? UNDECIDED : '') : childText(node))).join('');
}

function childText(element: DomElement): string {
  // `getByText` counts the value of a button made of an input as text, `toHaveText` does not.
  if (tagOf(element) === 'input' && ['submit', 'button', 'reset'].includes(inputType(element) ?? '')) return UNDECIDED;
  if (['script', 'style', 'noscript'].includes(tagOf(element))) return '';
  const text = textContent(element);
  return element.conditional && text ? UNDECIDED : text;
}

/** The text as `getByText` and `toHaveText` see it, white space folded; `null` when a part is not decided. */
export function textOf(element: DomElement): string | null {
  const type = tagOf(element) === 'input' ? inputType(element) : undefined;
  const text = type === 'submit' || type === 'button' || type === 'reset' ? words(attribute(element, 'value')) : textContent(element);
  return text.includes(UNDECIDED) ? null : foldSpace(text);
}
export const foldSpace = (text: string): string => text.replaceAll(/[\u200B\u00AD]/g, '').trim().replaceAll(/\s+/g, ' ');
/** Whether text stands directly in the element, not only in elements inside of it. */
export const hasOwnText = (element: DomElement): boolean => element.content.some((node) => node.kind === 'text' && (typeof node.text !== 'string' || node.text.trim() !== ''));
