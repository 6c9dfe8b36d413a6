import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import type { ServiceKind } from '../stage.js';

/** An instance that has not come by its place in this time is ended without having counted. */
const LIMIT_MS = 15_000;

const BUS = ['bus.before-publish', 'bus.before-puback', 'bus.after-publish'];
/** The named places (libs/config/src/crash-point.ts) of each service; `handler.*` and `undo.*` are in the agents of this suite. */
const PLACES: Record<ServiceKind, readonly string[]> = {
  gateway: BUS,
  coordinator: ['saga.before-commit', 'saga.after-commit', 'dispatcher.published', 'commands.before-reply', 'bus.before-ack', 'bus.after-ack', ...BUS],
  worker: [
    'handler.before-effect', 'handler.after-effect', 'undo.before-effect', 'undo.after-effect',
    'agent.task-received', 'agent.handler-done', 'agent.outputs-stored', 'agent.result-published', 'bus.before-ack', ...BUS,
  ],
  apart: ['agent.task-received', 'agent.result-published'],
};

/** One fault for each place: one more instance takes part in the work until it kills itself there. There is one gateway, which is exchanged for one that does. */
export const killPoints: readonly Fault[] = (Object.entries(PLACES) as Array<[ServiceKind, readonly string[]]>).flatMap(([kind, places]) => places.map((place): Fault => ({
  name: `${kind}@${place}`,
  inject: async (stage, random) => {
    const crashAt = `${place}:${random.between(1, place.startsWith('undo') || kind === 'apart' ? 2 : 12)}`;
    const victim = kind === 'gateway' ? stage.gateway : stage.extra(kind);
    if (kind === 'gateway') await victim.end('SIGTERM');
    await victim.start({ crashAt });
    const limit = new AbortController();
    const passed = await Promise.race([victim.exited.then(() => true), sleep(LIMIT_MS, false, { signal: limit.signal })]);
    limit.abort();
    await victim.end('SIGTERM');
    if (kind === 'gateway') await victim.start();
    return passed ? { did: `SIGKILL at ${crashAt}` } : { skipped: `${crashAt} was not passed in ${LIMIT_MS / 1_000} s` };
  },
})));
