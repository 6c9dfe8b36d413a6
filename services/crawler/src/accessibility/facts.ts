import type { Element, FieldFacts } from '#contracts';
import type { Repo } from '../framework.js';
import { checkedState, type Look } from '../styles.js';
import { resolveAddress } from '../browser/address.js';
import { attribute, closest, descendants, known, tagOf, type Dom, type DomElement } from './dom.js';
import { foldSpace, hasOwnText, hiddenForAria, nameOf, textOf } from './names.js';
import { inputType, isDisabled, levelOf, roleOf } from './roles.js';

const LANDMARKS = new Set(['banner', 'navigation', 'main', 'contentinfo', 'complementary', 'region', 'search', 'form', 'dialog', 'alertdialog']);
const ITEMS = new Set(['listitem', 'row', 'article', 'region', 'group']);
const STATES = ['expanded', 'pressed', 'selected', 'current'] as const;
/** Longer texts are prose, which no locator names; as the text of a container they only repeat what stands in its parts. */
const MAX_TEXT = 300;

/** Whether a test or a check for ambiguity may ever ask for the element: it has a role, words of its own, or a mark. */
export function isNotable(dom: Dom, element: DomElement): boolean {
  const tag = tagOf(element);
  if (['script', 'style', 'template', 'noscript', 'head', 'meta', 'link', 'base', 'title', 'br', 'wbr', 'path', 'g', 'source', 'track'].includes(tag)) return false;
  if (closest(element.parent, (at) => ['svg', 'head', 'noscript', 'template'].includes(tagOf(at)))) return false;
  const role = roleOf(dom, element);
  return role === undefined || (role !== null && role !== 'presentation' && role !== 'none') || hasOwnText(element) || ['input', 'form', 'label', 'summary', 'legend'].includes(tag)
    || ['id', 'data-testid', 'aria-label', 'title', 'alt', 'data-test', 'data-test-id', 'data-cy', 'data-qa'].some((name) => attribute(element, name) !== null);
}

/** Whether a test may act on the element or expect it: `shown` only when everything about it is decided. */
export function presenceOf(dom: Dom, element: DomElement, looks: Map<DomElement, Look>): Element['presence'] {
  const look = looks.get(element) as Look;
  if (!element.certain || closest(element.parent, (at) => tagOf(at) === 'svg')) return 'unsure';
  if (look.rendered === 'no' || look.visible === 'no') return 'hidden';
  if (look.rendered === 'maybe' || look.visible === 'maybe' || look.doubtful) return 'unsure';
  // What assistive technology does not see, `getByRole` does not find.
  if (hiddenForAria(element, looks) !== 'no') return 'unsure';
  return hasExtent(element, looks) ? 'shown' : 'unsure';
}

/** Elements that have a size without content, by the user agent's rules. */
const SIZED = new Set(['input', 'textarea', 'select', 'button', 'hr', 'meter', 'progress', 'iframe', 'video', 'canvas']);
/** An element without width or height is not visible to Playwright: it needs a control or words inside. */
function hasExtent(element: DomElement, looks: Map<DomElement, Look>): boolean {
  const tag = tagOf(element);
  if (SIZED.has(tag)) return true;
  if (tag === 'img') return !!known(element, 'alt') || (known(element, 'width') !== undefined && known(element, 'height') !== undefined);
  if (tag === 'svg') return true;
  const look = looks.get(element);
  if (look?.sized) return true;
  if (look?.before && typeof look.before.text === 'string' && look.before.text.trim()) return true;
  return element.content.some((node) => {
    if (node.kind === 'text') return typeof node.text !== 'string' ? false : node.text.trim() !== '';
    if (node.kind === 'gap' || !node.certain && element.certain) return false;
    const inner = looks.get(node);
    return inner?.rendered === 'yes' && inner.visible === 'yes' && hasExtent(node, looks);
  });
}

/** Everything the map says of an element. `undefined` entries are left out of the artifact. */
export function elementFacts(dom: Dom, element: DomElement, looks: Map<DomElement, Look>, repo: Repo, testIdAttribute: string): Element {
  const tag = tagOf(element);
  const role = roleOf(dom, element);
  const facts: Element = {
    id: element.key, tag, role: role ?? null, name: nameOf(dom, element, looks) || null, text: shortText(element),
    presence: role === undefined ? 'unsure' : presenceOf(dom, element, looks), at: repo.locate(element.markup.at),
  };
  const level = levelOf(element, role);
  if (level) facts.level = level;
  const words = { testId: known(element, testIdAttribute), label: labelText(dom, element), placeholder: known(element, 'placeholder'), title: known(element, 'title'), alt: known(element, 'alt'), htmlId: known(element, 'id') };
  for (const [key, value] of Object.entries(words)) if (value) facts[key as keyof typeof words] = value;
  if (['a', 'button', 'input'].includes(tag) && attribute(element, 'class') !== null) facts.classes = known(element, 'class')?.trim().replaceAll(/\s+/g, ' ').slice(0, 200) ?? '*';
  const field = fieldFacts(dom, element);
  if (field) facts.field = field;
  const href = tag === 'a' || tag === 'area' ? known(element, 'href') : undefined;
  if (href !== undefined) {
    const address = resolveAddress(dom, href);
    facts.link = { href: address.href, external: address.external, newTab: !['', '_self', '_parent', '_top'].includes((known(element, 'target') ?? '').toLowerCase()) || (attribute(element, 'target') !== null && known(element, 'target') === undefined) };
  }
  if (tag === 'form') facts.form = { method: formMethod(element), action: resolveAddress(dom, known(element, 'action') || '').href, noValidate: attribute(element, 'novalidate') !== null };
  const form = formOwner(dom, element);
  if (form && tag !== 'form') facts.inForm = form.key;
  if (tag === 'button' || (tag === 'input' && !field)) { if (isDisabled(element) !== false) facts.disabled = true; }
  if (known(element, 'aria-disabled') === 'true') facts.disabled = true;
  const parent = closest(element.parent, (at) => isNotable(dom, at));
  if (parent) facts.parent = parent.key;
  const landmark = closest(element.parent, (at) => LANDMARKS.has(roleOf(dom, at) ?? ''));
  if (landmark) facts.inLandmark = landmark.key;
  const item = closest(element.parent, (at) => ITEMS.has(roleOf(dom, at) ?? ''));
  if (item) facts.inItem = item.key;
  for (const state of STATES) {
    const value = known(element, `aria-${state}`);
    if (value !== undefined) facts[state] = value !== 'false' && value !== '';
  }
  return facts;
}

