/**
 * Words from the repository inside generated code. All of it is hostile: a literal must not end early, a comment must not close, and nothing may be interpolated.
 */

/** What a JavaScript parser, a terminal or a reader could take for something else: control and format characters, line separators, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;
const escapeUnit = (char: string) => char.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const NAMED: Record<string, string> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

/** A single-quoted string literal. */
export function literal(words: string): string {
  return `'${words.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`).replaceAll(UNSAFE, (char) => NAMED[char] ?? escapeUnit(char))}'`;
}

/** The inside of a template literal: text that is followed by a `${…}` of our own. */
export function templateText(words: string): string {
  return literal(words).slice(1, -1).replaceAll(String.raw`\'`, "'").replaceAll('`', '\\`').replaceAll('${', '\\${');
}

/** A regular expression literal that matches exactly these words, between two pieces of pattern. */
export function patternOf(words: string): string {
  return words.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`).replaceAll(UNSAFE, escapeUnit);
}
