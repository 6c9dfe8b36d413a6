import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveApi, type Api } from './api.js';
import { ArmedFaults, type Faults } from '../faults.js';
import { installationHandle, noteInstalled, type Installation } from './installations.js';
import { operations } from './operations.js';
import { RepositoryHandle } from './people.js';
import { serveWeb } from './web.js';
import { WebhookSender, type Webhooks } from './webhooks.js';
import { World, type InstallationState, type Permissions, type SimulatedApp } from './world.js';
import type { CallObserver, RecordedCall } from '../calls.js';
import type { Files, Level, SimulatedRepository } from './repository.js';

/**
 * GitHub on the real wire, for tests: an HTTP server on 127.0.0.1 over real bare git repositories. Clients know its address and nothing else.
 *
 *   url                        the web address, as GITHUB_URL: `<url>/<owner>/<name>` is a repository, `<url>/<owner>/<name>.git` is cloned over smart HTTP
 *   url/api/v3                 REST, as GitHub Enterprise Server has it
 *   url/settings/apps/new      where the manifest of an App is posted
 *
 * Every request and every answer is held against GitHub's published OpenAPI description; keys it does not know are errors too. A violation is answered with 500, kept in
 * `violations`, and thrown by close(), so that the test that caused it fails. So is anything that `git fsck --strict` says of a repository.
 */
export interface GitHubSimulator {
  url: string;
  apiUrl: string;
  /** The App that is registered from the start; it is installed wherever createRepository() makes an owner known, unless told otherwise. */
  app: SimulatedApp;
  /** That one, and those that came from manifests. */
  apps: readonly SimulatedApp[];
  faults: Faults;
  /** What was asked so far, in the order in which it arrived. */
  calls: readonly RecordedCall[];
  violations: readonly string[];
  /** Empties `violations` and gives what was in it: for tests that cause some on purpose. */
  takeViolations(): string[];
  /** Called around every API request, see CallObserver; undefined takes it away. */
  observe(observer: CallObserver | undefined): void;
  /** A repository with one commit of these files (none: it stays empty), private unless told otherwise. */
  createRepository(fullName: string, files?: Files, options?: RepositoryOptions): Promise<SimulatedRepository>;
  /** By its name now, or one that it had. */
  repository(fullName: string): SimulatedRepository;
  /** The installation of `app` on this account. */
  installationOf(owner: string, app?: SimulatedApp): Installation;
  /** Installs an App, or changes what it may: `repositories` are names without the owner. Sends `installation`. */
  install(owner: string, options?: InstallOptions): Installation;
  /** A personal access token of this person, who may what the repositories' collaborators say. */
  personToken(login: string): string;
  webhooks: Webhooks;
  /** Throws when there were violations, or when git finds fault with a repository. */
  check(): Promise<void>;
  /** check(), then everything is stopped and removed. */
  close(): Promise<void>;
}


export interface RepositoryOptions {
  private?: boolean;
  defaultBranch?: string;
  /** People and what they may; the owner is an admin. */
  collaborators?: Record<string, Level>;
  /** Whether the owner is an organization; default yes. */
  organization?: boolean;
  /** Whether the App is installed on the owner's account when it is not yet; default yes. */
  install?: boolean;
}

export interface InstallOptions { app?: SimulatedApp; repositories?: 'all' | string[]; permissions?: Permissions; events?: string[] }

export interface SimulatorOptions {
  /** Entries and bytes above which a recursive tree is truncated; GitHub's own by default. */
  treeLimit?: { entries: number; bytes: number };
  /** Milliseconds that a receiver of webhooks has to answer; 10,000 by default. */
  webhookTimeout?: number;
}

/** What our App asks for. */
const PERMISSIONS: Permissions = { contents: 'write', pull_requests: 'write', issues: 'read', checks: 'write' };
const EVENTS = ['push', 'pull_request', 'issue_comment', 'check_run', 'check_suite', 'repository'];

/** Starts it on a free port of 127.0.0.1. Give `close()` to afterEach or afterAll. */
export async function startGitHub({ treeLimit = { entries: 100_000, bytes: 7 * 1024 * 1024 }, webhookTimeout = 10_000 }: SimulatorOptions = {}): Promise<GitHubSimulator> {
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-github-'));
  const violations: string[] = [];
  const webhooks: WebhookSender = new WebhookSender(() => world, (violation) => violations.push(violation), webhookTimeout);
  const world: World = new World(folder, treeLimit, (emission) => { webhooks.emit(emission); }, (event, repository, app) => webhooks.listens(event, repository, app));
  let observer: CallObserver | undefined;
  const api: Api = { world, routes: operations(webhooks), faults: new ArmedFaults(), calls: [], violations, observer: () => observer };
  const server = listener(api);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  world.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const app = world.newApp('pullwright', { permissions: PERMISSIONS, events: EVENTS });
  return new Simulator(api, webhooks, app, server, (next) => { observer = next; });
}

