import { Result, subjects, type RunStatus } from '#contracts';
import type { CompiledPipeline } from '../engine/pipeline.js';
import { MemoryTables } from '../store/memory-store.js';
import type { RunChange } from '../store/saga-store.js';
import { SimulatedBus } from './bus.js';
import { CoordinatorProcess } from './coordinator-process.js';
import { DEFECTS, type Defect, type DefectName } from './defects.js';
import { BLOWS, type Fault } from './faults.js';
import { checkEnd, Watch, type Broken } from './invariants.js';
import { People } from './people.js';
import { shapes } from './shapes.js';
import { Workers } from './workers.js';
import { World } from './world.js';

const PIPELINES = shapes();
const BY_HASH = new Map(PIPELINES.all().map(({ hash, compiled }) => [hash, compiled]));
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

export interface WorldReport {
  readonly seed: number;
  readonly runs: number;
  readonly jobs: number;
  readonly injected: ReadonlyMap<Fault, number>;
  /** How many runs are in which state at the end. */
  readonly ended: Readonly<Partial<Record<RunStatus, number>>>;
  readonly broken: readonly Broken[];
  readonly traceHash: string;
  readonly lines: readonly string[];
}

/** Plays one world to its end and looks at it. `defect`: with a coordinator that is broken on purpose. `record`: with everything that happened, line by line. */
export async function simulateWorld(seed: number, runs: number, { defect: name, record }: { defect?: DefectName; record?: boolean } = {}): Promise<WorldReport> {
  const defect: Defect | undefined = name && DEFECTS[name];
  const world = new World(seed, { record });
  const { random } = world;
  const tables = new MemoryTables(world.clock);
  for (const { hash, compiled } of PIPELINES.all()) tables.pipelines.set(hash, compiled.definition);
  const watch = new Watch(tables);
  const arrives = (data: unknown): unknown => {
    const parsed = Result.safeParse(data);
    if (!parsed.success) return data;
    watch.heard(parsed.data.runId, parsed.data.stepId, parsed.data.attempt);
    return defect?.result?.(parsed.data, tables) ?? data;
  };
  const databaseAway = { until: 0 };
  const bus = new SimulatedBus(world, arrives, defect?.answersEarly ?? false);
  const people = new People(world, bus, PIPELINES);
  const workers = new Workers(world, bus, tables);
  const coordinators: CoordinatorProcess[] = [];
  const moved = (change: RunChange): void => {
    watch.moved(change);
    people.watch(change.run, change.steps);
    for (const { wakeAt } of change.steps) if (wakeAt !== undefined) for (const coordinator of coordinators) coordinator.wakeAfter(wakeAt - world.clock());
  };
  const committed = (changes: { runs: readonly RunChange[] }): void => {
    for (const change of changes.runs) moved(change);
    // What is left behind in the outbox, and whom a lock overlooks, is found by a sweep.
    for (const coordinator of coordinators) coordinator.wakeAfter(random.between(1_000, 8_000));
  };
  for (let number = 1; number <= random.pick([1, 2, 2]); number++) coordinators.push(new CoordinatorProcess(`c${number}`, { world, bus, tables, databaseAway, pipelines: PIPELINES, defect, committed }));
  bus.connect({
    tasks: (message) => { workers.take(message); },
    replies: (replyTo, reply) => { people.replied(replyTo, reply); },
    events: ({ runId, seq, events }) => { watch.events(runId, seq, events.length); },
    settled: ({ kind, data, id, replyTo }, life) => {
      if (kind === 'result') watch.resultSettled(data);
      else if (replyTo && !life.replied.has(replyTo)) watch.broken.push({ invariant: 'heard', detail: `the command ${id} was acknowledged and not answered` });
    },
    published: (task) => { watch.task(task); },
    cancelled: (runId) => { workers.cancel(runId); },
  }, coordinators);
  for (let number = 1; number <= runs; number++) people.want(number);
  planBlows(world, bus, tables, coordinators, databaseAway);

  await world.run();
  const broken = checkEnd({ tables, watch, commands: people.commands, effects: workers.effects, pipelineOf: (hash) => BY_HASH.get(hash) as CompiledPipeline });
  const ended: Partial<Record<RunStatus, number>> = {};
  for (const { stored: { run: { status } } } of tables.runs.values()) ended[status] = (ended[status] ?? 0) + 1;
  if (world.restless) broken.unshift({ invariant: 'rest', detail: `${world.size} jobs, and there are more` });
  world.note(`ends with ${tables.runs.size} runs, ${broken.length} broken`);
  return { seed, runs: tables.runs.size, jobs: world.size, injected: world.injected, ended, broken, traceHash: world.traceHash, lines: world.lines ?? [] };
}

/** What hits the whole world, at some moments of its life. */
function planBlows(world: World, bus: SimulatedBus, tables: MemoryTables, coordinators: readonly CoordinatorProcess[], databaseAway: { until: number }): void {
  const { random } = world;
  const wakeAll = (): void => { for (const coordinator of coordinators) coordinator.wakeAfter(0); };
  const blows: Record<keyof typeof BLOWS, () => void> = {
    // A coordinator's look at the bus (bus-watch.ts) finds it new and names the tasks of all dispatched steps again.
    'bus-wiped': () => { bus.wipe(); world.after(random.between(100, 6_000), () => { tables.dispatchAgain(); wakeAll(); }); },
    'bus-wiped-unnoticed': () => { bus.wipe(); },
    'bus-away': () => { bus.leave(random.between(100, random.pick([5_000, 120_000]))); },
    'database-away': () => { databaseAway.until = world.now + random.between(100, random.pick([5_000, 120_000])); },
    'message-poisoned': () => { bus.store(random.pick([subjects.command('start-run'), subjects.command('cancel-run'), 'pullwright.command.nothing', subjects.result('agent')]), random.pick([undefined, 7, { runId: 'run_' }, { attempt: 'one' }]), `poison-${random.next()}`); },
    'clock-forward': () => { world.moveClock(random.between(1, random.pick([SECOND, HOUR, 8 * 24 * HOUR]))); wakeAll(); },
    'clock-back': () => { world.moveClock(-random.between(1, random.pick([SECOND, 60 * SECOND, HOUR]))); wakeAll(); },
    'coordinator-killed': () => { random.pick(coordinators).life.crash(); },
    'coordinator-frozen': () => { random.pick(coordinators).life.freeze(random.between(100, random.pick([5_000, 60_000, 1_200_000]))); },
  };
  for (const [blow, most] of Object.entries(BLOWS) as Array<[keyof typeof BLOWS, number]>) {
    if (!random.chance(0.5)) continue;
    for (let n = random.between(1, most); n > 0; n--) world.after(random.between(0, random.pick([6_000, 60_000, 3_600_000])), () => { world.inject(blow); blows[blow](); });
  }
}
