import { attribute, closest, known, tagOf, type Dom, type DomElement } from '../accessibility/dom.js';
import { fieldFacts, formOwner, optionsOf } from '../accessibility/facts.js';
import { inputType, isDisabled } from '../accessibility/roles.js';

const SUBMIT_TYPES = new Set(['submit', 'image']);

/** The type a button acts as: `submit` unless the source says otherwise. `undefined`: not a button, or not decided. */
export function buttonType(element: DomElement): 'submit' | 'reset' | 'button' | undefined {
  if (tagOf(element) === 'button') {
    const type = attribute(element, 'type');
    if (type !== null && typeof type !== 'string') return undefined;
    return type?.toLowerCase() === 'reset' ? 'reset' : type?.toLowerCase() === 'button' ? 'button' : 'submit';
  }
  const type = tagOf(element) === 'input' ? inputType(element) : undefined;
  return type === undefined ? undefined : SUBMIT_TYPES.has(type) ? 'submit' : type === 'reset' ? 'reset' : type === 'button' ? 'button' : undefined;
}
export const isSubmitter = (dom: Dom, element: DomElement, form: DomElement): boolean => buttonType(element) === 'submit' && formOwner(dom, element) === form;

/**
 * The successful controls of a form in tree order, as name and value. `undecided` when one of them has a name, value or state that the source does not
 * decide, or only perhaps exists.
 */
export function successfulControls(dom: Dom, form: DomElement, submitter: DomElement | null): Array<readonly [string, string]> | { undecided: string } {
  const entries: Array<readonly [string, string]> = [];
  for (const element of dom.elements) {
    if (!['input', 'select', 'textarea', 'button'].includes(tagOf(element)) || formOwner(dom, element) !== form) continue;
    if (closest(element.parent, (at) => tagOf(at) === 'datalist')) continue;
    const disabled = isDisabled(element);
    if (disabled === true) continue;
    const name = attribute(element, 'name');
    if (name === null || name === '') continue;
    const unsure = { undecided: `<${tagOf(element)}> of ${element.markup.at.file}:${element.markup.at.line}` };
    if (typeof name !== 'string' || disabled === undefined || !element.certain) return unsure;
    const found = entriesOf(dom, element, name, submitter);
    if (!found) return unsure;
    entries.push(...found);
  }
  return entries;
}

function entriesOf(dom: Dom, element: DomElement, name: string, submitter: DomElement | null): Array<readonly [string, string]> | null {
  if (buttonType(element) !== undefined) {
    if (element !== submitter) return [];
    const value = attribute(element, 'value') ?? '';
    return typeof value === 'string' ? [[name, value]] : null;
  }
  if (tagOf(element) === 'input' && inputType(element) === undefined) return null;
  if (tagOf(element) === 'input' && inputType(element) === 'hidden') {
    const value = attribute(element, 'value') ?? '';
    return typeof value === 'string' ? [[name, value]] : null;
  }
  const facts = fieldFacts(dom, element);
  if (!facts || facts.type === 'file') return null;
  if (facts.type === 'checkbox' || facts.type === 'radio') {
    if (facts.checked === undefined) return null;
    const value = attribute(element, 'value') ?? 'on';
    return !facts.checked ? [] : typeof value === 'string' ? [[name, value]] : null;
  }
  if (facts.type === 'select-multiple') return optionsOf(element)?.filter((option) => option.selected).map((option) => [name, option.value] as const) ?? null;
  return facts.value === undefined || (tagOf(element) === 'select' && !facts.options) ? null : [[name, facts.value]];
}

/** Where a form goes: the submitter's own `formaction` and `formmethod` first. */
export function formTarget(form: DomElement, submitter: DomElement | null): { action: string; method: string } | null {
  const action = (submitter && attribute(submitter, 'formaction')) ?? attribute(form, 'action') ?? '';
  const method = (submitter && attribute(submitter, 'formmethod')) ?? attribute(form, 'method') ?? 'get';
  return typeof action === 'string' && typeof method === 'string' ? { action, method: method.toLowerCase() } : null;
}
export const skipsValidation = (form: DomElement, submitter: DomElement | null): boolean => attribute(form, 'novalidate') !== null || (submitter !== null && attribute(submitter, 'formnovalidate') !== null);
export const opensElsewhere = (element: DomElement): boolean => !['', '_self', '_top', '_parent'].includes((known(element, 'target') ?? (attribute(element, 'target') === null ? '' : '?')).toLowerCase());
