import type { Life } from './bus.js';
import type { Defect } from './defects.js';
import type { Limit } from '#contracts';
import type { Admission, Place, PlacedTask, WindowedStart } from '../admission.js';
import type { World } from './world.js';
import { MemoryStore, type MemoryTables } from '../store/memory-store.js';
import { Conflict, SagaStore, type Changes, type Committed, type LaterCheck, type LockPlace, type OutboxEntry, type StoredRun } from '../store/saga-store.js';

const NEVER = new Promise<never>(() => undefined);
const BROKEN = new Error('the connection to the database broke');

/** One coordinator's store with what can happen between a process and its database: time passes, statements fail, answers get lost, the process ends before or after. */
export class ShakenStore extends SagaStore {
  private readonly store: MemoryStore;

  constructor(
    private readonly world: World, private readonly tables: MemoryTables, private readonly life: Life, private readonly databaseAway: { readonly until: number }, private readonly defect: Defect | undefined,
    private readonly committed: (changes: Changes) => void,
  ) {
    super();
    this.store = new MemoryStore(tables);
  }

  now(): Promise<number> { return this.read(async () => this.store.now()); }
  recently(): number | undefined { return this.store.recently(); }
  load(runIds: readonly string[]): Promise<Map<string, StoredRun>> { return this.read(async () => this.store.load(runIds)); }
  byIdempotencyKey(keys: readonly string[]): Promise<Map<string, { runId: string; requestHash: string }>> { return this.read(async () => this.store.byIdempotencyKey(keys)); }
  pipelines(hashes: readonly string[]): Promise<Array<{ hash: string; definition: unknown }>> { return this.read(async () => this.store.pipelines(hashes)); }
  first(names: readonly string[]): Promise<LockPlace[]> { return this.read(async () => this.defect?.first?.(names, this.tables) ?? this.store.first(names)); }
  unpublished(limit: number, held: readonly string[]): Promise<OutboxEntry[]> { return this.read(async () => this.store.unpublished(limit, held)); }
  beat(): Promise<void> { return this.read(async () => this.store.beat()); }
  retire(): Promise<void> { return this.read(async () => this.store.retire()); }
  occupy(tasks: readonly PlacedTask[]): Promise<Place[][]> { return this.read(async () => this.store.occupy(tasks)); }
  dueRuns(limit: number): Promise<string[]> { return this.read(async () => this.store.dueRuns(limit)); }
  checkLater(checks: readonly LaterCheck[]): Promise<void> { return this.read(async () => this.store.checkLater(checks)); }
  overlookedHolders(limit: number): Promise<LockPlace[]> { return this.read(async () => this.store.overlookedHolders(limit)); }
  limits(): Promise<Limit[]> { return this.read(async () => this.store.limits()); }
  admit(starts: readonly WindowedStart[]): Promise<Admission[]> { return this.read(async () => this.store.admit(starts)); }
  forgetStarts(olderThanSeconds: number): Promise<void> { return this.read(async () => this.store.forgetStarts(olderThanSeconds)); }
  published(entries: readonly string[]): void { this.store.published(entries); }

  async commit(decided: Changes): Promise<Committed> {
    const { world, life } = this;
    return this.travel(async () => {
      if (world.now < this.databaseAway.until || world.strikes('commit-refused')) throw BROKEN;
      if (world.strikes('commit-conflict')) throw new Conflict();
      if (world.strikes('crash-before-commit')) { life.crash(); return NEVER; }
      const changes = this.defect?.committing?.(decided, this.tables) ?? decided;
      const answer = await this.store.commit(changes);
      for (const { run, events } of changes.runs) world.note(`${life.name} commits ${run.runId} ${run.seq} ${run.status}`, () => events.flat().map(({ type, stepId, attempt }) => [type, stepId, attempt].filter(Boolean).join(' ')).join(', '));
      this.defect?.committed?.(changes, answer, this.tables);
      this.committed(decided);
      if (world.strikes('commit-unanswered')) throw BROKEN;
      if (world.strikes('crash-after-commit')) { life.crash(); return NEVER; }
      return this.defect?.answer?.(decided, answer) ?? answer;
    });
  }

  private async read<T>(query: () => Promise<T>): Promise<T> {
    return this.travel(async () => {
      if (this.world.now < this.databaseAway.until || this.world.strikes('read-failed')) throw BROKEN;
      return query();
    });
  }

  /** There and back. Often at once, so that the usual order of things is common too; a request on its way may be carried out although whoever sent it has ended. */
  private async travel<T>(statement: () => Promise<T>): Promise<T> {
    const { world, life } = this;
    if (!life.alive) return NEVER;
    if (life.frozenUntil <= world.now && world.random.chance(0.6)) return statement();
    return new Promise<T>((resolve, reject) => {
      world.after(Math.max(world.random.between(0, 8), life.frozenUntil - world.now), () => {
        if (!life.alive && world.random.chance(0.5)) return;
        world.stir();
        statement().then(
          (value) => { void life.later<T>(world.random.between(0, 8), () => { resolve(value); }); },
          (reason: unknown) => { void life.later<T>(world.random.between(0, 8), () => { reject(reason); }); },
        );
      });
    });
  }
}
