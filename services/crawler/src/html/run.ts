import { parse } from '@babel/parser';
import type * as N from '@babel/types';
import { domOf } from '../accessibility/dom.js';
import { constructor, methods } from '../interpret/builtins/define.js';
import { Pairs } from '../interpret/builtins/addresses.js';
import { hoist } from '../interpret/hoisting.js';
import { copyStorage, emptyStorage, type BrowserStorage, type Frame, type Machine } from '../interpret/machine.js';
import { Scope } from '../interpret/scope.js';
import { startMachine } from '../interpret/start.js';
import { syntaxOf } from '../interpret/syntax.js';
import { Boxed, isFn, Obj, Thrown, Undecided, Unknown, type Fn, type Key, type Property, type Value } from '../interpret/values.js';
import type { FieldState, Page, Repo, UserEvent } from '../framework.js';
import { isKnown, type MarkupElement, type Place, type Words } from '../markup.js';
import { controlsOf, elementPrototype, fieldValue, listen, namedControl, TextObject, type PageDocument } from './interface.js';
import { append, doubtOf, fromMarkup, HtmlNode, HtmlText, toMarkup, walk, wordsOf, type Listener } from './node.js';
import type { PageDocument as Source } from '../templates/document.js';

/**
 * A static page with its scripts, followed by the interpreter. A run is one page load: every event is followed on a fresh run on which the events before it are
 * repeated, so that pages stay values.
 */
export interface Loaded { repo: Repo; root: string; file: string; document: Source; scripts: Script[] }
export interface Script { file: string; at: Place; /** Of inline scripts. */ text?: string }

/** What a page keeps between events: storage as the page found it and as it would leave it, and the events since. */
export interface StaticSession { storage: BrowserStorage; left: BrowserStorage; path: string; history: Past[] }
interface Past { node: number; event: UserEvent; fields: ReadonlyMap<number, FieldState> }

const FUEL = 3_000_000;
const nodeNumbers = new WeakMap<MarkupElement, number>();

export interface Followed { page: Omit<Page, 'styles' | 'route' | 'needs'>; because: Place[]; leaving: string | null; prevented: boolean }

/** Loads the page. Throws `Undecided` when what its scripts do at once cannot be followed. */
export function load(loaded: Loaded, path: string, storage: BrowserStorage | undefined): Followed {
  const found = storage ?? emptyStorage();
  const session: StaticSession = { storage: found, left: found, path, history: [] };
  const run = new PageRun(loaded, session);
  return run.result(session, path, false);
}

/** One more event on a page. Throws `Undecided`. */
export function follow(loaded: Loaded, page: Page, element: MarkupElement, event: UserEvent): Followed {
  const session = page.session as StaticSession;
  const run = new PageRun(loaded, session);
  for (const past of session.history) { run.enter(past.fields); run.fire(past.node, past.event); }
  const fields = new Map<number, FieldState>();
  for (const [key, state] of page.fields) {
    const number = nodeNumbers.get(domOf(page).byKey.get(key)?.markup as MarkupElement);
    if (number !== undefined) fields.set(number, state);
  }
  const node = nodeNumbers.get(element);
  if (node === undefined) throw new Undecided('the element is not one of this page', element.at);
  run.enter(fields);
  run.machine.address = page.path;
  run.machine.startWatching();
  const prevented = run.fire(node, event);
  const next: StaticSession = { ...session, history: [...session.history, { node, event, fields }] };
  return run.result(next, run.machine.address, prevented);
}

class PageRun implements PageDocument {
  readonly machine: Machine;
  readonly root: HtmlNode;
  readonly body: HtmlNode;
  version = 0;
  private readonly prototype: Obj;
  private readonly window: HtmlNode;
  private readonly scope = new Scope(null, true);
  private readonly numbers = new Map<HtmlNode, number>();
  private readonly handlers = new WeakMap<HtmlNode, Map<string, Listener>>();

  constructor(private readonly loaded: Loaded, session: StaticSession) {
    const { repo, root, file, document } = loaded;
    const at = { file, line: 1 };
    this.machine = startMachine({ repo, root, models: new Map(), host: 'browser', path: session.path, storage: copyStorage(session.storage), fuel: FUEL, ...(isKnown(document.title ?? undefined) && { title: document.title as string }) });
    this.prototype = elementPrototype(this.machine, this);
    this.root = new HtmlNode(this, '#document', at);
    this.window = new HtmlNode(this, '#window', at);
    const html = new HtmlNode(this, 'html', at);
    append(this.root, html);
    append(html, new HtmlNode(this, 'head', at));
    this.body = new HtmlNode(this, 'body', at);
    append(html, this.body);
    fromMarkup(this, document.markup, this.body);
    for (const node of walk(this.root)) this.inlineHandlers(node);
    this.installGlobals(html);
    this.runScripts();
  }

