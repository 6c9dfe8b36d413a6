import { times } from '../concurrency.js';
import { peer } from '../packages.js';
import { count, startPostgres } from '../postgres.js';
import { STEPS, STEP_NUMBERS, type Contestant, type RunningSystem, type Site } from '../system.js';
import { startWorkers, type Work } from '../workers.js';

/** What is used of DBOS Transact. A workflow runs in one process, so that its five steps do too; as one workflow for each step they run in five. */
interface Enqueue { queueName: string; workflowName: string; appVersion: string }
interface Client {
  registerQueue(name: string, options: Record<string, unknown>): Promise<unknown>;
  enqueue(options: Enqueue, run: string): Promise<unknown>;
  destroy(): Promise<void>;
}
interface Dbos {
  DBOS: {
    setConfig(config: Record<string, unknown>): void;
    migrate(url: string): Promise<void>;
    launch(): Promise<void>;
    registerWorkflow(workflow: (run: string) => Promise<void>, options: { name: string }): unknown;
    runStep(step: () => Promise<void>, options: { name: string }): Promise<void>;
    enqueueWorkflowWithOptions(options: Enqueue, run: string): Promise<unknown>;
  };
  DBOSClient: { create(options: Record<string, unknown>): Promise<Client> };
}

type Shape = 'workflow' | 'stages';
const APPLICATION = 'bench';
const VERSION = '1';
const ALL = 'five-steps';
const queueOf = (step: number) => `step-${step}`;
const SUBMITTED_AT_ONCE = 20;
const POLLING_MS = 20;
const nothing = () => undefined;
/** It would write a line for each contended poll. */
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: (line: unknown) => { console.error(line); } };

export const dbosByQueue: Contestant = {
  name: 'DBOS, by queue', kind: 'peer',
  configuration: `one queued workflow of five steps, five executors with 30 at once and 5 connections each, polled every ${POLLING_MS} ms`,
  start: (site) => start(site, 'workflow', POLLING_MS),
};
export const dbosByStage: Contestant = {
  name: 'DBOS, workflow per stage', kind: 'peer',
  configuration: `one queued workflow for each step, which enqueues the next; each executor has the queue of its step, polled every ${POLLING_MS} ms`,
  start: (site) => start(site, 'stages', POLLING_MS),
};

async function start(site: Site, shape: Shape, pollingMs: number): Promise<RunningSystem> {
  const postgres = await startPostgres(site);
  const { DBOS, DBOSClient } = dbos();
  await DBOS.migrate(postgres.url);
  const client = await DBOSClient.create({ systemDatabaseUrl: postgres.url, systemDatabasePoolSize: SUBMITTED_AT_ONCE, applicationName: APPLICATION, logger: QUIET });
  site.undo(() => client.destroy());
  const queues = shape === 'workflow' ? [ALL] : STEP_NUMBERS.map(queueOf);
  for (const queue of queues) await client.registerQueue(queue, { minPollingIntervalMs: pollingMs, workerConcurrency: 30 });
  const workers = await startWorkers(site, import.meta.url, { url: postgres.url, shape });
  const first = shape === 'workflow' ? ALL : queueOf(1);
  const last = shape === 'workflow' ? ALL : queueOf(STEPS);
  let runs = 0;
  const enqueue = () => client.enqueue({ queueName: first, workflowName: first, appVersion: VERSION }, `${++runs}`);
  return {
    processes: { ...postgres.processes, ...workers.processes },
    submit: (wanted) => times(wanted, SUBMITTED_AT_ONCE, enqueue),
    completed: () => count(postgres.pool, `SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS' AND name = '${last}'`),
    single: async () => {
      const done = workers.done(`${runs + 1}`);
      await enqueue();
      await done;
    },
  };
}

export const work: Work = async ({ step, options }, done) => {
  const { DBOS } = dbos();
  const staged = options.shape === 'stages';
  DBOS.setConfig({
    name: APPLICATION, systemDatabaseUrl: options.url, systemDatabasePoolSize: 5, runMigrations: false, executorID: `executor-${step}`, applicationVersion: VERSION,
    listenQueues: [staged ? queueOf(step) : ALL], logger: QUIET, enableOTLP: false, tracingEnabled: false,
  });
  if (staged) {
    for (const each of STEP_NUMBERS) {
      DBOS.registerWorkflow(async (run) => {
        await DBOS.runStep(async () => undefined, { name: queueOf(each) });
        if (each === STEPS) done(run);
        else await DBOS.enqueueWorkflowWithOptions({ queueName: queueOf(each + 1), workflowName: queueOf(each + 1), appVersion: VERSION }, run);
      }, { name: queueOf(each) });
    }
  } else {
    DBOS.registerWorkflow(async (run) => {
      for (const each of STEP_NUMBERS) await DBOS.runStep(async () => undefined, { name: queueOf(each) });
      done(run);
    }, { name: ALL });
  }
  await DBOS.launch();
};

const dbos = () => peer('@dbos-inc/dbos-sdk') as Dbos;
