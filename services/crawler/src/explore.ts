import type { Behaviour, Element, LeftOut, Location, RepoMap, Screen } from '#contracts';
import { Browser, type Stepped, type Stuck, type Tab } from './browser.js';
import { pathOf, withoutHash } from './browser/address.js';
import { hasHandler, isTryable, trialsOf } from './explore/controls.js';
import { echoesOf } from './explore/echoes.js';
import { click, formsOf, looseEntryOf, steps, validFilling, type Entry, type PlannedStep } from './explore/plan.js';
import { difference, handles, isShown, viewOf, type View } from './explore/screens.js';
import { submissionsOf, type Submission, type Tried } from './explore/submissions.js';
import type { Application, Repo } from './framework.js';
import type { Place } from './markup.js';
import type { Stylist } from './styles/stylist.js';

/**
 * A curious user: visits every route with a fresh browser, follows every link, submits every form, tries every control, and notes what can be seen to happen.
 * Screens are the nodes and behaviours the edges of what is found. Breadth first and in a fixed order, so that the same commit gives the same graph.
 */
export type Depth = RepoMap['depth'];
export interface Exploration { screens: Screen[]; behaviours: Behaviour[]; routes: RepoMap['routes'] }

/**
 * `alike`: how many controls of one line of source (the items of a list, the pages of one route) are tried; what holds for a few of them holds for all.
 * `actions`: how many actions that change a screen, beyond links and successful submissions, a screen may lie behind its visit and still be explored.
 */
const BUDGETS: Record<Depth, { screens: number; behaviours: number; calls: number; actions: number; journeys: number; alike: number }> = {
  smoke: { screens: 80, behaviours: 150, calls: 600, actions: -1, journeys: 0, alike: 1 },
  standard: { screens: 160, behaviours: 400, calls: 6000, actions: 0, journeys: 1, alike: 2 },
  deep: { screens: 320, behaviours: 800, calls: 20_000, actions: 2, journeys: 3, alike: 4 },
};

/** Beyond the budget of its depth a screen is still searched, this many actions and submissions further, for controls of lines that were not tried anywhere on its route. */
const FARTHER = 2;

interface Node { screen: Screen; view: View; actions: number; journeys: number; /** The screen that an action changed into this one. */ from: Node | null; /** Controls that were tried on the screen this one came from. */ known: ReadonlySet<string> }

export function explore(app: Application, repo: Repo, stylist: Stylist, options: { depth: Depth; testIdAttribute: string; progress(done: number, total: number): void }): Exploration {
  return new Explorer(app, repo, stylist, options).run();
}

class Explorer {
  private readonly browser: Browser;
  private readonly budget: (typeof BUDGETS)[Depth];
  private readonly bySignature = new Map<string, Node>();
  private readonly nodes: Node[] = [];
  private readonly behaviours: Behaviour[] = [];
  private readonly ids = new Set<string>();
  /** Links that were followed, with the route that they led to: by themselves, and once more behind a submission (who is signed in may get elsewhere). */
  private readonly covered = new Map<string, string>();
  /** Contents of screens that were explored: the same under another address (a hash, an index file) holds nothing new. */
  private readonly explored = new Set<string>();
  private readonly tries = new Map<string, number>();
  private readonly routeScreens = new Map<string, Set<string>>();
  private readonly noted = new Set<string>();

  constructor(private readonly app: Application, private readonly repo: Repo, private readonly stylist: Stylist, private readonly options: { depth: Depth; testIdAttribute: string; progress(done: number, total: number): void }) {
    this.browser = new Browser(app);
    this.budget = BUDGETS[options.depth];
  }

