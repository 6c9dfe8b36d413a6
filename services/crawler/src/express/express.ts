import { posix } from 'node:path';
import type { Application, Framework, Outcome, Page, PageRequest, Session } from '../framework.js';
import type { LeftOut } from '#contracts';
import { type Fn, Thrown, Undecided } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { documentOf, type PageDocument } from '../templates/document.js';
import { UnbalancedTemplate } from '../templates/output.js';
import { type Arrival, browse } from './browse.js';
import { findServers } from './detect.js';
import { modelsOf } from './models/index.js';
import { routesOf } from './routes.js';
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
  readonly #live = new WeakMap<object, Running>();
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

  visit(request: PageRequest, session: Session | undefined): Outcome {
    const log = (session as Log | undefined) ?? { requests: [], last: undefined };
    let running: Running | undefined;
    try {
      if (log.requests.length >= MAX_REQUESTS) throw new Undecided('a session of very many requests', undefined, true);
      running = this.#resume(log);
      const { server, app } = running;
      server.begin();
      const arrival = browse(server, app, request, log.last);
      if (arrival.reply.kind === 'asset') return { ok: false, reason: 'unknown-outcome', detail: `${request.path} gives ${arrival.reply.what}`, at: arrival.reply.at };
      const next: Log = { requests: [...log.requests, request], last: arrival.path };
      const page = this.#page(arrival as Arrival & { reply: { kind: 'page' } }, server, next);
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

  #page({ reply, path }: Arrival & { reply: { kind: 'page' } }, server: Server, session: Log): Page {
    const document = documentOf(reply.pieces, generated);
    return {
      path, route: reply.route, title: document.title, markup: document.markup, styles: this.#styles(document, server, path),
      needs: [...server.databases, ...server.machine.needs], session, fields: new Map(), at: reply.at,
    };
  }

  /** Style sheets of the repository that the page links to, by the folders that are served. */
  #styles(document: PageDocument, server: Server, path: string): Page['styles'] {
    return document.styles.flatMap((style): Array<Page['styles'][number]> => {
      if ('text' in style) return [style];
      const target = new URL(style.href, new URL(path, 'http://localhost'));
      if (target.origin !== 'http://localhost') return [];
      const file = server.staticFolders.map((folder) => posix.join(folder, target.pathname)).find((candidate) => this.start.repo.text(candidate) !== null);
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