  prototypeFor(): Obj { return this.prototype; }

  /** `onclick` and the like, and the controls of a form by name. */
  dynamic(node: HtmlNode, key: Key): Property | undefined {
    if (typeof key !== 'string') return undefined;
    if (/^on[a-z]{2,30}$/.test(key)) {
      const type = key.slice(2);
      return {
        value: undefined, enumerable: true, writable: true, get: this.machine.fn(key, () => this.handlers.get(node)?.get(type)?.callback ?? null),
        set: this.machine.fn(key, ([callback], _self, at) => { this.setHandler(node, type, callback, at); return undefined; }),
      };
    }
    if (node.tag !== 'form' || Object.hasOwn(Object.prototype, key) || this.prototype.properties.has(key)) return undefined;
    const control = namedControl(this.machine, controlsOf(this, node), key);
    return control === undefined ? undefined : { value: control, enumerable: true, writable: true };
  }

  private setHandler(node: HtmlNode, type: string, callback: Value, at: Place): void {
    const own = this.handlers.get(node) ?? new Map<string, Listener>();
    this.handlers.set(node, own);
    const old = own.get(type);
    if (old) { node.listeners.splice(node.listeners.indexOf(old), 1); own.delete(type); }
    if (callback === null || callback === undefined) return;
    listen(this.machine, node, type, callback, false, at);
    const added = node.listeners.at(-1);
    if (added) own.set(type, added);
  }

  /** An attribute such as `onclick` is the body of a function. */
  private inlineHandlers(node: HtmlNode): void {
    for (const [name, words] of new Map(node.attributes)) {
      if (!/^on[a-z]+$/.test(name)) continue;
      node.attributes.delete(name);
      const callback = isKnown(words) ? this.compile(`(function (event) {${words}\n})`, node.at) : new Unknown(name, node.at);
      this.setHandler(node, name.slice(2), callback, node.at);
    }
  }
  private compile(source: string, at: Place): Value {
    const program = parsed(source, at);
    const [statement] = program.program.body;
    return statement?.type === 'ExpressionStatement' ? this.machine.evaluate(statement.expression, this.frame(at.file)) : undefined;
  }
  private frame(file: string): Frame {
    return { machine: this.machine, file, scope: this.scope, self: this.machine.globals.get('window'), home: null, newTarget: undefined, maybe: [] };
  }

  private installGlobals(html: HtmlNode): void {
    const { machine, root, window } = this;
    const document = root;
    const old = machine.globals.get('document');
    for (const name of ['title', 'cookie', 'location'] as const) { const property = old instanceof Obj ? old.own(name) : undefined; if (property) document.properties.set(name, property); }
    document.put('body', this.body).put('documentElement', html).put('head', html.children[0] as HtmlNode).put('readyState', 'interactive').put('defaultView', machine.globals.get('window')).put('hidden', false).put('visibilityState', 'visible').put('activeElement', new Unknown('document.activeElement', root.at));
    const byTag = (name: string, tag: string): void => { document.properties.set(name, { value: undefined, enumerable: false, writable: true, get: machine.fn(name, () => machine.array([...walk(root)].filter((node) => node.tag === tag))) }); };
    for (const [name, tag] of [['forms', 'form'], ['images', 'img'], ['links', 'a'], ['scripts', 'script']] as const) byTag(name, tag);
    methods(machine, document, {
      createElement: ([tag], _self, at) => { if (typeof tag !== 'string') throw new Undecided('an element of unknown tag is made', at); return new HtmlNode(this, tag.toLowerCase(), at); },
      createElementNS: ([, tag], _self, at) => { if (typeof tag !== 'string') throw new Undecided('an element of unknown tag is made', at); return new HtmlNode(this, tag.toLowerCase(), at); },
      createTextNode: ([text], _self, at) => new TextObject(machine.intrinsic('Object'), new HtmlText(wordsOf(text) ?? '', at)),
      createDocumentFragment: (_args, _self, at) => new HtmlNode(this, '#fragment', at),
      execCommand: () => true, hasFocus: () => true,
      write: (_args, _self, at) => { throw new Undecided('document.write', at); }, writeln: (_args, _self, at) => { throw new Undecided('document.writeln', at); },
    });
    machine.globals.set('document', document);
    machine.globals.set('addEventListener', machine.fn('addEventListener', ([type, callback, options], _self, at) => { listen(machine, window, type, callback, options, at); return undefined; }));
    machine.globals.set('removeEventListener', machine.fn('removeEventListener', () => undefined));
    for (const name of ['IntersectionObserver', 'MutationObserver', 'ResizeObserver']) {
      constructor(machine, name, ([callback], _self, at) => {
        const observed = (node: Value): Value => { if (isFn(callback)) this.uncertainly(callback, machine.array([machine.namespace('what an observer saw', at, { target: node })]), at); return undefined; };
        return machine.namespace(name, at, { observe: machine.fn('observe', ([node]) => observed(node)), unobserve: machine.fn('unobserve', () => undefined), disconnect: machine.fn('disconnect', () => undefined) });
      });
    }
    constructor(machine, 'FormData', ([form], _self, at) => {
      const pairs = form instanceof HtmlNode ? controlsOf(this, form).flatMap((control): Array<[string, Value]> => this.entry(control, at)) : [];
      return new Boxed(machine.intrinsic('FormData'), new Pairs(pairs));
    });
  }
  private entry(control: HtmlNode, at: Place): Array<[string, Value]> {
    const name = control.attributes.get('name');
    const type = control.attributes.get('type');
    if (typeof name !== 'string' || name === '' || control.attributes.has('disabled') || control.tag === 'button' || type === 'submit' || type === 'button' || type === 'reset') return [];
    if ((type === 'checkbox' || type === 'radio') && !(control.checked ?? control.attributes.has('checked'))) return [];
    return [[name, fieldValue(control, at)]];
  }

