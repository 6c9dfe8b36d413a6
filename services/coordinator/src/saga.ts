import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { crashPoint } from '#config';
import { Failure, type Quota, type CommandReply, type StartRun, type Task, type RunEvent } from '#contracts';
import { Dispatcher, dispatchedOf } from './dispatcher.js';
import { decide, type Signal } from './engine/decide.js';
import { groups, type Decision } from './engine/draft.js';
import { resolveParams, type CompiledPipeline } from './engine/pipeline.js';
import { hasEnded, type RunState, type StepState } from './engine/run-state.js';
import { isPristine, withPristine } from './engine/pristine.js';
import { Limits } from './limits.js';
import { Pipelines } from './pipelines.js';
import { sqlState } from './store/postgres-store.js';
import { Conflict, SagaStore, type Changes, type LaterCheck, type LockPlace, type NewRun, type RunChange, type StoredRun } from './store/saga-store.js';

/** Something that wants a run to move. `turn`: this step may have become the first in the queue of its lock. `due`: timers of its steps may be. */
export type Intent = { runId: string } & ({ start: StartRun } | { signal: Signal } | { turn: string } | { due: true });

/** Rejected: the database did not answer, nothing was written, and it is to be tried again. */
export type Answer = PromiseSettledResult<CommandReply>;

/** One call of `apply`: its answers so far, and how many are missing. */
interface Call { readonly answers: Answer[]; missing: number; readonly done: (answers: Answer[]) => void }
/** An intent, and the place of its answer. */
interface Entry { readonly intent: Intent; readonly call: Call; readonly place: number }

/** A run while a batch works on it: as it was read, and what has gathered. */
interface Work {
  readonly pipeline: CompiledPipeline;
  readonly pipelineHash: string;
  /** As it was read. */
  readonly before: RunState;
  readonly checkAt?: number;
  readonly created?: NewRun;
  /** Whether it was read from the database for this very batch. */
  readonly fresh: boolean;
  run: RunState;
  readonly changed: Map<string, StepState>;
  readonly tasks: Map<string, Task>;
  readonly events: RunEvent[];
  readonly joining: string[];
  readonly leaving: string[];
}

/** Intents that one commit takes at most. */
const BATCH = 512;
/** Batches at once: while one waits for the disk of the database, the next is decided. */
const AT_ONCE = 2;
/** How often a batch that lost a race against another coordinator reads and decides again. */
const TRIES = 20;
/** Runs that are kept in memory, the longest untouched forgotten first. */
const KNOWN = 20_000;
/** Every run that has not ended is looked at so often, whatever its timers say: nothing that was overlooked stays so. */
const CHECK_MS = 3_600_000;

/**
 * The shell around `decide`. Intents gather while batches are at work; a batch takes all that have, for runs that no other batch has, and goes
 *   runs known or read → decided one intent after the other → committed, all or nothing → answered → tasks and events published
 * Wherever it breaks off:
 *   before the commit: nothing has happened, and the messages come again;
 *   after the commit: the sweeper publishes what was not, and the messages come again and find that they no longer count.
 * No table of seen messages is needed for that: every signal names the state it is for (engine/decide.ts), so its second copy changes nothing.
 *
 * Runs are remembered from commit to commit, so that a batch usually reads nothing. What is remembered may be old, because another coordinator has moved the run. That is noticed,
 * and the run is read, in both ways it can show: the commit finds that the run's log goes on already (`Conflict`), or the intent seems not to count, which is believed only of a run just read.
 *
 * Of the timers of all steps the database keeps one time for each run, when to look. It need not be exact, only not too late: that a later timer has taken the place of an earlier one is found by looking, so that
 * a step that is answered in time, as nearly all are, costs no write for its timer. Back-off and expiry are written when they are set.
 */
@Injectable()
export class Saga {
  private readonly logger = new Logger('saga');
  private readonly known = new Map<string, StoredRun>();
  private readonly busy = new Set<string>();
  private waiting: Entry[] = [];
  private readonly batches = new Set<Promise<void>>();

  constructor(private readonly store: SagaStore, private readonly pipelines: Pipelines, private readonly dispatcher: Dispatcher, private readonly limits: Limits) {}

