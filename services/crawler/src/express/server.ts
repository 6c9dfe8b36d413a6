import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Page, Repo } from '../framework.js';
import type { Machine, ModuleModels } from '../interpret/machine.js';
import { startMachine } from '../interpret/start.js';
import { Fn, Obj, Undecided, type Value } from '../interpret/values.js';
import { GENERATED, type Place } from '../markup.js';
import type { Piece } from '../templates/output.js';

/** What a server has answered. `asset`: something that is no page. */
export type Reply =
  | { kind: 'page'; pieces: Piece[]; status: number; at: Place; route: string; path: string }
  | { kind: 'redirect'; to: string; at: Place }
  | { kind: 'asset'; what: string; at: Place };

/** What is registered on hbs: folders and texts of partials, helpers. */
export interface HbsRegistry { partialFolders: string[]; partials: Map<string, Value>; helpers: Map<string, Value> }

/** The digits of `GENERATED`. */
const FRESH_PREFIX = '74021983';
const FRESH = Number(`${FRESH_PREFIX}0000`);
/** Says of a text that it holds a generated value. */
export const generated = (text: string): string | undefined => (GENERATED.test(text) ? 'a generated value' : undefined);
const FIRST_NEW = 1000;
/** Says of a value that it was made for a request of this browser. */
export const isMadeNew = (value: Value): boolean => (typeof value === 'number' || typeof value === 'string') && /74021983[1-9]\d{3}/.test(String(value));

/** Which application of the repository, and how it is started. */
export interface Start { repo: Repo; root: string; entry: string; dependencies: ReadonlyMap<string, string> }

/**
 * One process of the application in the interpreter, with the cookies of the one browser that talks to it. It is changed by every
 * request; `express.ts` makes a new one and repeats the requests where an older state is needed.
 */
export class Server {
  readonly machine: Machine;
  /** Applications made, in order; the one that listens is what the browser talks to. */
  readonly applications: Fn[] = [];
  listening: Value;
  /** Cookies of the browser, by name. */
  readonly cookies = new Map<string, Value>();
  /** Data of the server-side session, when there is one. */
  session: Obj | null = null;
  /** Databases that the program uses. */
  readonly databases: Array<Page['needs'][number]> = [];
  /** Folders of `express.static`, by the middleware that serves them. */
  readonly staticFolders = new Map<Obj, string>();
  readonly hbs: HbsRegistry = { partialFolders: [], partials: new Map(), helpers: new Map() };
  /** The middleware of express-ejs-layouts, once it is required. */
  ejsLayouts: Fn | undefined;
  /** What to do when a request has been answered. */
  readonly afterReply: Array<() => void> = [];
  /** Set while a request is handled. */
  reply: Reply | undefined;
  /** Whether a store outside the browser was written since the last request began. */
  wrote = false;
  /** Started, and used by others since. */
  get running(): boolean { return this.made >= FIRST_NEW; }
  /** What is made from now on nobody else has; what was made before others may have used. */
  goOn(): void { this.made = FIRST_NEW; }

  constructor(readonly start: Start, models: (server: Server) => ModuleModels) {
    this.machine = startMachine({ repo: start.repo, root: start.root, models: models(this), host: 'node', fuel: 60_000_000 });
    setProcess(this);
  }

  /** Runs the entry module. Throws `Thrown` or `Undecided` when that fails before an application listens. */
  boot(): Fn {
    const { machine, start } = this;
    const loaded = machine.attempt(() => {
      const exported = machine.load(start.entry);
      machine.settle();
      return exported;
    });
    const app = this.listening ?? this.exportedApp(loaded.ok ? loaded.value : undefined) ?? this.applications.at(-1);
    if (app instanceof Fn) return app;
    if (!loaded.ok) throw loaded.thrown ?? loaded.undecided;
    throw new Undecided('the entry module makes no Express application', { file: start.entry, line: 1 });
  }

  /** Called before the request of a visit: what is noted from here on belongs to it. */
  begin(): void {
    this.wrote = false;
    this.machine.hints.length = 0;
    this.machine.needs.length = 0;
    this.machine.startWatching();
  }

  private exportedApp(exported: Obj | undefined): Value {
    const candidates = [exported?.own('module.exports')?.value, exported?.own('default')?.value, exported?.own('app')?.value];
    return candidates.find((value) => value instanceof Fn && this.applications.includes(value));
  }

  /** A path of the program as a path of the repository, or `null` when it leaves the repository. The repository is mounted at `/`. */
  repositoryPath(path: string): string | null {
    const absolute = path.startsWith('/') ? path : posix.join('/', this.start.root, path);
    const normal = posix.normalize(absolute).replace(/^\/+/, '').replace(/\/$/, '');
    return normal.startsWith('..') ? null : normal;
  }

  /**
   * A value that is new every time the program runs: an id, a token. It is concrete, so that comparing and joining it work as in the program, and marked, so
   * that no page shows it as known (`generated`).
   */
  fresh(type: 'text'): string;
  fresh(type: 'number'): number;
  fresh(type: 'text' | 'number'): string | number {
    const number = FRESH + ++this.made;
    return type === 'number' ? number : `${number}`;
  }
  /** The hash of a text: the same for the same text, marked like all that is made. */
  hashed(text: string, plain: string = text): string {
    const hash = `${FRESH_PREFIX}0000${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
    this.#plain.set(hash, plain);
    return hash;
  }
  /** Whether two hashes are of the same text. A typed text that is compared with one of the source leaves a hint. */
  sameHash(a: string, b: string, at: Place): boolean {
    this.machine.compared(this.#plain.get(a), this.#plain.get(b), at);
    return a === b;
  }
  readonly #plain = new Map<string, string>();
  private made = 0;

  /** Whether a handler's rejected promise goes to the error handlers: since Express 5, or with a package that arranges it. */
  get passesRejections(): boolean {
    const { dependencies } = this.start;
    return Number(/\d+/.exec(dependencies.get('express') ?? '')?.[0] ?? 4) >= 5 || dependencies.has('express-async-errors');
  }
}


function setProcess(server: Server): void {
  const { machine, start } = server;
  const nowhere: Place = { file: start.entry, line: 1 };
  const env = machine.namespace('the environment', nowhere);
  env.put('NODE_ENV', undefined);
  const later = (args: Value[], at: Place): undefined => {
    machine.later(args[0], args.slice(1), 0, false, at);
    return undefined;
  };
  const process = machine.namespace('process', nowhere, {
    env, argv: machine.array(['node', `/${start.entry}`]), platform: 'linux', pid: 1,
    cwd: machine.fn('cwd', () => `/${start.root}`),
    nextTick: machine.fn('nextTick', (args, _self, at) => later(args, at)),
    on: machine.fn('on', () => process), once: machine.fn('once', () => process), exit: machine.fn('exit', (_args, _self, at) => { throw new Undecided('the process exits', at); }),
    uptime: machine.fn('uptime', (_args, _self, at) => machine.get(machine.namespace('the time since the start', at), 'value')),
  });
  machine.globals.set('process', process);
  machine.globals.set('setImmediate', machine.fn('setImmediate', (args, _self, at) => later(args, at)));
}
