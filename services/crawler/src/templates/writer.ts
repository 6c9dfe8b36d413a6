import type { Machine } from '../interpret/machine.js';
import { Binding } from '../interpret/scope.js';
import { Choice, Obj, Undecided, type Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import type { Piece } from './output.js';

/**
 * Collects what an interpreted template writes. The output is a chain of immutable links held in one variable of the program, so
 * the machine treats it like any other: where a branch is not decided, both sides write from the same link, and the variable becomes a
 * `Choice` of two chains with a common beginning. `pieces` unfolds those into groups.
 */
export class Writer {
  private readonly output: Binding;
  constructor(private readonly machine: Machine) { this.output = new Binding(new Link(undefined, [], null)); }

  write(...pieces: Piece[]): void {
    this.machine.touchBinding(this.output);
    this.output.value = new Link(this.output.value, pieces, this.machine.uncertain);
  }
  pieces(): Piece[] { return unfold(this.output.value, undefined).pieces; }
}

class Link extends Obj {
  constructor(readonly before: Value, readonly pieces: readonly Piece[], readonly uncertain: Unknown | null) { super(null); }
}

/** What is written between `stop` and `end`. `uncertain`: why it may have been written not at all or many times, when that holds for its beginning. */
function unfold(end: Value, stop: Link | undefined): { pieces: Piece[]; uncertain: Unknown | null } {
  const parts: Array<{ pieces: readonly Piece[]; uncertain: Unknown | null; at?: Place }> = [];
  for (let value = end; value !== undefined && value !== stop;) {
    if (value instanceof Link) {
      if (value.pieces.length > 0) parts.push(value);
      value = value.before;
    } else if (value instanceof Choice) {
      const fork = commonLink(value);
      parts.push(alternatives(value, fork));
      value = fork;
    } else throw new Undecided('a template with too many alternatives', undefined, true);
  }
  parts.reverse();
  const pieces: Piece[] = [];
  let open: Unknown | null = null;
  for (const part of parts) {
    if (part.pieces.length === 0) continue;
    if (part.uncertain !== open) {
      if (open) pieces.push({ kind: 'close' });
      if (part.uncertain) pieces.push({ kind: 'open', when: 'repeated', why: part.uncertain.reason, at: part.uncertain.at });
      open = part.uncertain;
    }
    pieces.push(...part.pieces);
  }
  if (open) pieces.push({ kind: 'close' });
  return { pieces, uncertain: parts.find((part) => part.pieces.length > 0)?.uncertain ?? null };
}

function alternatives(choice: Choice, fork: Link): { pieces: Piece[]; uncertain: Unknown | null } {
  const pieces: Piece[] = [];
  let uncertain: Unknown | null = null;
  for (const option of choice.options) {
    const side = unfold(option, fork);
    if (side.pieces.length === 0) continue;
    uncertain ??= side.uncertain;
    pieces.push({ kind: 'open', when: 'unsure', why: choice.reason, at: choice.at }, ...side.pieces, { kind: 'close' });
  }
  return { pieces, uncertain };
}

const commonLinks = new WeakMap<Choice, Link>();

/** The last link that all options of a choice have passed. */
function commonLink(choice: Choice): Link {
  const known = commonLinks.get(choice);
  if (known) return known;
  const [first, ...rest] = choice.options.map(spine);
  const others = rest.map((links) => new Set(links));
  const common = first?.find((link) => others.every((other) => other.has(link)));
  if (!common) throw new Error('the sides of a branch in a template share no beginning');
  commonLinks.set(choice, common);
  return common;
}

/** The links that were certainly passed on the way to `end`, last first. */
function spine(end: Value): Link[] {
  const links: Link[] = [];
  for (let value = end; value !== undefined;) {
    if (value instanceof Link) { links.push(value); value = value.before; } else if (value instanceof Choice) value = commonLink(value);
    else throw new Undecided('a template with too many alternatives', undefined, true);
  }
  return links;
}
