/** A plain file, or one with a mode: an executable (100755), a symbolic link (120000: its target), a submodule (160000: a commit id). */
export type FileContent = string | Buffer | { mode: '100644' | '100755' | '120000' | '160000'; content: string | Buffer };
export type Files = Record<string, FileContent>;
export type Level = 'none' | 'read' | 'triage' | 'write' | 'maintain' | 'admin';

/** A repository at the simulator, and what people do in it: each of these acts sends its webhooks. */
export interface SimulatedRepository {
  id: number;
  owner: string;
  name: string;
  fullName: string;
  /** `<simulator>/<owner>/<name>`: what a run is given. */
  url: string;
  /** The bare repository on disk. */
  path: string;
  defaultBranch: string;
  git(...args: string[]): Promise<string>;
  /** The commit a branch points to; the default branch when none is named. */
  head(branch?: string): Promise<string>;
  branches(): Promise<string[]>;
  /** A push of one commit by a person (`undefined` deletes a file); a branch that is not there begins at the default branch. Answers with the commit. */
  commit(files: Record<string, FileContent | undefined>, options?: { branch?: string; by?: string; message?: string }): Promise<string>;
  /** Moves or makes a branch, as `git push --force` does. */
  forcePush(branch: string, sha: string, by?: string): Promise<void>;
  deleteBranch(branch: string, by?: string): Promise<void>;
  /** Every pull request there has been, by number. */
  pulls: readonly PullState[];
  merge(pull: number, options?: { by?: string; method?: 'merge' | 'squash' }): Promise<string>;
  closePull(pull: number, by?: string): Promise<void>;
  reopenPull(pull: number, by?: string): Promise<void>;
  labelPull(pull: number, label: string, by?: string): Promise<void>;
  /** Answers with the id of the comment. */
  comment(pull: number, body: string, by: string): Promise<number>;
  editComment(id: number, body: string, by: string): Promise<void>;
  comments(pull: number): ReadonlyArray<{ id: number; body: string; by: string; edited: boolean }>;
  checkRuns: ReadonlyArray<{ id: number; name: string; headSha: string; status: string; conclusion: string | null; title: string | null; summary: string | null }>;
  /** Someone presses "Re-run" on a check. */
  rerequestCheck(checkRun: number, by?: string): Promise<void>;
  /** Someone presses a button that the check offers. */
  requestCheckAction(checkRun: number, identifier: string, by?: string): Promise<void>;
  collaborator(login: string, level: Level): void;
  /** Its branches cannot be moved by anyone who is no admin: 403 or 422. Default branch when none is named. */
  protect(branch?: string): void;
  /** The old name answers with 301 to the new one. */
  rename(name: string, by?: string): Promise<void>;
  /** Writes are refused with 403. */
  archive(by?: string): Promise<void>;
  delete(by?: string): Promise<void>;
  fsck(): Promise<void>;
}

export interface PullState {
  number: number;
  title: string;
  body: string;
  state: 'open' | 'closed';
  merged: boolean;
  draft: boolean;
  head: string;
  headSha: string;
  base: string;
  author: string;
  labels: readonly string[];
  assignees: readonly string[];
  reviewers: readonly string[];
}
