import { batched } from '../concurrency.js';
import { peer } from '../packages.js';
import { startRedis } from '../redis.js';
import { STEPS, type Contestant, type RunningSystem, type Site } from '../system.js';
import { startWorkers, type Work } from '../workers.js';

/** What is used of BullMQ: a queue for each step, whose handler adds the job of the next step. */
interface Data { run: string }
interface Spec { name: string; data: Data }
interface Connection { connection: { host: string; port: number; maxRetriesPerRequest: null } }
interface Queue {
  add(name: string, data: Data): Promise<unknown>;
  addBulk(jobs: Spec[]): Promise<unknown>;
  getCompletedCount(): Promise<number>;
  close(): Promise<void>;
}
interface Worker { on(event: 'completed', listener: (job: { data: Data }) => void): void; on(event: 'error', listener: (error: Error) => void): void; waitUntilReady(): Promise<unknown> }
interface BullMq {
  Queue: new (name: string, options: Connection) => Queue;
  Worker: new (name: string, handler: (job: { data: Data }) => Promise<void>, options: Connection & { concurrency: number }) => Worker;
}

const ADD_BATCH = 1_000;
const queueOf = (step: number) => `step-${step}`;

const contestant = (appendfsync: 'everysec' | 'always', tuned: string): Contestant => ({
  name: `BullMQ, ${tuned ? 'tuned' : 'usual'}, ${appendfsync}`, kind: 'peer',
  configuration: `Redis with appendfsync ${appendfsync}; ${tuned ? '100 jobs at once, addBulk in batches' : '10 jobs at once, add for each next step'}`,
  start: (site) => start(site, appendfsync, tuned),
});
export const bullMqEverySecond = contestant('everysec', 'yes');
export const bullMqAlways = contestant('always', 'yes');
export const bullMqUsual = contestant('everysec', '');

async function start(site: Site, appendfsync: 'everysec' | 'always', tuned: string): Promise<RunningSystem> {
  const redis = await startRedis(site, appendfsync);
  const [first, last] = [1, STEPS].map((step) => openQueue(redis.port, step)) as [Queue, Queue];
  site.undo(() => Promise.all([first.close(), last.close()]));
  const workers = await startWorkers(site, import.meta.url, { port: `${redis.port}`, tuned });
  let runs = 0;
  return {
    processes: { ...redis.processes, ...workers.processes },
    submit: async (wanted) => {
      for (let left = wanted; left > 0; left -= ADD_BATCH) {
        await first.addBulk(Array.from({ length: Math.min(left, ADD_BATCH) }, () => ({ name: queueOf(1), data: { run: `${++runs}` } })));
      }
    },
    completed: () => last.getCompletedCount(),
    single: async () => {
      const run = `${++runs}`;
      const done = workers.done(run);
      await first.add(queueOf(1), { run });
      await done;
    },
  };
}

export const work: Work = async ({ step, options }, done) => {
  const port = Number(options.port);
  const next = step < STEPS ? openQueue(port, step + 1) : undefined;
  const add = next && batched<Spec>(500, (specs) => next.addBulk(specs));
  const worker = new (bullMq().Worker)(queueOf(step), async ({ data }) => {
    if (options.tuned) await add?.({ name: queueOf(step + 1), data });
    else await next?.add(queueOf(step + 1), data);
  }, { ...to(port), concurrency: options.tuned ? 100 : 10 });
  worker.on('error', (error) => { console.error(error); });
  if (!next) worker.on('completed', ({ data }) => { done(data.run); });
  await worker.waitUntilReady();
};

const bullMq = () => peer('bullmq') as BullMq;
const to = (port: number): Connection => ({ connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null } });
const openQueue = (port: number, step: number): Queue => new (bullMq().Queue)(queueOf(step), to(port));
