import { parse } from '@babel/parser';
import { traverseFast, type Node } from '@babel/types';
import type { Markup, MarkupElement, Place, Words } from '../markup.js';

/**
 * What the scripts of a static page may do to its elements, judged by the words they use: an element whose id, class, name or data attribute stands in a string of a
 * script, or that a query of a script selects, may be changed by it, and so may everything inside. All others stand as they are written.
 * Scripts that rewrite the page, or that send the browser elsewhere while loading, leave nothing certain.
 */
export interface Touches {
  /** Nothing of the page is certain. */
  everything: string | null;
  /** The page may be left while it loads. */
  leaves: Place | null;
  /** Listeners on the document or window: events of these types may be handled or prevented anywhere. */
  global: Map<string, Place>;
  /** Words in strings: possible ids, classes, names. */
  words: Map<string, Place>;
  /** Tag names in queries. */
  tags: Map<string, Place>;
}

/** Libraries that take over the whole page. */
const TAKES_OVER = /(^|[/@.-])(vue|react|react-dom|preact|alpinejs|alpine|angular|svelte|ember|htmx|petite-vue|knockout|mithril|riot|stimulus|turbo|solid)([/@.-]|$)/i;
const QUERIES = new Set(['querySelector', 'querySelectorAll', 'getElementsByTagName', 'getElementById', 'getElementsByClassName', 'getElementsByName', '$', 'jQuery', 'closest', 'find', 'children', 'on']);
const COLLECTIONS = new Map([['forms', 'form'], ['links', 'a'], ['images', 'img'], ['anchors', 'a']]);
const MAX_WORDS = 20_000;

export const emptyTouches = (): Touches => ({ everything: null, leaves: null, global: new Map(), words: new Map(), tags: new Map() });

