import { setTimeout as sleep } from 'node:timers/promises';
import { check, type Checked } from './check.js';
import type { Violation } from './evidence.js';
import type { Fault, Outcome } from './fault.js';
import { schedule } from './faults.js';
import { Load } from './load.js';
import { randomOf, type Random } from './random.js';
import type { Injection } from './recovery.js';
import type { FaultRow, Report } from './report.js';
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

/** Somebody has ended it: everything was taken away, and there is no verdict. */
export class Interrupted extends Error {}

/**
 * Real processes under a load, and one fault after the other:
 *   stage → load → [fault → everything is up again → pause] … → no more runs → all have ended, or the time is up → check → report
 * However it ends, what was started is taken away. Throws `Interrupted` when `signal` aborts.
 */
export async function chaos(options: ChaosOptions): Promise<Report> {
  const stage = await enterStage(options.store, options.log);
  const { seed, signal, runs, inFlight } = options;
  const load = new Load({ seed, inFlight, mostRuns: runs, database: stage.database, gateway: () => stage.gateway.url });
  const interrupted = Promise.withResolvers<never>();
  const interrupt = () => { interrupted.reject(new Interrupted()); };
  signal.addEventListener('abort', interrupt, { once: true });
  if (signal.aborted) interrupt();
  try {
    return await Promise.race([play(stage, load, options), interrupted.promise]);
  } finally {
    signal.removeEventListener('abort', interrupt);
    load.end();
    await stage.leave();
    await load.close();
  }
}

async function play(stage: Stage, load: Load, options: ChaosOptions): Promise<Report> {
  const began = Date.now();
  load.begin();
  const { injections, violations, skipped } = await makeTrouble(stage, load, options);
  await load.stop();
  const minutes = (Date.now() - began) / 60_000;
  options.log(`${load.records.length} runs, ${injections.length} faults; waiting for ${load.open.length} runs to end`);
  for (const deadline = Date.now() + options.drainMs; load.open.length > 0 && Date.now() < deadline;) await sleep(500);
  const followed = Promise.all(load.followed);
  await Promise.race([followed, sleep(FOLLOWERS_MS, undefined, { ref: false })]);
  await load.close();
  const checked = await check(stage, load.records, await followed, injections);
  return {
    seed: options.seed, minutes, faults: rows(injections, checked), injected: injections.length, runs: load.records.length, ended: checked.ended, lost: checked.lostRuns.size, duplicated: checked.duplicated,
    repeated: checked.repeated, violations: [...violations, ...checked.violations], skipped, injections, standstills: checked.recovery.standstills(5), replay: options.replay,
  };
}

/** One row for each fault, by name. */
function rows(injections: readonly Injection[], { recovery, lostRuns, duplicatedRuns }: Checked): FaultRow[] {
  const byFault = new Map<string, FaultRow>();
  for (const injection of injections) {
    const { atWork, recoveryMs } = recovery.of(injection);
    const row = byFault.get(injection.fault) ?? { fault: injection.fault, injected: 0, inFlight: 0, lost: 0, duplicated: 0, longestRecoveryMs: undefined };
    byFault.set(injection.fault, {
      ...row, injected: row.injected + 1, inFlight: row.inFlight + atWork.length,
      lost: row.lost + atWork.filter((runId) => lostRuns.has(runId)).length, duplicated: row.duplicated + atWork.filter((runId) => duplicatedRuns.has(runId)).length,
      longestRecoveryMs: recoveryMs === undefined ? row.longestRecoveryMs : Math.max(recoveryMs, row.longestRecoveryMs ?? 0),
    });
  }
  return [...byFault.values()].sort((a, b) => (a.fault < b.fault ? -1 : 1));
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
    const outcome = await attempt(fault, stage, random);
    if ('skipped' in outcome) {
      skipped.push(`${fault.name}: ${outcome.skipped}`);
    } else {
      injections.push({ fault: fault.name, number, from, to: Date.now(), did: outcome.did });
      if (outcome.failed !== undefined) violations.push({ invariant: 'everything comes up again', detail: `${fault.name}: ${outcome.failed}` });
      log(`${fault.name}: ${outcome.did} (${load.open.length} runs in flight)`);
    }
    await sleep(random.between(PAUSE_MS.least, PAUSE_MS.most));
  }
  return { injections, skipped: [...new Set(skipped)], violations };
}

/** Injects it, and has everything up again whether it could be or not. */
async function attempt(fault: Fault, stage: Stage, random: Random): Promise<Outcome & { failed?: string }> {
  try {
    return await fault.inject(stage, random);
  } catch (error) {
    return { did: 'it failed', failed: String(error) };
  } finally {
    for (const service of stage.services()) await service.start();
  }
}
