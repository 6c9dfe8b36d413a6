import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

const HOUR_MS = 3_600_000;

/** A coordinator or a worker whose own clock is hours away from everybody else's: time that decides anything is the database's. */
export const clockFaults: readonly Fault[] = (['coordinator', 'worker'] as const).map((kind) => ({
  name: `clock skew of a ${kind}`,
  inject: async (stage, random) => {
    const victim = random.pick(kind === 'coordinator' ? stage.coordinators : stage.workers);
    const hours = random.pick([-26, -1, 1, 26]);
    await victim.end('SIGTERM');
    await victim.start({ preload: new URL(`skewed-clock.js?ms=${hours * HOUR_MS}`, stage.compiled).href });
    await sleep(random.between(5_000, 10_000));
    await victim.end('SIGTERM');
    await victim.start();
    return { did: `${victim.name} by ${hours} h` };
  },
}));
