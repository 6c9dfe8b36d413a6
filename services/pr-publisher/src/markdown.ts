/**
 * Words from the repository in Markdown: shown as they are, they must not become a heading, a link, a mention, an image or HTML, nor reach out of their line.
 */
const ZERO_WIDTH_SPACE = '\u200B';

/** One line of plain text. */
export function plain(words: string, length = 200): string {
  const line = words.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ').trim();
  const clipped = line.length <= length ? line : `${line.slice(0, length - 1)}…`;
  return clipped
    .replaceAll(/[\\`*_{}[\]()<>|~!$&]/g, (char) => (char === '<' ? '&lt;' : char === '>' ? '&gt;' : char === '&' ? '&amp;' : `\\${char}`))
    // Forges link these wherever they stand in a text, escaped or not.
    .replaceAll(/[@#]|:\/\/|\bwww\./gi, (found) => (found.startsWith(':') ? `:${ZERO_WIDTH_SPACE}//` : found.toLowerCase() === 'www.' ? `www${ZERO_WIDTH_SPACE}.` : `${found}${ZERO_WIDTH_SPACE}`))
    .replace(/^([-+=]|\d+[.)])/, String.raw`\$1`);
}

/** A code span: nothing in it is interpreted. */
export function code(words: string, length = 200): string {
  const line = words.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ').trim().slice(0, length);
  const fence = '`'.repeat(Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  const padding = line.startsWith('`') || line.endsWith('`') || line === '' ? ' ' : '';
  return `${fence}${padding}${line}${padding}${fence}`;
}

/** A fenced block of lines. */
export function codeBlock(lines: readonly string[]): string {
  const text = lines.map((line) => line.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ')).join('\n');
  const fence = '`'.repeat(Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
