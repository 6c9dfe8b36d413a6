import { peer } from '../packages.js';
import { count, startPostgres } from '../postgres.js';
import { STEPS, STEP_NUMBERS, type Contestant, type RunningSystem, type Site } from '../system.js';
import { startWorkers, type Work } from '../workers.js';

/** What is used of pg-boss: a queue for each step; a worker completes its jobs and inserts those of the next step in one transaction. */
interface Job { id: string; data: { run: string } }
interface Transaction { executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }
interface PgBoss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(options: { graceful: boolean }): Promise<void>;
  createQueue(name: string, options: Record<string, unknown>): Promise<void>;
  send(name: string, data: Job['data'], options?: { db: Transaction }): Promise<unknown>;
  insert(name: string, jobs: Array<{ data: Job['data'] }>, options?: { db: Transaction }): Promise<unknown>;
  work(name: string, options: Record<string, unknown>, handler: (jobs: Job[], transaction?: Transaction) => Promise<unknown>): Promise<string>;
}
interface PgBossModule { PgBoss: new (options: Record<string, unknown>) => PgBoss }

const INSERT_BATCH = 1_000;
const queueOf = (step: number) => `step-${step}`;

/** `whole`: a batch succeeds or fails as one. `each`: the handler says the outcome of each job. */
type Mode = 'whole' | 'each' | 'usual';

export const pgBossTuned: Contestant = {
  name: 'pg-boss, tuned', kind: 'peer',
  configuration: 'batches of 1,000, one transaction completes a batch as a whole and inserts the next step’s; LISTEN/NOTIFY, burst while batches are full, a partition for each queue',
  start: (site) => start(site, 'whole'),
};
export const pgBossEach: Contestant = {
  name: 'pg-boss, tuned, job by job', kind: 'peer',
  configuration: 'the same, but with an outcome of its own for each job of a batch (perJobResults), which pg-boss does not offer inside a transaction',
  start: (site) => start(site, 'each'),
};
export const pgBossUsual: Contestant = {
  name: 'pg-boss, usual', kind: 'peer',
  configuration: 'work() with batches of 50 and the shortest polling interval (0.5 s), send() for each next step',
  start: (site) => start(site, 'usual'),
};

async function start(site: Site, mode: Mode): Promise<RunningSystem> {
  const postgres = await startPostgres(site);
  let ending = false;
  const boss = await open(postgres.url, mode, (error) => { if (!ending) site.fail(error); });
  site.undo(() => { ending = true; return boss.stop({ graceful: false }); });
  for (const step of STEP_NUMBERS) await boss.createQueue(queueOf(step), mode === 'usual' ? {} : { notify: true, partition: true });
  const workers = await startWorkers(site, import.meta.url, { url: postgres.url, mode });
  let runs = 0;
  return {
    processes: { ...postgres.processes, ...workers.processes },
    submit: async (wanted) => {
      for (let left = wanted; left > 0; left -= INSERT_BATCH) {
        await boss.insert(queueOf(1), Array.from({ length: Math.min(left, INSERT_BATCH) }, () => ({ data: { run: `${++runs}` } })));
      }
    },
    completed: () => count(postgres.pool, `SELECT count(*) FROM pgboss.job WHERE name = '${queueOf(STEPS)}' AND state = 'completed'`),
    single: async () => {
      const run = `${++runs}`;
      const done = workers.done(run);
      await boss.send(queueOf(1), { run });
      await done;
    },
  };
}

export const work: Work = async ({ step, options }, done) => {
  const mode = options.mode as Mode;
  const boss = await open(options.url as string, mode, (error) => { console.error(error); });
  const next = step < STEPS ? queueOf(step + 1) : undefined;
  const handOn = async (jobs: Job[], options?: { db: Transaction }) => {
    if (next) await boss.insert(next, jobs.map(({ data }) => ({ data })), options);
    else for (const { data } of jobs) done(data.run);
  };
  const batches = { batchSize: 1_000, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
  if (mode === 'whole') {
    await boss.work(queueOf(step), { ...batches, transactional: true }, async (jobs, db) => { await handOn(jobs, { db: db as Transaction }); });
  } else if (mode === 'each') {
    await boss.work(queueOf(step), { ...batches, perJobResults: true }, async (jobs) => {
      await handOn(jobs);
      return jobs.map(({ id }) => ({ id, status: 'completed' }));
    });
  } else {
    await boss.work(queueOf(step), { batchSize: 50, pollingIntervalSeconds: 0.5 }, async (jobs) => {
      for (const { data } of jobs) {
        if (next) await boss.send(next, data);
        else done(data.run);
      }
    });
  }
};

async function open(url: string, mode: Mode, onError: (error: Error) => void): Promise<PgBoss> {
  const { PgBoss } = peer('pg-boss') as PgBossModule;
  const boss = new PgBoss({ connectionString: url, useListenNotify: mode !== 'usual', max: 4, schedule: false });
  boss.on('error', onError);
  await boss.start();
  return boss;
}
