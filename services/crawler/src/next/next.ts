import type { LeftOut } from '#contracts';
import type { Application, EventOutcome, Framework, Outcome, Page, PageRequest, Repo, Session, UserEvent } from '../framework.js';
import { emptyStorage, copyStorage, type BrowserStorage } from '../interpret/machine.js';
import { looseJson, record } from '../interpret/resolution.js';
import type { Undecided } from '../interpret/values.js';
import type { MarkupElement, Place } from '../markup.js';
import { fieldReader } from '../react/page-run.js';
import { pathOf as hostPath, type Host } from '../react/renderer.js';
import { readConfig, shownAddress } from './config.js';
import { PageLoad, type HandledEvent, type Site } from './page-load.js';
import { findRoutes, moduleAt, pathOf, type NextRoute } from './routes.js';
import { listedParams } from './tree.js';

/**
 * Next.js, both routers. A page that the browser has open is remembered as the request that opened it and the events since; an event on it is handled by a page load
 * in the same state: the one at hand when it is still there, or a new one that goes through the same events again.
 */
export const next: Framework = { name: 'next', detect: (repo) => manifests(repo).flatMap((manifest) => applicationAt(repo, manifest)) };

/** What a browser keeps between page loads. */
class NextSession { constructor(readonly storage: BrowserStorage) {} }

/** How to come back to a page: the request that opened it and the events since. */
interface Log { readonly address: string; readonly session: NextSession | undefined; readonly events: readonly HandledEvent[]; readonly hosts: ReadonlyMap<string, Host>; /** Stands at this very point, until an event moves it on. */ load: PageLoad | null }

/** How many page loads are kept ready; others are made again from their logs. */
const KEPT_LOADS = 8;

interface Manifest { path: string; root: string; line: number; version: string }

function manifests(repo: Repo): Manifest[] {
  return repo.paths.filter((path) => /(?:^|\/)package\.json$/.test(path) && !path.includes('node_modules/')).flatMap((path) => {
    const text = repo.text(path);
    const manifest = record(looseJson(text));
    const version = { ...record(manifest?.['devDependencies']), ...record(manifest?.['dependencies']) }['next'];
    if (typeof version !== 'string') return [];
    const line = (text ?? '').split('\n').findIndex((words) => words.includes('"next"'));
    return [{ path, root: path.slice(0, -'/package.json'.length), line: line + 1, version: version.slice(0, 60) }];
  });
}

function applicationAt(repo: Repo, manifest: Manifest): Application[] {
  const { root } = manifest;
  const at: Place = { file: manifest.path, line: manifest.line };
  const routes = findRoutes(repo, root);
  if (routes.routes.length === 0) return [];
  const config = readConfig(repo, root);
  if (!config) return [];
  if (config.languages) { repo.leaveOut('unsupported-syntax', `the Next.js application in ${root || 'the root'}`, 'i18n: the language of a page depends on the browser', at); return []; }
  const files = new Set(repo.paths);
  const inRoot = root === '' ? '' : `${root}/`;
  const middleware = [`${inRoot}middleware`, `${inRoot}proxy`, `${inRoot}src/middleware`, `${inRoot}src/proxy`].map((path) => moduleAt(files, path)).find((path) => path !== undefined);
  return [new NextApplication({ repo, root, routes, config, middleware, at }, manifest.version)];
}

class NextApplication implements Application {
  readonly framework = 'next';
  readonly root: string;
  readonly at: Place;
  readonly entryPoints: readonly string[];
  /** By the markup of a page, which copies with other field values share. */
  private readonly logs = new WeakMap<Page['markup'], Log>();
  private readonly ready: Log[] = [];
  private listed: Application['routes'] | undefined;

  constructor(private readonly site: Site, readonly version: string | undefined) {
    this.root = site.root;
    this.at = site.at;
    this.entryPoints = [...new Set(site.routes.routes.flatMap((route) => route.folders[0]?.layout ?? site.routes.pagesApp ?? []))];
  }

  get routes(): Application['routes'] {
    return this.listed ??= this.site.routes.routes.map((route) => ({ pattern: route.pattern, at: { file: route.page, line: 1 }, paths: addressesOf(this.site, route) }));
  }

