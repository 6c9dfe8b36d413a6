import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import type { Service } from '../service.js';
import type { Stage } from '../stage.js';

/** Longer than the bus waits for a sign of life of a task (15 s): by then another instance has it. */
const ZOMBIE_MS = 18_000;

const KINDS: Record<string, (stage: Stage) => readonly Service[]> = {
  gateway: ({ gateway }) => [gateway], coordinator: ({ coordinators }) => coordinators, worker: ({ workers }) => workers, apart: ({ apart }) => apart,
};

const kill = (kind: string): Fault => ({
  name: `kill -9 ${kind}`,
  inject: async (stage, random) => {
    const victim = random.pick(KINDS[kind]?.(stage) ?? []);
    await sleep(random.between(0, 1_000));
    await victim.end('SIGKILL');
    await sleep(random.between(0, 1_500));
    await victim.start();
    return { did: victim.name };
  },
});

const killAll = (kind: string): Fault => ({
  name: `kill -9 every ${kind}`,
  inject: async (stage, random) => {
    const victims = KINDS[kind]?.(stage) ?? [];
    await Promise.all(victims.map((victim) => victim.end('SIGKILL')));
    await sleep(random.between(0, 3_000));
    await Promise.all(victims.map((victim) => victim.start()));
    return { did: `${victims.length} at once` };
  },
});

const terminate = (kind: string): Fault => ({
  name: `SIGTERM ${kind}`,
  inject: async (stage, random) => {
    const victim = random.pick(KINDS[kind]?.(stage) ?? []);
    await victim.end('SIGTERM');
    await victim.start();
    return { did: `${victim.name} with work in hand` };
  },
});

const pause = (kind: string): Fault => ({
  name: `SIGSTOP ${kind}`,
  inject: async (stage, random) => {
    const victim = random.pick(KINDS[kind]?.(stage) ?? []);
    const ms = ZOMBIE_MS + random.between(0, 4_000);
    victim.pause();
    try {
      await sleep(ms);
    } finally {
      victim.resume();
    }
    return { did: `${victim.name} for ${ms} ms, then SIGCONT` };
  },
});

/** kill -9 at any time, SIGTERM with work in hand, and a stop for longer than the lease: the process then goes on with what others have done meanwhile. */
export const processFaults: readonly Fault[] = [
  ...Object.keys(KINDS).flatMap((kind) => [kill(kind), terminate(kind)]), killAll('coordinator'), killAll('worker'), pause('coordinator'), pause('worker'), pause('apart'),
];
