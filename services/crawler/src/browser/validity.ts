import type { FieldFacts } from '#contracts';
import { valueValidity, type Validity, type ValidityRule } from '#validity';
import { closest, known, tagOf, type Dom, type DomElement } from '../accessibility/dom.js';
import { fieldFacts, formOwner } from '../accessibility/facts.js';

/** Native constraint validation of a form: the first control, in tree order, that stops the submission. */
export function firstInvalid(dom: Dom, form: DomElement): { element: DomElement; rule: ValidityRule } | { undecided: string } | null {
  for (const element of dom.elements) {
    if (formOwner(dom, element) !== form) continue;
    const verdict = validityOf(dom, element);
    if (!verdict) continue;
    if ('undecided' in verdict) return verdict;
    return element.certain ? { element, rule: verdict.rule } : { undecided: `<${tagOf(element)}> is only perhaps in the form` };
  }
  return null;
}

function validityOf(dom: Dom, element: DomElement): Validity {
  const facts = fieldFacts(dom, element);
  if (!facts) return undecidedType(element);
  if (facts.disabled || facts.readOnly || closest(element.parent, (at) => tagOf(at) === 'datalist')) return null;
  const required = element.markup.attributes.get('required');
  if (required !== undefined && required !== true && typeof required !== 'string') return { undecided: 'whether the field is required is not decided' };
  if (facts.type === 'checkbox') return facts.required && facts.checked !== true ? (facts.checked === undefined ? { undecided: 'the checked state is not known' } : { rule: 'valueMissing' }) : null;
  if (facts.type === 'radio') return radioValidity(dom, element, facts);
  if (facts.type === 'file') return facts.required ? { rule: 'valueMissing' } : null;
  if (facts.value === undefined) return facts.required || constrained(facts) ? { undecided: 'the value is not known' } : null;
  if (facts.value === '') return facts.required ? { rule: 'valueMissing' } : null;
  return valueValidity(facts, facts.value, dom.page.fields.get(element.key)?.value !== undefined);
}
function undecidedType(element: DomElement): Validity {
  const type = element.markup.attributes.get('type');
  return tagOf(element) === 'input' && type !== undefined && typeof type !== 'string' && type !== true ? { undecided: 'the type of the field is not decided' } : null;
}
const constrained = (facts: FieldFacts): boolean => ['email', 'url', 'number'].includes(facts.type) || facts.pattern !== undefined || facts.minLength !== undefined || facts.min !== undefined || facts.max !== undefined;

function radioValidity(dom: Dom, element: DomElement, facts: FieldFacts): Validity {
  if (!facts.name) return facts.required && !facts.checked ? { rule: 'valueMissing' } : null;
  const group = dom.elements.filter((other) => known(other, 'name') === facts.name && fieldFacts(dom, other)?.type === 'radio' && formOwner(dom, other) === formOwner(dom, element));
  const states = group.map((other) => fieldFacts(dom, other));
  if (!states.some((state) => state?.required) || states.some((state) => state?.checked)) return null;
  return states.some((state) => state?.checked === undefined) ? { undecided: 'the checked state is not known' } : { rule: 'valueMissing' };
}
