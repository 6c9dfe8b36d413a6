import type { Fault } from './fault.js';
import { busFaults } from './faults/bus.js';
import { clockFaults } from './faults/clock.js';
import { databaseFaults } from './faults/database.js';
import { killPoints } from './faults/kill-points.js';
import { messageFaults } from './faults/messages.js';
import { processFaults } from './faults/processes.js';
import { storeFaults } from './faults/store.js';
import type { Random } from './random.js';

/** Everything that can go wrong here. */
export const FAULTS: readonly Fault[] = [...killPoints, ...processFaults, ...busFaults, ...databaseFaults, ...messageFaults, ...storeFaults, ...clockFaults];

/** Those whose name begins with one of the given words; all of them for none. Throws for a word that fits none. */
export function chosen(words: readonly string[]): readonly Fault[] {
  const stray = words.find((word) => !FAULTS.some(({ name }) => name.startsWith(word)));
  if (stray !== undefined) throw new Error(`no fault begins with ${JSON.stringify(stray)}; there are ${FAULTS.map(({ name }) => name).join(', ')}`);
  return words.length === 0 ? FAULTS : FAULTS.filter(({ name }) => words.some((word) => name.startsWith(word)));
}

/** The order in which faults are injected, for ever: each once in a shuffled order, then again in another. The same seed and choice give the same order. */
export function* schedule(faults: readonly Fault[], random: Random): Generator<Fault, never> {
  for (;;) yield* random.shuffled(faults);
}
