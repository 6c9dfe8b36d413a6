import type { Application, EventOutcome, Outcome, Page, PageRequest, Session, UserEvent } from '../framework.js';
import { copyStorage, type Attempt } from '../interpret/machine.js';
import { Unknown } from '../interpret/values.js';
import type { MarkupElement, Place, Words } from '../markup.js';
import { fieldReader, messageOf, PageRun, ReactSession, type Program } from './page-run.js';
import { pathOf, type Host } from './renderer.js';
import { fillShell, type Shell } from './shell.js';

/** What has happened on a page since it was opened: enough to make it again. */
interface Log {
  readonly path: string;
  readonly session: ReactSession | undefined;
  readonly steps: readonly Step[];
  readonly hosts: ReadonlyMap<string, Host>;
  /** The run that stands at this very point, until an event moves it on. */
  run: PageRun | null;
}
interface Step { readonly path: string; readonly event: UserEvent; readonly fields: ReturnType<typeof fieldReader> }

/** How many runs are kept ready; others are made again from their logs. */
const KEPT_RUNS = 12;
const MAX_PAGE_LOADS = 5;

/**
 * A React application with or without a router. Pages are values: each is known by its log (the visit and the events since), kept by its markup, so that copies of a page
 * with other field values are the same page. An event is run on the page's own run when that still stands there, otherwise on one made again from the log.
 */
export class ReactApplication implements Application {
  private readonly logs = new WeakMap<readonly unknown[], Log>();
  private readonly ready: Log[] = [];
  private known: Application['routes'] | null = null;
  constructor(private readonly program: Program, private readonly shell: Shell | null, readonly framework: string, readonly version: string | undefined, readonly at: Place) {}

  get root(): string { return this.program.root; }
  get entryPoints(): readonly string[] { return this.program.entries; }
  /** The patterns that rendering the start page comes across. Parameters have no paths: links lead to those. */
  get routes(): Application['routes'] {
    return this.known ??= this.findRoutes();
  }
  private findRoutes(): Application['routes'] {
    const start = this.program.base;
    const run = new PageRun(this.program, start, undefined);
    const opened = run.machine.attempt(() => run.open(this.program.entries));
    const found = [...run.history.patterns].map(([pattern, at]) => ({ pattern, at, paths: /[:*]/.test(pattern) ? [] : [run.history.mode === 'hash' ? `${start}${run.history.shown(pattern)}` : run.history.shown(pattern)] }));
    if (found.length > 0) return found;
    if (!opened.ok) this.program.repo.leaveOut(opened.undecided?.limit ? 'limit-reached' : 'unknown-outcome', this.program.entries.join(', '), opened.undecided?.reason ?? messageOf(run.machine, opened.thrown?.value), opened.undecided?.at ?? opened.thrown?.at);
    return [{ pattern: start, at: this.at, paths: [start] }];
  }

