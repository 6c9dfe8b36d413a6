import type { Faults } from './faults.js';
import type { CallObserver, RecordedCall } from './calls.js';
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

export interface Installation {
  id: number;
  owner: string;
  permissions: Permissions;
  /** Every token of it is refused from now on; the installation stays. */
  revokeTokens(): void;
  suspend(): void;
  unsuspend(): void;
  addRepository(name: string): void;
  removeRepository(name: string): void;
  uninstall(): void;
}

export interface Webhooks {
  /** Every attempt, in order. */
  deliveries: readonly Delivery[];
  /** Settles when everything that was due has been sent and answered. */
  settled(): Promise<void>;
  /** Sends one again, with the same delivery id. */
  redeliver(id: number): Promise<Delivery>;
}

export interface Delivery {
  id: number;
  /** `X-GitHub-Delivery`; the same for redeliveries. */
  guid: string;
  event: string;
  action: string | null;
  redelivery: boolean;
  /** What the receiver answered; 0: it could not be reached or took too long. */
  status: number;
  payload: unknown;
  headers: Record<string, string>;
}

export interface SimulatorOptions {
  /** Entries and bytes above which a recursive tree is truncated; GitHub's own by default. */
  treeLimit?: { entries: number; bytes: number };
  /** Milliseconds that a receiver of webhooks has to answer; 10,000 by default. */
  webhookTimeout?: number;
}

/** Starts it on a free port of 127.0.0.1. Give `close()` to afterEach or afterAll. */
export function startGitHub(_options: SimulatorOptions = {}): Promise<GitHubSimulator> {
  return Promise.reject(new Error('the simulator of GitHub is being built'));
}