function shortText(element: DomElement): string | null {
  const text = textOf(element);
  return text !== null && text.length > MAX_TEXT && !hasOwnText(element) ? null : text;
}

/** The text that `getByLabel` compares: references first, then `aria-label`, then the labels. */
function labelText(dom: Dom, element: DomElement): string | undefined {
  const references = known(element, 'aria-labelledby');
  if (references !== undefined) {
    const targets = references.split(' ').map((id) => dom.byId.get(id)).filter((target) => target !== undefined);
    const texts = targets.map(textOf);
    if (targets.length > 0) return texts.length === 1 ? texts[0] ?? undefined : undefined;
  }
  const label = known(element, 'aria-label');
  if (label?.trim()) return foldSpace(label);
  const labels = dom.labels.get(element) ?? [];
  return labels.length === 1 && labels[0] ? textOf(labels[0]) ?? undefined : undefined;
}

export function formMethod(form: DomElement): 'get' | 'post' | 'dialog' {
  const method = known(form, 'method')?.toLowerCase();
  return method === 'post' || method === 'dialog' ? method : 'get';
}

const FORM_PARTS = new Set(['button', 'fieldset', 'input', 'object', 'output', 'select', 'textarea']);
/** The form an element belongs to: by its `form` attribute, else the one around it. */
export function formOwner(dom: Dom, element: DomElement): DomElement | null {
  if (FORM_PARTS.has(tagOf(element))) {
    const id = known(element, 'form');
    if (id !== undefined) { const form = dom.byId.get(id); return form && tagOf(form) === 'form' ? form : null; }
  }
  return closest(element, (at) => tagOf(at) === 'form');
}

/** Facts of a control for data entry; `undefined` for other elements and for types the source does not decide. */
export function fieldFacts(dom: Dom, element: DomElement): FieldFacts | undefined {
  const tag = tagOf(element);
  if (tag !== 'input' && tag !== 'textarea' && tag !== 'select') return undefined;
  const type = tag === 'input' ? inputType(element) : tag === 'select' && attribute(element, 'multiple') !== null ? 'select-multiple' : tag;
  if (type === undefined || ['submit', 'button', 'reset', 'image', 'hidden'].includes(type)) return undefined;
  const number = (name: string): number | undefined => { const value = known(element, name); return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined; };
  const text = (name: string): string | undefined => known(element, name) || undefined;
  const state = dom.page.fields.get(element.key);
  const facts: FieldFacts = { type, required: known(element, 'required') !== undefined, readOnly: attribute(element, 'readonly') !== null, disabled: isDisabled(element) !== false };
  const options = tag === 'select' ? optionsOf(element) : null;
  const value = state?.value ?? (tag === 'textarea' ? textareaValue(element) : tag === 'select' ? options?.find((option) => option.selected)?.value ?? options?.[0]?.value : known(element, 'value') ?? (attribute(element, 'value') === null && type !== 'checkbox' && type !== 'radio' ? '' : undefined));
  const checked = type === 'checkbox' || type === 'radio' ? checkedState(dom, element) : undefined;
  const details = {
    name: text('name'), minLength: number('minlength'), maxLength: number('maxlength'), min: text('min'), max: text('max'), step: text('step'), pattern: text('pattern'), value, checked,
    options: options?.map((option) => ({ value: option.value, label: option.label })),
  };
  for (const [key, detail] of Object.entries(details)) if (detail !== undefined) Object.assign(facts, { [key]: detail });
  return facts;
}

/** A leading line break in a text area is swallowed by the parser. */
export function textareaValue(element: DomElement): string | undefined {
  const parts = element.content.map((node) => (node.kind === 'text' && typeof node.text === 'string' ? node.text : null));
  const written = attribute(element, 'value');
  if (typeof written === 'string') return written;
  return written !== null || parts.includes(null) ? undefined : parts.join('').replace(/^\n/, '');
}

/** The options of a drop-down, disabled ones left out; `null` when the source does not decide all of them. */
export function optionsOf(select: DomElement): Array<{ value: string; label: string; selected: boolean; element: DomElement }> | null {
  const options: Array<{ value: string; label: string; selected: boolean; element: DomElement }> = [];
  for (const option of descendants(select)) {
    if (tagOf(option) !== 'option') continue;
    const text = textOf(option);
    const value = attribute(option, 'value');
    if (option.conditional || option.parent?.conditional || text === null || (value !== null && typeof value !== 'string')) return null;
    if (isDisabled(option) === false) options.push({ value: value ?? text, label: known(option, 'label') || text, selected: known(option, 'selected') !== undefined, element: option });
  }
  return select.content.some((node) => node.kind === 'gap') ? null : options;
}
