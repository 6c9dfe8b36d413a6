import { measureRunning, quantile, type Plan, type Sample } from './measure.js';
import { median } from './report.js';
import { onSite } from './system.js';
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
    const ratios: Array<{ rate: number; p50: number }> = [];
    for (let turn = 1; turn <= turns; turn++) {
      const without = await measureRunning('Pullwright', empty, plan, fullSite.signal, (line) => { log(`turn ${turn}, without: ${line}`); });
      const within = await measureRunning('Pullwright', full, plan, fullSite.signal, (line) => { log(`turn ${turn}, with ${finishedRuns}: ${line}`); });
      ratios.push({ rate: rateOf(within) / rateOf(without), p50: quantile(within.singlesMs, 0.5) / quantile(without.singlesMs, 0.5) });
    }
    return { flatness1m: median(ratios.map(({ rate }) => rate)), flatness1mP50: median(ratios.map(({ p50 }) => p50)), finishedRuns };
  }));
}

const rateOf = ({ rates }: Sample): number => rates.at(-1)?.runsPerSecond ?? Number.NaN;