function listener(api: Api): Server {
  return createServer((request, response) => {
    const url = new URL(request.url ?? '/', api.world.url);
    const rest = /^\/api\/v3(\/.*)?$/.exec(url.pathname);
    const served = rest === null ? serveWeb(api.world, request, response, url) : serveApi(api, request, response, url, rest[1] ?? '/');
    served.catch((error: unknown) => {
      // A client that went away is what many tests want; anything else is a fault of the simulator, which the test must see.
      if (!request.destroyed || request.complete) api.violations.push(`${request.method} ${url.pathname}: the simulator broke: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
      response.destroy();
    });
  });
}

class Simulator implements GitHubSimulator {
  readonly #handles = new Map<number, RepositoryHandle>();

  constructor(private readonly api: Api, readonly webhooks: WebhookSender, readonly app: SimulatedApp, private readonly server: Server, readonly observe: (observer: CallObserver | undefined) => void) {}

  get url(): string { return this.api.world.url; }
  get apiUrl(): string { return this.api.world.apiUrl; }
  get apps(): readonly SimulatedApp[] { return this.api.world.apps; }
  get faults(): Faults { return this.api.faults; }
  get calls(): readonly RecordedCall[] { return this.api.calls; }
  get violations(): readonly string[] { return this.api.violations; }
  takeViolations(): string[] { return this.api.violations.splice(0); }

  async createRepository(fullName: string, files: Files = {}, options: RepositoryOptions = {}): Promise<SimulatedRepository> {
    const { world } = this.api;
    const [owner, name] = fullName.split('/') as [string, string];
    if (!world.repository(owner, name).moved) throw new Error(`${fullName} is there already`);
    world.account(owner, options.organization === false ? 'User' : 'Organization');
    const state = await world.newRepository(owner, name, options.private ?? true, options.defaultBranch ?? 'main');
    const handle = new RepositoryHandle(world, state);
    this.#handles.set(state.id, handle);
    for (const [login, level] of Object.entries(options.collaborators ?? {})) handle.collaborator(login, level);
    if (Object.keys(files).length > 0) await handle.commit(files, { message: 'Start' });
    if (options.install !== false && !world.installations.some((one) => one.app === this.app && one.owner === owner)) this.install(owner);
    return handle;
  }

  repository(fullName: string): SimulatedRepository {
    const [owner, name] = fullName.split('/') as [string, string];
    const handle = this.#handles.get(this.api.world.repository(owner, name).found?.id ?? 0);
    if (handle === undefined) throw new Error(`there is no repository ${fullName}`);
    return handle;
  }

  #installation(owner: string, app: SimulatedApp): InstallationState | undefined {
    return this.api.world.installations.find((one) => one.app === app && one.owner === owner);
  }

  installationOf(owner: string, app = this.app): Installation {
    const state = this.#installation(owner, app);
    if (state === undefined) throw new Error(`${app.slug} is not installed on ${owner}`);
    return installationHandle(this.api.world, state);
  }

  install(owner: string, { app = this.app, repositories = 'all', permissions = app.permissions, events = app.events }: InstallOptions = {}): Installation {
    const { world } = this.api;
    const chosen = repositories === 'all' ? 'all' : new Set(repositories.map((name) => {
      const { found } = world.repository(owner, name);
      if (found === undefined) throw new Error(`${owner} has no repository ${name}`);
      return found.id;
    }));
    const present = this.#installation(owner, app);
    if (present !== undefined) Object.assign(present, { repositories: chosen, permissions, events });
    else noteInstalled(world, { id: world.id(), app, owner, repositories: chosen, permissions, events, suspendedAt: undefined, createdAt: world.now() });
    return this.installationOf(owner, app);
  }

  personToken(login: string): string {
    this.api.world.account(login);
    return this.api.world.issueToken({ kind: 'user', login });
  }

  async check(): Promise<void> {
    for (const { store, deleted } of this.api.world.repositories) if (!deleted) await store.fsck();
    const found = this.takeViolations();
    if (found.length > 0) throw new Error(`not as GitHub's description says:\n${found.join('\n')}`);
  }

  async close(): Promise<void> {
    try {
      await this.webhooks.settled();
      await this.check();
    } finally {
      this.server.closeAllConnections();
      await new Promise((closed) => { this.server.close(closed); });
      for (const { store } of this.api.world.repositories) store.close();
      await rm(this.api.world.folder, { recursive: true, force: true });
    }
  }
}
