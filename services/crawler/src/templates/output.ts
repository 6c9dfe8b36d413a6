import type { Place, Words } from '../markup.js';
import { Scanner } from './scanner.js';

/**
 * What a template engine writes while it renders: HTML text, values, and regions that are rendered under a condition the
 * source does not decide. The pieces stay in order; `document.ts` reads them as the browser reads the page.
 */
export type Piece =
  /** Markup of the template. `advances`: line breaks in the text are line breaks of the file. */
  | { kind: 'html'; text: string; at: Place; advances: boolean }
  /** A value the template prints. `raw`: not escaped, so it may hold markup. */
  | { kind: 'value'; words: Words; raw: boolean; at: Place }
  | { kind: 'open'; when: 'unsure' | 'repeated'; why: string; at: Place }
  | { kind: 'close' };

/** The template opens in one branch what it closes in another, under a condition the source does not decide: there is no one tree to speak of. */
export class UnbalancedTemplate extends Error {
  constructor(readonly why: string, readonly at: Place) { super(`elements are opened or closed under an undecided condition: ${why}`); }
}

/** The five characters that every template engine escapes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

// Marks stand in the assembled text for what is no text; both ends are private-use characters that are removed from everything else.
const OPEN = '\uE0F0';
const SHUT = '\uE0F1';
const mark = (index: number): string => `${OPEN}${index}${SHUT}`;
const MARK = new RegExp(`${OPEN}(\\d+)${SHUT}`);
export const isMarked = (text: string): boolean => text.includes(OPEN);
export const unmarked = (text: string): string => text.replaceAll(OPEN, '\uFFFD').replaceAll(SHUT, '\uFFFD');

/** Splits a text at its marks: strings and the pieces that stand between them, in order. */
export function splitMarks(text: string, marks: readonly Piece[]): Array<string | Piece> {
  return text.split(MARK).map((part, index) => (index % 2 === 0 ? part : marks[Number(part)]!)).filter((part) => part !== '');
}

/** The pieces as one text for an HTML parser. Groups and unknown markup are comments `mark`, in a tag an attribute `mark`, unknown words are `mark` in the text. */
export interface Assembled {
  html: string;
  marks: readonly Piece[];
  placeOf(offset: number): Place;
}

interface Group { mark: number; state: Scanner['state']; why: string; at: Place; skipped: boolean }

export function assemble(pieces: readonly Piece[]): Assembled {
  const marks: Piece[] = [];
  const segments: Array<{ start: number; at: Place; advances: boolean }> = [];
  const groups: Group[] = [];
  const scanner = new Scanner();
  let html = '';
  const write = (text: string, at: Place, advances: boolean): void => {
    if (groups.some((group) => group.skipped)) return;
    segments.push({ start: html.length, at, advances });
    html += text;
    scanner.feed(text);
  };
  const writeMark = (piece: Piece, at: Place, node: boolean): void => {
    if (groups.some((group) => group.skipped)) return;
    const text = mark(marks.push(piece) - 1);
    segments.push({ start: html.length, at, advances: false });
    if (scanner.state === 'text' && node) html += `<!--${text}-->`;
    else if (scanner.state === 'tag') { html += ` ${text} `; } else { html += text; scanner.feed('\uFFFD'); }
  };
  for (const piece of pieces) {
    if (piece.kind === 'html') write(unmarked(piece.text), piece.at, piece.advances);
    else if (piece.kind === 'value') {
      if (typeof piece.words === 'string') write(unmarked(piece.raw ? piece.words : escapeHtml(piece.words)), piece.at, false);
      else writeMark(piece, piece.at, piece.raw);
    } else if (piece.kind === 'open') {
      // Inside of an attribute value, a title, a script: all that is known is that the words are not.
      const state = scanner.state;
      const inWords = state !== 'text' && state !== 'tag';
      writeMark(inWords ? { kind: 'value', words: { undecided: piece.why }, raw: false, at: piece.at } : piece, piece.at, true);
      groups.push({ mark: scanner.mark(), state, why: piece.why, at: piece.at, skipped: inWords });
    } else {
      const group = groups.pop();
      if (!group) throw new Error('a group of template output is closed that was not opened');
      // The mark that follows ends an attribute without a value.
      if (group.state === 'tag' && (scanner.state === 'attribute' || scanner.state === 'bare')) scanner.feed(' ');
      if (!group.skipped && (scanner.state !== group.state || !scanner.balancedSince(group.mark))) throw new UnbalancedTemplate(group.why, group.at);
      if (!group.skipped) writeMark(piece, group.at, true);
    }
  }
  const left = groups.at(-1);
  if (left) throw new UnbalancedTemplate(left.why, left.at);
  const placeOf = (offset: number): Place => {
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (segments[middle]!.start <= offset) low = middle; else high = middle - 1;
    }
    const segment = segments[low];
    if (!segment) return { file: '', line: 1 };
    if (!segment.advances) return segment.at;
    let line = segment.at.line;
    for (let index = segment.start; index < offset; index++) if (html.charCodeAt(index) === 10) line++;
    return { file: segment.at.file, line };
  };
  return { html, marks, placeOf };
}
