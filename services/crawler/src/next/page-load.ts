import type { Hint, Page, Repo, UserEvent } from '../framework.js';
import type { Markup, MarkupElement, Place, Words } from '../markup.js';
import { copyStorage, type BrowserStorage, type Machine, type ModuleModels } from '../interpret/machine.js';
import { isPromise } from '../interpret/promises.js';
import { startMachine } from '../interpret/start.js';
import { Fn, isObject, Undecided, Unknown, type Obj, type Value } from '../interpret/values.js';
import { dispatchTo } from '../react/events.js';
import { packageModels } from '../react/models/packages.js';
import { reactModels } from '../react/models/react.js';
import { Renderer, type Host } from '../react/renderer.js';
import { taint } from '../react/taint.js';
import { authenticationModels } from './authentication.js';
import { componentModels, settled } from './components.js';
import { mayBeRewritten, redirected, shownAddress, slashed, type NextConfig } from './config.js';
import { fileModels, placeProcess } from './files.js';
import { markdownModels } from './markdown.js';
import { askMiddleware, responseClass, serverModels } from './middleware.js';
import { navigationModels, Signal, type Navigator } from './navigation.js';
import { isAmong, matchRoute, type NextRoute, type NextRoutes, type Params } from './routes.js';
import { notFoundTree, treeOf, type Tree } from './tree.js';

/** The application as its files say it, whatever is visited. */
export interface Site { repo: Repo; root: string; routes: NextRoutes; config: NextConfig; middleware: string | undefined; at: Place }

/** An event that the application handles, with a reader of what the fields held, so that it can be handled again. `path`: the host's in the tree. */
export interface HandledEvent { path: string; event: UserEvent; fields: (path: string, key: 'value' | 'checked') => Value }

const MAX_REDIRECTS = 10;

/**
 * One page load in a browser: request, redirects, middleware, render, and then events one after the other.
 *
 *   open: address → redirects of the configuration → middleware → route → render → still
 *   handle: event → still;  when something called the router: address → … → render → still
 *
 * Layouts keep their state when the router moves between pages, because the tree is rendered by the same renderer.
 * Every method throws `Undecided` when the source does not say what the user would see.
 */
export class PageLoad implements Navigator {
  address = '/';
  pattern = '/';
  params: Params = new Map();
  unknownSearch: ReadonlyMap<string, Unknown> = new Map();
  title: Words | null = null;
  signal: Signal | Undecided | null = null;
  readonly leaving = new WeakSet<Obj>();
  readonly machine: Machine;
  private readonly renderer: Renderer;
  private tree: Tree | null = null;
  private going: { href: string; at: Place } | null = null;
  /** Lines of redirects on the way here. */
  private readonly turns: Place[] = [];
  private fields: HandledEvent['fields'] = () => undefined;
  /** The form whose fields React empties, because its action has run. */
  private reset = false;

  constructor(private readonly site: Site, address: string, storage: BrowserStorage) {
    const { repo, root } = site;
    this.machine = startMachine({ repo, root, host: 'browser', models: this.models(), path: address, storage: copyStorage(storage) });
    this.machine.globals.set('Response', responseClass(this.machine));
    placeProcess(this.machine, root);
    this.renderer = new Renderer(this.machine, { fieldOf: (path, key) => this.fields(path, key) });
    this.renderer.onLostEffect = (callback, why) => { taint(this.renderer, callback, why, (value) => isObject(value) && (this.leaving.has(value) || value === this.machine.globals.get('location'))); };
  }

  private models(): ModuleModels {
    const react = reactModels(() => this.renderer);
    const plain = react.get('react');
    if (!plain) throw new Error('there is no model of react');
    return new Map([...packageModels(() => this.renderer), ...react, ...componentModels(this), ...navigationModels(this), ...serverModels(), ...authenticationModels(), ...fileModels(this.site.repo, this.site.root), ...markdownModels, ['react', (machine, at) => this.withActions(plain(machine, at))]]);
  }

  // ── Addresses ──────────────────────────────────────────────────────────────────────────────────────────────────────

  shown(href: string): string { return shownAddress(this.site.config, href); }
  owns(href: string): boolean { return !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(href) && !href.startsWith('#'); }
  go(href: string, _how: 'push' | 'replace', at: Place): void {
    this.machine.effect('navigation', at);
    if (!this.owns(href)) throw new Undecided(`leaves for ${href}`, at);
    this.going = { href: absolute(href, this.address), at };
    this.renderer.schedule();
  }

  /** Loads the page of an address. */
  open(address: string): void {
    this.enter(address, new Map());
    this.still();
  }

  /** Lets the application handle an event. */
  handle({ path, event, fields }: HandledEvent): { defaultPrevented: boolean; formReset: boolean } {
    const { machine } = this;
    this.fields = fields;
    this.reset = false;
    this.renderer.forgetTaints();
    machine.startWatching();
    machine.hints.length = 0;
    this.turns.length = 0;
    for (const value of [event.value ?? '', ...(event.fields ?? []).map(([, text]) => text)]) if (value !== '') machine.typed.add(value);
    this.guardAction(path, event);
    const defaultPrevented = machine.during('event', () => dispatchTo(machine, this.renderer.hosts, path, event, { onReset: () => { this.reset = true; }, fieldOf: fields }));
    this.still();
    return { defaultPrevented, formReset: this.reset };
  }

