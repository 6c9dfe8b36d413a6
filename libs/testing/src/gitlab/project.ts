export type Role = 'none' | 'guest' | 'reporter' | 'developer' | 'maintainer' | 'owner';
export type Files = Record<string, string | Buffer | undefined>;

/** A project at the simulator, and what people do in it: each of these acts sends its webhooks. */
export interface SimulatedProject {
  id: number;
  /** Groups and name. */
  path: string;
  /** `<simulator>/<group>/<name>`: what a run is given. */
  url: string;
  defaultBranch: string;
  git(...args: string[]): Promise<string>;
  /** A push of one commit by a person (`undefined` deletes a file); a branch that is not there begins at the default branch. Answers with the commit. */
  commit(files: Files, options?: { branch?: string; by?: string; message?: string }): Promise<string>;
  /** Moves or makes a branch, as `git push --force` does. */
  forcePush(branch: string, sha: string, by?: string): Promise<void>;
  deleteBranch(branch: string, by?: string): Promise<void>;
  /** Every merge request there has been. */
  mergeRequests: ReadonlyArray<MergeRequestState>;
  merge(iid: number, options?: { by?: string; squash?: boolean; removeSourceBranch?: boolean }): Promise<string>;
  closeMergeRequest(iid: number, by?: string): Promise<void>;
  reopenMergeRequest(iid: number, by?: string): Promise<void>;
  /** Answers with the id of the note. */
  comment(iid: number, body: string, by: string): Promise<number>;
  /** Of people and of tokens; what GitLab says itself is not among them. */
  notes(iid: number): ReadonlyArray<{ id: number; body: string; by: string; edited: boolean }>;
  statuses: ReadonlyArray<{ sha: string; name: string; status: string; description: string | null; targetUrl: string | null }>;
  member(username: string, role: Role): void;
  /** Only this role and those above may push to it; maintainers when none is named. */
  protect(branch: string, role?: Role): void;
  unprotect(branch: string): void;
  /** Where its events go. `token` comes as X-Gitlab-Token; with a signing key they are signed as Standard Webhooks say. */
  hook(url: string, token: string, options?: { signingKey?: string; events?: ReadonlyArray<'push' | 'merge_request' | 'note'> }): void;
  /** Reads under the old path are led to the new one, everything else is refused there. */
  rename(path: string): void;
  archive(): void;
  delete(): void;
  /** A project access token: a bot of its own with this role. */
  accessToken(role: Role, scopes?: ReadonlyArray<'api' | 'read_api' | 'read_repository'>): string;
  fsck(): Promise<void>;
}

export interface MergeRequestState {
  iid: number; title: string; description: string | null; state: 'opened' | 'closed' | 'merged'; sourceBranch: string; targetBranch: string; sha: string; author: string; labels: readonly string[];
}
