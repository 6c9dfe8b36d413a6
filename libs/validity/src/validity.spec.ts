import type { FieldFacts } from '#contracts';
import { matchesPattern, valueValidity } from './validity.js';

const field = (facts: Partial<FieldFacts>): FieldFacts => ({ type: 'text', required: false, readOnly: false, disabled: false, ...facts });

describe('constraint validation', () => {
  it.each([
    ['typeMismatch', { type: 'email' }, 'nobody'], [null, { type: 'email' }, 'a@b'], ['typeMismatch', { type: 'url' }, 'example'], [null, { type: 'url' }, 'x:y'], ['patternMismatch', { pattern: '[0-9]{5}' }, '123'], [null, { pattern: '[0-9]{5}' }, '12345'],
    ['tooShort', { minLength: 4 }, 'abc'], ['rangeUnderflow', { type: 'number', min: '5' }, '4'], ['rangeOverflow', { type: 'number', max: '5' }, '6'], ['stepMismatch', { type: 'number' }, '1.5'], [null, { type: 'number', step: 'any' }, '1.5'],
    [null, { type: 'number', min: '0.5', step: '0.25' }, '1.25'], ['rangeUnderflow', { type: 'date', min: '2030-01-01' }, '2029-12-31'],
  ])('%s: %j with %s', (rule, facts, value) => {
    const verdict = valueValidity(field(facts), value, true);
    expect(verdict && 'rule' in verdict ? verdict.rule : verdict).toBe(rule);
  });
  it('binds length limits only to what the user typed', () => { expect(valueValidity(field({ minLength: 4 }), 'abc', false)).toBeNull(); });
  it.each(['(a+)+', '(a|aa)*b', '([a-z]*)*', '(\\w+\\s?)*', '(a)\\1', 'a*'.repeat(20), '[', 'x'.repeat(300)])('does not try the pattern %s', (pattern) => { expect(matchesPattern(pattern, `${'a'.repeat(100)}!`)).toBeUndefined(); });
  it.each([['[A-Za-z ]+', 'Ada', true], ['\\d{3}-\\d{4}', '555-0100', true], ['(?=.*\\d).{8,}', 'abc', false], ['a|b', 'ab', false]])('tries the pattern %s on %s', (pattern, value, matched) => { expect(matchesPattern(pattern, value)).toBe(matched); });
});
