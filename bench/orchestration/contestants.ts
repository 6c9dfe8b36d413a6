import type { Contestant } from './system.js';
import { bullMqAlways, bullMqEverySecond, bullMqUsual } from './systems/bullmq.js';
import { dbosByQueue, dbosByStage } from './systems/dbos.js';
import { jetStream, postgresBatched, postgresSingle } from './systems/floors.js';
import { graphileWorkerTuned, graphileWorkerUsual } from './systems/graphile-worker.js';
import { pgBossEach, pgBossTuned, pgBossUsual } from './systems/pg-boss.js';
import { pullwright, pullwrightTwice } from './systems/pullwright.js';

/** Everything that is measured, in the order of a round, by the key that `--only` takes. */
export const CONTESTANTS: Record<string, Contestant> = {
  'pullwright': pullwright,
  'pg-boss': pgBossTuned,
  'pg-boss-each': pgBossEach,
  'bullmq': bullMqEverySecond,
  'bullmq-always': bullMqAlways,
  'graphile-worker': graphileWorkerTuned,
  'dbos': dbosByQueue,
  'postgres-batched': postgresBatched,
  'postgres-single': postgresSingle,
  'jetstream': jetStream,
  'pullwright-2': pullwrightTwice,
  'bullmq-usual': bullMqUsual,
  'graphile-worker-usual': graphileWorkerUsual,
  'pg-boss-usual': pgBossUsual,
  'dbos-stages': dbosByStage,
};
