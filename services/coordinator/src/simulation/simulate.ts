import { Logger } from '@nestjs/common';
import { BLOWS, FAULTS, type Fault } from './faults.js';
import type { DefectName } from './defects.js';
import type { Broken } from './invariants.js';
import { simulateWorld, type WorldReport } from './simulated-world.js';

/** Runs that live in one world, beside each other. */
export const RUNS_PER_WORLD = 50;

export interface Violation extends Broken {
  /** The world in which it was found. */
  readonly seed: number;
  /** What plays that world again. */
  readonly replay: string;
  /** The last lines about the run concerned. */
  readonly trace: readonly string[];
}

export interface SimulationReport {
  readonly runs: number;
  readonly worlds: number;
  readonly jobs: number;
  readonly injected: Readonly<Record<Fault, number>>;
  readonly violations: readonly Violation[];
  /** Of everything that happened in all worlds, in the order of their seeds. */
  readonly traceHash: string;
}

/** `worlds` worlds from `seed` on, one after the other. */
export async function simulateWorlds(seed: number, worlds: number, runs: number, defect?: DefectName): Promise<WorldReport[]> {
  Logger.overrideLogger(false);
  const reports: WorldReport[] = [];
  for (let index = 0; index < worlds; index++) reports.push(await simulateWorld(seed + index, runs, { defect }));
  return reports;
}

/** The first things that a world broke, each invariant once, in the smallest world of that seed in which it still happens. */
export async function explain({ seed, broken }: Pick<WorldReport, 'seed' | 'broken'>, runs: number, defect?: DefectName): Promise<Violation[]> {
  Logger.overrideLogger(false);
  const violations: Violation[] = [];
  for (const invariant of new Set(broken.map((each) => each.invariant))) {
    for (const size of [1, 2, 4, 8, 16, runs]) {
      const world = await simulateWorld(seed, Math.min(size, runs), { defect, record: true });
      const found = world.broken.find((each) => each.invariant === invariant);
      if (!found) continue;
      const lines = found.runId === undefined ? world.lines : world.lines.filter((line) => line.includes(found.runId as string) || line.includes('! bus') || line.includes('! clock'));
      violations.push({ ...found, seed, replay: `npm run chaos -- simulation --seed ${seed} --runs ${Math.min(size, runs)}${defect ? ` --break ${defect}` : ''}`, trace: lines.slice(-60) });
      break;
    }
  }
  return violations;
}

export function injectedBy(reports: ReadonlyArray<Pick<WorldReport, 'injected'>>): Record<Fault, number> {
  const faults = [...Object.keys(FAULTS), ...Object.keys(BLOWS)] as Fault[];
  return Object.fromEntries(faults.map((fault) => [fault, reports.reduce((sum, { injected }) => sum + (injected.get(fault) ?? 0), 0)])) as Record<Fault, number>;
}