  run(): Exploration {
    for (const route of this.app.routes) this.routeScreens.set(route.pattern, new Set());
    const visits = this.app.routes.flatMap((route) => route.paths.map((path) => ({ route, path })));
    // The home page first: links that every page repeats are then covered from there.
    visits.sort((a, b) => Number(b.path === '/') - Number(a.path === '/'));
    for (const { route, path } of visits) this.visit(route, path);
    for (const route of this.app.routes) if (route.paths.length === 0) this.leaveOut('dynamic-route', route.pattern, 'no link or list of the source says which addresses exist', route.at);
    // `nodes` grows while it is walked.
    for (const [index, node] of this.nodes.entries()) {
      this.options.progress(index, this.nodes.length);
      if (this.exhausted()) { this.leaveOut('limit-reached', `${this.app.framework}: exploration stopped after ${this.nodes.length} screens and ${this.behaviours.length} behaviours`); break; }
      if (this.explored.has(node.view.content)) continue;
      this.explored.add(node.view.content);
      this.exploreLinks(node);
      if (this.options.depth === 'smoke') continue;
      this.carryOver(node);
      if (node.actions <= this.budget.actions + FARTHER && node.journeys <= this.budget.journeys + FARTHER) this.exploreControls(node);
    }
    const routes = this.app.routes.map((route) => ({ pattern: route.pattern, framework: this.app.framework, at: this.repo.locate(route.at), screens: [...(this.routeScreens.get(route.pattern) ?? [])] }));
    return { screens: this.nodes.map((node) => node.screen), behaviours: this.behaviours, routes };
  }

  private exhausted(): boolean { return this.behaviours.length >= this.budget.behaviours || this.browser.calls >= this.budget.calls; }

  private view(tab: Tab): View { return viewOf(tab, this.repo, this.stylist, this.options.testIdAttribute); }

  private visit(route: Application['routes'][number], path: string): void {
    const opened = this.browser.open(path, undefined);
    if (!opened.ok) { this.leaveOut(opened.reason, `route ${route.pattern}`, opened.detail, opened.at ?? route.at); return; }
    const view = this.view(opened.tab);
    const redirected = pathOf(view.tab.page.path) !== pathOf(path);
    if (!redirected) {
      const node = this.land(view, { by: 'visit' }, null);
      if (node) this.routeScreens.get(route.pattern)?.add(node.screen.id);
      return;
    }
    const id = this.uniqueId(slug(`redirect ${path} ${view.tab.page.path}`));
    // A screen that only the redirect shows (with a message, say) is reached by the redirect itself.
    const node = this.revisited(view) ?? this.land(view, { by: 'behaviour', behaviour: id }, null);
    if (!node) return;
    this.routeScreens.get(route.pattern)?.add(node.screen.id);
    if (node.screen.entry.by === 'behaviour') this.explored.add(node.view.content);
    if (node.screen.elements.some((element) => isShown(element) && handles(element).length > 0)) this.record({ kind: 'redirect', visited: path, node, to: node, planned: [], stepped: opened, label: path, id });
  }

  /** The node of a view that a fresh visit of its path shows too: it starts from that visit, which remembers nothing of the redirect. */
  private revisited(view: View): Node | null {
    const known = this.bySignature.get(view.signature);
    if (known?.screen.entry.by === 'visit') return known;
    const fresh = this.browser.open(view.tab.page.path, undefined);
    const alone = fresh.ok ? this.view(fresh.tab) : null;
    return alone?.signature === view.signature ? this.land(alone, { by: 'visit' }, null) : null;
  }

  /** The node that shows this view, made when there is none yet; `null` over the limit. */
  private land(view: View, entry: Screen['entry'], from: { node: Node; actions: number; journeys: number } | null): Node | null {
    const known = this.bySignature.get(view.signature);
    if (known) return known;
    if (this.nodes.length >= this.budget.screens) { this.leaveOut('limit-reached', `screens of ${view.tab.page.route}`, `${this.budget.screens} screens are enough at this depth`); return null; }
    const { page } = view.tab;
    const screen: Screen = {
      id: this.uniqueId(page.path), path: page.path, route: page.route, title: view.title, entry, elements: view.elements, opaque: view.opaque,
      needs: page.needs.map(({ kind, detail, at }) => ({ kind, detail: detail.slice(0, 300), ...(at && { at: this.repo.locate(at) }) })), at: this.repo.locate(page.at),
    };
    const inherited = from && pathOf(from.node.screen.path) === pathOf(page.path) ? new Set([...from.node.known, ...from.node.screen.elements.map((element) => element.id)]) : new Set<string>();
    const node: Node = { screen, view, actions: from?.actions ?? 0, journeys: from?.journeys ?? 0, from: from && from.actions > from.node.actions ? from.node : null, known: inherited };
    this.nodes.push(node);
    this.bySignature.set(view.signature, node);
    this.routeScreens.get(page.route)?.add(screen.id);
    return node;
  }

