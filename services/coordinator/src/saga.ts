import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Failure, type CommandReply, type RunEvent, type StartRun, type Task } from '#contracts';
import { Dispatcher } from './dispatcher.js';
import { decide, type Signal } from './engine/decide.js';
import type { Decision } from './engine/draft.js';
import { resolveParams, type CompiledPipeline } from './engine/pipeline.js';
import type { RunState, StepState } from './engine/run-state.js';
import { Pipelines } from './pipelines.js';
import {
  findByIdempotencyKey, holders, insertEvents, insertRuns, joinQueues, leaveQueues, lockQueues, lockRuns, sqlState, transaction, updateRuns, upsertSteps,
  type LockPlace, type NewRun, type Sql,
} from './store/runs.store.js';

/** Something that wants a run to move. `turn`: this step may have become the holder of its lock. */
export type Intent = { runId: string } & ({ start: StartRun } | { signal: Signal } | { turn: string });

/** Rejected: the database did not answer, nothing was written, and it is to be tried again. */
export type Answer = PromiseSettledResult<CommandReply>;

/** A run while a batch works on it: its state so far, and what has gathered. */
interface Work {
  readonly pipeline: CompiledPipeline;
  readonly at: number;
  run: RunState;
  readonly changed: Map<string, StepState>;
  readonly tasks: Map<string, Task>;
  readonly events: RunEvent[];
  readonly claims: Set<string>;
  readonly releases: Set<string>;
}
type Works = ReadonlyMap<string, Work>;

/**
 * The shell around `decide`. A batch of intents is one transaction: insert new runs, lock all runs of the batch, load their steps, decide one intent after the other,
 * settle the queues of locks, write everything set-based, commit. Only then are tasks and events published and messages acknowledged. Wherever it breaks off:
 *   before the commit: nothing has happened, and the messages come again;
 *   after the commit: the sweeper publishes what was not, and the messages come again and find that they no longer count.
 * No table of seen messages is needed for that: every signal names the state it is for (engine/decide.ts), so its second copy changes nothing.
 *
 * Batches of one process go one after the other, so that the events of a run are published in their order. Several coordinators are kept apart by the row locks.
 */
@Injectable()
export class Saga {
  private readonly logger = new Logger('saga');
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: DataSource, private readonly pipelines: Pipelines, private readonly dispatcher: Dispatcher) {}

  /** One answer per intent, in order. Never rejects. */
  async apply(intents: readonly Intent[]): Promise<Answer[]> {
    const answers = this.last.then(() => this.batch(intents));
    this.last = answers;
    return answers;
  }

  /** Settles when everything handed over so far is done. */
  async idle(): Promise<void> { await this.last; }

  private async batch(intents: readonly Intent[]): Promise<Answer[]> {
    if (intents.length === 0) return [];
    try {
      const { replies, works, turns } = await transaction(this.database, (sql) => this.transact(sql, intents));
      await this.dispatcher.publish([...works.values()].flatMap((work) => [...work.tasks.values()]), [...works.values()].flatMap((work) => work.events));
      // The next holders of released locks belong to runs that this batch had not locked.
      await this.batch(turns);
      return replies.map((value) => ({ status: 'fulfilled', value }));
    } catch (reason) {
      if (!isOneIntentsFault(reason)) {
        this.logger.error(`${intents.length} intents rolled back`, inspect(reason));
        return intents.map(() => ({ status: 'rejected', reason }));
      }
      if (intents.length > 1) {
        const alone: Answer[] = [];
        for (const intent of intents) alone.push(...await this.batch([intent]));
        return alone;
      }
      // The same again would fail the same way. The step, if one waits for this, is dispatched again when its time limit has passed.
      this.logger.error(`${intents[0]?.runId}: dropped`, inspect(reason));
      return [{ status: 'fulfilled', value: { ok: false, failure: { code: 'internal', detail: 'it could not be recorded' } } }];
    }
  }

  private async transact(sql: Sql, intents: readonly Intent[]): Promise<{ replies: CommandReply[]; works: Works; turns: Intent[] }> {
    const settled = await this.insertNewRuns(sql, intents);
    const works = await this.lockWorks(sql, intents.filter((intent) => !settled.has(intent)));
    const signals = await signalsOf(sql, intents, works);
    const replies = intents.map((intent, index): CommandReply => settled.get(intent) ?? replyTo(intent.runId, advance(works.get(intent.runId), signals[index])));
    const turns = await settleQueues(sql, works);
    await write(sql, [...works.values()]);
    return { replies, works, turns };
  }

  /** Rows for runs to start. The answer has those starts that are settled by this alone: refused, or repeated under their idempotency key. */
  private async insertNewRuns(sql: Sql, intents: readonly Intent[]): Promise<Map<Intent, CommandReply>> {
    const settled = new Map<Intent, CommandReply>();
    const runs: NewRun[] = [];
    for (const intent of intents) {
      if (!('start' in intent)) continue;
      try {
        const { hash, compiled } = this.pipelines.named(intent.start.pipeline);
        runs.push({ ...intent.start, pipelineHash: hash, params: resolveParams(compiled.definition, intent.start.params) });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        settled.set(intent, { ok: false, failure: { code: error.code, detail: error.detail } });
      }
    }
    if (runs.length > 0) await insertRuns(sql, runs);
    const keys = runs.flatMap((run) => run.idempotency?.key ?? []);
    const known = keys.length > 0 ? await findByIdempotencyKey(sql, keys) : new Map<string, never>();
    for (const intent of intents) {
      const idempotency = 'start' in intent && !settled.has(intent) ? intent.start.idempotency : undefined;
      const first = idempotency && known.get(idempotency.key);
      if (!first || first.runId === intent.runId) continue;
      settled.set(intent, first.requestHash === idempotency.requestHash ? { ok: true, runId: first.runId, repeated: true } : { ok: false, failure: { code: 'idempotency-mismatch' } });
    }
    return settled;
  }

  private async lockWorks(sql: Sql, intents: readonly Intent[]): Promise<Works> {
    const locked = await lockRuns(sql, [...new Set(intents.map((intent) => intent.runId))]);
    const pipelines = await this.pipelines.pinned(sql, [...locked.values()].map((run) => run.pipelineHash));
    return new Map([...locked].map(([runId, { run, pipelineHash, at }]) => {
      const pipeline = pipelines.get(pipelineHash);
      if (!pipeline) throw new Failure('internal', `${runId}: the pipeline it has pinned cannot be read`);
      return [runId, { pipeline, run, at, changed: new Map(), tasks: new Map(), events: [], claims: new Set(), releases: new Set() }];
    }));
  }
}