  /** One answer per intent, in order. Never rejects. Intents of one run are carried out in the order they were handed over. */
  async apply(intents: readonly Intent[]): Promise<Answer[]> {
    if (intents.length === 0) return [];
    const { promise, resolve } = Promise.withResolvers<Answer[]>();
    const call: Call = { answers: [], missing: intents.length, done: resolve };
    intents.forEach((intent, place) => { this.waiting.push({ intent, call, place }); });
    this.pump();
    return promise;
  }

  /** Settles when everything handed over so far is done and published. */
  async idle(): Promise<void> {
    while (this.batches.size > 0) await Promise.all(this.batches);
    await this.dispatcher.idle();
  }

  private pump(): void {
    while (this.batches.size < AT_ONCE) {
      const taken: Entry[] = [];
      const left: Entry[] = [];
      for (const entry of this.waiting) (taken.length < BATCH && !this.busy.has(entry.intent.runId) ? taken : left).push(entry);
      if (taken.length === 0) return;
      this.waiting = left;
      const runIds = new Set(taken.map(({ intent }) => intent.runId));
      for (const runId of runIds) this.busy.add(runId);
      const batch = this.settle(taken).finally(() => {
        for (const runId of runIds) this.busy.delete(runId);
        this.batches.delete(batch);
        this.pump();
      });
      this.batches.add(batch);
    }
  }

  private async settle(entries: readonly Entry[]): Promise<void> {
    const intents = entries.map(({ intent }) => intent);
    try {
      const replies = await this.batch(intents);
      entries.forEach((entry, index) => { answer(entry, { status: 'fulfilled', value: replies[index] as CommandReply }); });
    } catch (reason) {
      for (const { runId } of intents) this.known.delete(runId);
      if (!isOneIntentsFault(reason)) {
        this.logger.error(`${intents.length} intents were not written`, inspect(reason));
        for (const entry of entries) answer(entry, { status: 'rejected', reason });
      } else if (entries.length > 1) {
        for (const entry of entries) await this.settle([entry]);
      } else {
        // The same again would fail the same way. The step, if one waits for this, is dispatched again when its time limit has passed.
        this.logger.error(`${intents[0]?.runId}: dropped`, inspect(reason));
        if (intents[0] && 'due' in intents[0]) await this.postpone(intents[0].runId);
        for (const entry of entries) answer(entry, { status: 'fulfilled', value: { ok: false, failure: { code: 'internal', detail: 'it could not be recorded' } } });
      }
    }
  }

  /** A run that cannot be decided on must not stand in front of the others whose timers are due. */
  private async postpone(runId: string): Promise<void> {
    try {
      const was = (await this.store.load([runId])).get(runId)?.checkAt;
      if (was !== undefined) await this.store.checkLater([{ runId, was, next: await this.store.now() + CHECK_MS }]);
    } catch (error) {
      this.logger.warn(`${runId}: not postponed: ${String(error)}`);
    }
  }

  private async batch(intents: readonly Intent[]): Promise<CommandReply[]> {
    for (let tries = 0; ; tries++) {
      let old: Iterable<string>;
      try {
        const outcome = await this.attempt(intents, tries > 0);
        if (Array.isArray(outcome)) return outcome;
        old = outcome;
      } catch (error) {
        if (!(error instanceof Conflict) || tries === TRIES) throw error;
        old = intents.map(({ runId }) => runId);
      }
      for (const runId of old) this.known.delete(runId);
    }
  }