  /** Counts the tries of one line of source on one route; false when there were enough. */
  private mayTry(node: Node, what: string, at: Place): boolean {
    const key = `${what} ${at.file}:${at.line} ${node.screen.route}`;
    const count = this.tries.get(key) ?? 0;
    if (count > 0 && (node.actions > this.budget.actions || node.journeys > this.budget.journeys)) return false;
    this.tries.set(key, count + 1);
    if (count === this.budget.alike) this.leaveOut('already-covered', `${what} of ${at.file}:${at.line} on ${node.screen.route}`, `${count} of the same line are tried`, at);
    return count < this.budget.alike;
  }

  // ---- links ------------------------------------------------------------------------------------------------------
  private exploreLinks(node: Node): void {
    for (const element of node.screen.elements) {
      const { link } = element;
      if (!link || this.exhausted()) continue;
      // Header, navigation and footer are repeated on every page, by one line of source or by many.
      const landmark = node.view.byId.get(element.inLandmark ?? '');
      const repeated = landmark && ['banner', 'navigation', 'contentinfo'].includes(landmark.role ?? '');
      const handled = hasHandler(node.view.dom.byKey.get(element.id), 'click');
      const edge = repeated ? `${landmark.role} ${element.name ?? element.text} ${link.href}` : `${element.at.file}:${element.at.line} ${link.href} ${handled ? describe(element) : ''}`;
      const self = withoutHash(link.href) === withoutHash(node.screen.path) && !handled;
      const behind = node.journeys > 0 ? `${edge} behind a submission` : edge;
      if (this.covered.has(behind) || (self && (!link.href.includes('#') || link.href.endsWith('#')))) continue;
      const what = `link ${describe(element)} on ${node.screen.path}`;
      if (link.external || link.newTab) { this.leaveOut('external-link', what, link.href, element.at); continue; }
      if (!isShown(element)) { this.leaveOut(element.presence === 'hidden' ? 'hidden-by-style' : 'unknown-condition', what, undefined, element.at); continue; }
      if (!isTryable(element)) { this.leaveOut('no-accessible-name', what, undefined, element.at); continue; }
      this.covered.set(behind, '');
      const planned = [click(element.id)];
      const tried = this.attempt(node, planned);
      if (!('stepped' in tried)) { this.leaveOut(tried.reason, what, tried.detail, tried.at ?? element.at); continue; }
      const { route } = tried.after.tab.page;
      this.covered.set(behind, route);
      if (behind !== edge && this.covered.get(edge) === route) continue;
      // Of the items of a list, a few stand for all: those of one line that lead to one route.
      if (repeated || this.mayTry(node, `links to ${route}`, element.at)) this.note(node, { kind: 'navigation', steps: planned, result: tried }, describe(element), what, element.at, 0);
    }
  }

  /** What an action changed may show on other pages (what is in the cart, say): the ways that led from the screen before are taken once more, until one page of each route differs. */
  private carryOver(node: Node): void {
    const { from } = node;
    if (!from) return;
    for (const way of this.behaviours.filter((behaviour) => behaviour.on === from.screen.id && behaviour.kind === 'navigation' && behaviour.navigates && behaviour.steps.length === 1)) {
      const before = this.nodes.find(({ screen }) => screen.id === way.to);
      const element = node.view.byId.get(way.steps[0]?.element ?? '');
      const route = `carried from ${node.screen.route} to ${before?.screen.route}`;
      if (this.exhausted() || !before || !element || !isTryable(element) || this.covered.has(route)) continue;
      const planned = [click(element.id)];
      const tried = this.attempt(node, planned);
      if (!('stepped' in tried) || tried.after.tab.page.route !== before.screen.route || this.bySignature.has(tried.after.signature)) continue;
      const carried = difference(before.view, tried.after, new Set());
      if (carried.appears.length === 0) continue;
      this.covered.set(route, route);
      this.note(node, { kind: 'navigation', steps: planned, result: tried }, describe(element), `${describe(element)} on ${node.screen.path}`, element.at, 0);
    }
  }

