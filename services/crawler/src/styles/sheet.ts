import { evaluateMedia } from './media.js';

/**
 * Reads CSS, and SCSS or Less as far as they nest like CSS: rules with the declarations that can hide an element, move text apart, or
 * write text of their own. Everything else of a sheet is skipped.
 */
export interface StyleRule {
  /** One complex selector, nesting resolved, without its pseudo-element. */
  selector: string;
  pseudo: 'before' | 'after' | null;
  declarations: Map<string, { value: string; important: boolean }>;
  /** `maybe`: the source does not decide whether the rule applies at all (media, feature and container queries, mixins). */
  applies: 'yes' | 'maybe';
  layered: boolean;
}
export interface Sheet { rules: StyleRule[]; imports: string[]; /** `@apply` or `@tailwind` was seen. */ tailwind: boolean }

const INTERESTING = new Set([
  'display', 'visibility', 'opacity', 'content', 'content-visibility', 'pointer-events', 'float', 'position', 'width', 'height', 'max-width', 'max-height', 'transform', 'scale', 'clip', 'clip-path', 'left', 'right', 'top', 'bottom',
  'text-indent', '@apply',
]);
const MAX_RULES = 20_000;
const MAX_NESTING = 32;

export function parseSheet(text: string): Sheet {
  const sheet: Sheet = { rules: [], imports: [], tailwind: /@tailwind\b|@import\s+["']tailwindcss|@apply\b/.test(text) };
  const source = withoutComments(text);
  let at = 0;
  const block = (context: { selectors: string[]; applies: 'yes' | 'maybe'; layered: boolean }, depth: number): void => {
    const declarations = new Map<string, { value: string; important: boolean }>();
    while (at < source.length && sheet.rules.length < MAX_RULES) {
      const { prelude, end } = nextPrelude(source, at);
      at = prelude.end + 1;
      if (end === '{') {
        const inner = depth < MAX_NESTING ? enter(prelude.text, context, sheet) : null;
        if (inner) block(inner, depth + 1);
        else at = skipBlock(source, at);
      } else {
        readStatement(prelude.text, declarations, sheet);
        if (end === '}') break;
      }
    }
    if (declarations.size > 0) for (const selector of context.selectors) addRule(selector, declarations, context, sheet);
  };
  while (at < source.length && sheet.rules.length < MAX_RULES) block({ selectors: [], applies: 'yes', layered: false }, 0);
  return sheet;
}

/** Declarations of a `style` attribute. */
export function parseDeclarations(text: string): Map<string, { value: string; important: boolean }> {
  const declarations = new Map<string, { value: string; important: boolean }>();
  for (const part of withoutComments(text).split(';')) readStatement(part, declarations, null);
  return declarations;
}

function addRule(selector: string, declarations: StyleRule['declarations'], context: { applies: 'yes' | 'maybe'; layered: boolean }, sheet: Sheet): void {
  const pseudo = /::?(before|after)\s*$/i.exec(selector);
  // Any other pseudo-element (placeholder, marker, scrollbar parts) is a box that no locator names.
  if (!pseudo && /::[a-z-]+(\([^)]*\))?\s*$/i.test(selector)) return;
  sheet.rules.push({ selector: (pseudo ? selector.slice(0, pseudo.index) : selector).trim() || '*', pseudo: (pseudo?.[1]?.toLowerCase() as 'before' | 'after' | undefined) ?? null, declarations, applies: context.applies, layered: context.layered });
}

function readStatement(text: string, declarations: StyleRule['declarations'], sheet: Sheet | null): void {
  const statement = text.trim();
  if (statement.startsWith('@')) {
    const imported = /^@(?:import|use|forward)\s+(?:url\(\s*)?["']?([^"')\s;]+)/.exec(statement)?.[1];
    if (imported && sheet) sheet.imports.push(imported);
    if (statement.startsWith('@apply ')) declarations.set('@apply', { value: statement.slice(7).trim(), important: false });
    return;
  }
  const colon = statement.indexOf(':');
  const property = statement.slice(0, colon).trim().toLowerCase();
  if (colon < 1 || !INTERESTING.has(property)) return;
  const value = statement.slice(colon + 1).trim();
  const important = /!\s*important$/i.test(value);
  declarations.set(property, { value: important ? value.replace(/!\s*important$/i, '').trim() : value, important });
}

/** What a nested block stands for: a rule, a condition, or `null` for blocks that style nothing (`@keyframes`, `@font-face`, mixin definitions). */
function enter(prelude: string, context: { selectors: string[]; applies: 'yes' | 'maybe'; layered: boolean }, sheet: Sheet): typeof context | null {
  const text = prelude.trim();
  if (!text.startsWith('@')) return { ...context, selectors: nest(context.selectors, splitList(text)) };
  const name = /^@(-?[a-z-]+)/i.exec(text)?.[1]?.toLowerCase();
  const rest = text.slice((name?.length ?? 0) + 1).trim();
  switch (name) {
    case 'media': {
      const verdict = evaluateMedia(rest);
      return verdict === 'no' ? null : verdict === 'yes' ? context : { ...context, applies: 'maybe' };
    }
    case 'layer': return { ...context, layered: true };
    case 'supports': case 'container': case 'include': case 'if': case 'else': case 'each': case 'for': case 'scope': case 'variant': case 'responsive': case 'screen': return { ...context, applies: 'maybe' };
    case 'utility': sheet.tailwind = true; return { ...context, selectors: nest([], [`.${rest}`]) };
    default: return null;
  }
}

/** Nested selectors against their parents: `&` is the parent, without it the parent is an ancestor. */
function nest(parents: string[], selectors: string[]): string[] {
  const nested = parents.length === 0 ? selectors : selectors.flatMap((selector) => parents.map((parent) => (selector.includes('&') ? selector.replaceAll('&', () => parent) : `${parent} ${selector}`)));
  return nested.slice(0, 256).filter((selector) => selector.length < 2000);
}

/** Splits at commas outside of brackets and strings. */
export function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if (c === ',' && depth === 0) { parts.push(text.slice(start, i)); start = i + 1; }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter(Boolean);
}

/** The text up to the next `{`, `}` or `;` outside of strings and parentheses; SCSS interpolation `#{…}` belongs to it. */
function nextPrelude(source: string, from: number): { prelude: { text: string; end: number }; end: '{' | '}' | ';' | '' } {
  let parens = 0;
  for (let i = from; i < source.length; i++) {
    const c = source[i] as string;
    if (c === '"' || c === "'") i = endOfString(source, i);
    else if (c === '\\') i++;
    else if (c === '(') parens++;
    else if (c === ')') parens = Math.max(0, parens - 1);
    else if (c === '#' && source[i + 1] === '{') { const close = source.indexOf('}', i); i = close < 0 ? source.length : close; }
    else if (c === '{' || c === '}' || (c === ';' && parens === 0)) return { prelude: { text: source.slice(from, i), end: i }, end: c };
  }
  return { prelude: { text: source.slice(from), end: source.length }, end: '' };
}
function skipBlock(source: string, from: number): number {
  let depth = 1;
  for (let i = from; i < source.length; i++) {
    const c = source[i];
    if (c === '"' || c === "'") i = endOfString(source, i);
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return i + 1;
  }
  return source.length;
}
function endOfString(source: string, from: number): number {
  const quote = source[from];
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === quote || source[i] === '\n') return i;
  }
  return source.length;
}

/** Removes block comments, and line comments (SCSS, Less) that are not part of an address. */
function withoutComments(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '"' || c === "'") { const end = endOfString(text, i); out += text.slice(i, end + 1); i = end; }
    else if (c === '/' && text[i + 1] === '*') { const end = text.indexOf('*/', i + 2); i = end < 0 ? text.length : end + 1; out += ' '; }
    else if (c === '/' && text[i + 1] === '/' && !/[:(\w]/.test(text[i - 1] ?? '')) { const end = text.indexOf('\n', i); i = end < 0 ? text.length : end - 1; }
    else out += c;
  }
  return out;
}
