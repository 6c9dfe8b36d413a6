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
  work(name: string, options: Record<string, unknown>, handler: (jobs: Job[], transaction?: Transaction) => Promise<void>): Promise<string>;
}
interface PgBossModule { PgBoss: new (options: Record<string, unknown>) => PgBoss }

const INSERT_BATCH = 1_000;
const queueOf = (step: number) => `step-${step}`;

export const pgBossTuned: Contestant = {
  name: 'pg-boss, tuned', kind: 'peer',
  configuration: 'batches of 1,000, one transaction completes a batch and inserts the next step’s; LISTEN/NOTIFY, burst while batches are full, a partition for each queue',
  start: (site) => start(site, { tuned: 'yes' }),
};
export const pgBossUsual: Contestant = {
  name: 'pg-boss, usual', kind: 'peer',
  configuration: 'work() with batches of 50 and the shortest polling interval (0.5 s), send() for each next step',
  start: (site) => start(site, { tuned: '' }),
};

async function start(site: Site, { tuned }: { tuned: string }): Promise<RunningSystem> {
  const postgres = await startPostgres(site);
  const boss = await open(postgres.url, tuned);
  site.undo(() => boss.stop({ graceful: false }));
  for (const step of STEP_NUMBERS) await boss.createQueue(queueOf(step), tuned ? { notify: true, partition: true } : {});
  const workers = await startWorkers(site, import.meta.url, { url: postgres.url, tuned });
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
  const boss = await open(options.url as string, options.tuned as string);
  const next = step < STEPS ? queueOf(step + 1) : undefined;
  if (options.tuned) {
    await boss.work(queueOf(step), { batchSize: 1_000, transactional: true, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }, async (jobs, db) => {
      if (next) await boss.insert(next, jobs.map(({ data }) => ({ data })), { db: db as Transaction });
      else for (const { data } of jobs) done(data.run);
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

async function open(url: string, tuned: string): Promise<PgBoss> {
  const { PgBoss } = peer('pg-boss') as PgBossModule;
  const boss = new PgBoss({ connectionString: url, useListenNotify: Boolean(tuned), max: 4, schedule: false });
  boss.on('error', (error) => { console.error(error); });
  await boss.start();
  return boss;
}