  visit(request: PageRequest, session: Session | undefined): Outcome {
    if (request.method === 'post') return { ok: false, reason: 'needs-backend', detail: `POST ${request.path}`, at: this.at };
    const storage = session instanceof ReactSession ? session : undefined;
    const file = request.path.split(/[?#]/)[0] ?? '/';
    if (file.length > 1 && /\.\w+$/.test(file) && ['public', 'static'].some((folder) => this.program.repo.paths.includes(`${this.program.root ? `${this.program.root}/` : ''}${folder}${file}`))) return { ok: false, reason: 'unsupported-framework', detail: `${file} is a file of its own`, at: this.at };
    return this.load(request.path, storage, []);
  }

  /** A page load, and those that it leads to at once. */
  private load(path: string, session: ReactSession | undefined, because: readonly Place[], loads = 0): Outcome {
    const run = new PageRun(this.program, path, session);
    const opened = run.machine.attempt(() => run.open(this.program.entries));
    const lines = [...because, ...run.machine.because(true)];
    if (!opened.ok) return this.failed(run, opened);
    if (run.machine.leaving !== null && loads < MAX_PAGE_LOADS) return this.load(run.machine.leaving, new ReactSession(copyStorage(run.machine.storage)), lines, loads + 1);
    if (run.renderer.markup.length === 0) return { ok: false, reason: 'unknown-outcome', detail: `nothing is rendered at ${path}`, at: run.history.matched?.at ?? this.at, hints: run.machine.hints.slice() };
    const page = this.pageOf(run, { path, session, steps: [] }, new Map());
    return { ok: true, page, because: [page.at, ...lines].slice(0, 12), hints: run.machine.hints.slice() };
  }

  dispatch(page: Page, element: MarkupElement, event: UserEvent): EventOutcome {
    const log = this.logs.get(page.markup);
    const path = pathOf.get(element);
    if (!log) throw new Error('the page was not made by this application');
    if (path === undefined) return { ok: false, reason: 'unknown-handler', detail: `<${element.tag}> was not rendered by the application`, at: element.at };
    const fields = fieldReader(page, log.hosts);
    const run = this.runAt(log);
    const fired = run.machine.attempt(() => run.fire(path, event, fields));
    const because = run.machine.because(false);
    if (!fired.ok) return this.failed(run, fired);
    if (because.length === 0) because.push(element.at);
    if (run.machine.leaving !== null) {
      const outcome = this.load(run.machine.leaving, new ReactSession(copyStorage(run.machine.storage)), because);
      return outcome.ok ? { ...outcome, defaultPrevented: true, hints: [...run.machine.hints, ...outcome.hints ?? []] } : outcome;
    }
    const next = this.pageOf(run, { path: log.path, session: log.session, steps: [...log.steps, { path, event, fields }] }, fired.value.formReset ? new Map() : page.fields);
    return { ok: true, page: next, because, defaultPrevented: fired.value.defaultPrevented, hints: run.machine.hints.slice() };
  }

  /** A run that stands where the page stands. */
  private runAt(log: Log): PageRun {
    if (log.run) {
      const { run } = log;
      log.run = null;
      this.ready.splice(this.ready.indexOf(log), 1);
      return run;
    }
    const run = new PageRun(this.program, log.path, log.session);
    run.open(this.program.entries);
    for (const step of log.steps) run.fire(step.path, step.event, step.fields);
    return run;
  }

  private pageOf(run: PageRun, past: Pick<Log, 'path' | 'session' | 'steps'>, fields: Page['fields']): Page {
    const { machine, renderer, history } = run;
    const markup = fillShell(this.shell, renderer.markup);
    const log: Log = { ...past, hosts: new Map(renderer.hosts), run };
    this.logs.set(markup, log);
    this.ready.push(log);
    const oldest = this.ready.length > KEPT_RUNS ? this.ready.shift() : undefined;
    if (oldest) oldest.run = null;
    return {
      path: machine.address, route: history.matched?.pattern ?? (machine.address.split(/[?#]/)[0] ?? '/'), title: titleOf(machine.title, this.shell), markup,
      styles: [...this.shell?.styles ?? [], ...machine.styles.map((path) => ({ path }))], needs: machine.needs.slice(), session: new ReactSession(copyStorage(machine.storage)), fields, at: history.matched?.at ?? this.at,
    };
  }

  private failed(run: PageRun, ended: Exclude<Attempt<unknown>, { ok: true }>): EventOutcome & Outcome & { ok: false } {
    const hints = run.machine.hints.slice();
    if (ended.thrown) return { ok: false, reason: 'unknown-outcome', detail: `the page fails: ${messageOf(run.machine, ended.thrown.value)}`, at: ended.thrown.at, hints };
    const { reason, at, limit } = ended.undecided;
    return { ok: false, reason: limit ? 'limit-reached' : /answer of an API|API/.test(reason) ? 'needs-backend' : 'unknown-condition', detail: reason.slice(0, 300), ...(at?.file ? { at } : {}), hints };
  }
}

function titleOf(title: unknown, shell: Shell | null): Words | null {
  if (title instanceof Unknown) return { undecided: title.reason };
  return typeof title === 'string' && title !== '' ? title : shell?.title ?? null;
}
