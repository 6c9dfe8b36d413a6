import type { Place } from '../markup.js';
import type { Machine } from './machine.js';
import { Boxed, Unknown, type Value } from './values.js';

/** A regular expression of the program. `host` is `null` when running it could take too long; what it matches is then unknown. */
export interface RegExpState { source: string; flags: string; host: RegExp | null; at: Place }

const MAX_PATTERN = 600;

export function makeRegExp(machine: Machine, source: string, flags: string, at: Place): Value {
  const obj = new Boxed<RegExpState>(machine.intrinsic('RegExp'), { source, flags, host: compile(machine, source, flags, at), at });
  obj.put('lastIndex', 0, false);
  return obj;
}
export const isRegExp = (value: Value): value is Boxed<RegExpState> => value instanceof Boxed && typeof value.inner === 'object' && value.inner !== null && 'host' in value.inner && 'source' in value.inner;

function compile(machine: Machine, source: string, flags: string, at: Place): RegExp | null {
  if (source.length > MAX_PATTERN || !backtracksLittle(source)) return null;
  try {
    return new RegExp(source, flags);
  } catch (error) {
    return machine.throwError('SyntaxError', error instanceof Error ? error.message : 'Invalid regular expression', at);
  }
}

/** The host's expression to run on `text`, or why it is not run: a long text against several open repetitions takes too long. */
export function runnable(regExp: Boxed<RegExpState>, text: string): RegExp | Unknown {
  const { host, source, at } = regExp.inner;
  const open = (source.match(/[*+]|\{\d+,\}/g) ?? []).length;
  const most = open <= 1 ? 100_000 : open <= 3 ? 1_000 : 200;
  if (!host || text.length > most) return new Unknown('a regular expression that may take long', at);
  return host;
}

/**
 * Whether a pattern is free of the shapes that backtrack exponentially: a repeated group that itself repeats or branches. Allowed is a repeated
 * group that starts with a literal which its own repeated classes exclude (`(\.[^.@]+)*`), because then each turn can begin in one place only.
 */
export function backtracksLittle(source: string): boolean {
  if (/\\[1-9]|\\k</.test(source)) return false;
  const open: Array<{ start: number; risky: boolean }> = [];
  for (let index = 0; index < source.length; index++) {
    const letter = source[index];
    if (letter === '\\') { index++; continue; }
    if (letter === '[') { index = classEnd(source, index); continue; }
    const group = open.at(-1);
    if (letter === '(') open.push({ start: index, risky: false });
    else if (letter === ')') {
      const closed = open.pop();
      if (!closed) return false;
      const repeated = /^(?:[*+]|\{\d+,\d*\})/.test(source.slice(index + 1, index + 8));
      if (repeated && closed.risky && !startsApart(source.slice(closed.start + 1, index))) return false;
      const outer = open.at(-1);
      if (outer) outer.risky ||= closed.risky || repeated;
    } else if (group && (letter === '*' || letter === '+' || letter === '|' || (letter === '{' && /^\{\d+,\d*\}/.test(source.slice(index, index + 8))))) group.risky = true;
  }
  return open.length === 0;
}

function classEnd(source: string, start: number): number {
  let index = start + 1;
  while (index < source.length && source[index] !== ']') index += source[index] === '\\' ? 2 : 1;
  return index;
}

/** The body of a group is one literal followed by one repeated class that cannot match that literal. */
function startsApart(body: string): boolean {
  const match = /^(?:\?:)?(\\?[.\-_@/,\s:])(\[(?:[^\]\\]|\\.){1,200}\]|\\[wd])(?:[+*]|\{\d+,\d*\})$/.exec(body);
  if (!match) return false;
  const [, literal = '', set = ''] = match;
  try {
    return !new RegExp(`^${set}$`).test(literal.replace('\\', ''));
  } catch {
    return false;
  }
}
