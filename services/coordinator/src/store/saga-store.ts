import type { Limit, RunEvent, StartRun, Task } from '#contracts';
import type { Admission, Place, PlacedTask, WindowedStart } from '../admission.js';
import type { RunState, StepState } from '../engine/run-state.js';

/** A run as it is committed. `version` counts its commits: who writes names the version that it decided on. */
export interface StoredRun {
  readonly run: RunState;
  readonly pipelineHash: string;
  readonly version: number;
}

export type NewRun = StartRun & { pipelineHash: string };

/** What a batch has made of one run. */
export interface RunChange {
  readonly run: RunState;
  /** The version it was decided on; 0 for a run that begins with this change. */
  readonly version: number;
  /** Given for a run that begins. */
  readonly created?: NewRun;
  readonly steps: readonly StepState[];
  /** In order; each group is one row and one message. */
  readonly events: ReadonlyArray<readonly RunEvent[]>;
}

export interface LockPlace { readonly name: string; readonly runId: string; readonly stepId: string }

export interface Changes {
  readonly runs: readonly RunChange[];
  /** Steps that are dispatched by this commit: with the events, what the outbox remembers until the bus has it. */
  readonly tasks: readonly Task[];
  readonly leaving: readonly LockPlace[];
  readonly joining: readonly LockPlace[];
}

/** `entry` names what is in the outbox because of this commit. `first`: who stands first in each queue that the commit has touched. */
export interface Committed { readonly entry?: string; readonly first: readonly LockPlace[] }

/** What the outbox still has of a commit. Steps that have moved on since are left out: their task no longer counts. */
export interface OutboxEntry {
  readonly entry: string;
  /** Whether the bus has had these tasks before and lost them, or what came of them. */
  readonly again: boolean;
  readonly dispatched: ReadonlyArray<Pick<RunState, 'runId' | 'params' | 'repository' | 'ref' | 'cache' | 'tenant' | 'priority'> & { pipelineHash: string; step: StepState }>;
  readonly events: ReadonlyArray<readonly RunEvent[]>;
}

/** Somebody else has written one of the runs since it was read, or the run or its idempotency key has come to be. Nothing was written; read again, decide again. */
export class Conflict extends Error {}

/**
 * The saga's database. Commits are all or nothing, and optimistic: a commit counts only when every run in it still has the version that it was decided on. That is the only fence
 * between coordinators: a run's steps, events and places in queues are written by nobody but who has moved its version.
 */
export abstract class SagaStore {
  /** The database's clock in milliseconds; no process's own time decides anything. */
  abstract now(): Promise<number>;
  /** Committed runs with the steps that have a row. Unknown ids are missing from the answer. */
  abstract load(runIds: readonly string[]): Promise<Map<string, StoredRun>>;
  abstract byIdempotencyKey(keys: readonly string[]): Promise<Map<string, { runId: string; requestHash: string }>>;
  /** Definitions as runs have pinned them, not yet parsed. */
  abstract pipelines(hashes: readonly string[]): Promise<ReadonlyArray<{ hash: string; definition: unknown }>>;
  /** Throws `Conflict`. */
  abstract commit(changes: Changes): Promise<Committed>;
  /** Who stands first in each of these queues. Whoever does stays so until its own run takes it out. */
  abstract first(names: readonly string[]): Promise<LockPlace[]>;

  /** These entries of the outbox have reached the bus. May be carried out with the next commit. */
  abstract published(entries: readonly string[]): void;
  /** Entries that nobody has reported for a while, the oldest first: those of coordinators that are not heard any more, and this one's own but for those that it `held`s. They are its own from then on. */
  abstract unpublished(limit: number, held: readonly string[]): Promise<OutboxEntry[]>;
  /** Says that this coordinator lives: once a second. */
  abstract beat(): Promise<void>;
  /** What it has left in the outbox is for others at once. */
  abstract retire(): Promise<void>;
  /** Steps whose timer is due, the oldest first. */
  abstract dueTimers(limit: number): Promise<Array<{ runId: string; stepId: string }>>;
  /** Steps that stand first in the queue of their lock and still wait: whoever released it died before waking them. */
  abstract overlookedHolders(limit: number): Promise<LockPlace[]>;

  abstract limits(): Promise<Limit[]>;
  /** Counts these starts in their windows as far as there is room, one answer for each, in order; a start that was counted before has its place. Committed when it settles. */
  abstract admit(starts: readonly WindowedStart[]): Promise<Admission[]>;
  /** Removes starts that no window counts any more, and the places of tasks that are done. */
  abstract forgetStarts(olderThanSeconds: number): Promise<void>;
  /** Gives each task all of its places, or none and says which are full; in order. A task that has them keeps them. Committed when it settles. */
  abstract occupy(tasks: readonly PlacedTask[]): Promise<Place[][]>;
  /** Gives steps that are still dispatched with this attempt so many milliseconds from now on. */
  abstract renewTimers(steps: ReadonlyArray<{ runId: string; stepId: string; attempt: number; ms: number }>): Promise<void>;
}