  /** The replies; or, with nothing written, the runs whose memory may be old. `reading`: starts look for their run first; otherwise the commit tells when there is one already. */
  private async attempt(intents: readonly Intent[], reading: boolean): Promise<CommandReply[] | Set<string>> {
    const refused = new Map<Intent, CommandReply>();
    await this.settleRepeatedStarts(intents, refused);
    const works = await this.open(intents.filter((intent) => !refused.has(intent)), reading, refused);
    const quotas = await this.admit(intents, works, refused);
    const recently = intents.some(needsExactTime) ? undefined : this.store.recently();
    const [at, turns] = await Promise.all([recently ?? this.store.now(), this.turns(intents, works)]);
    const replies: CommandReply[] = [];
    const doubtful = new Set<string>();
    const later: LaterCheck[] = [];
    for (const intent of intents) {
      const settled = refused.get(intent);
      const work = works.get(intent.runId);
      const decisions = settled || !work ? [] : signalsOf(intent, work.run, turns, at).map((signal) => advance(work, signal, at));
      const counted = decisions.some((decision) => decision.counted);
      if (!settled && work && !work.fresh && !counted) doubtful.add(intent.runId);
      else if ('due' in intent && work?.checkAt !== undefined && !counted) later.push({ runId: intent.runId, was: work.checkAt, next: nextCheck(work.run, at) });
      replies.push(settled ?? replyTo(intent.runId, work, decisions[0], quotas.get(intent.runId)));
    }
    if (doubtful.size > 0) return doubtful;
    // Before the commit: what fails after it would have intents called not written that are.
    const unmoved = later.filter(({ runId }) => works.get(runId)?.events.length === 0);
    if (unmoved.length > 0) await this.store.checkLater(unmoved);
    await this.commit([...works.values()].filter((work) => work.events.length > 0), at);
    return replies;
  }

  /** Under an idempotency key there is one run: the other starts with the key get its id. */
  private async settleRepeatedStarts(intents: readonly Intent[], refused: Map<Intent, CommandReply>): Promise<void> {
    const keys = intents.flatMap((intent) => ('start' in intent ? intent.start.idempotency?.key ?? [] : []));
    if (keys.length === 0) return;
    const first = await this.store.byIdempotencyKey(keys);
    for (const intent of intents) {
      if (!('start' in intent) || !intent.start.idempotency) continue;
      const { key, requestHash } = intent.start.idempotency;
      const earlier = first.get(key);
      if (!earlier) first.set(key, { runId: intent.runId, requestHash });
      else if (earlier.runId !== intent.runId) refused.set(intent, earlier.requestHash === requestHash ? { ok: true, runId: earlier.runId, repeated: true } : { ok: false, failure: { code: 'idempotency-mismatch' } });
    }
  }

  /** The runs of these intents: remembered, read, or new. */
  private async open(intents: readonly Intent[], reading: boolean, refused: Map<Intent, CommandReply>): Promise<Map<string, Work>> {
    const starts = new Map<string, StartRun>();
    for (const intent of intents) if ('start' in intent && !starts.has(intent.runId)) starts.set(intent.runId, intent.start);
    const unread = [...new Set(intents.map(({ runId }) => runId))].filter((runId) => !this.known.has(runId) && (reading || !starts.has(runId)));
    const read = unread.length > 0 ? await this.store.load(unread) : new Map<string, StoredRun>();
    const stored = new Map(intents.flatMap(({ runId }) => { const run = this.known.get(runId) ?? read.get(runId); return run ? [[runId, run] as const] : []; }));
    const pipelines = await this.pipelines.pinned((hashes) => this.store.pipelines(hashes), [...stored.values()].map((run) => run.pipelineHash));
    const works = new Map<string, Work>();
    for (const [runId, { run: known, pipelineHash, checkAt }] of stored) {
      const pipeline = pipelines.get(pipelineHash);
      if (!pipeline) throw new Failure('internal', `${runId}: the pipeline it has pinned cannot be read`);
      const run = read.has(runId) ? { ...known, steps: withPristine(pipeline.definition, known.steps) } : known;
      works.set(runId, { ...EMPTY(), pipeline, pipelineHash, before: run, checkAt, fresh: read.has(runId), run });
    }
    for (const intent of intents) {
      if (!('start' in intent) || works.has(intent.runId)) continue;
      try {
        works.set(intent.runId, { ...EMPTY(), ...this.begin(intent.start) });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        refused.set(intent, { ok: false, failure: { code: error.code, detail: error.detail } });
      }
    }
    return works;
  }

  private begin(start: StartRun): Pick<Work, 'pipeline' | 'pipelineHash' | 'before' | 'created' | 'fresh' | 'run'> {
    const { hash, compiled } = this.pipelines.named(start.pipeline);
    const params = resolveParams(compiled.definition, start.params);
    const run: RunState = { runId: start.runId, repository: start.repository, ref: start.ref, params, cache: start.cache, tenant: start.tenant, priority: start.priority, status: 'running', seq: 0, updatedAt: 0, steps: new Map() };
    return { pipeline: compiled, pipelineHash: hash, before: run, created: { ...start, params, pipelineHash: hash }, fresh: true, run };
  }

