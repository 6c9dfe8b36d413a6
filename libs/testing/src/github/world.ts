import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { GitStore } from '../git-store.js';
import type { Level } from './repository.js';

function newKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } }).privateKey;
}

/** Keys are slow to make: the Apps that simulators of one process begin with share theirs. */
let firstKey: string | undefined;

/** All that the simulated GitHub knows beside its git repositories. Plain data: routes and people change it, shapes show it. */
export class World {
  /** Web address without a slash at its end; set once the server listens. */
  url = '';
  readonly apps: SimulatedApp[] = [];
  readonly installations: InstallationState[] = [];
  readonly tokens = new Map<string, Token>();
  readonly repositories: RepositoryState[] = [];
  readonly accounts = new Map<string, Account>();
  /** Manifests that wait for their one conversion, by code. */
  readonly manifests = new Map<string, Record<string, unknown>>();
  /** Short-lived links to archives, by their random part. */
  readonly archives = new Map<string, { repository: RepositoryState; commit: string; expires: number }>();
  /** Commits that GitHub signed, with the signature. */
  readonly signatures = new Map<string, { signature: string; payload: string; at: string }>();
  /** How many requests came, by who asked; and since when, in seconds. */
  readonly requests = new Map<string, number>();
  readonly began = Math.floor(Date.now() / 1000);
  #id = 1000;

  constructor(readonly folder: string, readonly treeLimit: { entries: number; bytes: number }, readonly emit: (event: Emission) => void, readonly listens: (event: string, repository: RepositoryState, app?: SimulatedApp) => boolean) {}

