import type { FieldFacts } from '#contracts';
import { VALIDITY_RULES } from '#contracts';
import { closest, known, tagOf, type Dom, type DomElement } from '../accessibility/dom.js';
import { fieldFacts, formOwner } from '../accessibility/facts.js';

export type ValidityRule = (typeof VALIDITY_RULES)[number];
/** `undecided`: the source does not say whether the control is valid. */
export type Validity = { rule: ValidityRule } | { undecided: string } | null;

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

/** What WHATWG calls a valid e-mail address. */
const EMAIL = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const TEXTUAL = new Set(['text', 'search', 'tel', 'url', 'email', 'password']);

/** Validity of a value that is not empty. `edited`: length limits only bind what the user has typed. */
export function valueValidity(facts: FieldFacts, value: string, edited: boolean): Validity {
  if (facts.type === 'email' && !value.split(',').every((one) => EMAIL.test(one.trim()))) return { rule: 'typeMismatch' };
  if (facts.type === 'url' && !URL.canParse(value)) return { rule: 'typeMismatch' };
  if (facts.pattern !== undefined && TEXTUAL.has(facts.type)) {
    const matched = matchesPattern(facts.pattern, value);
    if (matched === undefined) return { undecided: `the pattern ${facts.pattern.slice(0, 80)} is not tried` };
    if (!matched) return { rule: 'patternMismatch' };
  }
  if (facts.minLength !== undefined && edited && value.length < facts.minLength && (TEXTUAL.has(facts.type) || facts.type === 'textarea')) return { rule: 'tooShort' };
  if (facts.type === 'number' || facts.type === 'range') return numberValidity(facts, Number(value));
  if (['date', 'month', 'time', 'datetime-local', 'week'].includes(facts.type)) {
    if (facts.min !== undefined && value < facts.min) return { rule: 'rangeUnderflow' };
    if (facts.max !== undefined && value > facts.max) return { rule: 'rangeOverflow' };
  }
  return null;
}
function numberValidity(facts: FieldFacts, value: number): Validity {
  if (Number.isNaN(value)) return { rule: 'badInput' };
  const min = facts.min === undefined ? undefined : Number(facts.min);
  const max = facts.max === undefined ? undefined : Number(facts.max);
  if (min !== undefined && value < min) return { rule: 'rangeUnderflow' };
  if (max !== undefined && value > max) return { rule: 'rangeOverflow' };
  if (facts.step === 'any') return null;
  const step = Number(facts.step ?? 1) > 0 ? Number(facts.step ?? 1) : 1;
  const remainder = Math.abs((value - (min ?? 0)) / step - Math.round((value - (min ?? 0)) / step));
  return remainder > 1e-9 ? { rule: 'stepMismatch' } : null;
}

/**
 * Tries a `pattern` as a browser does (anchored, `v` flag); `undefined` for one that is not valid or might backtrack without end:
 * a repository must not be able to stop the crawler with a regular expression.
 */
export function matchesPattern(pattern: string, value: string): boolean | undefined {
  if (pattern.length > 200 || value.length > 200 || !isLinear(pattern)) return undefined;
  try {
    return new RegExp(`^(?:${pattern})$`, 'v').test(value);
  } catch {
    // A pattern that does not compile is ignored by browsers; whether it was meant to be is not ours to guess.
    return undefined;
  }
}
/** No repeated group that holds a repetition or an alternative, no back reference, and few repetitions in all. */
function isLinear(pattern: string): boolean {
  const open: Array<{ loops: boolean }> = [];
  let repetitions = 0;
  let inClass = false;
  let closed: { loops: boolean } | null = null;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (c === '\\') { if (/[1-9k]/.test(pattern[i + 1] ?? '')) return false; i++; closed = null; continue; }
    if (inClass) { if (c === ']') inClass = false; continue; }
    const quantifier = c === '*' || c === '+' || c === '{';
    if (quantifier) {
      if (closed?.loops) return false;
      if (++repetitions > 6) return false;
      for (const group of open) group.loops = true;
    }
    closed = null;
    if (c === '[') inClass = true;
    else if (c === '(') open.push({ loops: false });
    else if (c === '|') for (const group of open) group.loops = true;
    else if (c === ')') closed = open.pop() ?? null;
  }
  return true;
}
