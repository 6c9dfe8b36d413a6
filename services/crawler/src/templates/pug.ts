import type { Repo } from '../framework.js';
import { spelled } from '../interpret/spelled.js';
import { toText } from '../interpret/convert.js';
import type { Machine } from '../interpret/machine.js';
import { Arr, isObject, type Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { eachEntry } from './loops.js';
import { escapeHtml, type Piece } from './output.js';
import { linkedPug, type PugAttribute, type PugBlock, type PugMixin, type PugNode, type PugTag } from './pug-syntax.js';
import { attemptValue, printed, type Rendering } from './rendering.js';
import { runScript, ScriptText, type Script } from './script.js';
import { isVoid } from './scanner.js';
import { Writer } from './writer.js';

/**
 * Pug. A template is translated to a JavaScript function, mixins to functions inside of it, and run in the interpreter:
 * `__write(n)` prints literal n, `__write(n, () => e)` a value, `__tag` a start tag with its attributes, `__loop` a loop.
 */
export function renderPug(path: string, locals: Obj, rendering: Rendering): Piece[] {
  const { machine } = rendering;
  const { script, slots } = compiled(rendering.repo, path, rendering.views);
  const writer = new Writer(machine);
  const valueOf = (thunk: Value, at: Place): Value => attemptValue(machine, () => machine.call(thunk, [], undefined, at), at);
  const built = {
    __write: machine.fn('__write', ([index, thunk]) => {
      const slot = slots[Number(index)]!;
      if (slot.kind === 'html') writer.write(slot);
      else if (slot.kind === 'unknown') writer.write({ kind: 'value', words: { undecided: slot.what }, raw: true, at: slot.at });
      else if (slot.kind === 'print') writer.write(...printed(machine, valueOf(thunk, slot.at), slot.raw, slot.at));
      return undefined;
    }),
    __tag: machine.fn('__tag', ([index, ...thunks]) => {
      const slot = slots[Number(index)]!;
      if (slot.kind === 'tag') writer.write(...startTag(machine, slot, thunks.map((thunk) => valueOf(thunk, slot.at))));
      return undefined;
    }),
    __loop: machine.fn('__loop', ([thunk, round, otherwise], _self, at) => {
      eachEntry(machine, valueOf(thunk, at), (item, key) => machine.call(round, [item, key], undefined, at), otherwise === undefined ? undefined : () => void machine.call(otherwise, [], undefined, at));
      return undefined;
    }),
    __mixins: machine.object(),
  };
  runScript(script, locals, built, 'undefined', rendering);
  return writer.pieces();
}

// ── Attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface TagSlot { kind: 'tag'; name: string; attributes: ReadonlyArray<{ name: string; escaped: boolean; at: Place }>; at: Place }

/** `values`: of the attributes in order, then of the `&attributes` objects. */
function startTag(machine: Machine, tag: TagSlot, values: readonly Value[]): Piece[] {
  const attributes = new Map<string, Array<{ value: Value; escaped: boolean; at: Place }>>();
  const add = (name: string, value: Value, escaped: boolean, at: Place): void => {
    const before = attributes.get(name);
    // Classes add up; of anything else the last counts.
    if (before && name === 'class') before.push({ value, escaped, at }); else attributes.set(name, [{ value, escaped, at }]);
  };
  const unknown: Piece[] = [];
  for (const [index, value] of values.entries()) {
    const attribute = tag.attributes[index];
    if (attribute) add(attribute.name, value, attribute.escaped, attribute.at);
    else if (value instanceof Unknown) unknown.push({ kind: 'value', words: { undecided: value.reason }, raw: true, at: tag.at });
    else if (isObject(value)) for (const name of value.keys()) add(name, machine.get(value, name), true, tag.at);
  }
  // The space ends the name: what follows may be a region, which would otherwise stand in the middle of a word.
  const pieces: Piece[] = [html(attributes.size + unknown.length > 0 ? `<${tag.name} ` : `<${tag.name}`, tag.at), ...unknown];
  for (const [name, parts] of attributes) pieces.push(...attributePieces(machine, name, parts));
  return [...pieces, html('>', tag.at)];
}

function attributePieces(machine: Machine, name: string, parts: ReadonlyArray<{ value: Value; escaped: boolean; at: Place }>): Piece[] {
  const { at, escaped } = parts[0]!;
  const texts = parts.map(({ value }) => (name === 'class' ? classText(machine, value, at) : name === 'style' ? styleText(machine, value, at) : value));
  const unknown = texts.find((text) => text instanceof Unknown);
  if (unknown instanceof Unknown) {
    const value: Piece[] = [html(` ${name}="`, at), { kind: 'value', words: { undecided: unknown.reason }, raw: false, at }, html('"', at)];
    return [{ kind: 'open', when: 'unsure', why: unknown.reason, at }, ...value, { kind: 'close' }];
  }
  if (name === 'class') return [html(` class="${escapeHtml(texts.map(spelled).filter((text) => text !== '').join(' '))}"`, at)];
  const [value] = texts;
  if (value === false || value === undefined || value === null) return [];
  if (value === true) return [html(` ${name}`, at)];
  const text = isObject(value) ? JSON.stringify(machine.toHost(value)) ?? '' : toText(machine, value, at);
  return [html(` ${name}="`, at), { kind: 'value', words: text instanceof Unknown ? { undecided: text.reason } : text, raw: !escaped, at }, html('"', at)];
}

function classText(machine: Machine, value: Value, at: Place): string | Unknown {
  if (value instanceof Unknown) return value;
  if (value instanceof Arr) {
    const parts = value.items.map((item) => classText(machine, item, at));
    return parts.find((part) => part instanceof Unknown) ?? parts.map(spelled).filter((part) => part !== '').join(' ');
  }
  if (isObject(value)) {
    const entries = value.keys().map((key) => [key, machine.get(value, key, at)] as const);
    const unknown = entries.find(([, on]) => on instanceof Unknown)?.[1];
    return unknown instanceof Unknown ? unknown : entries.filter(([, on]) => isObject(on) || Boolean(on)).map(([key]) => key).join(' ');
  }
  return value ? String(value) : '';
}

function styleText(machine: Machine, value: Value, at: Place): Value {
  if (!isObject(value)) return value;
  let style = '';
  for (const key of value.keys()) {
    const text = toText(machine, machine.get(value, key, at), at);
    if (text instanceof Unknown) return text;
    style += `${key}:${text};`;
  }
  return style;
}

const html = (text: string, at: Place): Piece & { kind: 'html' } => ({ kind: 'html', text, at, advances: false });

// ── Translation ──────────────────────────────────────────────────────────────────────────────────────────────────────

type Slot = (Piece & { kind: 'html' }) | { kind: 'print'; raw: boolean; at: Place } | { kind: 'unknown'; what: string; at: Place } | TagSlot;
interface Template { script: Script; slots: Slot[] }

const templates = new WeakMap<Repo, Map<string, Template | Undecided>>();

function compiled(repo: Repo, path: string, folders: readonly string[]): Template {
  let known = templates.get(repo);
  if (!known) templates.set(repo, known = new Map<string, Template | Undecided>());
  let template = known.get(path);
  if (!template) known.set(path, template = new Translation(path).template(linkedPug(repo, path, folders)));
  if (template instanceof Undecided) throw template;
  return template;
}

class Translation {
  readonly #slots: Slot[] = [];
  readonly #code: ScriptText;
  constructor(private readonly file: string) { this.#code = new ScriptText(file); }

  template(tree: PugBlock): Template | Undecided {
    this.#block(tree);
    const script = this.#code.script();
    return script instanceof Undecided ? script : { script, slots: this.#slots };
  }

  #slot(slot: Slot): number { return this.#slots.push(slot) - 1; }
  #html(text: string, at: Place): void { this.#code.add(`;__write(${this.#slot(html(text, at))});`, at); }
  #place(node: { line: number; filename?: string }): Place { return { file: node.filename ?? this.file, line: node.line || 1 }; }
  #block(block: PugBlock | null | undefined): void { for (const node of block?.nodes ?? []) this.#node(node); }
  /** Code of the template, on lines of its own so that comments in it end. */
  #own(before: string, code: string, after: string, at: Place): void {
    this.#code.add(`${before}${code}\n`, at);
    this.#code.add(after, at);
  }

  #node(node: PugNode): void {
    const at = this.#place(node);
    switch (node.type) {
      case 'Block': this.#block(node); return;
      case 'NamedBlock': for (const child of node.nodes) this.#node(child); return;
      case 'Text': this.#code.add(`;__write(${this.#slot({ kind: 'html', text: node.val, at, advances: true })});`, at); return;
      case 'Doctype': this.#html(`<!DOCTYPE ${/^[a-z0-9 ]+$/i.test(node.val) ? node.val : 'html'}>`, at); return;
      case 'Tag': case 'InterpolatedTag': this.#tag(node, at); return;
      case 'Code': this.#statement(node, at); return;
      case 'Conditional':
        this.#own('if (', node.test, ') {', at);
        this.#block(node.consequent);
        this.#code.add('}', at);
        if (node.alternate) {
          this.#code.add(' else {', at);
          this.#node(node.alternate);
          this.#code.add('}', at);
        }
        return;
      case 'While':
        this.#own('while (', node.test, ') {', at);
        this.#block(node.block);
        this.#code.add('}', at);
        return;
      case 'Case':
        this.#own('switch (', node.expr, ') {', at);
        for (const when of node.block.nodes) {
          if (when.expr === 'default') this.#code.add('default:', this.#place(when)); else this.#own('case (', when.expr, '):', this.#place(when));
          if (when.block) { this.#code.add('{', this.#place(when)); this.#block(when.block); this.#code.add('break;}', this.#place(when)); }
        }
        this.#code.add('}', at);
        return;
      case 'Each': case 'EachOf':
        this.#own('; __loop(()=>(', node.obj, `), (${node.val}${node.key ? `, ${node.key}` : ''}) => {`, at);
        this.#block(node.block);
        this.#code.add('}', at);
        if (node.alternate) { this.#code.add(', () => {', at); this.#block(node.alternate); this.#code.add('}', at); }
        this.#code.add(');', at);
        return;
      case 'Mixin': if (node.call) this.#call(node, at); else this.#mixin(node, at); return;
      case 'MixinBlock': this.#code.add(';__block && __block();', at); return;
      case 'Filter': this.#code.add(`;__write(${this.#slot({ kind: 'unknown', what: 'the output of a Pug filter', at })});`, at); return;
      case 'Comment': case 'BlockComment': case 'YieldBlock': case 'Extends': case 'Include': case 'RawInclude': return;
    }
  }

  #statement(node: PugNode & { type: 'Code' }, at: Place): void {
    if (node.buffer) this.#own(`;__write(${this.#slot({ kind: 'print', raw: !node.mustEscape, at })},()=>(`, node.val, '));', at);
    else if (node.block) {
      this.#own('', node.val, '{', at);
      this.#block(node.block);
      this.#code.add('}', at);
    } else this.#own('', node.val, '', at);
  }

  #tag(node: PugTag, at: Place): void {
    if (node.type === 'InterpolatedTag' || node.name === undefined) {
      this.#code.add(`;__write(${this.#slot({ kind: 'unknown', what: 'an element whose name the source does not give', at })});`, at);
      return;
    }
    const attributes = node.attrs.map((attribute) => ({ name: attribute.name, escaped: attribute.mustEscape, at: { file: at.file, line: attribute.line || at.line } }));
    this.#code.add(`;__tag(${this.#slot({ kind: 'tag', name: node.name, attributes, at })}`, at);
    for (const [index, attribute] of node.attrs.entries()) this.#own(', ()=>(', String(attribute.val), ')', attributes[index]!.at);
    for (const block of node.attributeBlocks) this.#own(', ()=>(', block.val, ')', at);
    this.#code.add(');', at);
    if (node.selfClosing || isVoid(node.name)) return;
    if (node.code) this.#node(node.code);
    this.#block(node.block);
    this.#html(`</${node.name}>`, at);
  }

  #mixin(node: PugMixin, at: Place): void {
    this.#own(`;__mixins[${JSON.stringify(node.name)}] = (__block, attributes${node.args ? ', ' : ''}`, node.args ?? '', ') => {', at);
    this.#block(node.block);
    this.#code.add('};', at);
  }

  #call(node: PugMixin, at: Place): void {
    const interpolated = /^#\{([\s\S]*)\}$/.exec(node.name);
    this.#own(';__mixins[', interpolated ? interpolated[1]! : JSON.stringify(node.name), '](', at);
    if (node.block || node.code) {
      this.#code.add('() => {', at);
      if (node.code) this.#node(node.code);
      this.#block(node.block);
      this.#code.add('}', at);
    } else this.#code.add('undefined', at);
    this.#code.add(', {', at);
    for (const name of new Set(node.attrs.map((attribute: PugAttribute) => attribute.name))) {
      const values = node.attrs.filter((attribute) => attribute.name === name).map((attribute) => String(attribute.val));
      this.#own(`${JSON.stringify(name)}: `, name === 'class' ? `[${values.join(', ')}]` : values.at(-1)!, ',', at);
    }
    for (const block of node.attributeBlocks) this.#own('...(', block.val, '),', at);
    this.#own(`}${node.args ? ', ' : ''}`, node.args ?? '', ');', at);
  }
}

