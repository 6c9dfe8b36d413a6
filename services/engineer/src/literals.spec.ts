import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { literal, patternOf, templateText } from './literals.js';

const HOSTILE = ["'; process.exit(1); '", '`${process.exit(1)}`', '*/ alert(1) /*', '</script>', '\\', "\\'", '\n// x', '\u2028\u2029', '\u202Eevil', '\0', '${', '$`', '\ud800', '\udc00x', '😀', '__proto__'];
const words = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }), fc.array(fc.constantFrom(...HOSTILE)).map((parts) => parts.join('')));

test('a literal is the words again, on one line, in printable characters', () => {
  fc.assert(fc.property(words, (text) => {
    const code = literal(text);
    expect(runInNewContext(code)).toBe(text);
    expect(code).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
  }));
});

test('words in a template interpolate nothing', () => {
  fc.assert(fc.property(words, (text) => { expect(runInNewContext(`\`${templateText(text)}\${x}\``, { x: '!' })).toBe(`${text}!`); }));
});

test('a pattern matches the words and nothing else', () => {
  fc.assert(fc.property(words.filter((text) => text !== ''), (text) => {
    const pattern = runInNewContext(`/^${patternOf(text)}$/`) as RegExp;
    expect(pattern.test(text)).toBe(true);
    expect(pattern.test(`${text}x`)).toBe(false);
  }));
});
