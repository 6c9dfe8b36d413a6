import { randomBytes } from 'node:crypto';
import { GitStore } from '../git-store.js';
import type { Role } from './project.js';

/** All that the simulated GitLab knows beside its git repositories. Plain data: routes and people change it, entities show it. */
export class World {
  /** Web address without a slash at its end; set once the server listens. */
  url = '';
  readonly users = new Map<string, User>();
  readonly tokens = new Map<string, Token>();
  readonly projects: Project[] = [];
  #id = 100;
  #second = 0;

  constructor(readonly folder: string, readonly emit: (event: Emission) => void, readonly violate: (complaint: string) => void) {}

  id(): number { return ++this.#id; }

  /** Later each time, in whole seconds: so that order shows in dates, as it does where people act. */
  now(): string {
    this.#second = Math.max(this.#second + 1, Math.floor(Date.now() / 1000));
    return new Date(this.#second * 1000).toISOString();
  }

  user(username: string, bot = false): User {
    const known = this.users.get(username);
    if (known) return known;
    const id = this.id();
    const made: User = { id, username, name: bot ? 'Pullwright' : username, email: `${id}-${username}@users.noreply.gitlab.example`, bot, createdAt: this.now() };
    this.users.set(username, made);
    return made;
  }

  issueToken(user: User, scopes: Scope[], project?: Project): string {
    const value = `glpat-${randomBytes(15).toString('base64url').replaceAll(/[-_]/g, 'x')}`;
    this.tokens.set(value, { user, scopes, ...(project && { project }), revoked: false });
    return value;
  }

  /** By its number, its path, or a path that it had. */
  project(idOrPath: string): { found: Project | undefined; moved: boolean } {
    const present = this.projects.filter(({ deleted }) => !deleted);
    const found = present.find(({ id, path }) => String(id) === idOrPath || path.toLowerCase() === idOrPath.toLowerCase());
    return found ? { found, moved: false } : { found: present.find(({ formerPaths }) => formerPaths.some((former) => former.toLowerCase() === idOrPath.toLowerCase())), moved: true };
  }

  newProject(path: string, store: GitStore, defaultBranch: string, visibility: Project['visibility']): Project {
    const project: Project = {
      id: this.id(), path, formerPaths: [], defaultBranch, visibility, archived: false, deleted: false, createdAt: this.now(), members: new Map(), protectedBranches: new Map([[defaultBranch, 40]]), store,
      mergeRequests: [], notes: [], statuses: [], hooks: [], rebasesSeen: new Set(),
    };
    this.projects.push(project);
    return project;
  }

  /** What somebody may: a member's level, or that of a guest where everybody may look. */
  level(project: Project, user: User): number {
    return project.members.get(user.username) ?? (project.visibility === 'public' ? LEVELS.guest : 0);
  }
}

export const LEVELS: Record<Role, number> = { none: 0, guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 };
export type Scope = 'api' | 'read_api' | 'read_repository' | 'write_repository';
export interface User { id: number; username: string; name: string; email: string; bot: boolean; createdAt: string }
export interface Token { user: User; scopes: Scope[]; project?: Project; revoked: boolean }

export interface Project {
  id: number; path: string; formerPaths: string[]; defaultBranch: string; visibility: 'private' | 'internal' | 'public'; archived: boolean; deleted: boolean; createdAt: string;
  members: Map<string, number>;
  /** The level that may push to a branch. */
  protectedBranches: Map<string, number>;
  store: GitStore;
  mergeRequests: MergeRequest[]; notes: Note[]; statuses: Status[]; hooks: Hook[];
  /** Merge requests whose rebase was asked for and not yet looked after. */
  rebasesSeen: Set<number>;
}

export interface MergeRequest {
  id: number; iid: number; title: string; description: string | null; state: 'opened' | 'closed' | 'merged'; sourceBranch: string; targetBranch: string; labels: string[]; author: User; assignees: User[]; reviewers: User[];
  createdAt: string; updatedAt: string; closedAt: string | null; closedBy: User | null; mergedAt: string | null; mergedBy: User | null; mergeCommit: string | null; squashCommit: string | null;
  /** Of the source branch, as long as it is open. */
  sha: string; mergeError: string | null; removeSourceBranch: boolean;
}

export interface Note { id: number; iid: number; body: string; author: User; system: boolean; createdAt: string; updatedAt: string }
export interface Status { id: number; sha: string; ref: string; name: string; status: string; targetUrl: string | null; description: string | null; author: User; createdAt: string }
export interface Hook { id: number; url: string; token: string; signingKey?: string; events: ReadonlySet<HookEvent> }
export type HookEvent = 'push' | 'merge_request' | 'note';

/** Something happened of which the hooks of a project are told. */
export interface Emission { project: Project; event: HookEvent; user: User; payload: Record<string, unknown> }
