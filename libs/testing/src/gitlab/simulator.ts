import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallObserver, RecordedCall } from '../calls.js';
import { ArmedFaults, type Faults } from '../faults.js';
import { GitStore } from '../git-store.js';
import { peopleOf, writeFiles } from './people.js';
import type { Files, Role, SimulatedProject } from './project.js';
import { startServer, type Wire } from './server.js';
import { WebhookSender, type Webhooks } from './webhooks.js';
import { LEVELS, World } from './world.js';

/**
 * GitLab on the real wire, for tests: an HTTP server on 127.0.0.1 over real git repositories. Clients know its address and nothing else.
 *
 *   url          the web address, as GITLAB_URL: `<url>/<group>/<name>` is a project
 *   url/api/v4   REST
 *
 * Every request and every answer is held against GitLab's published OpenAPI description, as far as that goes (`description.json` says where it had to be corrected); keys it does not know are errors too.
 * A violation is answered with 500, kept in `violations`, and thrown by close(), so that the test that caused it fails. So is anything that `git fsck --strict` says of a repository.
 */
export interface GitLabSimulator {
  url: string;
  faults: Faults;
  /** What was asked so far, in the order in which it arrived. */
  calls: readonly RecordedCall[];
  violations: readonly string[];
  /** Empties `violations` and gives what was in it: for tests that cause some on purpose. */
  takeViolations(): string[];
  /** Called around every request, see CallObserver; undefined takes it away. */
  observe(observer: CallObserver | undefined): void;
  /** A private project with one commit of these files (none: it stays empty). */
  createProject(path: string, files?: Files, options?: ProjectOptions): Promise<SimulatedProject>;
  /** A project over a git directory that is there already; the caller removes it. */
  hostProject(path: string, gitDirectory: string, options?: ProjectOptions): Promise<SimulatedProject>;
  project(path: string): SimulatedProject;
  /** A token of this person, who may what the projects' members say. */
  personToken(username: string): string;
  /** The user behind a token. */
  userOf(token: string): string;
  /** Another token of the same user, who may the same. */
  anotherToken(token: string): string;
  /** Every answer to it is a refusal from now on. */
  revoke(token: string): void;
  webhooks: Webhooks;
  /** Throws when there were violations, or when git finds fault with a repository. */
  check(): Promise<void>;
  /** check(), then every project is gone: for tests whose repositories go after each. */
  reset(): Promise<void>;
  /** check(), then everything is stopped and removed. */
  close(): Promise<void>;
}

export interface ProjectOptions {
  visibility?: 'private' | 'internal' | 'public';
  defaultBranch?: string;
  members?: Record<string, Role>;
}

export interface SimulatorOptions {
  /** Milliseconds that a receiver of webhooks has to answer; 10,000 by default. */
  webhookTimeout?: number;
}

/** Starts it on a free port of 127.0.0.1. Give `close()` to afterEach or afterAll. */
export async function startGitLab({ webhookTimeout = 10_000 }: SimulatorOptions = {}): Promise<GitLabSimulator> {
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-gitlab-'));
  const wire: Wire = { calls: [], faults: new ArmedFaults(), observer: undefined, violations: [] };
  const webhooks = new WebhookSender(webhookTimeout, () => world.url);
  const world = new World(folder, (event) => webhooks.emit(event), (complaint) => wire.violations.push(complaint));
  const server = await startServer(world, wire);
  world.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const known = new Map<string, SimulatedProject>();

  const host: GitLabSimulator['hostProject'] = (path, gitDirectory, { visibility = 'private', defaultBranch = 'main', members = {} } = {}) => {
    const project = world.newProject(path, new GitStore(gitDirectory), defaultBranch, visibility);
    for (const [username, role] of Object.entries({ ada: 'owner' as const, ...members })) { world.user(username); project.members.set(username, LEVELS[role]); }
    const people = peopleOf(world, project);
    known.set(path, people);
    return Promise.resolve(people);
  };
  const check = async () => {
    await Promise.all(world.projects.map(({ store }) => store.fsck()));
    if (wire.violations.length > 0) throw new Error(`the simulated GitLab was misused:\n${wire.violations.join('\n')}`);
  };
  const forget = () => { for (const { store } of world.projects.splice(0)) store.close(); };
  return {
    url: world.url, faults: wire.faults, calls: wire.calls, violations: wire.violations, webhooks,
    takeViolations: () => wire.violations.splice(0),
    observe: (observer) => { wire.observer = observer; },
    async createProject(path, files = {}, options = {}) {
      const branch = options.defaultBranch ?? 'main';
      const store = await GitStore.create(join(folder, `${world.id()}.git`), branch);
      if (Object.keys(files).length > 0) await store.moveRef(`refs/heads/${branch}`, undefined, await writeFiles(store, undefined, files, { by: world.user('ada'), message: 'Start', at: world.now() }));
      store.close();
      return host(path, store.path, options);
    },
    hostProject: host,
    project(path) {
      const found = known.get(path);
      if (!found) throw new Error(`there is no project ${path}`);
      return found;
    },
    personToken: (username) => world.issueToken(world.user(username), ['api']),
    userOf: (token) => world.tokens.get(token)?.user.username ?? '',
    anotherToken(token) {
      const known = world.tokens.get(token);
      if (!known) throw new Error('there is no such token');
      return world.issueToken(known.user, known.scopes, known.project);
    },
    revoke(token) { const found = world.tokens.get(token); if (found) found.revoked = true; },
    check,
    async reset() { await webhooks.settled(); try { await check(); } finally { forget(); } },
    async close() {
      try {
        await webhooks.settled();
        await check();
      } finally {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
        forget();
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