  // ---- forms and controls -----------------------------------------------------------------------------------------------
  private exploreControls(node: Node): void {
    const inEntries = new Set<string>();
    for (const entry of formsOf(node.view)) {
      if (entry.button) inEntries.add(entry.button.id);
      if (!node.known.has(entry.form.key) && this.mayTry(node, `forms “${firstWord(entry.button)}”`, entry.button?.at ?? entry.form.markup.at)) this.submit(node, entry, node.view.byId.get(entry.form.key));
    }
    for (const element of node.screen.elements) {
      if (this.exhausted()) return;
      if (node.known.has(element.id) || inEntries.has(element.id)) continue;
      const loose = element.tag === 'button' && isTryable(element) && hasHandler(node.view.dom.byKey.get(element.id), 'click') ? looseEntryOf(node.view, element) : null;
      if (loose && !this.filters(node, loose) && !this.ignores(node, loose)) this.submit(node, loose, element);
      else this.tryControl(node, element);
    }
  }

  private submit(node: Node, entry: Entry, element: Element | undefined): void {
    const what = `form ${entry.button ? `“${describe(entry.button)}” ` : ''}on ${node.screen.path}`;
    const submissions = submissionsOf(entry, (planned) => this.attempt(node, planned), (how, why) => this.leaveOut(why.reason, `${what}: ${how}`, why.detail, why.at ?? entry.form.markup.at));
    for (const submission of submissions) this.note(node, submission, entry.button ? describe(entry.button) : describe(element), what, element?.at ?? entry.form.markup.at, submission.kind === 'submit-valid' ? 0 : 1, submission.kind === 'submit-valid' ? 1 : 0);
  }

  /** A field that acts while it is typed in has no need of the button beside it. */
  private filters(node: Node, entry: Entry): boolean {
    return entry.fields.some((field) => trialsOf(node.view, field).some((trial) => {
      const tried = trial.kind === 'filter' ? this.attempt(node, trial.steps) : null;
      return tried !== null && 'stepped' in tried && tried.after.content !== node.view.content;
    }));
  }

  /** A button that does the same whatever stands in the fields beside it. */
  private ignores(node: Node, entry: Entry): boolean {
    const filling = validFilling(entry, new Map(), false);
    const planned = 'why' in filling ? null : steps(entry, filling);
    const [filled, empty] = [planned && this.attempt(node, planned), this.attempt(node, [click(entry.button?.id ?? '')])];
    return filled !== null && 'stepped' in filled && 'stepped' in empty && filled.after.content === empty.after.content;
  }

  private tryControl(node: Node, element: Element): void {
    const dom = node.view.dom.byKey.get(element.id);
    const trials = trialsOf(node.view, element);
    if (trials.length === 0) {
      if (hasHandler(dom, 'click', 'change', 'submit') && !isShown(element)) this.leaveOut(element.presence === 'hidden' ? 'hidden-by-style' : 'unknown-condition', `${describe(element)} on ${node.screen.path}`, undefined, element.at);
      return;
    }
    if (!isTryable(element)) { this.leaveOut('no-accessible-name', `${element.tag} on ${node.screen.path}`, undefined, element.at); return; }
    if (!this.mayTry(node, `controls “${firstWord(element)}”`, element.at)) return;
    for (const trial of trials) {
      const what = `${describe(element)} on ${node.screen.path}`;
      const tried = this.attempt(node, trial.steps);
      if (!('stepped' in tried)) { this.leaveOut(tried.reason, what, tried.detail, tried.at ?? element.at); continue; }
      // Most fields of forms show nothing before the form is submitted.
      if (trial.kind === 'edit' && element.inForm && isQuiet(difference(node.view, tried.after, new Set([element.id])))) continue;
      const to = this.note(node, { kind: trial.kind, steps: trial.steps, result: tried }, describe(element), what, element.at, tried.leaves ? 0 : 1);
      if (to && to !== node && trial.kind === 'toggle' && !tried.leaves) this.tryBack(node, to, element);
    }
  }

