/**
 * Path patterns as `next.config` and the `matcher` of a middleware write them: literals, `:name`, `:rest*`, and groups in parentheses. The usual groups are
 * understood and matched without the host's regular expressions, because a repository writes them; the others are `undecided`.
 */
export type SourceMatch = ReadonlyMap<string, string> | null | 'undecided';

/** What a group may hold: a test on a part of the path that starts at `from` and ends at `to`. */
type Shape = (path: string, from: number, to: number) => boolean;
type Token = { text: string } | { name: string; shape: Shape; prefix: string; repeat: '' | '?' | '*' | '+' };

/** Matches a pathname; letter case does not count, as in Next. */
export function matchSource(source: string, pathname: string): SourceMatch {
  const tokens = tokensOf(source);
  if (tokens === null) return 'undecided';
  return matchTokens(tokens, pathname);
}

/** The destination with `:name` filled in; `null` when one is not in `params`. */
export function fillDestination(destination: string, params: ReadonlyMap<string, string>): string | null {
  let complete = true;
  const filled = destination.replace(/:([A-Za-z_]\w*)[*+]?/g, (_, name: string) => {
    const value = params.get(name);
    if (value === undefined) complete = false;
    return value ?? '';
  });
  return complete ? filled : null;
}

const SEGMENT: Shape = (path, from, to) => to > from && !path.slice(from, to).includes('/');
const SEGMENTS: Shape = (path, from, to) => to > from && path.slice(from, to).split('/').every((part) => part !== '');
const ANYTHING: Shape = () => true;

function tokensOf(source: string): Token[] | null {
  const tokens: Token[] = [];
  let text = '';
  let unnamed = 0;
  for (let i = 0; i < source.length;) {
    const char = source[i] as string;
    if (char === '{' || char === '}') return null;
    if (char === '\\') { text += source[i + 1] ?? ''; i += 2; continue; }
    const name = char === ':' ? /^\w+/.exec(source.slice(i + 1, i + 81))?.[0] : undefined;
    if (name === undefined && char !== '(') { text += char; i += 1; continue; }
    if (name !== undefined) i += 1 + name.length;
    let shape: Shape | null = null;
    if (source[i] === '(') {
      const end = closing(source, i);
      shape = end < 0 ? null : shapeOf(source.slice(i + 1, end));
      if (shape === null) return null;
      i = end + 1;
    }
    const next = source[i];
    const repeat = next === '?' || next === '*' || next === '+' ? next : '';
    if (repeat !== '') i += 1;
    const prefix = text.endsWith('/') ? '/' : '';
    if (text.length > prefix.length) tokens.push({ text: text.slice(0, text.length - prefix.length) });
    text = '';
    tokens.push({ name: name ?? String(unnamed++), shape: shape ?? (repeat === '*' || repeat === '+' ? SEGMENTS : SEGMENT), prefix, repeat });
  }
  if (text !== '') tokens.push({ text });
  return tokens;
}

function closing(source: string, open: number): number {
  let depth = 0;
  for (let i = open; i < source.length; i++) {
    if (source[i] === '\\') i += 1;
    else if (source[i] === '(') depth += 1;
    else if (source[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

/** The groups that configurations use: `.*`, `.+`, `\d+`, a list of words, and `(?!…).*`: anything that does not start with one of these. */
function shapeOf(group: string): Shape | null {
  if (group === '.*') return ANYTHING;
  if (group === '.+') return (_, from, to) => to > from;
  if (group === '[^/]+' || group === '[^/]*') return (path, from, to) => (to > from || group.endsWith('*')) && !path.slice(from, to).includes('/');
  if (group === '\\d+' || group === '[0-9]+') return (path, from, to) => /^\d+$/.test(path.slice(from, to));
  if (group.startsWith('(?!') && closing(group, 0) === group.length - 3 && group.endsWith('.*')) {
    const refused = group.slice(3, -3).split('|').map(refusalOf);
    return refused.includes(null) ? null : (path, from) => !refused.some((refuses) => refuses?.(path.slice(from)));
  }
  const words = group.split('|').map(literalOf);
  return words.includes(null) ? null : (path, from, to) => words.includes(path.slice(from, to));
}

/** One alternative of a negative look-ahead: `api`, `favicon.ico$`, `.*\.png$`. */
function refusalOf(alternative: string): ((rest: string) => boolean) | null {
  const [, anywhere = '', body = '', end = ''] = /^((?:\.\*)?)(.*?)(\$?)$/.exec(alternative.slice(0, 200)) ?? [];
  const literal = literalOf(body);
  if (literal === null || (anywhere !== '' && end === '')) return null;
  if (anywhere !== '') return (rest) => rest.endsWith(literal);
  return end === '' ? (rest) => rest.startsWith(literal) : (rest) => rest === literal;
}

/** The text that a regular expression without operators stands for. A bare dot is taken as a dot: writers of `favicon.ico` mean it, and other characters there make no page. */
function literalOf(expression: string): string | null {
  const text = expression.replaceAll(/\\([./\-_])/g, '$1');
  return /[\\()[\]{}*+?^$|]/.test(text) ? null : text;
}

function matchTokens(tokens: readonly Token[], pathname: string): ReadonlyMap<string, string> | null {
  const path = pathname.toLowerCase();
  const params = new Map<string, string>();
  // Whether the rest matches does not depend on how the tokens before it did, so each failure is met once.
  const failed = new Set<number>();
  const match = (index: number, from: number): boolean => {
    const token = tokens[index];
    if (token === undefined) return from === path.length || path.slice(from) === '/';
    const mark = index * (path.length + 2) + from;
    if (failed.has(mark)) return false;
    if ('text' in token) {
      if (path.startsWith(token.text.toLowerCase(), from) && match(index + 1, from + token.text.length)) return true;
    } else if (path.startsWith(token.prefix, from)) {
      const start = from + token.prefix.length;
      for (let to = path.length; to >= start; to--) {
        if (!token.shape(path, start, to) || !match(index + 1, to)) continue;
        params.set(token.name, pathname.slice(start, to));
        return true;
      }
    }
    if (!('text' in token) && (token.repeat === '*' || token.repeat === '?') && match(index + 1, from)) {
      params.set(token.name, '');
      return true;
    }
    failed.add(mark);
    return false;
  };
  return match(0, 0) ? params : null;
}
