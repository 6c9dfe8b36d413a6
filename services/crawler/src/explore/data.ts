import type { Element, FieldFacts, StepData } from '#contracts';
import { valueValidity } from '#validity';

/** What to put into a field: the words of the test, and the value with which the crawler tries it out. */
export interface Datum { data: StepData; value: string }

/** Stands in for what a test, or the application, makes new on each run: appears in no application (the digits are those of `GENERATED`). */
export const UNIQUE = /zq\d+unique|74021983\d{4}/;
const uniqueToken = (index: number): string => `zq${index}unique`;

type Meaning = 'email' | 'username' | 'password' | 'name' | 'phone' | 'url' | 'zip' | 'city' | 'number' | 'date' | 'search' | 'text';
const MEANINGS: ReadonlyArray<readonly [RegExp, Meaning]> = [
  [/e-?mail/i, 'email'], [/user ?-?_?name|login|handle|nickname/i, 'username'], [/pass(word|phrase|wd)?\b|pwd/i, 'password'], [/phone|mobile|\btel\b/i, 'phone'], [/url|website|homepage|link/i, 'url'], [/zip|postal|postcode/i, 'zip'],
  [/city|town/i, 'city'], [/amount|price|quantity|qty|age|count|number/i, 'number'], [/date|birthday/i, 'date'], [/search|query|filter|^q$/i, 'search'], [/name/i, 'name'],
];
const SAMPLES: Record<Meaning, string> = {
  email: 'ada@example.com', username: 'ada', password: 'Correct-Horse-42', name: 'Ada', phone: '555 0100', url: 'https://example.com/', zip: '12345', city: 'London', number: '3', date: '2030-05-17', search: 'example', text: 'A short note',
};

function meaningOf(element: Element, facts: FieldFacts): Meaning {
  if (facts.type === 'email' || facts.type === 'password' || facts.type === 'url' || facts.type === 'number' || facts.type === 'date' || facts.type === 'search') return facts.type;
  if (facts.type === 'tel') return 'phone';
  if (facts.type === 'range') return 'number';
  const words = [facts.name, element.label, element.placeholder, element.htmlId, element.testId].filter(Boolean).join(' ').slice(0, 200);
  return MEANINGS.find(([test]) => test.test(words))?.[1] ?? 'text';
}

/** A field in which one looks for something. */
export const isSearch = (element: Element): boolean => element.field !== undefined && meaningOf(element, element.field) === 'search';

/** A sensible valid value, or `null` when none of ours meets the field's constraints. */
export function validDatum(element: Element, facts: FieldFacts): Datum | null {
  const meaning = meaningOf(element, facts);
  const candidates = [SAMPLES[meaning], ...inRange(facts), ...numbersAndWords(facts)];
  const fixed: Partial<Record<string, string>> = { date: '2030-05-17', month: '2030-05', week: '2030-W20', time: '10:30', 'datetime-local': '2030-05-17T10:30', color: '#336699' };
  const own = fixed[facts.type];
  for (const value of own ? [own, facts.min, facts.max] : candidates) {
    if (value && (facts.maxLength === undefined || value.length <= facts.maxLength) && valueValidity(facts, value, true) === null) return literal(value);
  }
  return null;
}
export const literal = (value: string): Datum => ({ data: { kind: 'literal', value }, value });

function inRange(facts: FieldFacts): string[] {
  if (facts.type !== 'number' && facts.type !== 'range') return [];
  const [min, max] = [Number(facts.min ?? Number.NaN), Number(facts.max ?? Number.NaN)];
  return [facts.min, facts.max, Number.isNaN(min) ? undefined : String(min + 1), Number.isNaN(max) ? undefined : String(max - 1), '10', '1'].filter((value) => value !== undefined);
}
/** Values for length limits and for the patterns that people write: digits, letters, codes. */
function numbersAndWords(facts: FieldFacts): string[] {
  const length = Math.min(Math.max(facts.minLength ?? 1, 1), 60);
  const digits = '1234567890'.repeat(6);
  const letters = 'abcdefghij'.repeat(6);
  return [letters.slice(0, Math.max(length, 3)), digits.slice(0, Math.max(length, 3)), `A${letters.slice(0, length)}1!`, '12345', '1234567890', '555-010-0100', '123-456-7890', 'AB12', 'abc', 'Ab1!Ab1!Ab1!', '1234', '123456', 'A', '1'];
}

/** A value that is new on every run, when the field takes one; `index` keeps the stand-ins of one form apart. */
export function uniqueDatum(element: Element, facts: FieldFacts, index: number): Datum | null {
  if (facts.pattern !== undefined || (facts.maxLength !== undefined && facts.maxLength < 40)) return null;
  const token = uniqueToken(index);
  const meaning = meaningOf(element, facts);
  if (facts.type === 'email' || (meaning === 'email' && facts.type === 'text')) return { data: { kind: 'unique', prefix: 'ada', format: 'email' }, value: `${token}@example.com` };
  if (facts.type !== 'text' && facts.type !== 'textarea' && facts.type !== 'search') return null;
  if (meaning === 'username') return { data: { kind: 'unique', prefix: 'ada', format: 'username' }, value: token };
  return meaning === 'name' || meaning === 'text' ? { data: { kind: 'unique', prefix: SAMPLES[meaning], format: 'text' }, value: token } : null;
}

/** A value that the browser itself must refuse, when the field's constraints allow one that can be typed. */
export function malformedDatum(facts: FieldFacts): Datum | null {
  const candidates = facts.type === 'email' ? ['not-an-email'] : facts.type === 'url' ? ['not a url'] : facts.type === 'number' ? numbersOutside(facts) : facts.pattern !== undefined || facts.minLength !== undefined ? ['!', 'x', '0', '  '] : [];
  for (const value of candidates) {
    const verdict = valueValidity(facts, value, true);
    if (verdict && 'rule' in verdict && verdict.rule !== 'badInput' && (facts.maxLength === undefined || value.length <= facts.maxLength)) return literal(value);
  }
  return null;
}
function numbersOutside(facts: FieldFacts): string[] {
  const [min, max] = [Number(facts.min ?? Number.NaN), Number(facts.max ?? Number.NaN)];
  return [...(Number.isNaN(min) ? [] : [String(min - 1)]), ...(Number.isNaN(max) ? [] : [String(max + 1)]), ...(facts.step === 'any' ? [] : ['1.5'])];
}