  /** What begins now is counted in its windows, of which there are usually none; where one is full the start is refused, and its run is not begun. Quotas by run. */
  private async admit(intents: readonly Intent[], works: Map<string, Work>, refused: Map<Intent, CommandReply>): Promise<ReadonlyMap<string, readonly Quota[]>> {
    const starts = [...works.values()].flatMap(({ created }) => {
      const windows = created ? this.limits.windowsOf(created) : [];
      return created && windows.length > 0 ? { runId: created.runId, start: created.idempotency ? `key:${created.idempotency.key}` : created.runId, windows } : [];
    });
    if (starts.length === 0) return new Map();
    const admissions = await this.store.admit(starts);
    const quotas = new Map<string, readonly Quota[]>();
    starts.forEach(({ runId }, index) => {
      const { retryAfterSeconds, quotas: left = [] } = admissions[index] ?? {};
      quotas.set(runId, left);
      if (retryAfterSeconds === undefined) return;
      works.delete(runId);
      for (const intent of intents) if ('start' in intent && intent.runId === runId) refused.set(intent, { ok: false, failure: { code: 'rate-limited', detail: left.find(({ remaining }) => remaining === 0)?.kind }, retryAfterSeconds, quotas: [...left] });
    });
    return quotas;
  }

  /** Steps among the `turn`s that really are first in their queue now. They stay so while their run is as this batch decides on it. */
  private async turns(intents: readonly Intent[], works: ReadonlyMap<string, Work>): Promise<ReadonlySet<string>> {
    const names = intents.flatMap((intent) => { const work = works.get(intent.runId); return 'turn' in intent && work ? lockName(work) : []; });
    if (names.length === 0) return new Set();
    return new Set((await this.store.first(names)).map(({ runId, stepId }) => `${runId} ${stepId}`));
  }

  private async commit(works: readonly Work[], at: number): Promise<void> {
    if (works.length === 0) return;
    const runs = works.map((work) => changeOf(work, at));
    const changes: Changes = { runs, leaving: places(works, 'leaving'), joining: places(works, 'joining') };
    crashPoint('saga.before-commit');
    const { entry, first } = await this.store.commit(changes);
    crashPoint('saga.after-commit');
    works.forEach(({ run, pipelineHash }, index) => { this.remember({ run, pipelineHash, checkAt: runs[index]?.checkAt }); });
    this.dispatcher.publish(works.flatMap(({ run, tasks: own }) => [...own.values()].map((task) => dispatchedOf(task, run))), runs.flatMap(({ events }) => events), entry);
    void this.apply(lockIntents(changes, first));
  }

  private remember(stored: StoredRun): void {
    const { runId } = stored.run;
    this.known.delete(runId);
    if (hasEnded(stored.run)) return;
    this.known.set(runId, stored);
    if (this.known.size > KNOWN) for (const oldest of this.known.keys()) { this.known.delete(oldest); break; }
  }
}

function answer({ call, place }: Entry, given: Answer): void {
  call.answers[place] = given;
  if (--call.missing === 0) call.done(call.answers);
}

const EMPTY = (): Pick<Work, 'changed' | 'tasks' | 'events' | 'joining' | 'leaving'> => ({ changed: new Map(), tasks: new Map(), events: [], joining: [], leaving: [] });

/** A batch is tried intent by intent when the database cannot take one of its rows, or a decision has failed; the connection being gone concerns all of them. */
function isOneIntentsFault(reason: unknown): boolean {
  return reason instanceof Failure || ['22', '23'].includes(sqlState(reason)?.slice(0, 2) ?? '');
}

/** What was set by the clock counts by the clock. */
const needsExactTime = (intent: Intent): boolean => 'due' in intent || ('signal' in intent && (intent.signal.type === 'approval' || intent.signal.type === 'queued' || intent.signal.type === 'timer'));

