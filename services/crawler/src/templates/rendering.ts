import { toText } from '../interpret/convert.js';
import type { Machine } from '../interpret/machine.js';
import { Choice, Obj, type Value, Unknown } from '../interpret/values.js';
import type { Repo } from '../framework.js';
import type { Place, Words } from '../markup.js';
import { escapeHtml, type Piece } from './output.js';

/** What every template engine is given. `views`: folders of the repository in which templates are looked up, best first. */
export interface Rendering { machine: Machine; repo: Repo; views: readonly string[] }

/** Rendered output as a value of the program: what `include` and a layout's `body` are. */
export class Rendered extends Obj {
  constructor(machine: Machine, readonly pieces: readonly Piece[]) {
    super(machine.intrinsic('Object'));
    this.put('toString', machine.fn('toString', (_args, _self, at) => plainText(pieces) ?? new Unknown('rendered markup', at)), false);
  }
}

function plainText(pieces: readonly Piece[]): string | undefined {
  let text = '';
  for (const piece of pieces) {
    if (piece.kind === 'html') text += piece.text;
    else if (piece.kind === 'value' && typeof piece.words === 'string') text += piece.raw ? piece.words : escapeHtml(piece.words);
    else return undefined;
  }
  return text;
}

/** What printing a value writes: rendered parts as they are, a choice between known texts as alternatives, nothing for `null` and `undefined`. */
export function printed(machine: Machine, value: Value, raw: boolean, at: Place): Piece[] {
  if (value instanceof Rendered && raw) return [...value.pieces];
  if (value instanceof Choice && raw && !value.repeated) {
    return value.options.flatMap((option): Piece[] => [{ kind: 'open', when: 'unsure', why: value.reason, at }, ...printed(machine, option, raw, at), { kind: 'close' }]);
  }
  return [{ kind: 'value', words: wordsOf(machine, value, at), raw, at }];
}

/** The text that a value prints as. */
export function wordsOf(machine: Machine, value: Value, at: Place): Words {
  if (value === undefined || value === null) return '';
  const text = toText(machine, value, at);
  return text instanceof Unknown ? { undecided: text.reason } : text;
}

/** Runs an expression of a template. What is not decided prints as unknown; what throws, throws: the server answers with an error then. */
export function attemptValue(machine: Machine, evaluate: () => Value, at: Place): Value {
  const attempt = machine.attempt(evaluate);
  if (attempt.ok) return attempt.value;
  if (attempt.thrown) throw attempt.thrown;
  if (attempt.undecided.limit) throw attempt.undecided;
  return new Unknown(attempt.undecided.reason, attempt.undecided.at ?? at);
}
