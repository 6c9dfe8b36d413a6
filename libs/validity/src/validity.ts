import type { FieldFacts, VALIDITY_RULES } from '#contracts';

/** HTML's constraint validation of one value: what a browser says about it when a form is submitted. */

export type ValidityRule = (typeof VALIDITY_RULES)[number];
/** `undecided`: the source does not say whether the control is valid. */
export type Validity = { rule: ValidityRule } | { undecided: string } | null;

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
