import type { BehaviourStep, Element } from '#contracts';
import { closest, descendants, type DomElement } from '../accessibility/dom.js';
import type { Step } from '../browser.js';
import { takesText } from '../browser.js';
import { literal, malformedDatum, uniqueDatum, validDatum, type Datum } from './data.js';
import { handles, isShown, type View } from './screens.js';

/** One step of the user: what the browser does with the trial value, and what the test will do. */
export interface PlannedStep { act: Step; say: BehaviourStep }

export const click = (key: string): PlannedStep => ({ act: { do: 'click', key }, say: { do: 'click', element: key } });
export const doubleClick = (key: string): PlannedStep => ({ act: { do: 'double-click', key }, say: { do: 'double-click', element: key } });
export const press = (key: string, name: string): PlannedStep => ({ act: { do: 'press', key, data: name }, say: { do: 'press', element: key, data: { kind: 'literal', value: name } } });
export const tick = (key: string, on: boolean): PlannedStep => ({ act: { do: on ? 'check' : 'uncheck', key }, say: { do: on ? 'check' : 'uncheck', element: key } });
export const choose = (key: string, label: string): PlannedStep => ({ act: { do: 'select', key, data: label }, say: { do: 'select', element: key, data: { kind: 'literal', value: label } } });
export const fill = (key: string, datum: Datum): PlannedStep => ({ act: { do: 'fill', key, data: datum.value }, say: { do: 'fill', element: key, data: datum.data } });

/** A form, or fields and a button that act as one without a `form` element around them. */
export interface Entry {
  form: DomElement;
  fields: Element[];
  /** Clicked to submit; without one, Enter in the last field does it. */
  button: Element | null;
  native: boolean;
}

export const isUsable = (element: Element): boolean => isShown(element) && !element.disabled && !element.field?.disabled && !element.field?.readOnly;
/** Whether some locator may find it: by words, by an attribute of a field, or as the control of a role that is the only one where it stands. */
export const isLocatable = (element: Element): boolean => handles(element).length > 0 || element.htmlId !== undefined || element.field?.name !== undefined || element.field?.type === 'password' || NAMELESS.has(element.role ?? '');
const NAMELESS = new Set(['button', 'link', 'textbox', 'searchbox', 'spinbutton', 'combobox', 'checkbox', 'switch']);

/** All forms of a view with their submit buttons: one entry for each button. */
export function formsOf(view: View): Entry[] {
  const entries: Entry[] = [];
  for (const element of view.elements) {
    const form = element.tag === 'form' ? view.dom.byKey.get(element.id) : undefined;
    if (!form) continue;
    const own = view.elements.filter((candidate) => candidate.inForm === element.id);
    const fields = own.filter((candidate) => candidate.field);
    const buttons = own.filter((candidate) => isShown(candidate) && isLocatable(candidate) && submits(view, candidate));
    if (buttons.length === 0) entries.push({ form, fields, button: null, native: true });
    for (const button of buttons.slice(0, 3)) entries.push({ form, fields, button, native: true });
  }
  return entries;
}
function submits(view: View, element: Element): boolean {
  const dom = view.dom.byKey.get(element.id);
  if (!dom || isAroundLink(dom)) return false;
  const type = dom.markup.attributes.get('type');
  const kind = typeof type === 'string' ? type.toLowerCase() : type === undefined ? 'submit' : '';
  return (element.tag === 'button' && kind !== 'button' && kind !== 'reset') || (element.tag === 'input' && typeof type === 'string' && (kind === 'submit' || kind === 'image'));
}

/** A click in the middle of such a button goes to the link, and what the browsers make of it differs. */
export const isAroundLink = (element: DomElement): boolean => element.markup.tag === 'button' && [...descendants(element)].some(({ markup }) => markup.tag === 'a' && markup.attributes.has('href'));