/** A script of another site: whether it may change the page by itself. */
export function noteForeignScript(src: string, touches: Touches): void {
  if (TAKES_OVER.test(src.replace(/[?#].*$/, ''))) touches.everything ??= `the page is rendered by ${src.slice(0, 120)}`;
}

/** Reads one script; one that does not parse may do anything. */
export function noteScript(text: string, at: Place, touches: Touches): void {
  if (isData(text)) return;
  let file: Node;
  try {
    file = parse(text, { sourceType: 'unambiguous', allowReturnOutsideFunction: true, errorRecovery: true, plugins: ['jsx'], startLine: at.line, startColumn: 0, startIndex: 0 });
  } catch (error) {
    touches.everything ??= `the script ${at.file} does not parse: ${(error as Error).message.slice(0, 120)}`;
    return;
  }
  const place = (node: Node): Place => ({ file: at.file, line: node.loc?.start.line ?? at.line });
  traverseFast(file, (node) => {
    if (node.type === 'StringLiteral') noteWords(node.value, place(node), touches);
    else if (node.type === 'TemplateElement') noteWords(node.value.cooked ?? '', place(node), touches);
    else if (node.type === 'MemberExpression') noteMember(node, place(node), touches);
    else if (node.type === 'CallExpression' || node.type === 'OptionalCallExpression') noteCall(node, place(node), touches);
    else if (node.type === 'AssignmentExpression' && isLocation(node.left)) touches.leaves ??= place(node);
    else if (node.type === 'AssignmentExpression' && isBodyMarkup(node.left)) touches.everything ??= `a script rewrites the page (${place(node).file}:${place(node).line})`;
  });
}

/** Statistics, letters and icons: scripts of others that leave words and controls alone. Bootstrap acts on elements it finds by attributes, which no step touches. */
const HARMLESS = /google-analytics|googletagmanager|gtag|plausible|umami|matomo|hotjar|clarity\.ms|fontawesome|kit\.fontawesome|use\.typekit|ionicons|feather-icons|lucide|cloudflareinsights|popper|bootstrap(\.bundle)?(\.min)?\.js|prism|highlight(\.min)?\.js|polyfill|html5shiv|respond(\.min)?\.js/i;
export const isHarmless = (src: string): boolean => HARMLESS.test(src);

/** Import maps, structured data for search engines, and templates: no programs. */
export function isData(text: string): boolean {
  if (/^\s*</.test(text)) return true;
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not JSON: a program, which the caller reads.
    return false;
  }
}

function noteWords(text: string, at: Place, touches: Touches): void {
  if (text.length > 300 || touches.words.size > MAX_WORDS) return;
  for (const word of text.split(/[^\w-]+/)) if (word && !touches.words.has(word)) touches.words.set(word, at);
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if ((node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') && node.property.type === 'Identifier' && !node.computed) return node.property.name;
  return node.type === 'StringLiteral' ? node.value : undefined;
}
const isDocument = (node: Node): boolean => ['document', 'window', 'body', 'documentElement', 'globalThis'].includes(nameOf(node) ?? '');

function noteMember(node: Node & { type: 'MemberExpression' }, at: Place, touches: Touches): void {
  const name = nameOf(node);
  const tag = name && isDocument(node.object) ? COLLECTIONS.get(name) : undefined;
  if (tag) touches.tags.set(tag, at);
  // `element.dataset.tab` is the attribute `data-tab`.
  if (nameOf(node.object) === 'dataset' && name) touches.words.set(`data-${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`, at);
}

function noteCall(node: Node & { type: 'CallExpression' | 'OptionalCallExpression' }, at: Place, touches: Touches): void {
  const name = nameOf(node.callee);
  const target = node.callee.type === 'MemberExpression' || node.callee.type === 'OptionalMemberExpression' ? node.callee.object : null;
  const [first] = node.arguments;
  if ((name === 'write' || name === 'writeln') && target && isDocument(target)) touches.everything ??= `a script writes the page (${at.file}:${at.line})`;
  if ((name === 'replace' || name === 'assign') && target && nameOf(target) === 'location') touches.leaves ??= at;
  if (name === 'addEventListener' && target && isDocument(target) && first?.type === 'StringLiteral') touches.global.set(first.value, at);
  if (!name || !QUERIES.has(name)) return;
  // A query whose words are put together at run time may mean any of the words that stand in strings, which are noted anyway.
  if (first?.type !== 'StringLiteral') return;
  for (const tag of first.value.split(/[^a-z0-9#.[\]="'^$*~|:-]+/i)) {
    const word = /^([a-z][a-z0-9]*)/i.exec(tag)?.[1];
    if (word && first.value.length < 300) touches.tags.set(word.toLowerCase(), at);
  }
  if (first.value.trim() === '*') touches.everything ??= `a script goes over all elements (${at.file}:${at.line})`;
}
function isLocation(node: Node): boolean {
  const name = nameOf(node);
  return name === 'location' || (name === 'href' && node.type === 'MemberExpression' && nameOf(node.object) === 'location');
}
function isBodyMarkup(node: Node): boolean {
  return ['innerHTML', 'outerHTML'].includes(nameOf(node) ?? '') && node.type === 'MemberExpression' && isDocument(node.object);
}

const GENERIC = new Set(['body', 'html', 'head', 'document']);

/** The markup with every element that a script may touch in a group of its own, and unknown handlers where listeners cover the whole document. */
export function withTouches(markup: readonly Markup[], touches: Touches): Markup[] {
  return markup.map((node) => {
    const touched = touchOf(node, touches);
    const inner = 'children' in node && node.children ? { ...node, children: withTouches(node.children, touches) } as Markup : node;
    return touched ? { kind: 'group', when: 'unsure', why: `a script may change it (${touched.file}:${touched.line})`, children: [inner], at: node.at } : inner;
  });
}
function touchOf(node: Markup, touches: Touches): Place | undefined {
  if (node.kind !== 'element') return undefined;
  const word = (value: Words | true | undefined): Place | undefined => (typeof value === 'string' && value ? touches.words.get(value) : undefined);
  const byTag = GENERIC.has(node.tag) ? undefined : touches.tags.get(node.tag);
  if (byTag) return byTag;
  const id = word(node.attributes.get('id'));
  if (id) return id;
  const classes = node.attributes.get('class');
  if (typeof classes === 'string') for (const name of classes.split(/\s+/)) { const hit = touches.words.get(name); if (hit) return hit; }
  for (const name of node.attributes.keys()) if (name.startsWith('data-') && touches.words.has(name)) return touches.words.get(name);
  return ['input', 'select', 'textarea', 'button', 'form'].includes(node.tag) ? word(node.attributes.get('name')) : undefined;
}

/** Events that a listener on the document may see: put on the outermost elements, where they are met on the way up. */
export function withGlobalHandlers(markup: readonly Markup[], touches: Touches): Markup[] {
  const types = [...touches.global.keys()].filter((type) => ['click', 'submit', 'input', 'change', 'keydown', 'keyup', 'dblclick'].includes(type));
  if (types.length === 0) return [...markup];
  return markup.map((node): Markup => {
    if (node.kind === 'group') return { ...node, children: withGlobalHandlers(node.children, touches) };
    return node.kind === 'element' ? { ...node, handlers: new Map([...(node.handlers ?? []), ...types.map((type): [string, unknown] => [type, null])]) } satisfies MarkupElement : node;
  });
}
