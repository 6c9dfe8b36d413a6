import { type DefaultTreeAdapterTypes as Tree, parse } from 'parse5';
import { isKnown, type Markup, type MarkupElement, type Place, type Words } from '../markup.js';
import { assemble, type Assembled, isMarked, type Piece, splitMarks } from './output.js';

/** A page as the browser builds it from the text a server sends: tree construction is parse5's, so implied, moved and dropped elements are as in Chromium. */
export interface PageDocument {
  title: Words | null;
  /** Children of `body`. */
  markup: Markup[];
  /** Style sheets in order: the address as the link writes it, or the text of a `style` element. Those under an undecided condition are left out. */
  styles: Array<{ href: string; at: Place } | { text: string; at: Place }>;
  /** Scripts in order; `src` as the element writes it. */
  scripts: Array<{ src: Words; at: Place } | { text: Words; at: Place }>;
}

/** Reads rendered template output. `opaque` (optional) says of a final word whether it is known only to this run, for example a generated id: then its reason. */
export function documentOf(pieces: readonly Piece[], opaque: (text: string) => string | undefined = () => undefined): PageDocument {
  const assembled = assemble(pieces);
  const root = parse(assembled.html, { sourceCodeLocationInfo: true });
  const reader = new Reader(assembled, opaque);
  const tree = reader.children(root.childNodes, pieces.find((piece) => 'at' in piece)?.at ?? { file: '', line: 1 });
  const page: PageDocument = { title: null, markup: [], styles: [], scripts: [] };
  collect(tree, false, page);
  page.markup = find(tree, 'body')?.children ?? [];
  return page;
}

function collect(nodes: readonly Markup[], unsure: boolean, page: PageDocument): void {
  for (const node of nodes) {
    if (node.kind === 'group') collect(node.children, true, page);
    if (node.kind !== 'element') continue;
    const text = node.children.length === 1 && node.children[0]!.kind === 'text' ? node.children[0]!.text : undefined;
    if (node.tag === 'title' && page.title === null) page.title = unsure ? { undecided: 'the title stands under an undecided condition' } : joinWords(node.children);
    else if (node.tag === 'link' && !unsure && isKnown(node.attributes.get('rel')) && /(^|\s)stylesheet(\s|$)/i.test(node.attributes.get('rel') as string)) {
      const href = node.attributes.get('href');
      if (isKnown(href)) page.styles.push({ href, at: node.at });
    } else if (node.tag === 'style' && !unsure && isKnown(text)) page.styles.push({ text, at: node.at });
    else if (node.tag === 'script') {
      const src = node.attributes.get('src');
      if (src !== undefined && src !== true) page.scripts.push({ src, at: node.at });
      else if (text !== undefined) page.scripts.push({ text: unsure ? { undecided: 'a script under an undecided condition' } : text, at: node.at });
    } else if (node.tag !== 'svg') collect(node.children, unsure, page);
  }
}

function joinWords(nodes: readonly Markup[]): Words {
  let words = '';
  for (const node of nodes) {
    if (node.kind !== 'text' || !isKnown(node.text)) return { undecided: node.kind === 'text' && !isKnown(node.text) ? node.text.undecided : 'not plain text' };
    words += node.text;
  }
  return words.replace(/\s+/g, ' ').trim();
}

function find(nodes: readonly Markup[], tag: string): MarkupElement | undefined {
  for (const node of nodes) {
    if (node.kind === 'element' && node.tag === tag) return node;
    if (node.kind === 'text') continue;
    const found = find(node.children ?? [], tag);
    if (found) return found;
  }
  return undefined;
}

const SKELETON = new Set(['html', 'head', 'body']);
/** Chromium puts what is nested deeper beside its parent instead of inside: its tree is another then. */
const MAX_DEPTH = 500;

type Open = Extract<Piece, { kind: 'open' }>;

/**
 * Lowers parse5's tree. Groups are marks in document order; the tree may have moved elements since, so a group is not taken
 * from where its marks stand in one list of children: it is open for every node that comes after its first mark and
 * before its second, and a run of siblings with the same open groups becomes one group.
 */
class Reader {
  readonly #open: Open[] = [];
  #depth = 0;
  constructor(private readonly page: Assembled, private readonly opaque: (text: string) => string | undefined) {}

