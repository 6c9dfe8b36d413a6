import type { Pool } from 'pg';
import { batched } from '../concurrency.js';
import { peer } from '../packages.js';
import { count, openPool, startPostgres } from '../postgres.js';
import { STEPS, type Contestant, type RunningSystem, type Site } from '../system.js';
import { startWorkers, type Work } from '../workers.js';

/** What is used of graphile-worker: a task for each step, whose handler adds the job of the next step. */
interface Payload { run: string }
interface Spec { identifier: string; payload: Payload }
interface Helpers { addJob(identifier: string, payload: Payload): Promise<unknown>; addJobs(specs: Spec[]): Promise<unknown> }
interface Utilities extends Helpers { migrate(): Promise<void>; release(): Promise<unknown> }
interface GraphileWorker {
  makeWorkerUtils(options: { connectionString: string } | { pgPool: Pool }): Promise<Utilities>;
  run(options: Record<string, unknown>): Promise<unknown>;
  Logger: new (factory: () => (level: string, message: string) => void) => unknown;
}

const ADD_BATCH = 1_000;
const taskOf = (step: number) => `step-${step}`;

export const graphileWorkerTuned: Contestant = {
  name: 'graphile-worker, tuned', kind: 'peer',
  configuration: 'local queue of 500, 100 jobs at once, completions batched without delay, addJobs in batches',
  start: (site) => start(site, { tuned: 'yes' }),
};
export const graphileWorkerUsual: Contestant = {
  name: 'graphile-worker, usual', kind: 'peer',
  configuration: '10 jobs at once, addJob for each next step',
  start: (site) => start(site, { tuned: '' }),
};

async function start(site: Site, { tuned }: { tuned: string }): Promise<RunningSystem> {
  const postgres = await startPostgres(site);
  // With connections of its own it stops listening for their errors before they are closed.
  const utilities = await graphile().makeWorkerUtils({ pgPool: openPool(site, postgres.url, 4) });
  site.undo(() => utilities.release());
  await utilities.migrate();
  const workers = await startWorkers(site, import.meta.url, { url: postgres.url, tuned });
  let runs = 0;
  return {
    processes: { ...postgres.processes, ...workers.processes },
    submit: async (wanted) => {
      for (let left = wanted; left > 0; left -= ADD_BATCH) {
        await utilities.addJobs(Array.from({ length: Math.min(left, ADD_BATCH) }, () => ({ identifier: taskOf(1), payload: { run: `${++runs}` } })));
      }
    },
    // A completed job is deleted, and the next step's job is there before that: a run without a job has completed.
    completed: async () => runs - await count(postgres.pool, 'SELECT count(*) FROM graphile_worker._private_jobs'),
    single: async () => {
      const run = `${++runs}`;
      const done = workers.done(run);
      await utilities.addJob(taskOf(1), { run });
      await done;
    },
  };
}

export const work: Work = async ({ step, options }, done) => {
  const worker = graphile();
  const utilities = await worker.makeWorkerUtils({ connectionString: options.url as string });
  const add = batched<Spec>(500, (specs) => utilities.addJobs(specs));
  const handler = async (payload: Payload, helpers: Helpers) => {
    if (step === STEPS) done(payload.run);
    else if (options.tuned) await add({ identifier: taskOf(step + 1), payload });
    else await helpers.addJob(taskOf(step + 1), payload);
  };
  await worker.run({
    connectionString: options.url, taskList: { [taskOf(step)]: handler }, parsedCronItems: [], noHandleSignals: true,
    // It would write a line for each job.
    logger: new worker.Logger(() => (level, message) => { if (level === 'error') console.error(message); }),
    ...(options.tuned
      ? { preset: { worker: { concurrentJobs: 100, maxPoolSize: 10, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } } }
      : { concurrency: 10 }),
  });
};

const graphile = () => peer('graphile-worker') as GraphileWorker;