/** None when the step of a turn is not first, or no timer of the run is due. */
function signalsOf(intent: Intent, run: RunState, turns: ReadonlySet<string>, at: number): Signal[] {
  if ('signal' in intent) return [intent.signal];
  if ('start' in intent) return [{ type: 'start', by: intent.start.requestedBy }];
  if ('due' in intent) return [...run.steps.values()].filter(({ wakeAt }) => wakeAt !== undefined && wakeAt <= at).map(({ stepId }) => ({ type: 'timer', stepId }));
  return turns.has(`${intent.runId} ${intent.turn}`) ? [{ type: 'lock', stepId: intent.turn, granted: true }] : [];
}

/** What a batch has made of a run. */
function changeOf({ run, before, created, changed, events, checkAt }: Work, at: number): RunChange {
  const next = hasEnded(run) ? undefined : nextCheck(run, at);
  const isSet = [...changed.values()].some(({ wakeAt, status }) => wakeAt !== undefined && status !== 'dispatched');
  // What is behind us may be moved by whoever looks at it now.
  const stands = !isSet && next !== undefined && checkAt !== undefined && checkAt > at && checkAt <= next;
  const rewritten = !stands || run.status !== before.status || run.ending !== before.ending || run.failure !== before.failure || run.lastRetry !== before.lastRetry || run.finishedAt !== before.finishedAt;
  return { run, from: before.seq, created, steps: [...changed.values()], events: groups(events), rewritten, checkAt: stands ? checkAt : next };
}

/** When the first timer of a run is due, or an hour from now. */
function nextCheck(run: RunState, at: number): number {
  let next = at + CHECK_MS;
  for (const { wakeAt } of run.steps.values()) if (wakeAt !== undefined && wakeAt < next) next = wakeAt;
  return next;
}

/** Decides and gathers. */
function advance(work: Work, signal: Signal, at: number): Decision {
  let decision: Decision;
  try {
    decision = decide(work.pipeline, work.run, signal, at);
  } catch (cause) {
    throw new Failure('internal', `${work.run.runId}: ${signal.type} could not be decided`, { cause });
  }
  // A pristine step has no row, and needs none while it stays so.
  for (const step of decision.changed) if (!isPristine(step) || !isPristine(work.run.steps.get(step.stepId) ?? step)) work.changed.set(step.stepId, step);
  work.run = decision.run;
  for (const task of decision.commands) work.tasks.set(task.stepId, task);
  work.events.push(...decision.events);
  work.joining.push(...decision.locks.claim);
  for (const stepId of decision.locks.release) {
    const place = work.joining.indexOf(stepId);
    if (place < 0) work.leaving.push(stepId);
    else work.joining.splice(place, 1);
  }
  return decision;
}

function replyTo(runId: string, work: Work | undefined, decision: Decision | undefined, quotas: readonly Quota[] | undefined): CommandReply {
  if (!work) return { ok: false, failure: { code: 'unknown-run' } };
  return decision?.refused ? { ok: false, failure: decision.refused } : { ok: true, runId, repeated: decision?.repeated ?? false, ...quotas && { quotas: [...quotas] } };
}

const lockName = (work: Work): string => `repository:${work.run.repository}`;

function places(works: readonly Work[], kind: 'joining' | 'leaving'): LockPlace[] {
  return works.flatMap((work) => work[kind].map((stepId) => ({ name: lockName(work), runId: work.run.runId, stepId })));
}

/** What the queues say after a commit: who asked hears where it stands, and who has become first is told. */
function lockIntents({ joining, leaving }: Changes, first: readonly LockPlace[]): Intent[] {
  const isFirst = ({ runId, stepId }: LockPlace): boolean => first.some((place) => place.runId === runId && place.stepId === stepId);
  const waiting = joining.filter((place) => !isFirst(place)).map(({ runId, stepId }): Intent => ({ runId, signal: { type: 'lock', stepId, granted: false } }));
  const next = first.filter(({ name, runId, stepId }) => joining.some((place) => place.runId === runId && place.stepId === stepId) || leaving.some((place) => place.name === name));
  return [...waiting, ...next.map(({ runId, stepId }): Intent => ({ runId, turn: stepId }))];
}
