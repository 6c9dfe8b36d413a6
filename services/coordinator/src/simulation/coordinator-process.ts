import type { Delivered } from '#bus';
import { serveCommands } from '../commands.js';
import { Capacity } from '../capacity.js';
import { Dispatcher } from '../dispatcher.js';
import type { Pipelines } from '../pipelines.js';
import { Limits } from '../limits.js';
import { takeResults } from '../results.js';
import { Saga } from '../saga.js';
import type { MemoryTables } from '../store/memory-store.js';
import type { Changes } from '../store/saga-store.js';
import { Timers } from '../timers.js';
import { Life, type SimulatedBus } from './bus.js';
import { BusConnection } from './bus-connection.js';
import type { Defect } from './defects.js';
import { ShakenStore } from './shaken-store.js';
import type { World } from './world.js';

interface Surroundings { world: World; bus: SimulatedBus; tables: MemoryTables; databaseAway: { readonly until: number }; pipelines: Pipelines; defect: Defect | undefined; committed: (changes: Changes) => void }

/** A sweep leaves younger entries of the outbox alone. */
const SETTLING_MS = 5_000;

/**
 * One coordinator: the real Saga, Dispatcher, Timers and readers of commands and results. It ends whenever the world says so, and starts again with nothing in memory.
 * Its rounds of timers and sweeps come when there is something for them to find, a little late as a real tick is.
 */
export class CoordinatorProcess {
  life: Life;
  private timers: Timers;
  private dispatcher: Dispatcher;
  private beat: () => Promise<void>;
  /** Tasks that an agent may have at a time; in some worlds so few that others have to wait. */
  private readonly window: number;
  /** Tasks that share a message; in some worlds each has one of its own, as for agents with processes. */
  private readonly shared: number;
  private starts = 0;
  private nextRound = Infinity;
  private inRound = false;

  constructor(private readonly name: string, private readonly around: Surroundings) {
    // Often enough for the queue to be played too, and seldom enough to leave time for the rest.
    this.window = around.world.random.pick([5, 256, 256, 256]);
    this.shared = around.world.random.pick([1, 3, 20]);
    this.boot();
  }

  get awake(): boolean { return this.life.alive && this.life.frozenUntil <= this.around.world.now; }

  take(kind: 'result' | 'command', messages: Delivered[]): void {
    this.around.world.stir();
    void this.life.handlers.get(`coordinator-${kind}s`)?.(messages);
  }

  /** A timer was set or the clock was moved, so that there may be something to find from then on. */
  wakeAfter(ms: number): void {
    const { world } = this.around;
    const at = world.now + Math.max(0, ms) + world.random.between(1, 400);
    if (at >= this.nextRound) return;
    this.nextRound = at;
    world.after(at - world.now, () => { if (this.nextRound === at) this.round(); });
  }

  private boot(): void {
    const { world, bus, tables, databaseAway, pipelines, defect, committed } = this.around;
    const name = `${this.name}.${++this.starts}`;
    this.life = new Life(name, bus, () => { world.after(world.random.between(50, 20_000), () => { this.boot(); }); });
    const store = new ShakenStore(world, tables, this.life, databaseAway, defect, committed);
    const connection = new BusConnection(bus, this.life);
    const limits = new Limits(store);
    this.dispatcher = new Dispatcher(store, connection, pipelines, limits, new SharingCapacity(this.shared, this.window, () => world.now));
    this.beat = async () => store.beat();
    const saga = new Saga(store, pipelines, this.dispatcher, limits);
    this.timers = new Timers(store, saga, this.dispatcher);
    void serveCommands(connection, saga);
    void takeResults(connection, saga, this.dispatcher);
    this.inRound = false;
    world.note(`${name} starts`);
    this.wakeAfter(0);
  }

  private round(): void {
    this.nextRound = Infinity;
    const { world } = this.around;
    const { life } = this;
    if (!life.alive) return;
    const due = this.untilDue();
    if (!this.awake || this.inRound) { this.wakeAfter(Math.max(250, life.frozenUntil - world.now)); return; }
    const sweeping = this.untilSweep() < Infinity;
    if (due > 0 && !sweeping) { this.wakeAfter(due); return; }
    this.inRound = true;
    world.stir();
    const work = async (): Promise<void> => {
      // Whoever cannot say that he lives goes on all the same, and others take up what he holds.
      await this.beat().catch(() => undefined);
      this.dispatcher.pump();
      if (due <= 0) await this.timers.fire();
      if (sweeping && !this.around.defect?.neverSweeps) await this.timers.sweep();
    };
    const done = (): void => {
      if (this.life !== life) return;
      this.inRound = false;
      if (this.around.defect?.neverSweeps && this.untilDue() === Infinity) return;
      this.wakeAfter(Math.min(this.untilDue(), this.untilSweep()));
    };
    // The loop of `Timers` goes on after a failed round as well.
    work().then(done, done);
  }

  /** Milliseconds until a sweep may find something. */
  private untilSweep(): number {
    const { tables, world } = this.around;
    if (this.dispatcher.waiting > 0) return 10_000;
    if (overlooked(tables)) return 2_000;
    for (const { at } of tables.outbox.values()) return Math.max(2_000, at + SETTLING_MS - world.clock());
    return Infinity;
  }

  /** Milliseconds until a run's timers are to be looked at: 0 when one's are, `Infinity` when there is none. */
  private untilDue(): number {
    let next = Infinity;
    for (const at of this.around.tables.checks.values()) if (at < next) next = at;
    return Math.max(0, next - this.around.world.clock());
  }
}

/** Instead of by what agents announce and how long they take. */
class SharingCapacity extends Capacity {
  constructor(private readonly shared: number, window: number, clock: () => number) { super(window, clock); }

  override sharedBy(): number { return this.shared; }
}

function overlooked(tables: MemoryTables): boolean {
  for (const [first] of tables.queues.values()) if (first && tables.runs.get(first.runId)?.steps.get(first.stepId)?.status === 'blocked') return true;
  return false;
}
