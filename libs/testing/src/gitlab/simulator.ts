import type { CallObserver, RecordedCall } from '../github/calls.js';
import type { Faults } from '../github/faults.js';
import type { Files, Role, SimulatedProject } from './project.js';

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
  /** Every answer to it is a refusal from now on. */
  revoke(token: string): void;
  webhooks: Webhooks;
  /** Throws when there were violations, or when git finds fault with a repository. */
  check(): Promise<void>;
  /** check(), then everything is stopped and removed. */
  close(): Promise<void>;
}

export interface ProjectOptions {
  visibility?: 'private' | 'internal' | 'public';
  defaultBranch?: string;
  members?: Record<string, Role>;
}

export interface Webhooks {
  /** Every attempt, in order. */
  deliveries: readonly Delivery[];
  /** Settles when everything that was due has been sent and answered. */
  settled(): Promise<void>;
  /** Sends one again, with the same idempotency key. */
  resend(id: number): Promise<Delivery>;
}

export interface Delivery {
  id: number;
  /** X-Gitlab-Event: `Push Hook`, `Merge Request Hook`, `Note Hook`. */
  event: string;
  /** The same for every attempt. */
  idempotencyKey: string;
  /** What the receiver answered; 0: it could not be reached or took too long. */
  status: number;
  body: string;
  headers: Record<string, string>;
}

export interface SimulatorOptions {
  /** Milliseconds that a receiver of webhooks has to answer; 10,000 by default. */
  webhookTimeout?: number;
}

/** Starts it on a free port of 127.0.0.1. Give `close()` to afterEach or afterAll. */
export function startGitLab(_options: SimulatorOptions = {}): Promise<GitLabSimulator> {
  return Promise.reject(new Error('the simulator of GitLab is being built'));
}
