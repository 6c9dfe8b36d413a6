import type { PullRequest, RepositoryFile } from '#contracts';

/**
 * The port to whatever holds a repository and takes pull requests for it. The adapters are listed in `forges.ts`; one contract suite (`snapshot.contract.ts`, `publication.contract.ts`) holds all of them to this.
 * `repository` is always the address by which the run names it. Every method throws a `Failure`: `repository-not-found`, `repository-moved`, `forge-unauthorized`, `forge-forbidden`, `forge-limited`,
 * `forge-unavailable`, besides what is said beside it.
 */
export interface Forge {
  readonly name: PullRequest['forge'];
  /** The commit that a ref (the default branch, or HEAD of a local repository, when there is none) names now, and the branch when it names one. Throws as `open`, but reads no tree. */
  resolveRef(repository: string, ref?: string): Promise<Resolved>;
  /** The files of a commit. Throws `repository-empty`, `ref-not-found`, `repository-too-large` or `repository-unreadable`. */
  open(repository: string, ref?: string): Promise<Snapshot>;
  /**
   * Puts the files on the branch and answers with the pull request; the same files on the same base are `unchanged`, and the same run asking again gets its first answer.
   * Whatever kills it, and whenever: done again, it ends with one branch, one commit of this publication and one pull request.
   * Throws `stale-base`, `forbidden-path`, `branch-taken`, `branch-checked-out`, `ref-not-found`, `repository-archived` or, when the refs moved meanwhile, `forge-unavailable`.
   */
  publish(publication: Publication): Promise<PullRequest>;
  /** A file at a commit; undefined when there is none there, or what is there is no file. Throws `repository-too-large` when it has more than `maxBytes`. */
  readFile(repository: string, commit: string, path: string, maxBytes: number): Promise<Buffer | undefined>;
  /** Takes the branch and its pull request back when this run made them and nobody, no later run either, has moved the branch since. */
  withdraw(withdrawal: { repository: string; branch: string; runId: string }): Promise<Withdrawal>;
}

/** A forge with people on it: they write comments, have permissions and look at checks. */
export interface HostedForge extends Forge {
  /** What somebody with this user name may do; `none` for a stranger. */
  permissionOf(repository: string, user: string): Promise<Permission>;
  /** A pull request; undefined when there is none of that number. */
  pullRequest(repository: string, number: number): Promise<PullRequestState | undefined>;
  /** The files that differ between two commits; undefined when the forge does not list all of them, or does not know one of the commits any more. */
  changedFiles(repository: string, before: string, after: string): Promise<string[] | undefined>;
  /** The one comment of Pullwright that carries this mark: written when there is none, edited in place otherwise. */
  comment(comment: { repository: string; pullRequest: number; mark: string; body: string }): Promise<{ url: string }>;
  /** The one check of this name on a commit: made when there is none, brought up to date otherwise. */
  setCheck(check: Check): Promise<void>;
}

/** `isOwn`: its head is a branch of the repository itself, not of a fork. */
export interface PullRequestState { readonly head: string; readonly headCommit: string; readonly base: string; readonly isOwn: boolean; readonly state: 'open' | 'closed' | 'merged' }

/** What an access is good for. `report`: reads, comments and sets checks. */
export type ForgeUse = 'read' | 'write' | 'report';

export type Permission = 'none' | 'read' | 'write' | 'admin';

export interface Check {
  repository: string; commit: string;
  /** One check per name and commit. */
  name: string;
  /** Still running when there is none. */
  conclusion?: 'success' | 'failure' | 'neutral' | 'cancelled' | 'action_required';
  title: string;
  /** Markdown; what is too long for the forge is cut. */
  summary: string; text?: string;
  /** Where the forge sends people who want more. */
  url?: string;
  annotations?: ReadonlyArray<{ path: string; startLine: number; endLine: number; level: 'notice' | 'warning' | 'failure'; message: string; title?: string }>;
}

export interface Resolved { commit: string; branch?: string }

export interface SnapshotEntry {
  /** As git stores it: relative to the root, `/` between names; may hold any character but NUL. */
  path: string;
  /** `100644`, `100755`, `120000` for a symbolic link (its blob is the target's path), `160000` for a submodule. */
  mode: string;
  type: 'blob' | 'commit';
  /** Object id; for a submodule the commit it points at. */
  blob: string;
  /** Bytes; 0 for a submodule. */
  size: number;
}

export interface Snapshot {
  /** The address that was opened. */
  repository: string;
  commit: string;
  /** The branch that the ref names; none when it is a tag, a commit or a detached HEAD. */
  branch?: string;
  /** In git's order (by bytes of the path). */
  entries: SnapshotEntry[];
  /** What cannot be named or read: `path` is then for people only. */
  skipped: Array<{ path: string; reason: 'invalid-utf8' | 'missing-object' | 'too-large' }>;
  /** Contents by path. Paths without a blob in this snapshot are absent. The caller bounds the sum of the sizes. */
  readMany(paths: readonly string[]): Promise<Map<string, Buffer>>;
  close(): Promise<void>;
}

export interface Publication {
  repository: string;
  /** The commit that the tests were made from, and the branch it was on; none for a tag or a detached commit. */
  baseCommit: string; baseBranch?: string;
  /** `pullwright/<purpose>`. */
  branch: string;
  /** The only folder that is written to; `files` are contents by path from the root. */
  folder: string; files: ReadonlyMap<string, Buffer>;
  /** Files of the source that the tests stand on: when one differs on a moved base, the tests are stale. */
  dependsOn: readonly string[];
  title: string;
  /** The description, made when it is known what changes. */
  body: (files: PullRequest['files']) => string;
  runId: string;
  /** Somebody has asked for it again: a pull request that a person closed does not count as a no. */
  askedAgain?: boolean;
  /** What the repository asks of pull requests, where the forge has such things: those of an empty file when it is left out. */
  policy?: RepositoryFile['pullRequest'];
  /** A first `.pullwright.yaml`, which is added beside the folder where the base has none and never had one from us. The only file outside the folder that is ever written. */
  offer?: Buffer;
}

/** `kept`: others have built on the branch, it is checked out, or this run did not make it. `absent`: there was none. */
export interface Withdrawal { outcome: 'removed' | 'kept' | 'absent' }
