import { backtracksLittle, isRegExp, runnable } from '../interpret/regular-expressions.js';
import { Arr, Unknown, type Value } from '../interpret/values.js';

/** How a route's path is matched: `null` when it does not match, else the parameters and how much of the path was used. */
export interface PathMatch { params: Array<[string, string]>; used: string }
export interface PathPattern {
  /** As the source writes it. */
  text: string;
  match(path: string): PathMatch | null;
  /** Paths that match and stand in the source as they are. */
  addresses: readonly string[];
}

/** A pattern that cannot be matched safely or is not known; the request that reaches it is undecided. */
export class OpaquePattern {
  constructor(readonly reason: string) {}
}

/**
 * Patterns of Express 4 and 5: text, `:name`, `:name?`, `:name(\\d+)`, `*`, `*name`, `{/:optional}`, expressions, and lists of those.
 * `prefix`: matches the beginning of a path, up to a slash (as `use` does).
 */
export function pathPattern(value: Value, prefix: boolean): PathPattern | OpaquePattern {
  if (value instanceof Unknown) return new OpaquePattern(value.reason);
  if (value instanceof Arr) {
    const parts = value.items.map((item) => pathPattern(item, prefix));
    const opaque = parts.find((part) => part instanceof OpaquePattern);
    if (opaque) return opaque;
    const patterns = parts as PathPattern[];
    return {
      text: patterns.map((pattern) => pattern.text).join(', '),
      addresses: patterns.flatMap((pattern) => pattern.addresses),
      match: (path) => patterns.map((pattern) => pattern.match(path)).find((match) => match !== null) ?? null,
    };
  }
  if (isRegExp(value)) {
    return {
      text: `/${value.inner.source}/${value.inner.flags}`, addresses: [],
      match: (path) => {
        const expression = runnable(value, path);
        if (expression instanceof Unknown) return null;
        const found = new RegExp(expression.source, expression.flags.replace(/[gy]/g, '')).exec(path);
        return found ? { params: found.slice(1).map((part, index) => [String(index), part ?? '']), used: found[0] } : null;
      },
    };
  }
  if (typeof value !== 'string') return new OpaquePattern('a path that is not text');
  return textPattern(value, prefix);
}

function textPattern(text: string, prefix: boolean): PathPattern | OpaquePattern {
  if (text.length > 500) return new OpaquePattern('a very long path');
  const names: string[] = [];
  let source = '';
  let wild = 0;
  for (let index = 0; index < text.length;) {
    const rest = text.slice(index);
    const named = /^(\/)?:([A-Za-z_]\w{0,60})/.exec(rest);
    if (named) {
      index += named[0].length;
      const custom = text[index] === '(' ? groupAt(text, index) : undefined;
      if (custom !== undefined) index += custom.length;
      const inner = custom === undefined ? '[^/]+?' : custom.slice(1, -1);
      if (custom !== undefined && !backtracksLittle(custom)) return new OpaquePattern(`the path ${text}`);
      const modifier = /^[?*+]/.exec(text.slice(index))?.[0] ?? '';
      index += modifier.length;
      names.push(named[2]!);
      const slash = named[1] ?? '';
      source += modifier === '?' ? `(?:${slash}(${inner}))?` : modifier === '*' ? `(?:${slash}(.*))?` : modifier === '+' ? `${slash}(.+)` : `${slash}(${inner})`;
      continue;
    }
    const character = text[index]!;
    const splat = /^\*([A-Za-z_]\w{0,60})?/.exec(rest);
    if (splat) {
      names.push(splat[1] ?? String(wild++));
      source += '(.*)';
      index += splat[0].length;
    } else if (character === '{') { source += '(?:'; index++; } else if (character === '}') { source += ')?'; index++; } else if (character === '(') {
      const group = groupAt(text, index);
      if (group === undefined || !backtracksLittle(group)) return new OpaquePattern(`the path ${text}`);
      names.push(String(wild++));
      source += group;
      index += group.length;
      if (text[index] === '?') { source += '?'; index++; }
    } else if (character === '\\') { source += `\\${text[index + 1] ?? '\\'}`; index += 2; } else if (text[index + 1] === '?') { source += `${escaped(character)}?`; index += 2; } else { source += escaped(character); index++; }
  }
  if (wild + names.length > 12) return new OpaquePattern(`the path ${text}`);
  // A trailing slash does not matter, and neither does case.
  const bare = source.replace(/\\\/$/, '');
  let expression: RegExp;
  try {
    expression = new RegExp(prefix ? `^(?:${bare})(?=/|$)` : `^(?:${bare})/?$`, 'i');
  } catch {
    // Express refuses such a path too.
    return new OpaquePattern(`the path ${text}`);
  }
  return {
    text, addresses: names.length === 0 && /^[\w\-./~%]*$/.test(text) ? [text || '/'] : [],
    match: (path) => {
      if (path.length > 2_000) return null;
      const found = expression.exec(path);
      return found ? { params: names.flatMap((name, index): Array<[string, string]> => (found[index + 1] === undefined ? [] : [[name, decoded(found[index + 1]!)]])), used: found[0] } : null;
    },
  };
}

/** The parenthesised part that begins here, with its parentheses. */
function groupAt(text: string, start: number): string | undefined {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    if (text[index] === '\\') { index++; continue; }
    if (text[index] === '(') depth++;
    if (text[index] === ')' && --depth === 0) return text.slice(start, index + 1);
  }
  return undefined;
}

const escaped = (character: string): string => character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Percent-decoding that leaves malformed sequences as they are. */
export function decoded(text: string): string {
  try { return decodeURIComponent(text); } catch { return text; }
}