  /** Route, parameters and tree of an address, after everything that may send elsewhere. */
  private enter(address: string, unknownSearch: ReadonlyMap<string, Unknown>, turns = 0): void {
    if (turns > MAX_REDIRECTS) throw new Undecided(`redirects of ${address} never end`, undefined);
    const [pathname = '/'] = address.split(/[?#]/, 1);
    const turn = redirected(this.site.config, pathname);
    if (turn === 'undecided') throw new Undecided(`next.config may redirect ${pathname}`, this.site.at);
    if (turn) { this.turns.push(turn.at); this.enter(this.inside(turn.href, turn.at), new Map(), turns + 1); return; }
    const verdict = this.site.middleware === undefined ? { kind: 'pass' as const } : askMiddleware(this.machine, this.site.middleware, address);
    if (verdict.kind === 'redirect') { this.turns.push(verdict.at); this.enter(this.inside(verdict.to.href, verdict.at), verdict.to.unknown, turns + 1); return; }
    const served = verdict.kind === 'rewrite' ? this.inside(verdict.to.href, verdict.at) : address;
    const match = this.routeOf(served.split(/[?#]/, 1)[0] ?? '/');
    this.address = slashed(this.site.config, address);
    this.machine.address = this.shown(address);
    this.unknownSearch = unknownSearch;
    this.pattern = match?.route.pattern ?? '/404';
    this.params = match?.params ?? new Map<string, string>();
    this.title = null;
    const built = match ? this.machine.attempt(() => treeOf(this.machine, this.site.routes, { ...match, address: served, unknownSearch })) : null;
    if (built?.ok) this.show(built.value);
    else if (built === null) this.showMissing(null);
    else if (built.thrown?.value instanceof Signal) this.follow(built.thrown.value, match?.route ?? null, built.thrown.at, turns);
    else throw built.undecided ?? new Undecided('the page fails to load', built.thrown?.at);
  }

  /** The route whose page answers; `null` when nothing does. */
  private routeOf(pathname: string): ReturnType<typeof matchRoute> {
    const { repo, root, routes, config } = this.site;
    if (pathname !== '/' && repo.paths.includes(`${root === '' ? '' : `${root}/`}public${pathname}`)) throw new Undecided(`${pathname} is a file of its own`, this.site.at);
    const match = matchRoute(routes.routes, pathname);
    const exact = match?.route.segments.every(({ kind }) => kind === 'static') ?? false;
    if (mayBeRewritten(config, pathname, exact)) throw new Undecided(`next.config may rewrite ${pathname}`, this.site.at);
    if (!exact && isAmong(routes.others, pathname)) throw new Undecided(`${pathname} is no page`, this.site.at);
    return match;
  }

  private follow(signal: Signal, route: NextRoute | null, at: Place, turns = 0): void {
    this.signal = null;
    this.turns.push(at);
    if (signal.kind === 'not-found') this.showMissing(route);
    else this.enter(this.inside(signal.href, at), new Map(), turns + 1);
  }

  private showMissing(route: NextRoute | null): void {
    const tree = notFoundTree(this.machine, this.site.routes, route?.folders ?? []);
    if (!tree) throw new Undecided('the page that Next shows for an address without a page', this.site.at);
    this.show(tree);
  }

  private inside(href: string, at: Place): string {
    if (!this.owns(href)) throw new Undecided(`leaves for ${href}`, at);
    return absolute(href, this.address);
  }

  // ── Rendering ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private show(tree: Tree): void {
    this.tree = tree;
    this.title = tree.title;
    this.renderer.mount(this.machine.array([tree.element]));
  }

  /** Renders until nothing moves, following redirects that components throw and calls of the router. */
  private still(): void {
    for (let turns = 0; turns <= MAX_REDIRECTS; turns++) {
      const settledDown = this.machine.attempt(() => this.renderer.settle());
      if (this.signal instanceof Undecided) throw this.signal;
      if (!settledDown.ok) {
        if (!(settledDown.thrown?.value instanceof Signal)) throw settledDown.undecided ?? new Undecided('the page fails to render', settledDown.thrown?.at);
        this.follow(settledDown.thrown.value, matchRoute(this.site.routes.routes, this.address.split(/[?#]/, 1)[0] ?? '/')?.route ?? null, settledDown.thrown.at);
      } else if (this.machine.leaving !== null) {
        throw new Undecided('the program loads another page by itself', undefined);
      } else if (this.signal) {
        throw new Undecided('a redirect that the code around it may have caught', undefined);
      } else if (this.going) {
        const { href } = this.going;
        this.going = null;
        this.enter(href, new Map());
      } else return;
    }
    throw new Undecided('redirects never end', undefined);
  }

  // ── Actions ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `useActionState` with actions whose redirects are followed, and `use` for the parameters of a page. */
  private withActions(react: Obj): Obj {
    const use = this.machine.get(react, 'use');
    react.put('use', this.machine.fn('use', ([source], self, at) => (isPromise(this.machine, source) ? settled(this.machine, source, at) : this.machine.call(use, [source], self, at))));
    for (const name of ['useActionState', 'useFormState']) {
      const hook = this.machine.get(react, name);
      react.put(name, this.machine.fn(name, ([action, initial], self, at) => this.machine.call(hook, [action instanceof Fn ? this.guarded(action) : action, initial], self, at)));
    }
    return react;
  }

  /** An action runs on the server and is waited for; a redirect it throws moves the browser. */
  private guarded(action: Fn): Fn {
    return this.machine.fn('action', (args, self, at) => {
      const ran = this.machine.attempt(() => settled(this.machine, this.machine.call(action, args, self, at), at));
      this.reset = true;
      if (ran.ok) return ran.value;
      const { thrown } = ran;
      if (!(thrown?.value instanceof Signal)) throw ran.undecided ?? new Undecided('an action that fails', thrown?.at);
      this.signal = null;
      if (thrown.value.kind === 'not-found') throw new Undecided('an action that says its page does not exist', thrown.at);
      this.turns.push(thrown.at);
      this.go(thrown.value.href, 'push', thrown.at);
      return args[0];
    });
  }

  /** The action of the form that is submitted is called by the browser itself. */
  private guardAction(path: string, event: UserEvent): void {
    if (event.type !== 'submit') return;
    const props = this.renderer.hosts.get(path)?.props;
    const action = props?.own('action')?.value;
    if (action instanceof Fn && props) props.put('action', this.guarded(action));
  }

  // ── What the user sees ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything of a page but its session. */
  view(): Omit<Page, 'session' | 'fields'> {
    const body = bodyOf(this.renderer.markup);
    const title = this.title ?? body.title ?? programTitle(this.machine.title);
    return {
      ...this.pathOrOpen(), route: this.pattern, title, markup: [...body.markup, announcer(title, this.site.at)], at: this.tree?.at ?? this.site.at,
      styles: this.machine.styles.map((path) => ({ path })), needs: [{ kind: 'server', detail: 'the Next.js server', at: this.site.at }, ...this.machine.needs],
    };
  }
  private pathOrOpen(): Pick<Page, 'path' | 'openSearch'> {
    const path = this.shown(this.address);
    return this.unknownSearch.size > 0 ? { path: path.split(/[?#]/, 1)[0] ?? '/', openSearch: true } : { path };
  }
  because(): Place[] { return [...this.turns, ...this.machine.because(false), ...(this.tree ? [this.tree.at] : [])]; }
  hints(): Hint[] { return [...this.machine.hints]; }
  hosts(): ReadonlyMap<string, Host> { return new Map(this.renderer.hosts); }
}

/** A path relative to the current one, without origin. */
function absolute(href: string, from: string): string {
  const url = new URL(href, new URL(from, 'http://application.invalid'));
  return `${url.pathname}${url.search}${url.hash}`;
}

/** The children of `body`, without what React moves to `head`. Markup without a `body` is all body (`pages/`). */
function bodyOf(markup: readonly Markup[]): { markup: Markup[]; title: Words | null } {
  let title: Words | null = null;
  const visible = (nodes: readonly Markup[]): Markup[] => nodes.flatMap((node): Markup[] => {
    if (node.kind === 'text') return [node];
    if (node.kind !== 'element') return [{ ...node, children: visible(node.children ?? []) }];
    if (node.tag === 'title') { title = textOfTitle(node); return []; }
    if (HOISTED.has(node.tag)) return [];
    if (node.tag === 'svg') return [node];
    node.children = visible(node.children);
    return [node];
  });
  return { markup: visible(findBody(markup) ?? markup), title };
}
const HOISTED = new Set(['meta', 'link', 'script', 'style', 'head']);

function findBody(markup: readonly Markup[]): readonly Markup[] | null {
  for (const node of markup) {
    if (node.kind !== 'element') continue;
    if (node.tag === 'body') return node.children;
    if (node.tag === 'html') return findBody(node.children) ?? node.children;
  }
  return null;
}

function textOfTitle(node: MarkupElement): Words {
  const parts = node.children.map((child) => (child.kind === 'text' ? child.text : { undecided: 'the title' }));
  return parts.find((part) => typeof part !== 'string') ?? parts.map((part) => (typeof part === 'string' ? part : '')).join('');
}

/** After moving on, Next tells screen readers the title of the page in an element of its own: a text that equals the title may then be there twice. */
function announcer(title: Words | null, at: Place): Markup {
  const children: Markup[] = title === null ? [] : [{ kind: 'text', text: title, at }];
  return { kind: 'group', when: 'unsure', why: 'what Next announces', at, children: [{ kind: 'element', tag: 'p', attributes: new Map([['role', 'alert'], ['aria-live', 'assertive']]), children, at }] };
}

/** What the program itself wrote to `document.title`. */
function programTitle(title: Value): Words | null {
  if (title instanceof Unknown) return { undecided: title.reason };
  return typeof title === 'string' && title !== '' ? title : null;
}