  /** The same control once more: does it take back what it did? */
  private tryBack(node: Node, to: Node, element: Element): void {
    const control = to.view.byId.get(element.id);
    const [trial] = control && isTryable(control) ? trialsOf(to.view, control) : [];
    if (!control || !trial) return;
    const tried = this.attempt(to, trial.steps);
    if ('stepped' in tried && tried.after.signature === node.view.signature) this.note(to, { kind: 'toggle', steps: trial.steps, result: tried }, describe(control), `${describe(control)} on ${to.screen.path}`, control.at, 1);
  }

  // ---- what came of it ------------------------------------------------------------------------------------------------
  private attempt(node: Node, planned: readonly PlannedStep[]): Tried | Stuck {
    let { tab } = node.view;
    const all: Stepped = { ok: true, tab, because: [], writes: false, hints: [] };
    for (const { act } of planned) {
      const result = this.browser.step(tab, act);
      if (!result.ok) return { ...result, hints: [...all.hints, ...result.hints] };
      ({ tab } = result);
      all.because.unshift(...result.because);
      all.hints.push(...result.hints);
      all.writes ||= result.writes;
      if (result.invalid) all.invalid = result.invalid;
    }
    return { stepped: { ...all, tab }, after: this.view(tab), leaves: pathOf(tab.page.path) !== pathOf(node.view.tab.page.path) };
  }

  /** Records the behaviour when something can be seen to happen; returns the screen it leads to. */
  private note(node: Node, submission: Submission, label: string, what: string, at: Place, actions: number, journeys = 0): Node | null {
    const { stepped, after } = submission.result;
    if (stepped.invalid) {
      const element = node.view.byId.get(stepped.invalid.key);
      if (!element || !isShown(element)) this.leaveOut('hidden-by-style', what, 'the field that the browser refuses is not certain to be seen', at);
      else this.record({ kind: submission.kind, node, to: node, planned: submission.steps, stepped, label: `${label} ${describe(element)} ${stepped.invalid.rule}` });
      return node;
    }
    const id = this.behaviourId(submission.kind, node, label, after);
    const touched = new Set(submission.steps.map(({ act }) => act.key));
    const effect = difference(node.view, after, touched);
    const echoes = echoesOf(submission.steps, node.view, after);
    const moved = after.tab.page.path !== node.view.tab.page.path;
    const seen = effect.appears.length > 0 || echoes.length > 0 || effect.retitled || (!submission.result.leaves && (effect.disappears.length > 0 || effect.changes.length > 0));
    if (!seen) {
      this.leaveOut('no-observable-effect', what, moved ? `nothing on ${after.tab.page.path} is certain and new` : undefined, at);
      return null;
    }
    const to = this.destination(node, after, id, actions, journeys);
    if (!to) return null;
    this.record({ kind: kindOf(submission.kind, effect, submission.result.leaves), node, to, planned: submission.steps, stepped, label, id, effect, echoes });
    return to;
  }

  /** The screen of a view; visited by itself when a fresh browser shows the same, else reached by the behaviour. */
  private destination(node: Node, after: View, behaviour: string, actions: number, journeys: number): Node | null {
    if (after.signature === node.view.signature) return node;
    const known = this.bySignature.get(after.signature);
    if (known) return known;
    if (pathOf(after.tab.page.path) !== pathOf(node.view.tab.page.path)) {
      const fresh = this.browser.open(after.tab.page.path, undefined);
      const view = fresh.ok ? this.view(fresh.tab) : null;
      if (view?.signature === after.signature) return this.land(view, { by: 'visit' }, null);
    }
    return this.land(after, { by: 'behaviour', behaviour }, { node, actions: node.actions + actions, journeys: node.journeys + journeys });
  }

