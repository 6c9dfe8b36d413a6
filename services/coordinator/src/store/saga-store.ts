import type { Limit, RunEvent, StartRun } from '#contracts';
import type { Admission, Place, PlacedTask, WindowedStart } from '../admission.js';
import type { RunState, StepState } from '../engine/run-state.js';

/** A run as it is committed. Its `seq` is its version: who writes names the event that it goes on from. */
export interface StoredRun {
  readonly run: RunState;
  readonly pipelineHash: string;
  /** When its timers are looked at, at the latest; none for a run that has ended. Never later than the first of them is due, or than an hour from when it was set. */
  readonly checkAt?: number;
}

export type NewRun = StartRun & { pipelineHash: string };

/** What a batch has made of one run. */
export interface RunChange {
  readonly run: RunState;
  /** The event that it was decided on; 0 for a run that begins with this change. */
  readonly from: number;
  /** Given for a run that begins. */
  readonly created?: NewRun;
  readonly steps: readonly StepState[];
  /** In order, one at least; each group is one row of the log. */
  readonly events: ReadonlyArray<readonly RunEvent[]>;
  /** Whether anything but steps and events has changed, which is seldom. */
  readonly rewritten: boolean;
  readonly checkAt?: number;
}

export interface LockPlace { readonly name: string; readonly runId: string; readonly stepId: string }

export interface Changes {
  readonly runs: readonly RunChange[];
  readonly leaving: readonly LockPlace[];
  readonly joining: readonly LockPlace[];
}

/** A look at a run's timers that found none due: the next one, unless somebody has set another time since. */
export interface LaterCheck { readonly runId: string; readonly was: number; readonly next: number }

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
 * The saga's database. A run is its log: each commit appends what it has done, and counts only when every run in it still ends with the event that it was decided on. That is the only fence
 * between coordinators: a run's steps, events and places in queues are written by nobody but who has appended to its log.
 */
export abstract class SagaStore {
  /** The database's clock in milliseconds; no process's own time decides anything. */
  abstract now(): Promise<number>;
  /** The same without asking, when the database was heard of a moment ago: for the times of what happens, not for what is due. */
  abstract recently(): number | undefined;
  /** Committed runs with the steps that have begun. Unknown ids are missing from the answer. */
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
  /** Runs whose timers are to be looked at now, the longest overdue first. */
  abstract dueRuns(limit: number): Promise<string[]>;
  abstract checkLater(checks: readonly LaterCheck[]): Promise<void>;
  /** Steps that stand first in the queue of their lock and still wait: whoever released it died before waking them. */
  abstract overlookedHolders(limit: number): Promise<LockPlace[]>;

  abstract limits(): Promise<Limit[]>;
  /** Counts these starts in their windows as far as there is room, one answer for each, in order; a start that was counted before has its place. Committed when it settles. */
  abstract admit(starts: readonly WindowedStart[]): Promise<Admission[]>;
  /** Removes starts that no window counts any more, and the places of tasks that are done. */
  abstract forgetStarts(olderThanSeconds: number): Promise<void>;
  /** Gives each task all of its places, or none and says which are full; in order. A task that has them keeps them. Committed when it settles. */
  abstract occupy(tasks: readonly PlacedTask[]): Promise<Place[][]>;
}
