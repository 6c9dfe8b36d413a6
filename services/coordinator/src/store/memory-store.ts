import type { Limit, RunEvent } from '#contracts';
import { admissions, fill, nameOf, type Admission, type Place, type PlacedTask, type Window, type WindowedStart, type WindowState } from '../admission.js';
import type { StepState } from '../engine/run-state.js';
import { Conflict, SagaStore, type Changes, type Committed, type LaterCheck, type LockPlace, type NewRun, type OutboxEntry, type StoredRun } from './saga-store.js';

/** Younger than this belongs to the process that has just committed it. */
const SETTLING_MS = 5_000;
/** A coordinator that was heard of within this time keeps what it has in the outbox. */
const ALIVE_MS = 10_000;

/** `overwritten`: how often somebody has changed it past all stores, as simulated defects do; who has not read it since may not write. */
interface RunRow { readonly created: NewRun; overwritten: number; stored: Omit<StoredRun, 'run'> & { readonly run: Omit<StoredRun['run'], 'steps'> }; readonly steps: Map<string, StepState> }
interface OutboxRow { readonly at: number; readonly again: boolean; readonly owner?: string; readonly steps: ReadonlyArray<{ runId: string; stepId: string; attempt: number }>; readonly events: ReadonlyArray<{ runId: string; seq: number }> }

/** What Postgres has for the saga, as maps: one for as many stores as there are coordinators. Rows are immutable values and are shared, not copied. */
export class MemoryTables {
  readonly pipelines = new Map<string, unknown>();
  readonly runs = new Map<string, RunRow>();
  readonly idempotencyKeys = new Map<string, { runId: string; requestHash: string }>();
  /** By run: the rows of its log, by the number of the last event in each. */
  readonly events = new Map<string, Map<number, readonly RunEvent[]>>();
  readonly outbox = new Map<string, OutboxRow>();
  /** By lock, in the order of tickets. */
  readonly queues = new Map<string, LockPlace[]>();
  /** Steps that wait for an agent, as `<run> <step>`. */
  readonly dispatched = new Set<string>();
  /** By run, when its timers are to be looked at. */
  readonly checks = new Map<string, number>();
  readonly limits: Limit[] = [];
  /** By window, when each start was counted. */
  readonly windows = new Map<string, Map<string, number>>();
  /** By limit, the tasks that have a place. */
  readonly places = new Map<string, Array<Omit<PlacedTask, 'places'>>>();
  /** When each coordinator was heard last. */
  readonly coordinators = new Map<string, number>();
  private entries = 0;
  private stores = 0;

  /** `clock`: the database's, in milliseconds. */
  constructor(readonly clock: () => number) {}

  /** A name for one more coordinator. */
  nextOwner(): string { return String(++this.stores); }

  /** The number of a new entry in the outbox. */
  nextEntry(): string { return String(++this.entries); }

  /** After a loss of the bus: names the task of every dispatched step in the outbox again, as of old (streams.store.ts). */
  dispatchAgain(): void {
    const steps = [...this.dispatched].map((name) => {
      const [runId, stepId] = name.split(' ') as [string, string];
      return { runId, stepId, attempt: this.runs.get(runId)?.steps.get(stepId)?.attempt ?? 0 };
    });
    if (steps.length > 0) this.outbox.set(this.nextEntry(), { at: -Infinity, again: true, steps, events: [] });
  }
}

const idOf = ({ runId, stepId, attempt }: Omit<PlacedTask, 'places'>): string => `${runId} ${stepId} ${attempt}`;

/** The semantics of `PostgresStore` without a server (saga-store.contract.ts holds both to them), for simulations. One per coordinator. */
export class MemoryStore extends SagaStore {
  /** Entries of the outbox that are done with, to be deleted by the next commit. They are lost with the process, as in Postgres. */
  private done: string[] = [];
  private readonly read = new Map<string, number>();

  private readonly owner: string;

  constructor(private readonly tables: MemoryTables) {
    super();
    this.owner = tables.nextOwner();
  }

  async now(): Promise<number> { return Math.floor(this.tables.clock()); }
  recently(): number { return Math.floor(this.tables.clock()); }

  async load(runIds: readonly string[]): Promise<Map<string, StoredRun>> {
    const found = new Map<string, StoredRun>();
    for (const runId of runIds) {
      const row = this.tables.runs.get(runId);
      if (!row) continue;
      this.read.set(runId, row.overwritten);
      const steps = new Map([...row.steps.values()].sort((a, b) => a.position - b.position).map((step) => [step.stepId, step]));
      found.set(runId, { ...row.stored, checkAt: this.tables.checks.get(runId), run: { ...row.stored.run, steps } });
    }
    return found;
  }