  private record(found: { kind: Behaviour['kind']; visited?: string; node: Node; to: Node; planned: readonly PlannedStep[]; stepped: Stepped; label: string; id?: string; effect?: ReturnType<typeof difference>; echoes?: Behaviour['echoes'] }): void {
    const { node, to, stepped, effect } = found;
    const because = this.telling(found);
    this.behaviours.push({
      id: found.id ?? this.uniqueId(slug(`${found.kind} ${node.screen.path} ${found.label}`)), kind: found.kind, on: node.screen.id, ...(found.visited !== undefined && { visited: found.visited }),
      steps: found.planned.map(({ say }) => say), to: to.screen.id, navigates: pathAndSearch(to) !== pathAndSearch(node) || found.visited !== undefined, ...(stepped.tab.page.openSearch && { openSearch: true as const }),
      appears: effect?.appears ?? [], disappears: effect?.disappears ?? [], echoes: found.echoes ?? [], ...(stepped.invalid && { invalid: { element: stepped.invalid.key, rule: stepped.invalid.rule } }),
      changes: effect?.changes ?? [], writes: stepped.writes, because: because.length > 0 ? because : [node.screen.at],
    });
  }

  /** The lines that decide a behaviour, most telling first: for a way to another page the control that leads there, otherwise what its handlers did; a file as a whole comes last. */
  private telling({ kind, node, to, planned, stepped, effect }: { kind: Behaviour['kind']; node: Node; to: Node; planned: readonly PlannedStep[]; stepped: Stepped; effect?: ReturnType<typeof difference> }): Location[] {
    const decided = stepped.because.map((place) => this.repo.locate(place));
    const control = node.view.byId.get(planned.at(-1)?.act.key ?? '')?.at ?? [];
    const shown = to.view.byId.get(effect?.appears[0] ?? '')?.at ?? [];
    const places = [kind === 'navigation' ? control : [], decided, control, shown].flat();
    const lines = [...new Map(places.map((place) => [`${place.file}:${place.line}`, place])).values()];
    return [...lines.filter(({ line }) => line > 1), ...lines.filter(({ line }) => line === 1)].slice(0, 8);
  }

  private behaviourId(kind: Behaviour['kind'], node: Node, label: string, after: View): string {
    return this.uniqueId(slug(`${kind} ${node.screen.path} ${label} ${after.tab.page.path === node.screen.path ? '' : after.tab.page.path}`));
  }
  private uniqueId(wanted: string): string {
    let id = wanted;
    for (let n = 2; this.ids.has(id); n++) id = `${wanted}-${n}`;
    this.ids.add(id);
    return id;
  }

  private leaveOut(reason: LeftOut['reason'], what: string, detail?: string, at?: Place): void {
    const key = `${reason} ${at?.file}:${at?.line} ${at ? detail : what}`;
    if (this.noted.has(key)) return;
    this.noted.add(key);
    this.repo.leaveOut(reason, what, detail, at);
  }
}

const pathAndSearch = (node: Node): string => node.screen.path;
/** One line of a shared component makes buttons of every kind; those that begin alike are of one kind. */
const firstWord = (element: Element | null | undefined): string => describe(element ?? undefined).split(/\s+/)[0] ?? '';
const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '').slice(0, 90) || 'behaviour';
const describe = (element: Element | undefined): string => (element ? element.name ?? element.label ?? element.placeholder ?? element.text?.slice(0, 60) ?? element.testId ?? element.tag : '');
const isQuiet = ({ appears, disappears, changes }: ReturnType<typeof difference>): boolean => appears.length + disappears.length + changes.length === 0;
function kindOf(kind: Behaviour['kind'], effect: ReturnType<typeof difference>, leaves: boolean): Behaviour['kind'] {
  if (leaves && (kind === 'toggle' || kind === 'edit' || kind === 'select')) return 'navigation';
  return kind === 'toggle' && effect.appears.length === 0 && effect.changes.length === 0 && effect.disappears.length > 0 ? 'dismiss' : kind;
}