/** A button with a handler outside of any form, with the text field right before it, or else the nearest ones around it, that are in no form either. */
export function looseEntryOf(view: View, button: Element): Entry | null {
  const start = view.dom.byKey.get(button.id);
  if (!start || button.inForm) return null;
  const siblings = start.among.filter((node) => node.kind === 'element');
  const before = siblings[siblings.indexOf(start) - 1];
  const beside = before && isLooseField(view, before) ? view.byId.get(before.key) : undefined;
  if (beside) return { form: start.parent ?? start, fields: [beside], button, native: false };
  const around = closest(start.parent, (at) => [...descendants(at)].some((inside) => isLooseField(view, inside)));
  const near = around ? [...descendants(around)] : view.dom.elements;
  // Beside more buttons than a pair of yes and no, the fields are not there for this one.
  if (!near.some((inside) => isLooseField(view, inside)) || near.filter((inside) => inside.markup.tag === 'button' && inside.markup.handlers?.has('click')).length > 2) return null;
  const inside = new Set(near.map((element) => element.key));
  return { form: around ?? start, fields: view.elements.filter((element) => element.field && !element.inForm && inside.has(element.id) && element.field.type !== 'checkbox'), button, native: false };
}
function isLooseField(view: View, element: DomElement): boolean {
  const facts = view.byId.get(element.key);
  return !!facts?.field && takesText(facts.field.type) && !facts.inForm && isUsable(facts);
}

/** What to enter into each field for a valid submission. `null`: a field that must be filled cannot be, by `why`. */
export interface Filling { steps: Map<string, PlannedStep>; values: Map<string, Datum> }
export function validFilling(entry: Entry, replace: ReadonlyMap<string, Datum>, unique: boolean): Filling | { why: string; element: Element } {
  const filling: Filling = { steps: new Map(), values: new Map() };
  const radios = new Set<string>();
  for (const [index, field] of entry.fields.entries()) {
    const facts = field.field;
    if (!facts || facts.disabled || facts.readOnly) continue;
    if (!isUsable(field) || !isLocatable(field) || facts.type === 'file') {
      if (facts.required) return { why: facts.type === 'file' ? 'the form needs a file' : 'a required field cannot be reached by words of the source', element: field };
      continue;
    }
    if (takesText(facts.type) || ['date', 'month', 'week', 'time', 'datetime-local'].includes(facts.type)) {
      const wanted = replace.get(field.id);
      if (!wanted && facts.value) continue;
      const datum = wanted ?? (unique ? uniqueDatum(field, facts, index) : null) ?? validDatum(field, facts);
      if (datum) { filling.steps.set(field.id, fill(field.id, datum)); filling.values.set(field.id, datum); }
      else if (facts.required) return { why: 'no value that meets its constraints is known', element: field };
    } else if (facts.type === 'checkbox') {
      const agreement = /agree|accept|terms|consent/i.test(`${field.label ?? ''} ${field.name ?? ''} ${facts.name ?? ''}`);
      if (facts.checked === false && (facts.required || agreement)) filling.steps.set(field.id, tick(field.id, true));
    } else if (facts.type === 'radio') {
      const group = facts.name ?? field.id;
      const chosen = entry.fields.some((other) => other.field?.type === 'radio' && other.field.name === facts.name && other.field.checked !== false);
      if (!radios.has(group) && !chosen) filling.steps.set(field.id, tick(field.id, true));
      radios.add(group);
    } else if (facts.type === 'select') {
      const option = facts.options?.find((candidate) => candidate.value !== '' && candidate.value !== facts.value);
      if (facts.value === '' && option) filling.steps.set(field.id, choose(field.id, option.label));
      else if (facts.required && !facts.options) return { why: 'its options are not known', element: field };
    }
  }
  return filling;
}

/** The field's own datum exchanged for one that the browser refuses; `null` when it has none. */
export function malformed(entry: Entry, filling: Filling, field: Element): PlannedStep[] | null {
  const datum = field.field && filling.values.has(field.id) ? malformedDatum(field.field) : null;
  return datum && steps(entry, { ...filling, steps: new Map([...filling.steps].map(([id, step]) => [id, id === field.id ? fill(id, datum) : step])) });
}

/** The filling's steps in the order of the fields, then the submission. `null` when nothing submits. */
export function steps(entry: Entry, filling: Filling, without?: string): PlannedStep[] | null {
  const planned = [...filling.steps].filter(([id]) => id !== without).map(([, step]) => step);
  if (entry.button) return [...planned, click(entry.button.id)];
  const line = entry.fields.findLast((field) => field.tag === 'input' && isUsable(field) && isLocatable(field) && takesText(field.field?.type ?? ''));
  return line ? [...planned, press(line.id, 'Enter')] : null;
}

/** The same filling with every value that equals `typed` exchanged. */
export function replaced(filling: Filling, typed: string, wanted: string): Map<string, Datum> | null {
  const values = new Map(filling.values);
  let changed = false;
  for (const [id, datum] of filling.values) if (datum.value === typed) { values.set(id, literal(wanted)); changed = true; }
  return changed ? values : null;
}