  async byIdempotencyKey(keys: readonly string[]): Promise<Map<string, { runId: string; requestHash: string }>> {
    return new Map(keys.flatMap((key) => { const found = this.tables.idempotencyKeys.get(key); return found ? [[key, found] as const] : []; }));
  }

  async pipelines(hashes: readonly string[]): Promise<Array<{ hash: string; definition: unknown }>> {
    return hashes.flatMap((hash) => (this.tables.pipelines.has(hash) ? { hash, definition: this.tables.pipelines.get(hash) } : []));
  }

  async commit(changes: Changes): Promise<Committed> {
    this.require(changes);
    for (const entry of this.done.splice(0)) this.tables.outbox.delete(entry);
    for (const change of changes.runs) this.write(change);
    const entry = this.note(changes);
    const touched = new Set<string>();
    for (const { name, runId, stepId } of changes.leaving) {
      touched.add(name);
      const queue = (this.tables.queues.get(name) ?? []).filter((place) => place.runId !== runId || place.stepId !== stepId);
      if (queue.length > 0) this.tables.queues.set(name, queue);
      else this.tables.queues.delete(name);
    }
    for (const { name, runId, stepId } of changes.joining) {
      touched.add(name);
      this.tables.queues.set(name, [...this.tables.queues.get(name) ?? [], { name, runId, stepId }]);
    }
    return { entry, first: this.firstOf([...touched]) };
  }

  async first(names: readonly string[]): Promise<LockPlace[]> { return this.firstOf(names); }

  published(entries: readonly string[]): void { this.done.push(...entries); }

  async unpublished(limit: number, held: readonly string[]): Promise<OutboxEntry[]> {
    for (const entry of this.done.splice(0)) this.tables.outbox.delete(entry);
    const now = this.tables.clock();
    const isHeard = (owner: string): boolean => (this.tables.coordinators.get(owner) ?? -Infinity) > now - ALIVE_MS;
    const mine = new Set(held);
    const settled = [...this.tables.outbox].filter(([entry, { at, owner }]) => at < now - SETTLING_MS && !mine.has(entry) && (owner === undefined || owner === this.owner || !isHeard(owner))).slice(0, limit);
    for (const [entry, row] of settled) this.tables.outbox.set(entry, { ...row, owner: this.owner });
    return settled.map(([entry, { again, steps, events }]) => ({
      entry, again,
      dispatched: steps.flatMap(({ runId, stepId, attempt }) => {
        const row = this.tables.runs.get(runId);
        const step = row?.steps.get(stepId);
        if (!row || step?.status !== 'dispatched' || step.attempt !== attempt) return [];
        const { repository, ref, params, cache, tenant, priority } = row.stored.run;
        return { runId, repository, ref, params, cache, tenant, priority, pipelineHash: row.stored.pipelineHash, step };
      }),
      events: events.flatMap(({ runId, seq }) => { const group = this.tables.events.get(runId)?.get(seq); return group ? [group] : []; }),
    }));
  }

