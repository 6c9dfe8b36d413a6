import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#contracts';
import { cpuMs, memoryMb } from './processes.js';
import { onSite, type Contestant, type RunningSystem } from './system.js';

/** How much is measured. */
export interface Plan {
  /** Runs handed in at once, one size after the other; the last is the large one. */
  sizes: readonly number[];
  singles: number;
  /** Singles of a slow system end after this; those that were made count. */
  singlesLimitMs: number;
  /** A slow system's size ends after this; its rate is then what it completed in this time. */
  sizeLimitMs: number;
}

export interface Rate { runs: number; runsPerSecond: number; /** Less than `runs` when the time was over before. */ completed: number }
export interface Sample {
  rates: Rate[];
  /** Sorted. */
  singlesMs: number[];
  /** By process, over the last size. */
  cpuMsPerRun: Record<string, number>;
  /** By process: before the first run, and the most that each had with runs in work. */
  memoryMb: { idle: Record<string, number>; busy: Record<string, number> };
}

/** Just-in-time compilers need some thousands of steps before a process is what it will be for the rest of its life. */
const WARM_UP_RUNS = 1_000;
const WARM_UP_LIMIT_MS = 120_000;
const SINGLE_LIMIT_MS = 60_000;
const [SHORTEST_POLL_MS, LONGEST_POLL_MS] = [10, 500];
const LOOK_EVERY_MS = 1_000;
const SETTLING_MS = 250;

/** One contestant, once: it starts in an empty place, is warmed up, and goes through the plan. Throws `Failure('internal')` when a wait is over, and the signal's reason. */
export async function measure(contestant: Contestant, plan: Plan, interrupted: AbortSignal, log: (line: string) => void): Promise<Sample> {
  return onSite(interrupted, log, async (site) => {
    const system = await contestant.start(site);
    return measureRunning(contestant.name, system, plan, site.signal, log);
  });
}

/** The plan on a system that runs already and has nothing to do. */
export async function measureRunning(name: string, system: RunningSystem, plan: Plan, signal: AbortSignal, log: (line: string) => void): Promise<Sample> {
  const idle = memoryOf(system);
  const warm = await saturate(system, WARM_UP_RUNS, WARM_UP_LIMIT_MS, signal);
  if (warm.completed < WARM_UP_RUNS) throw new Failure('internal', `${name}: of ${WARM_UP_RUNS} runs ${warm.completed} completed in ${WARM_UP_LIMIT_MS} ms`);
  const singlesMs = await singles(system, plan, signal);
  log(`p50 ${quantile(singlesMs, 0.5).toFixed(1)} ms, p99 ${quantile(singlesMs, 0.99).toFixed(1)} ms`);
  const rates: Rate[] = [];
  const busy = { ...idle };
  let cpuMsPerRun: Record<string, number> = {};
  for (const runs of plan.sizes) {
    const before = cpuOf(system);
    const rate = await saturate(system, runs, plan.sizeLimitMs, signal, () => {
      for (const [process, mb] of Object.entries(memoryOf(system))) busy[process] = Math.max(busy[process] ?? 0, mb);
    });
    cpuMsPerRun = Object.fromEntries(Object.entries(cpuOf(system)).map(([process, ms]) => [process, rate.completed > 0 ? (ms - (before[process] ?? 0)) / rate.completed : Number.NaN]));
    rates.push(rate);
    log(`${rate.completed} of ${runs} runs: ${rate.runsPerSecond.toFixed(0)}/s, ${sum(cpuMsPerRun).toFixed(2)} ms of CPU each`);
    // What is left of a size that ran out of time would be counted in the next.
    if (rate.completed < runs) break;
  }
  return { rates, singlesMs, cpuMsPerRun, memoryMb: { idle, busy } };
}

function cpuOf(system: RunningSystem): Record<string, number> {
  return Object.fromEntries(Object.entries(system.processes).map(([process, pid]) => [process, cpuMs([pid])]));
}

function memoryOf(system: RunningSystem): Record<string, number> {
  return Object.fromEntries(Object.entries(system.processes).map(([process, pid]) => [process, memoryMb([pid])]));
}

/** From the first submit until the last has completed. */
async function saturate(system: RunningSystem, runs: number, limitMs: number, signal: AbortSignal, look: () => void = () => undefined): Promise<Rate> {
  const before = await settled(system, signal);
  const started = performance.now();
  let looked = started;
  let failure: { error: unknown } | undefined;
  const submitted = system.submit(runs).catch((error: unknown) => { failure = { error }; });
  for (;;) {
    signal.throwIfAborted();
    if (failure) throw failure.error;
    const completed = await system.completed() - before;
    const ms = performance.now() - started;
    if (completed >= runs || ms > limitMs) {
      await submitted;
      return { runs, completed, runsPerSecond: completed / ms * 1_000 };
    }
    if (performance.now() - looked > LOOK_EVERY_MS) {
      look();
      looked = performance.now();
    }
    // Asked more often towards the end: seldom is cheap, and often is exact.
    const leftMs = completed > 0 ? ms / completed * (runs - completed) : SHORTEST_POLL_MS;
    await sleep(Math.min(Math.max(leftMs / 4, SHORTEST_POLL_MS), LONGEST_POLL_MS), undefined, { signal });
  }
}

/** The end of a run may be known a moment before it is committed. */
async function settled(system: RunningSystem, signal: AbortSignal): Promise<number> {
  for (let last = await system.completed(); ;) {
    await sleep(SETTLING_MS, undefined, { signal });
    const now = await system.completed();
    if (now === last) return now;
    last = now;
  }
}

async function singles(system: RunningSystem, plan: Plan, signal: AbortSignal): Promise<number[]> {
  const took: number[] = [];
  for (const deadline = performance.now() + plan.singlesLimitMs; took.length < plan.singles && performance.now() < deadline;) {
    signal.throwIfAborted();
    const started = performance.now();
    await within(system.single(), SINGLE_LIMIT_MS, signal);
    took.push(performance.now() - started);
  }
  return took.sort((a, b) => a - b);
}

/** Throws the signal's reason when it aborts first, and `Failure('internal')` when the time is over. */
async function within<T>(work: Promise<T>, limitMs: number, signal: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>();
  const abort = () => { over.reject(signal.reason); };
  const timer = setTimeout(() => { over.reject(new Failure('internal', `a single run did not complete in ${limitMs} ms`)); }, limitMs);
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

export function sum(values: Record<string, number>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}

/** Of sorted values, by nearest rank; NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
