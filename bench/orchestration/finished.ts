import { measureRunning, quantile, type Plan, type Sample } from './measure.js';
import { median } from './report.js';
import { onSite, type RunningSystem } from './system.js';
import { start } from './systems/pullwright.js';

export interface Flatness { flatness1m: number; flatness1mP50: number; finishedRuns: number }

/**
 * Pullwright with that many finished runs in its tables against one without, both up at once and measured in turns.
 * The answer are its rate and its p50 over the empty one's: medians of the turns' ratios.
 */
export async function flatness(finishedRuns: number, plan: Plan, turns: number, signal: AbortSignal, log: (line: string) => void): Promise<Flatness> {
  return onSite(signal, log, (emptySite) => onSite(emptySite.signal, log, async (fullSite) => {
    const [empty, full] = [await start(emptySite, 1), await start(fullSite, 1)];
    log(`putting ${finishedRuns} finished runs into the tables …`);
    await full.fill(finishedRuns);
    const both: Array<[string, RunningSystem]> = [['without', empty], [`with ${finishedRuns}`, full]];
    const samples = new Map<string, Sample>();
    const ratios: Array<{ rate: number; p50: number }> = [];
    for (let turn = 1; turn <= turns; turn++) {
      // Whoever is second finds the machine as the first has left it: they change places.
      for (const [which, system] of turn % 2 === 1 ? both : both.toReversed()) {
        samples.set(which, await measureRunning('Pullwright', system, plan, fullSite.signal, (line) => { log(`turn ${turn}, ${which}: ${line}`); }));
      }
      const [without, within] = both.map(([which]) => samples.get(which)) as [Sample, Sample];
      ratios.push({ rate: rateOf(within) / rateOf(without), p50: quantile(within.singlesMs, 0.5) / quantile(without.singlesMs, 0.5) });
    }
    return { flatness1m: median(ratios.map(({ rate }) => rate)), flatness1mP50: median(ratios.map(({ p50 }) => p50)), finishedRuns };
  }));
}

const rateOf = ({ rates }: Sample): number => rates.at(-1)?.runsPerSecond ?? Number.NaN;
