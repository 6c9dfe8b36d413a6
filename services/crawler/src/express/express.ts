import { posix } from 'node:path';
import type { Application, Framework, Outcome, Page, PageRequest, Session } from '../framework.js';
import type { LeftOut } from '#contracts';
import { type Fn, Thrown, Undecided } from '../interpret/values.js';
import { emptyTouches, noteForeignScript, noteScript, withGlobalHandlers, withTouches } from '../html/touch.js';
import { isKnown, type Markup, type Place } from '../markup.js';
import { documentOf, type PageDocument } from '../templates/document.js';
import { UnbalancedTemplate } from '../templates/output.js';
import { type Arrival, browse } from './browse.js';
import { findServers } from './detect.js';
import { modelsOf } from './models/index.js';
import { decoded } from './path-pattern.js';
import { ORIGIN } from './request.js';
import { routesOf, staticMounts } from './routes.js';
import { generated, Server, type Start } from './server.js';
import { shareState } from './shared-state.js';

/** Express applications that render pages on the server, with EJS, Pug, Handlebars or plain HTML files. */
export const express: Framework = {
  name: 'express',
  detect: (repo) => findServers(repo).map((start) => new ExpressApplication(start)),
};

/** A session is the requests that a browser has made since the server started. */
interface Log { readonly requests: readonly PageRequest[]; readonly last: string | undefined }
interface Running { server: Server; app: Fn }

const MAX_REQUESTS = 60;

/**
 * Every visit starts the server anew and repeats the session's requests, so a session can be continued in more than one way.
 * The server that has just handled a session's last request is kept for the next one.
 */
class ExpressApplication implements Application {
  readonly framework = 'express';
  readonly version: string | undefined;
  readonly root: string;
  readonly at: Place;
  readonly entryPoints: readonly string[];
  readonly #live = new WeakMap<Log, Running>();
  readonly #fresh: Log = { requests: [], last: undefined };
  readonly #answered = new WeakMap<Log, Map<string, Outcome>>();
  #routes: Application['routes'] | undefined;

  constructor(private readonly start: Start) {
    this.root = start.root;
    this.version = start.dependencies.get('express');
    this.at = { file: posix.join(start.root, 'package.json'), line: 1 };
    this.entryPoints = [start.entry];
  }

  get routes(): Application['routes'] {
    if (!this.#routes) {
      try {
        const { server, app } = this.#boot();
        this.#routes = routesOf(server, app);
      } catch (problem) {
        const { reason, detail, at } = undecidable(problem);
        this.start.repo.leaveOut(reason, `the Express application ${this.start.entry}`, detail, at);
        this.#routes = [];
      }
    }
    return this.#routes;
  }

  /** The same request in the same session gives the same: it is answered once. */
  visit(request: PageRequest, session: Session | undefined): Outcome {
    const log = (session as Log | undefined) ?? this.#fresh;
    const key = JSON.stringify(request);
    let answered = this.#answered.get(log);
    if (!answered) this.#answered.set(log, answered = new Map<string, Outcome>());
    let outcome = answered.get(key);
    if (!outcome) answered.set(key, outcome = this.#visit(request, log));
    return outcome;
  }

  #visit(request: PageRequest, log: Log): Outcome {
    let running: Running | undefined;
    try {
      if (log.requests.length >= MAX_REQUESTS) throw new Undecided('a session of very many requests', undefined, true);
      running = this.#resume(log);
      const { server, app } = running;
      server.begin();
      const arrival = browse(server, app, request, log.last);
      if (arrival.reply.kind === 'asset') return { ok: false, reason: 'unknown-outcome', detail: `${request.path} gives ${arrival.reply.what}`, at: arrival.reply.at };
      if (generated(arrival.path)) return { ok: false, reason: 'dynamic-link', detail: 'the address holds a generated value', at: arrival.reply.at };
      const next: Log = { requests: [...log.requests, request], last: arrival.path };
      const page = this.#page(arrival as Arrival & { reply: { kind: 'page' } }, running, next);
      const because = server.machine.because();
      this.#live.set(next, running);
      return { ok: true, page, because: because.length > 0 ? because : [page.at], writes: server.wrote, hints: [...server.machine.hints] };
    } catch (problem) {
      return { ok: false, ...undecidable(problem), hints: running ? [...running.server.machine.hints] : [] };
    }
  }

