import type { Machine } from '../interpret/machine.js';
import { Binding } from '../interpret/scope.js';
import { Choice, Obj, Undecided, type Unknown, type Value } from '../interpret/values.js';
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
  pieces(): Piece[] { return unfold(this.output.value, undefined, null); }
}

class Link extends Obj {
  constructor(readonly before: Value, readonly pieces: readonly Piece[], readonly uncertain: Unknown | null) { super(null); }
}

/** What is written between `stop` and `end`. `within`: the run of uncertain links that is open around it. */
function unfold(end: Value, stop: Link | Choice | undefined, within: Unknown | null): Piece[] {
  const parts: Array<Link | Choice> = [];
  for (let value = end; value !== undefined && value !== stop;) {
    if (!(value instanceof Link || value instanceof Choice)) throw new Undecided('a template with too many alternatives', undefined, true);
    parts.push(value);
    value = value instanceof Link ? value.before : commonLink(value);
  }
  const pieces: Piece[] = [];
  let open: Unknown | null = null;
  const run = (uncertain: Unknown | null): void => {
    if (uncertain === open) return;
    if (open) pieces.push({ kind: 'close' });
    if (uncertain) pieces.push({ kind: 'open', when: 'repeated', why: uncertain.reason, at: uncertain.at });
    open = uncertain;
  };
  for (const part of parts.reverse()) {
    if (part instanceof Link) {
      if (part.pieces.length === 0) continue;
      run(part.uncertain === within ? null : part.uncertain);
      pieces.push(...part.pieces);
    } else {
      // A choice inside of a run is part of it; any other ends it.
      if (!open || !startsWith(part, open)) run(null);
      pieces.push(...alternatives(part, open ?? within));
    }
  }
  run(null);
  return pieces;
}

function alternatives(choice: Choice, within: Unknown | null): Piece[] {
  const fork = commonLink(choice);
  return sidesOf(choice).flatMap((option): Piece[] => {
    const side = unfold(option, fork, within);
    return side.length === 0 ? [] : [{ kind: 'open', when: 'unsure', why: choice.reason, at: choice.at }, ...side, { kind: 'close' }];
  });
}

/** Whether what the sides of a choice write is written in a run. */
function startsWith(choice: Choice, uncertain: Unknown): boolean {
  const fork = commonLink(choice);
  return sidesOf(choice).every((option) => {
    for (let value = option; value !== undefined && value !== fork;) {
      if (value instanceof Choice) value = commonLink(value);
      else if (value instanceof Link) {
        if (value.pieces.length > 0 && value.uncertain !== uncertain) return false;
        value = value.before;
      } else return false;
    }
    return true;
  });
}

const commonLinks = new WeakMap<Choice, Link | Choice>();

/**
 * The sides of a branch. Where a side writes nothing after an earlier branch of the same reason, the machine has merged that branch's options into this one's:
 * they are put back together.
 */
function sidesOf(choice: Choice): readonly Value[] {
  let sides: readonly Value[] = choice.options;
  for (const option of choice.options) {
    for (let value: Value = option; value instanceof Link;) {
      const { before } = value;
      if (before instanceof Choice && before.options.every((other) => sides.includes(other))) {
        sides = [...sides.filter((side) => !before.options.includes(side)), before];
        break;
      }
      const earlier: Value = before instanceof Choice ? commonLink(before) : before;
      value = earlier instanceof Choice ? commonLink(earlier) : earlier;
    }
  }
  return sides;
}

/** The last point that all sides of a branch have passed: a link, or an earlier branch. */
function commonLink(choice: Choice): Link | Choice {
  const known = commonLinks.get(choice);
  if (known) return known;
  const [first, ...rest] = sidesOf(choice).map(spine);
  const others = rest.map((links) => new Set(links));
  const common = first?.find((link) => others.every((other) => other.has(link)));
  if (!common) throw new Error('the sides of a branch in a template share no beginning');
  commonLinks.set(choice, common);
  return common;
}

/** The points that were certainly passed on the way to `end`, last first. */
function spine(end: Value): Array<Link | Choice> {
  const points: Array<Link | Choice> = [];
  for (let value = end; value !== undefined;) {
    if (!(value instanceof Link || value instanceof Choice)) throw new Undecided('a template with too many alternatives', undefined, true);
    points.push(value);
    value = value instanceof Link ? value.before : commonLink(value);
  }
  return points;
}