  visit(request: PageRequest, given: Session | undefined): Outcome {
    const session = given instanceof NextSession ? given : undefined;
    if (request.method === 'post') return { ok: false, reason: 'unknown-outcome', detail: 'a form that is posted to the server without an action', at: this.at };
    const address = this.inside(request.path);
    if (address === null) return { ok: false, reason: 'unknown-outcome', detail: `${request.path} is outside of the base path`, at: this.at };
    const load = this.loadOf(address, session);
    return this.outcome(load, () => {
      load.open(address);
      return this.page(load, { address, session, events: [] }, new Map());
    });
  }

  dispatch(page: Page, element: MarkupElement, event: UserEvent): EventOutcome {
    const log = this.logs.get(page.markup);
    const path = hostPath.get(element);
    if (!log) throw new Error('the page was not made by this application');
    if (path === undefined) return { ok: false, reason: 'unknown-handler', detail: `<${element.tag}> is not an element of React`, at: element.at };
    const handled: HandledEvent = { path, event, fields: fieldReader(page, log.hosts) };
    const load = this.loadAt(log);
    let defaultPrevented = false;
    const outcome = this.outcome(load, () => {
      const done = load.handle(handled);
      ({ defaultPrevented } = done);
      return this.page(load, { ...log, events: [...log.events, handled] }, done.formReset ? new Map() : page.fields);
    });
    return outcome.ok ? { ...outcome, defaultPrevented } : outcome;
  }

  private loadOf(address: string, session: NextSession | undefined): PageLoad { return new PageLoad(this.site, address, session?.storage ?? emptyStorage()); }

  /** A page load that stands where the log says. What went well once goes well again: the interpreter has neither clock nor chance. */
  private loadAt(log: Log): PageLoad {
    if (log.load) {
      const { load } = log;
      log.load = null;
      this.ready.splice(this.ready.indexOf(log), 1);
      return load;
    }
    const load = this.loadOf(log.address, log.session);
    load.open(log.address);
    for (const event of log.events) load.handle(event);
    return load;
  }

  private page(load: PageLoad, past: Pick<Log, 'address' | 'session' | 'events'>, fields: Page['fields']): Page {
    const page: Page = { ...load.view(), session: new NextSession(copyStorage(load.machine.storage)), fields };
    const log: Log = { address: past.address, session: past.session, events: past.events, hosts: load.hosts(), load };
    this.logs.set(page.markup, log);
    this.ready.push(log);
    const oldest = this.ready.length > KEPT_LOADS ? this.ready.shift() : undefined;
    if (oldest) oldest.load = null;
    return page;
  }

  private outcome(load: PageLoad, run: () => Page): Outcome {
    const hints = (): { hints: ReturnType<PageLoad['hints']> } => ({ hints: load.hints() });
    const ran = load.machine.attempt(run);
    if (ran.ok) return { ok: true, page: ran.value, because: load.because(), ...hints() };
    if (ran.undecided) return { ok: false, reason: reasonOf(ran.undecided), detail: ran.undecided.reason, ...(ran.undecided.at?.file && { at: ran.undecided.at }), ...hints() };
    return { ok: false, reason: 'unknown-outcome', detail: 'the page fails', ...(ran.thrown?.at.file && { at: ran.thrown.at }), ...hints() };
  }

  private inside(path: string): string | null {
    const { basePath } = this.site.config;
    if (basePath === '' || path === basePath) return basePath === '' ? path : '/';
    return path.startsWith(`${basePath}/`) || path.startsWith(`${basePath}?`) ? path.slice(basePath.length).replace(/^\?/, '/?') : null;
  }
}

function reasonOf(undecided: Undecided): LeftOut['reason'] {
  if (undecided.limit) return 'limit-reached';
  if (/\bAPI\b/.test(undecided.reason)) return 'needs-backend';
  return /\b(?:session|cookie|sign|auth|login|user)/i.test(undecided.reason) ? 'needs-login' : 'unknown-outcome';
}

function addressesOf(site: Site, route: NextRoute): string[] {
  const plain = pathOf(route.segments, new Map());
  const listed = route.segments.some(({ kind }) => kind !== 'static') ? listedAddresses(site, route) : [];
  return [...new Set([...(plain === null ? [] : [plain]), ...listed])].map((path) => shownAddress(site.config, path));
}

function listedAddresses(site: Site, route: NextRoute): string[] {
  const load = new PageLoad(site, '/', emptyStorage());
  return listedParams(load.machine, route).flatMap((params) => pathOf(route.segments, params) ?? []);
}