/** A batch is tried intent by intent when the database cannot take one of its rows, or a decision has failed; the connection being gone concerns all of them. */
function isOneIntentsFault(reason: unknown): boolean {
  return reason instanceof Failure || ['22', '23'].includes(sqlState(reason)?.slice(0, 2) ?? '');
}

/** A turn counts only when the step really is first in the queue of its lock; it then stays so, because nobody else may take its row away while its run is locked. */
async function signalsOf(sql: Sql, intents: readonly Intent[], works: Works): Promise<Array<Signal | undefined>> {
  const names = intents.flatMap((intent) => { const work = works.get(intent.runId); return 'turn' in intent && work ? lockName(work) : []; });
  const held = new Set((names.length > 0 ? await holders(sql, names) : []).map(({ runId, stepId }) => `${runId} ${stepId}`));
  return intents.map((intent) => {
    if ('signal' in intent) return intent.signal;
    if ('start' in intent) return { type: 'start', by: intent.start.requestedBy };
    return held.has(`${intent.runId} ${intent.turn}`) ? { type: 'lock', stepId: intent.turn, granted: true } : undefined;
  });
}

/** Decides and gathers. `undefined` when there is no such run or nothing to decide. */
function advance(work: Work | undefined, signal: Signal | undefined): Decision | undefined {
  if (!work || !signal) return undefined;
  let decision: Decision;
  try {
    decision = decide(work.pipeline, work.run, signal, work.at);
  } catch (cause) {
    throw new Failure('internal', `${work.run.runId}: ${signal.type} could not be decided`, { cause });
  }
  work.run = decision.run;
  for (const step of decision.changed) work.changed.set(step.stepId, step);
  for (const task of decision.commands) work.tasks.set(task.stepId, task);
  work.events.push(...decision.events);
  for (const stepId of decision.locks.claim) work.claims.add(stepId);
  for (const stepId of decision.locks.release) work.releases.add(stepId);
  return decision;
}

function replyTo(runId: string, decision: Decision | undefined): CommandReply {
  if (!decision) return { ok: false, failure: { code: 'unknown-run' } };
  return decision.refused ? { ok: false, failure: decision.refused } : { ok: true, runId, repeated: decision.repeated ?? false };
}

const lockName = (work: Work): string => `repository:${work.run.repository}`;

/**
 * Lets go of locks and queues up for them, and tells every step that asked whether it is first. A granted step is dispatched in this same transaction, may fail at once and let
 * go again; hence the rounds. Returns the turns of steps of other runs, which only their own transaction may dispatch.
 */
async function settleQueues(sql: Sql, works: Works): Promise<Intent[]> {
  const turns: Intent[] = [];
  for (;;) {
    const leaving = drain(works, 'releases');
    // Who has let go again in the meantime must not queue: nobody would ever take that place away.
    const joining = drain(works, 'claims').filter(({ runId, stepId }) => works.get(runId)?.run.steps.get(stepId)?.locked);
    if (leaving.length + joining.length === 0) return turns;
    const names = [...new Set([...leaving, ...joining].map((place) => place.name))];
    await lockQueues(sql, names);
    if (leaving.length > 0) await leaveQueues(sql, leaving);
    if (joining.length > 0) await joinQueues(sql, joining);
    const first = await holders(sql, names);
    for (const { runId, stepId } of joining) {
      if (!first.some((holder) => holder.runId === runId && holder.stepId === stepId)) advance(works.get(runId), { type: 'lock', stepId, granted: false });
    }
    for (const { name, runId, stepId } of first) {
      if (works.has(runId)) advance(works.get(runId), { type: 'lock', stepId, granted: true });
      else if (leaving.some((place) => place.name === name)) turns.push({ runId, turn: stepId });
    }
  }
}

function drain(works: Works, kind: 'claims' | 'releases'): LockPlace[] {
  return [...works.values()].flatMap((work) => {
    const places = [...work[kind]].map((stepId) => ({ name: lockName(work), runId: work.run.runId, stepId }));
    work[kind].clear();
    return places;
  });
}

async function write(sql: Sql, works: readonly Work[]): Promise<void> {
  const moved = works.filter((work) => work.events.length + work.changed.size > 0);
  if (moved.length === 0) return;
  const steps = moved.flatMap((work) => [...work.changed.values()].map((step) => ({ ...step, runId: work.run.runId, changedAt: work.run.updatedAt })));
  const events = moved.flatMap((work) => work.events);
  await updateRuns(sql, moved.map((work) => work.run));
  if (steps.length > 0) await upsertSteps(sql, steps);
  if (events.length > 0) await insertEvents(sql, events);
}
