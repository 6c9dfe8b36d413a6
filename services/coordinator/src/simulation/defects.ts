import type { Result } from '#contracts';
import { isUndo, type StepState } from '../engine/run-state.js';
import type { MemoryTables } from '../store/memory-store.js';
import type { Changes, Committed, LockPlace } from '../store/saga-store.js';
import type { Invariant } from './invariants.js';

/** A coordinator that is broken on purpose, by what surrounds the real code. It proves that the checker can fail. */
export interface Defect {
  readonly words: string;
  /** What has to be found broken. */
  readonly breaks: Invariant;
  /** A result as the coordinator gets it. */
  result?(result: Result, tables: MemoryTables): Result;
  /** What is written instead of what was decided. */
  committing?(changes: Changes, tables: MemoryTables): Changes;
  /** After a commit, before anybody knows. */
  committed?(changes: Changes, answer: Committed, tables: MemoryTables): void;
  /** What the coordinator is told about a commit. */
  answer?(changes: Changes, answer: Committed): Committed;
  first?(names: readonly string[], tables: MemoryTables): LockPlace[];
  readonly neverSweeps?: boolean;
  /** Commands are answered when they arrive. */
  readonly answersEarly?: boolean;
}

/** As if another coordinator had written it: the ones that remember the run read it again. */
function overwrite(tables: MemoryTables, runId: string, stepId: string, change: Partial<StepState>): void {
  const row = tables.runs.get(runId);
  const step = row?.steps.get(stepId);
  if (!row || !step) return;
  row.steps.set(stepId, { ...step, ...change });
  if (change.wakeAt !== undefined) tables.checks.set(runId, change.wakeAt);
  row.overwritten++;
}

export const DEFECTS = {
  'fence-off': {
    words: 'a result of any attempt counts', breaks: 'stale',
    result: (result, tables) => ({ ...result, attempt: tables.runs.get(result.runId)?.steps.get(result.stepId)?.attempt ?? result.attempt }),
  },
  'version-off': {
    words: 'a commit does not look at the event that it was decided on', breaks: 'sequence',
    committing: (changes, tables) => ({ ...changes, runs: changes.runs.map((change) => (change.created ? change : { ...change, from: tables.runs.get(change.run.runId)?.stored.run.seq ?? change.from })) }),
  },
  'outbox-off': {
    words: 'an entry leaves the outbox before the bus has it', breaks: 'published',
    committed: (_changes, { entry }, tables) => { if (entry !== undefined) tables.outbox.delete(entry); },
  },
  'sweeper-off': { words: 'nobody looks for what was left behind', breaks: 'published', neverSweeps: true },
  'undo-twice': {
    words: 'an undo that is done is forgotten and done again', breaks: 'retries',
    committed: (changes, _answer, tables) => {
      for (const { run, steps } of changes.runs) for (const step of steps) if (isUndo(step.stepId) && step.status === 'succeeded' && step.attempt === 1) overwrite(tables, run.runId, step.stepId, { status: 'pending' });
    },
  },
  'undo-forgotten': {
    words: 'the record of how to take an effect back is not written', breaks: 'undo',
    committing: (changes) => ({ ...changes, runs: changes.runs.map((change) => ({ ...change, steps: change.steps.filter((step) => !isUndo(step.stepId) || step.status !== 'pending') })) }),
  },
  'attempts-again': {
    words: 'a retry uses the number of the attempt before it', breaks: 'attempts',
    committed: (changes, _answer, tables) => {
      for (const { run, steps } of changes.runs) for (const step of steps) if (step.status === 'backing-off') overwrite(tables, run.runId, step.stepId, { attempt: step.attempt - 1 });
    },
  },
  'tries-forgotten': {
    words: 'the tries of a step are not counted', breaks: 'retries',
    committed: (changes, _answer, tables) => {
      for (const { run, steps } of changes.runs) for (const step of steps) if (step.status === 'backing-off') overwrite(tables, run.runId, step.stepId, { tries: 1 });
    },
  },
  'expiry-early': {
    words: 'an approval expires as soon as it was asked for', breaks: 'approvals',
    committed: (changes, _answer, tables) => {
      for (const { run, steps } of changes.runs) for (const step of steps) if (step.status === 'waiting') overwrite(tables, run.runId, step.stepId, { wakeAt: run.updatedAt });
    },
  },
  'decided-twice': {
    words: 'an approval that was decided can be decided again', breaks: 'approvals',
    committed: (changes, _answer, tables) => {
      for (const { run, steps } of changes.runs) for (const step of steps) if (step.facts['decision'] === 'approve' && step.status === 'succeeded') overwrite(tables, run.runId, step.stepId, { status: 'waiting' });
    },
  },
  'lock-off': {
    words: 'everybody in the queue of a lock is told that it is the first', breaks: 'locks',
    answer: (changes, answer) => ({ ...answer, first: [...answer.first, ...changes.joining] }),
    first: (names, tables) => names.flatMap((name) => tables.queues.get(name) ?? []),
  },
  'lock-kept': {
    words: 'a step that has ended stays in the queue of its lock', breaks: 'locks',
    committing: (changes) => ({ ...changes, leaving: [] }),
  },
  'answer-early': { words: 'a command is answered when it arrives, and carried out later', breaks: 'accepted', answersEarly: true },
} as const satisfies Record<string, Defect>;
export type DefectName = keyof typeof DEFECTS;