  #boot(): Running {
    const server = new Server(this.start, modelsOf);
    const app = server.boot();
    shareState(server, app);
    return { server, app };
  }

  /** The server in the state after the session's requests. */
  #resume(log: Log): Running {
    const live = this.#live.get(log);
    if (live) {
      this.#live.delete(log);
      return live;
    }
    const running = this.#boot();
    let last: string | undefined;
    for (const request of log.requests) last = browse(running.server, running.app, request, last).path;
    return running;
  }

  #page({ reply, path }: Arrival & { reply: { kind: 'page' } }, running: Running, session: Log): Page {
    const { server } = running;
    const document = documentOf(reply.pieces, generated);
    return {
      path, route: reply.route, title: document.title, markup: this.#scripted(document, running, path), styles: this.#styles(document, running, path),
      needs: [...server.databases, ...server.machine.needs], session, fields: new Map(), at: reply.at,
    };
  }

  /** The page after its scripts: what they may touch is unsure. Throws `Undecided` when a script may send the browser elsewhere. */
  #scripted(document: PageDocument, running: Running, path: string): Markup[] {
    const touches = emptyTouches();
    for (const script of document.scripts) {
      if ('text' in script) {
        if (isKnown(script.text)) noteScript(script.text, script.at, touches);
        else touches.everything ??= `a script that is put together from data (${script.at.file}:${script.at.line})`;
        continue;
      }
      const file = isKnown(script.src) ? this.#served(script.src, running, path) : undefined;
      const text = file === undefined ? null : this.start.repo.text(file);
      if (file !== undefined && text !== null) noteScript(text, { file, line: 1 }, touches);
      // A library that is not read: minified, or of another site.
      else if (isKnown(script.src) && (file !== undefined || /^(?:[a-z]+:)?\/\//i.test(script.src))) noteForeignScript(script.src, touches);
      else touches.everything ??= 'a script that is not in the repository';
    }
    if (touches.leaves) throw new Undecided('a script may send the browser elsewhere', touches.leaves);
    if (touches.everything) return [{ kind: 'group', when: 'unsure', why: touches.everything, children: document.markup, at: { file: this.start.entry, line: 1 } }];
    return withGlobalHandlers(withTouches(document.markup, touches), touches);
  }

  /** The file of the repository that is served at an address of a page. */
  #served(address: string, { server, app }: Running, path: string): string | undefined {
    const target = new URL(address, new URL(path, ORIGIN));
    if (target.origin !== ORIGIN) return undefined;
    const pathname = decoded(target.pathname);
    return staticMounts(server, app).filter(({ prefix }) => pathname.startsWith(`${prefix}/`)).map(({ prefix, folder }) => posix.join(folder, pathname.slice(prefix.length))).find((file) => this.start.repo.paths.includes(file));
  }

  /** Style sheets of the repository that the page links to, by the folders that are served. */
  #styles(document: PageDocument, running: Running, path: string): Page['styles'] {
    return document.styles.flatMap((style): Array<Page['styles'][number]> => {
      if ('text' in style) return [style];
      const file = this.#served(style.href, running, path);
      return file === undefined ? [] : [{ path: file }];
    });
  }
}

/** Why an outcome is not decided, in the words of the report. What is neither of these is a defect of ours and goes on. */
function undecidable(problem: unknown): { reason: LeftOut['reason']; detail: string; at?: Place } {
  if (problem instanceof Undecided) return { reason: problem.limit ? 'limit-reached' : 'unknown-outcome', detail: problem.reason, at: problem.at?.file ? problem.at : undefined };
  if (problem instanceof Thrown) return { reason: 'unknown-outcome', detail: 'the program throws while it starts', at: problem.at.file ? problem.at : undefined };
  if (problem instanceof UnbalancedTemplate) return { reason: 'unknown-condition', detail: problem.message, at: problem.at };
  throw problem;
}

