import { setTimeout as sleep } from 'node:timers/promises';
import { check } from './check.js';
import type { Violation } from './evidence.js';
import type { Fault } from './fault.js';
import { schedule } from './faults.js';
import { Load } from './load.js';
import { randomOf } from './random.js';
import type { FaultRow, Injection, Report } from './report.js';
import { enterStage, type Stage } from './stage.js';

export interface ChaosOptions {
  seed: number;
  minutes: number;
  faults: readonly Fault[];
  /** At most so many runs are started. */
  runs: number;
  inFlight: number;
  store: 'disk' | 's3';
  /** After the last fault every run has so long to end. */
  drainMs: number;
  replay: string;
  signal: AbortSignal;
  log: (line: string) => void;
}

const WARM_UP_MS = 3_000;
const PAUSE_MS = { least: 500, most: 3_000 };
const FOLLOWERS_MS = 30_000;

/**
 * Real processes under a load, and one fault after the other:
 *   stage → load → [fault → everything is up again → pause] … → no more runs → all have ended, or the time is up → check → report
 * `signal` ends it early, and what there is is still checked and always taken away.
 */
export async function chaos(options: ChaosOptions): Promise<Report> {
  const { seed, log, signal, runs, inFlight } = options;
  const stage = await enterStage(options.store, log);
  try {
    const load = new Load({ seed, inFlight, mostRuns: runs, database: stage.database, gateway: () => stage.gateway.url });
    const began = Date.now();
    load.begin();
    try {
      const trouble = await makeTrouble(stage, load, options);
      await load.stop();
      const minutes = (Date.now() - began) / 60_000;
      log(`${load.records.length} runs, ${trouble.injections.length} faults; waiting for ${load.open.length} runs to end`);
      for (const deadline = Date.now() + options.drainMs; load.open.length > 0 && Date.now() < deadline && !signal.aborted;) await sleep(500);
      const watched = Promise.all(load.followed);
      await Promise.race([watched, sleep(FOLLOWERS_MS, undefined, { ref: false })]);
      await load.close();
      const checked = await check(stage, load.records, await watched, trouble.injections);
      const rows = new Map<string, FaultRow>();
      for (const injection of trouble.injections) {
        const { atWork, recoveryMs } = checked.recovery.of(injection);
        const row = rows.get(injection.fault) ?? { fault: injection.fault, injected: 0, inFlight: 0, lost: 0, duplicated: 0, longestRecoveryMs: undefined };
        rows.set(injection.fault, {
          ...row, injected: row.injected + 1, inFlight: row.inFlight + atWork.length,
          lost: row.lost + atWork.filter((runId) => checked.lostRuns.has(runId)).length, duplicated: row.duplicated + atWork.filter((runId) => checked.duplicatedRuns.has(runId)).length,
          longestRecoveryMs: recoveryMs === undefined ? row.longestRecoveryMs : Math.max(recoveryMs, row.longestRecoveryMs ?? 0),
        });
      }
      return {
        seed, minutes, faults: [...rows.values()].sort((a, b) => (a.fault < b.fault ? -1 : 1)), injected: trouble.injections.length, runs: load.records.length, ended: checked.ended, lost: checked.lostRuns.size,
        duplicated: checked.duplicated, repeated: checked.repeated, violations: [...trouble.violations, ...checked.violations], skipped: trouble.skipped, injections: trouble.injections, standstills: checked.recovery.standstills(5), replay: options.replay,
      };
    } finally {
      await load.close();
    }
  } finally {
    await stage.leave();
  }
}

async function makeTrouble(stage: Stage, load: Load, { seed, minutes, faults, runs, signal, log }: ChaosOptions): Promise<{ injections: Injection[]; skipped: string[]; violations: Violation[] }> {
  const [injections, skipped, violations]: [Injection[], string[], Violation[]] = [[], [], []];
  const deadline = Date.now() + minutes * 60_000;
  await sleep(WARM_UP_MS);
  let number = 0;
  for (const fault of schedule(faults, randomOf(seed, 'schedule'))) {
    if (Date.now() > deadline || signal.aborted || (load.records.length >= runs && load.open.length === 0)) break;
    number += 1;
    const random = randomOf(seed, `fault ${number} ${fault.name}`);
    const from = Date.now();
    try {
      const outcome = await fault.inject(stage, random);
      for (const service of stage.services()) await service.start();
      if ('skipped' in outcome) {
        skipped.push(`${fault.name}: ${outcome.skipped}`);
      } else {
        injections.push({ fault: fault.name, number, from, to: Date.now(), did: outcome.did });
        log(`${fault.name}: ${outcome.did} (${load.open.length} runs in flight)`);
      }
    } catch (error) {
      violations.push({ invariant: 'everything comes up again', detail: `${fault.name}: ${String(error)}` });
      log(`${fault.name}: ${String(error)}`);
      for (const service of stage.services()) await service.start();
    }
    await sleep(random.between(PAUSE_MS.least, PAUSE_MS.most));
  }
  return { injections, skipped: [...new Set(skipped)], violations };
}
