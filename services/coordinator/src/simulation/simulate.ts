import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import type { DefectName } from './defects.js';
import { BLOWS, FAULTS, type Fault } from './faults.js';
import type { Broken } from './invariants.js';
import { simulateWorld, type WorldReport } from './simulated-world.js';

/** Runs that live in one world, beside each other. */
export const RUNS_PER_WORLD = 50;
/** Worlds that a thread is given at once. */
const SHARE = 10;
/** Broken worlds that are explained. */
const EXPLAINED_AT_MOST = 5;

export interface SimulationOptions {
  /** Of the first world; the others have the numbers behind it. */
  readonly seed: number;
  /** How many runs are wanted at least; the worlds that have begun are played to their end. */
  readonly runs: number;
  /** Goes on until so much time has passed, however many runs that makes. */
  readonly minutes?: number;
  readonly threads?: number;
  readonly defect?: DefectName;
  readonly onProgress?: (runs: number) => void;
}

export interface Violation extends Broken {
  /** The world in which it was found. */
  readonly seed: number;
  /** What plays it again. */
  readonly replay: string;
  /** The last lines about the run concerned, in the smallest world of this seed in which the same invariant breaks. */
  readonly trace: readonly string[];
}

export interface SimulationReport {
  readonly runs: number;
  readonly worlds: number;
  readonly brokenWorlds: number;
  /** How many runs are in which state at the end. */
  readonly ended: Readonly<Record<string, number>>;
  readonly injected: Readonly<Record<Fault, number>>;
  /** Of the first broken worlds, each invariant once. */
  readonly violations: readonly Violation[];
  /** Of everything that happened in all worlds, in the order of their seeds: the same for the same options without `minutes`, whatever the threads. */
  readonly traceHash: string;
}

/** What a thread is asked for; it answers with `WorldReport[]`. */
export interface Share { readonly seed: number; readonly worlds: number; readonly runs: number; readonly defect?: DefectName }

/** Plays worlds, on all cores. */
export async function simulate({ seed, runs, minutes, threads = availableParallelism(), defect, onProgress }: SimulationOptions): Promise<SimulationReport> {
  const perWorld = Math.min(runs, RUNS_PER_WORLD);
  const deadline = minutes === undefined ? Infinity : performance.now() + minutes * 60_000;
  const wanted = minutes === undefined ? Math.ceil(runs / perWorld) : Infinity;
  const goesOn = (): boolean => next < wanted && performance.now() < deadline;
  const reports: WorldReport[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    const thread = new Worker(new URL('./thread.js', import.meta.url));
    try {
      while (goesOn()) {
        const share: Share = { seed: seed + next, worlds: Math.min(SHARE, wanted - next), runs: perWorld, defect };
        next += share.worlds;
        for (const report of await ask(thread, share)) {
          reports.push(report);
          done += report.runs;
        }
        onProgress?.(done);
      }
    } finally {
      await thread.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(threads, wanted)) }, work));
  reports.sort((a, b) => a.seed - b.seed);
  const broken = reports.filter((report) => report.broken.length > 0);
  const violations: Violation[] = [];
  for (const world of broken.slice(0, EXPLAINED_AT_MOST)) violations.push(...await explain(world, perWorld, defect));
  return { runs: done, worlds: reports.length, brokenWorlds: broken.length, injected: injectedIn(reports), ended: endedIn(reports), violations, traceHash: hashOf(reports) };
}

/** `worlds` worlds from `seed` on, one after the other, in this thread. */
export async function simulateWorlds({ seed, worlds, runs, defect }: Share): Promise<WorldReport[]> {
  // What the coordinators say about faults is of no interest to anybody, a million times over.
  Logger.overrideLogger(false);
  const reports: WorldReport[] = [];
  for (let index = 0; index < worlds; index++) reports.push(await simulateWorld(seed + index, runs, { defect }));
  return reports;
}

export async function explain({ seed, broken }: Pick<WorldReport, 'seed' | 'broken'>, runs: number, defect?: DefectName): Promise<Violation[]> {
  Logger.overrideLogger(false);
  const violations: Violation[] = [];
  for (const invariant of new Set(broken.map((each) => each.invariant))) {
    for (const size of [1, 2, 4, 8, 16, runs]) {
      const world = await simulateWorld(seed, Math.min(size, runs), { defect, record: true });
      const found = world.broken.find((each) => each.invariant === invariant);
      if (!found) continue;
      const lines = found.runId === undefined ? world.lines : world.lines.filter((line) => line.includes(found.runId as string) || BLOW.test(line));
      violations.push({ ...found, seed, replay: `npm run chaos -- simulation --seed ${seed} --runs ${Math.min(size, runs)}${defect ? ` --break ${defect}` : ''}`, trace: lines.slice(-LINES) });
      break;
    }
  }
  return violations;
}
const LINES = 60;
const BLOW = new RegExp(`! (${Object.keys(BLOWS).join('|')})$`);

export function hashOf(reports: readonly WorldReport[]): string {
  return createHash('sha256').update(reports.map(({ traceHash }) => traceHash).join(' ')).digest('hex').slice(0, 16);
}

async function ask(thread: Worker, share: Share): Promise<WorldReport[]> {
  return new Promise((resolve, reject) => {
    thread.once('message', (reports: WorldReport[]) => { thread.off('error', reject); resolve(reports); });
    thread.once('error', reject);
    thread.postMessage(share, []);
  });
}

function endedIn(reports: readonly WorldReport[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const { ended } of reports) for (const [status, count] of Object.entries(ended)) all[status] = (all[status] ?? 0) + count;
  return all;
}

function injectedIn(reports: readonly WorldReport[]): Record<Fault, number> {
  const faults = [...Object.keys(FAULTS), ...Object.keys(BLOWS)] as Fault[];
  return Object.fromEntries(faults.map((fault) => [fault, reports.reduce((sum, { injected }) => sum + (injected.get(fault) ?? 0), 0)])) as Record<Fault, number>;
}