  children(nodes: readonly Tree.ChildNode[], parent: Place, within = 'html'): Markup[] {
    // A group that opens before `html` and `body` are begun still is around what stands in them.
    const inherited = SKELETON.has(within) ? 0 : this.#open.length;
    const result: Markup[] = [];
    // The groups that wrap the last entry of each level, so that the next sibling joins them.
    let stack: Array<{ piece: Open; into: Markup[] }> = [];
    for (const node of nodes) {
      const mark = node.nodeName === '#comment' ? this.#markOf((node as Tree.CommentNode).data) : undefined;
      if (mark?.kind === 'open') { this.#open.push(mark); continue; }
      if (mark?.kind === 'close') { this.#open.pop(); continue; }
      const own = 'tagName' in node && SKELETON.has(node.tagName) ? [] : this.#open.slice(Math.min(inherited, this.#open.length));
      const shared = own.findIndex((piece, index) => stack[index]?.piece !== piece);
      stack = stack.slice(0, shared < 0 ? own.length : shared);
      for (const piece of own.slice(stack.length)) {
        const into: Markup[] = [];
        (stack.at(-1)?.into ?? result).push({ kind: 'group', when: piece.when, why: piece.why, children: into, at: piece.at });
        stack.push({ piece, into });
      }
      const into = stack.at(-1)?.into ?? result;
      if (mark?.kind === 'value') into.push({ kind: 'opaque', what: isKnown(mark.words) ? 'markup' : mark.words.undecided, at: mark.at });
      else if (node.nodeName === '#text') into.push(...this.#texts((node as Tree.TextNode).value, this.#place(node, parent)));
      else if ('tagName' in node) into.push(this.#element(node, parent));
    }
    return result;
  }

  #element(node: Tree.Element, parent: Place): Markup {
    const at = this.#place(node, parent);
    if (isMarked(node.tagName)) return { kind: 'opaque', what: 'an element whose name the source does not give', at };
    const attributes = new Map<string, Words | true>();
    const conditional: Open[] = [];
    let anything: string | undefined;
    for (const { name, value } of node.attrs) {
      if (isMarked(name)) {
        const piece = this.#markOf(name);
        if (piece?.kind === 'open') conditional.push(piece);
        else if (piece?.kind === 'close') conditional.pop();
        else anything = piece?.kind === 'value' && !isKnown(piece.words) ? piece.words.undecided : 'attributes the source does not give';
      } else if (conditional.length > 0) attributes.set(name, { undecided: conditional[0]!.why });
      else attributes.set(name, value === '' && isBare(node, name) ? true : this.#words(value, isTie(node, name)));
    }
    const children = node.tagName === 'template' ? [] : this.#inside(node, at);
    const element: MarkupElement = { kind: 'element', tag: node.tagName.toLowerCase(), attributes, children, at };
    // Any attribute may be set, `hidden` and `class` included: whether and how it shows is open.
    return anything === undefined ? element : { kind: 'group', when: 'unsure', why: anything, children: [element], at };
  }

  #inside(node: Tree.Element, at: Place): Markup[] {
    if (this.#depth >= MAX_DEPTH) return [{ kind: 'opaque', what: `elements nested more than ${MAX_DEPTH} deep`, at }];
    this.#depth++;
    const children = this.children(node.childNodes, at, node.tagName);
    this.#depth--;
    return children;
  }

  #texts(text: string, at: Place): Markup[] {
    return splitMarks(text, this.page.marks).map((part) => {
      if (typeof part === 'string') return { kind: 'text', text: this.#known(part), at };
      return { kind: 'text', text: part.kind === 'value' ? part.words : { undecided: 'rendered under a condition' }, at: 'at' in part ? part.at : at };
    });
  }

  #words(text: string, tie: boolean): Words {
    const unknown = splitMarks(text, this.page.marks).find((part) => typeof part !== 'string');
    if (unknown === undefined) return tie ? text : this.#known(text);
    return unknown.kind === 'value' && !isKnown(unknown.words) ? unknown.words : { undecided: 'rendered under a condition' };
  }

  #known(text: string): Words {
    const reason = this.opaque(text);
    return reason === undefined ? text : { undecided: reason };
  }

  #markOf(text: string): Piece | undefined {
    const [first] = splitMarks(text, this.page.marks);
    return typeof first === 'object' ? first : undefined;
  }

  #place(node: Tree.ChildNode, parent: Place): Place {
    const location = node.sourceCodeLocation;
    return location ? this.page.placeOf(location.startOffset) : parent;
  }
}

/** Whether the source writes the attribute without `=`. */
function isBare(node: Tree.Element, name: string): boolean {
  const at = node.sourceCodeLocation?.attrs?.[name];
  return at !== undefined && at.endOffset - at.startOffset === name.length;
}

const TIES = new Set(['id', 'for', 'form', 'name', 'action', 'formaction', 'list', 'headers', 'aria-labelledby', 'aria-describedby', 'aria-controls', 'aria-owns']);
/** Attributes that nobody reads: they tie elements together, or go back to the server. */
function isTie(node: Tree.Element, name: string): boolean {
  return TIES.has(name) || (name === 'value' && node.tagName === 'input' && node.attrs.some((attribute) => attribute.name === 'type' && attribute.value.toLowerCase() === 'hidden'));
}
