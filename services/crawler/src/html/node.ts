import type { Machine } from '../interpret/machine.js';
import { Obj, Unknown, type Key, type Property, type Value } from '../interpret/values.js';
import { isKnown, type Markup, type MarkupElement, type Place, type Words } from '../markup.js';

/** The document of a static page while its scripts run: nodes that the interpreted program holds and changes. */
export class HtmlText {
  parent: HtmlNode | null = null;
  constructor(public text: Words, readonly at: Place) {}
}
export interface Listener { type: string; callback: Value; capture: boolean; once: boolean }

/** `tag` of the document itself is `#document`, of a fragment `#fragment`. */
export class HtmlNode extends Obj {
  parent: HtmlNode | null = null;
  children: Array<HtmlNode | HtmlText> = [];
  readonly attributes = new Map<string, Words | true>();
  readonly listeners: Listener[] = [];
  /** What scripts or the user have put into a field, apart from its attributes. */
  value: Words | undefined;
  checked: boolean | undefined;
  /** Why the node may not be as it stands here: a script changes it under a condition, or at a time, that the source does not decide. */
  unsure: string | undefined;
  /** Parts whose markup nobody knows. */
  opaque: { what: string; at: Place } | undefined;
  constructor(readonly host: DocumentHost, readonly tag: string, readonly at: Place) { super(host.prototypeFor(tag)); }
  override own(key: Key): Property | undefined { return super.own(key) ?? this.host.dynamic(this, key); }
}

/** What nodes need of the page that they belong to. */
export interface DocumentHost {
  readonly machine: Machine;
  /** Rises with every change. */
  version: number;
  prototypeFor(tag: string): Obj;
  /** Properties that depend on the node: `onclick`, fields of a form by name. */
  dynamic(node: HtmlNode, key: Key): Property | undefined;
}

export function fromMarkup(host: DocumentHost, markup: readonly Markup[], parent: HtmlNode): void {
  for (const part of markup) {
    if (part.kind === 'text') append(parent, new HtmlText(part.text, part.at));
    else if (part.kind === 'element') {
      const node = new HtmlNode(host, part.tag, part.at);
      for (const [name, value] of part.attributes) node.attributes.set(name, value);
      append(parent, node);
      fromMarkup(host, part.children, node);
    } else parent.opaque ??= { what: part.kind === 'opaque' ? part.what : part.why, at: part.at };
  }
}

/** The markup of a node's content. `made` learns which element stands for which node. */
export function toMarkup(node: HtmlNode, made: (element: MarkupElement, node: HtmlNode) => void): Markup[] {
  const markup: Markup[] = node.children.flatMap((child): Markup[] => {
    if (child instanceof HtmlText) return [{ kind: 'text', text: child.text, at: child.at }];
    if (child.tag === 'script' || child.tag === 'style') return [];
    const element: MarkupElement = { kind: 'element', tag: child.tag, attributes: new Map(child.attributes), children: toMarkup(child, made), at: child.at };
    const types = new Set(child.listeners.map((listener) => listener.type));
    if (types.size > 0) element.handlers = new Map([...types].map((type) => [type, null]));
    made(element, child);
    return child.unsure === undefined ? [element] : [{ kind: 'group', when: 'unsure', why: child.unsure, children: [element], at: child.at }];
  });
  if (node.opaque) markup.push({ kind: 'opaque', ...node.opaque });
  return markup;
}

export function append(parent: HtmlNode, child: HtmlNode | HtmlText, before: HtmlNode | HtmlText | null = null): void {
  detach(child);
  child.parent = parent;
  const index = before ? parent.children.indexOf(before) : -1;
  if (index < 0) parent.children.push(child); else parent.children.splice(index, 0, child);
}
export function detach(child: HtmlNode | HtmlText): void {
  const siblings = child.parent?.children;
  if (siblings) siblings.splice(siblings.indexOf(child), 1);
  child.parent = null;
}
export function* walk(node: HtmlNode): Generator<HtmlNode> {
  for (const child of node.children) if (child instanceof HtmlNode) { yield child; yield* walk(child); }
}
export const elementsOf = (node: HtmlNode): HtmlNode[] => node.children.filter((child): child is HtmlNode => child instanceof HtmlNode);

/** Why the node is not certainly as it stands: its own reason or that of something around it. */
export function doubtOf(node: HtmlNode | null): string | undefined {
  for (let at = node; at; at = at.parent) if (at.unsure !== undefined) return at.unsure;
  return undefined;
}

/** Words as a value of the program. */
export const valueOf = (words: Words, at: Place): Value => (isKnown(words) ? words : new Unknown(words.undecided, at));
export const wordsOf = (value: Value): Words | undefined => (value instanceof Unknown ? { undecided: value.reason } : typeof value === 'string' ? value : undefined);

/**
 * Changes the document. Where it is not certain that this happens (under an undecided branch, after an unknown wait), nothing is changed and the node, with all that is in
 * it, is unsure from then on.
 */
export function change(node: HtmlNode, at: Place, apply: () => void): void {
  const { machine } = node.host;
  node.host.version++;
  const doubt = machine.speculations.at(-1)?.why ?? machine.uncertain;
  if (doubt) { node.unsure ??= `${doubt.reason} (${at.file}:${at.line})`; return; }
  machine.effect('the page', at);
  apply();
}

export function textContent(node: HtmlNode | HtmlText): Words {
  if (node instanceof HtmlText) return node.text;
  let text = '';
  if (node.opaque) return { undecided: node.opaque.what };
  for (const child of node.children) {
    const part = child instanceof HtmlNode && child.unsure !== undefined ? { undecided: child.unsure } : textContent(child);
    if (!isKnown(part)) return part;
    text += part;
  }
  return text;
}