  get apiUrl(): string { return `${this.url}/api/v3`; }
  id(): number { return ++this.#id; }
  now(): string { return new Date().toISOString().replace(/\.\d+Z$/, 'Z'); }

  account(login: string, type: Account['type'] = 'User'): Account {
    const known = this.accounts.get(login.toLowerCase());
    if (known !== undefined) return known;
    const made: Account = { id: this.id(), login, type, createdAt: this.now() };
    this.accounts.set(login.toLowerCase(), made);
    return made;
  }

  newApp(name: string, over: Partial<SimulatedApp> = {}): SimulatedApp {
    const privateKey = this.apps.length === 0 ? firstKey ??= newKey() : newKey();
    const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    const app: SimulatedApp = {
      id: this.id(), slug, privateKey, clientId: `Iv23li${randomBytes(7).toString('hex')}`, clientSecret: randomBytes(20).toString('hex'), permissions: {}, events: [], webhookUrl: undefined, webhookSecret: randomBytes(20).toString('hex'), ...over,
    };
    this.apps.push(app);
    this.account(`${slug}[bot]`, 'Bot');
    return app;
  }

  /** Now, or under a name that it had. */
  repository(owner: string, name: string): { found: RepositoryState | undefined; moved: boolean } {
    const present = this.repositories.filter((one) => !one.deleted && same(one.owner, owner));
    const found = present.find((one) => same(one.name, name));
    return found === undefined ? { found: present.find((one) => one.formerNames.some((former) => same(former, name))), moved: true } : { found, moved: false };
  }

  async newRepository(owner: string, name: string, isPrivate: boolean, defaultBranch: string): Promise<RepositoryState> {
    const id = this.id();
    const state: RepositoryState = {
      id, owner, name, formerNames: [], private: isPrivate, defaultBranch, archived: false, deleted: false, createdAt: this.now(), pushedAt: this.now(), collaborators: new Map([[owner.toLowerCase(), 'admin']]), protectedBranches: new Set(),
      issues: new Map(), comments: new Map(), labels: new Map(), checkRuns: new Map(), suites: new Map(), nextNumber: 1, store: await GitStore.create(join(this.folder, `${id}.git`), defaultBranch),
    };
    this.repositories.push(state);
    return state;
  }

  installationFor(repository: RepositoryState, app: SimulatedApp): InstallationState | undefined {
    return this.installations.find((one) => one.app === app && one.owner.toLowerCase() === repository.owner.toLowerCase() && covers(one.repositories, repository));
  }

  /** What a person may in a repository. */
  level(repository: RepositoryState, login: string): Level {
    return repository.collaborators.get(login.toLowerCase()) ?? (repository.private ? 'none' : 'read');
  }

  issueToken(token: Token, stateless = false): string {
    const random = randomBytes(27).toString('base64url').replaceAll(/[-_]/g, 'x');
    const prefix = token.kind === 'user' ? 'ghp_' : 'ghs_';
    const value = stateless && token.kind === 'installation' ? `ghs_${token.installation.app.id}_${randomBytes(60).toString('base64url')}.${randomBytes(240).toString('base64url')}.${randomBytes(64).toString('base64url')}` : `${prefix}${random}`;
    this.tokens.set(value, token);
    return value;
  }

  code(): string { return randomUUID().replaceAll('-', ''); }
}

export type Permissions = Record<string, 'read' | 'write'>;

export interface SimulatedApp {
  id: number;
  slug: string;
  /** PEM, PKCS#1 as GitHub hands it out. */
  privateKey: string;
  clientId: string;
  clientSecret: string;
  /** What the App may where it is installed, and the events it gets. */
  permissions: Permissions;
  events: string[];
  /** Where deliveries go, and what signs them; undefined: nothing is delivered. Both may be set at any time. */
  webhookUrl: string | undefined;
  webhookSecret: string;
}

export interface Account { id: number; login: string; type: 'User' | 'Organization' | 'Bot'; createdAt: string }

export interface InstallationState {
  id: number; app: SimulatedApp; owner: string; repositories: 'all' | Set<number>; permissions: Permissions; events: string[];
  suspendedAt: string | undefined; createdAt: string;
}

/** `permissions` and `repositories` are what the token was narrowed to. */
export type Token =
  | { kind: 'installation'; installation: InstallationState; repositories: 'all' | Set<number>; permissions: Permissions; expires: number }
  | { kind: 'user'; login: string };

export interface RepositoryState {
  id: number; owner: string; name: string; formerNames: string[]; private: boolean; defaultBranch: string; archived: boolean; deleted: boolean; createdAt: string; pushedAt: string;
  collaborators: Map<string, Level>; protectedBranches: Set<string>; store: GitStore;
  issues: Map<number, PullRecord>; comments: Map<number, CommentRecord>; labels: Map<string, LabelRecord>; checkRuns: Map<number, CheckRunRecord>; suites: Map<string, SuiteRecord>; nextNumber: number;
}

/** The description is a string: GitHub's own `pull-request-simple` has no other. */
export interface LabelRecord { id: number; name: string; color: string; description: string }

/** Issues that are no pull requests do not exist here. */
export interface PullRecord {
  id: number; issueId: number; number: number; title: string; body: string | null; state: 'open' | 'closed'; draft: boolean; maintainerCanModify: boolean;
  head: string; headSha: string; base: string; baseSha: string; author: string; app: SimulatedApp | undefined; labels: string[]; assignees: string[]; reviewers: string[]; teams: string[];
  createdAt: string; updatedAt: string; closedAt: string | null; closedBy: string | null; mergedAt: string | null; mergedBy: string | null; mergeCommit: string | null;
}

export interface CommentRecord { id: number; issue: number; body: string; by: string; app: SimulatedApp | undefined; createdAt: string; updatedAt: string; edited: boolean }

export interface CheckOutput { title: string | null; summary: string | null; text: string | null; annotations: number }
export interface CheckRunRecord {
  id: number; app: SimulatedApp; suite: SuiteRecord; name: string; headSha: string; status: string; conclusion: string | null; detailsUrl: string | null; externalId: string | null;
  startedAt: string | null; completedAt: string | null; output: CheckOutput; actions: Array<{ label: string; description: string; identifier: string }>;
}
export interface SuiteRecord { id: number; app: SimulatedApp; headSha: string; headBranch: string | null; before: string | null; createdAt: string; updatedAt: string }

/** Something happened that Apps are told of. `payload` lacks what every payload has: repository, sender, installation. */
export interface Emission {
  event: string; action: string | null; repository?: RepositoryState; sender: string; payload: Record<string, unknown>;
  /** The only App that is told. */
  app?: SimulatedApp; installation?: InstallationState;
}

/** Names differ by more than their case. */
function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

export function covers(repositories: 'all' | Set<number>, repository: RepositoryState): boolean {
  return repositories === 'all' || repositories.has(repository.id);
}
