import type { Element, Screen } from '#contracts';
import { valueValidity, type ValidityRule } from '#validity';

/** What was done to a field: the text in it, or whether it is ticked. */
export type Touched = ReadonlyMap<string, string | boolean>;

/** The first field, in the order of the document, that stops the form's submission; `null` when none does; `undecided` when the map does not say. */
export function firstInvalid(screen: Screen, form: string, touched: Touched): { element: Element; rule: ValidityRule } | { undecided: string } | null {
  if (screen.opaque.length > 0) return { undecided: 'the page has parts whose markup the source does not give' };
  for (const element of screen.elements) {
    if (element.inForm !== form || !element.field || element.field.disabled || element.field.readOnly || ['hidden', 'submit', 'button', 'reset', 'image'].includes(element.field.type)) continue;
    if (element.presence !== 'shown') return { undecided: `whether ${element.id} is there` };
    const rule = ruleOf(element, screen, touched);
    if (rule && typeof rule === 'object') return rule;
    if (rule) return { element, rule };
  }
  return null;
}

function ruleOf({ id, field, inForm }: Element, screen: Screen, touched: Touched): ValidityRule | { undecided: string } | null {
  if (!field) return null;
  const done = touched.get(id);
  switch (field.type) {
    case 'checkbox': return field.required && !(done ?? field.checked) ? 'valueMissing' : null;
    case 'radio': {
      const group = screen.elements.filter((one) => one.inForm === inForm && one.field?.type === 'radio' && one.field.name === field.name);
      return group.some((one) => one.field?.required) && !group.some((one) => touched.get(one.id) ?? one.field?.checked) ? 'valueMissing' : null;
    }
    case 'file': return field.required ? 'valueMissing' : null;
    // The label of an option is what is chosen; its value is what counts.
    case 'select': case 'select-multiple': {
      if (!field.required) return null;
      const chosen = typeof done === 'string' ? field.options?.find(({ label }) => label === done)?.value : field.value;
      return chosen === undefined ? { undecided: `what is chosen in ${id}` } : chosen === '' ? 'valueMissing' : null;
    }
    default: {
      const value = sanitized(typeof done === 'string' ? done : field.value, field.type);
      if (value === undefined) return { undecided: `what is in ${id}` };
      if (value === '') return field.required ? 'valueMissing' : null;
      const verdict = valueValidity(field, value, typeof done === 'string');
      return verdict && 'rule' in verdict ? verdict.rule : verdict;
    }
  }
}

/** Browsers take the white space around an e-mail address or a URL away before they look at it. */
const sanitized = (value: string | undefined, type: string) => (type === 'email' || type === 'url' ? value?.trim() : value);