  private runScripts(): void {
    const { machine } = this;
    machine.during('event', () => {
      for (const script of this.loaded.scripts) this.quietly(() => this.runScript(script));
      this.send(this.root, 'DOMContentLoaded');
      this.send(this.window, 'DOMContentLoaded');
      this.send(this.window, 'load');
      const onload = machine.globals.get('onload');
      if (isFn(onload)) this.quietly(() => machine.call(onload, [], undefined));
      this.wait();
    });
  }
  private runScript(script: Script): void {
    const program = script.text === undefined ? syntaxOf(this.loaded.repo, script.file) : parsed(script.text, script.at);
    if (program.program.body.some((statement) => statement.type === 'ImportDeclaration' || statement.type.startsWith('Export'))) {
      if (script.text !== undefined) throw new Undecided('an inline module', script.at);
      this.machine.load(script.file);
      return;
    }
    const frame = this.frame(script.file);
    hoist(program.program.body, frame);
    for (const statement of program.program.body) this.machine.execute(statement, frame);
    this.machine.runMicrotasks();
  }
  /** What a script or handler throws ends it and nothing else. */
  private quietly(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Thrown)) throw error;
    }
  }
  /** Timers that a test can wait for; what repeats may have happened any number of times. */
  private wait(): void {
    this.machine.settle();
    for (const timer of this.machine.timers.filter((one) => one.repeat)) if (isFn(timer.callback)) this.uncertainly(timer.callback, undefined, timer.at);
  }
  private uncertainly(callback: Fn, argument: Value, at: Place): void {
    this.machine.uncertainly(new Unknown('something that happens at an unknown time', at), () => this.quietly(() => this.machine.call(callback, [argument], undefined, at)));
  }
  private send(node: HtmlNode, type: string): void {
    for (const listener of node.listeners.slice()) if (listener.type === type) this.quietly(() => this.machine.call(listener.callback, [this.machine.namespace('event', node.at, { type, target: node })], node, node.at));
  }

  private number(node: HtmlNode): number {
    let number = this.numbers.get(node);
    if (number === undefined) this.numbers.set(node, number = this.numbers.size);
    return number;
  }
  /** Nodes are numbered in tree order at each event; the same events make the same numbers. */
  private renumber(): void { for (const node of walk(this.root)) this.number(node); }
  private nodeOf(number: number): HtmlNode | undefined {
    this.renumber();
    for (const [node, own] of this.numbers) if (own === number) return node;
    return undefined;
  }

  /** Puts the user's entries into the fields. */
  enter(fields: ReadonlyMap<number, FieldState>): void {
    for (const [number, state] of fields) {
      const node = this.nodeOf(number);
      if (!node) continue;
      if (state.value !== undefined) node.value = state.value;
      if (state.checked !== undefined) node.checked = state.checked;
      if (state.open === true) node.attributes.set('open', '');
      else if (state.open === false) node.attributes.delete('open');
      this.version++;
    }
  }

  /** Sends a user's event through the document. Returns whether its default action was prevented. */
  fire(number: number, event: UserEvent): boolean {
    const target = this.nodeOf(number);
    if (!target) throw new Undecided('the element is gone', undefined);
    const doubt = doubtOf(target);
    if (doubt !== undefined) throw new Undecided(doubt, target.at);
    const path: HtmlNode[] = [];
    for (let node: HtmlNode | null = target; node; node = node.parent) path.push(node);
    path.push(this.window);
    const state = { prevented: false, stopped: false };
    const { machine } = this;
    const told = machine.namespace('event', target.at, { type: event.type, target, bubbles: true, cancelable: true, key: event.key ?? '', code: event.key ?? '', ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, isTrusted: true, defaultPrevented: false, detail: 1, button: 0 });
    methods(machine, told, {
      preventDefault: () => { state.prevented = true; told.put('defaultPrevented', true); return undefined; }, stopPropagation: () => { state.stopped = true; return undefined; }, stopImmediatePropagation: () => { state.stopped = true; return undefined; },
    });
    const bubbles = !['focus', 'blur', 'mouseenter'].includes(event.type);
    machine.during('event', () => {
      const phases = [...[...path].reverse().map((node) => [node, true] as const), ...path.map((node) => [node, false] as const)];
      for (const [node, capture] of phases) {
        if (state.stopped || (!bubbles && node !== target)) continue;
        told.put('currentTarget', node);
        for (const listener of node.listeners.slice()) if (listener.type === event.type && listener.capture === capture) this.invoke(node, listener, told, state);
      }
      this.wait();
    });
    return state.prevented;
  }
  private invoke(node: HtmlNode, listener: Listener, told: Obj, state: { prevented: boolean }): void {
    const { machine } = this;
    if (!isFn(listener.callback)) throw new Undecided('a handler that is not known', node.at);
    if (listener.once) node.listeners.splice(node.listeners.indexOf(listener), 1);
    machine.branch(listener.callback.at ?? node.at);
    this.quietly(() => {
      const answer = machine.call(listener.callback, [told], node, node.at);
      if (answer === false && this.handlers.get(node)?.get(listener.type) === listener) state.prevented = true;
    });
    machine.runMicrotasks();
  }

  result(session: StaticSession, path: string, prevented: boolean): Followed {
    const { machine } = this;
    this.renumber();
    const globals = new Set([...this.root.listeners, ...this.window.listeners, ...this.body.listeners, ...(this.body.parent?.listeners ?? [])].map((listener) => listener.type));
    const fieldNodes: Array<[MarkupElement, HtmlNode]> = [];
    const markup = toMarkup(this.body, (element, node) => {
      nodeNumbers.set(element, this.number(node));
      if (node.value !== undefined && !isKnown(node.value)) element.attributes.set('value', node.value);
      if (['input', 'select', 'textarea'].includes(node.tag)) fieldNodes.push([element, node]);
    });
    for (const element of outermost(markup)) element.handlers = new Map([...(element.handlers ?? []), ...[...globals].map((type): [string, unknown] => [type, null])]);
    const title = machine.title;
    const page: Page = {
      path, route: '', title: typeof title === 'string' ? title : { undecided: 'the title' }, markup, styles: [], needs: [], session: { ...session, left: copyStorage(machine.storage) } satisfies StaticSession, fields: new Map(), at: { file: this.loaded.file, line: 1 },
      body: new Map<string, Words | true>(this.body.unsure === undefined ? this.body.attributes : [['class', { undecided: this.body.unsure }]]),
    };
    const { byMarkup } = domOf(page);
    const fields = new Map<string, FieldState>();
    for (const [element, node] of fieldNodes) {
      const key = byMarkup.get(element)?.key;
      const state: FieldState = { ...(isKnown(node.value) && { value: node.value }), ...(node.checked !== undefined && { checked: node.checked }) };
      if (key !== undefined) fields.set(key, state);
    }
    return { page: { ...page, fields }, because: machine.because(), leaving: machine.leaving, prevented };
  }
}

function outermost(markup: Page['markup']): MarkupElement[] {
  return markup.flatMap((node) => (node.kind === 'element' ? [node] : node.kind === 'group' ? outermost(node.children) : []));
}

function parsed(text: string, at: Place): N.File {
  try {
    return parse(text, { sourceType: 'unambiguous', allowReturnOutsideFunction: true, startLine: at.line, startColumn: 0, startIndex: 0, attachComment: false });
  } catch (error) {
    throw new Undecided(`a script does not parse: ${error instanceof Error ? error.message.slice(0, 120) : ''}`, at);
  }
}