  async dueRuns(limit: number): Promise<string[]> {
    const now = this.tables.clock();
    return [...this.tables.checks].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b).slice(0, limit).map(([runId]) => runId);
  }

  async checkLater(checks: readonly LaterCheck[]): Promise<void> {
    for (const { runId, was, next } of checks) if (this.tables.checks.get(runId) === was) this.tables.checks.set(runId, next);
  }

  async overlookedHolders(limit: number): Promise<LockPlace[]> {
    return this.firstOf([...this.tables.queues.keys()]).filter(({ runId, stepId }) => this.tables.runs.get(runId)?.steps.get(stepId)?.status === 'blocked').slice(0, limit);
  }

  async limits(): Promise<Limit[]> { return this.tables.limits; }

  async admit(starts: readonly WindowedStart[]): Promise<Admission[]> {
    const states = new Map(starts.flatMap(({ windows }) => windows.map((window) => [nameOf(window), this.stateOf(window)] as const)));
    const found = admissions(starts, states);
    starts.forEach(({ start, windows }, index) => {
      if (found[index]?.retryAfterSeconds !== undefined) return;
      for (const window of windows) {
        const counted = this.tables.windows.get(nameOf(window)) ?? new Map<string, number>();
        if (!counted.has(start)) this.tables.windows.set(nameOf(window), counted.set(start, this.tables.clock()));
      }
    });
    return found;
  }

  async forgetStarts(olderThanSeconds: number): Promise<void> {
    const since = this.tables.clock() - olderThanSeconds * 1_000;
    for (const counted of this.tables.windows.values()) for (const [start, at] of counted) if (at < since) counted.delete(start);
  }

  async occupy(tasks: readonly PlacedTask[]): Promise<Place[][]> {
    const states = new Map([...new Set(tasks.flatMap(({ places }) => places.map(nameOf)))].map((name) => {
      const there = (this.tables.places.get(name) ?? []).filter((task) => this.isDispatched(task));
      this.tables.places.set(name, there);
      return [name, { count: there.length, known: there.map(idOf) }] as const;
    }));
    const answers = fill(tasks.map((task) => ({ id: idOf(task), bounds: task.places })), states);
    tasks.forEach(({ places, ...task }, index) => {
      if (answers[index]?.full.length === 0) for (const place of places) if (!states.get(nameOf(place))?.known.includes(idOf(task))) this.tables.places.get(nameOf(place))?.push(task);
    });
    return answers.map(({ full }) => full);
  }

  async beat(): Promise<void> { this.tables.coordinators.set(this.owner, this.tables.clock()); }
  async retire(): Promise<void> { this.tables.coordinators.delete(this.owner); }

  private isDispatched({ runId, stepId, attempt }: { runId: string; stepId: string; attempt: number }): boolean {
    const step = this.tables.runs.get(runId)?.steps.get(stepId);
    return step?.status === 'dispatched' && step.attempt === attempt;
  }

  private stateOf(window: Window): WindowState {
    const now = this.tables.clock();
    const counted = this.tables.windows.get(nameOf(window)) ?? new Map<string, number>();
    const times = [...counted.values()].filter((at) => at > now - window.windowSeconds * 1_000).sort((a, b) => a - b);
    const leaving = times[Math.max(times.length - window.max, 0)];
    return { count: times.length, resetSeconds: leaving === undefined ? window.windowSeconds : window.windowSeconds - (now - leaving) / 1_000, known: [...counted.keys()] };
  }

  /** Everything that a commit may break on is looked at before anything is written. */
  private require({ runs }: Changes): void {
    const keys = new Set<string>();
    for (const { run, from, created } of runs) {
      const key = created?.idempotency?.key;
      if (key !== undefined && (keys.has(key) || this.tables.idempotencyKeys.has(key))) throw new Conflict();
      if (key !== undefined) keys.add(key);
      if (created && !this.tables.pipelines.has(created.pipelineHash)) throw Object.assign(new Error(`no pipeline ${created.pipelineHash}`), { code: '23503' });
      const stored = this.tables.runs.get(run.runId)?.stored.run.seq;
      if (created ? stored !== undefined : stored !== from) throw new Conflict();
      if ((this.tables.runs.get(run.runId)?.overwritten ?? 0) !== (this.read.get(run.runId) ?? 0)) throw new Conflict();
    }
  }

  private write({ run: { steps: _steps, ...run }, created, steps, events, rewritten, checkAt }: Changes['runs'][number]): void {
    const { runId } = run;
    let row = this.tables.runs.get(runId);
    if (created) {
      row = { created, overwritten: 0, stored: { run, pipelineHash: created.pipelineHash }, steps: new Map() };
      this.tables.runs.set(runId, row);
      this.tables.events.set(runId, new Map());
      if (created.idempotency) this.tables.idempotencyKeys.set(created.idempotency.key, { runId, requestHash: created.idempotency.requestHash });
    } else if (row) {
      row.stored = { ...row.stored, run: rewritten ? run : { ...row.stored.run, seq: run.seq, updatedAt: run.updatedAt } };
    }
    if (created || rewritten) {
      if (checkAt === undefined) this.tables.checks.delete(runId);
      else this.tables.checks.set(runId, checkAt);
    }
    for (const step of steps) {
      row?.steps.set(step.stepId, step);
      const key = `${runId} ${step.stepId}`;
      if (step.status === 'dispatched') this.tables.dispatched.add(key);
      else this.tables.dispatched.delete(key);
    }
    for (const group of events) this.tables.events.get(runId)?.set(group.at(-1)?.seq ?? 0, group);
  }

  private note({ runs }: Changes): string | undefined {
    const steps = runs.flatMap(({ run: { runId }, steps: changed }) => changed.map(({ stepId, attempt }) => ({ runId, stepId, attempt })));
    const events = runs.flatMap(({ run, events: groups }) => groups.map((group) => ({ runId: run.runId, seq: group.at(-1)?.seq ?? 0 })));
    if (events.length === 0) return undefined;
    const entry = this.tables.nextEntry();
    this.tables.outbox.set(entry, { at: this.tables.clock(), again: false, owner: this.owner, steps, events });
    return entry;
  }

  private firstOf(names: readonly string[]): LockPlace[] {
    return names.flatMap((name) => this.tables.queues.get(name)?.[0] ?? []);
  }
}
