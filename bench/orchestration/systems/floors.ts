import { AckPolicy, RetentionPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { batched, times } from '../concurrency.js';
import { startNats } from '../nats.js';
import { openPool, startPostgres } from '../postgres.js';
import { STEPS, STEP_NUMBERS, type Contestant, type RunningSystem, type Site } from '../system.js';
import { startWorkers, type Work } from '../workers.js';

/**
 * What no orchestrator on these servers can be faster than: the transitions of a run as bare commits, and its messages as bare publishes and deliveries.
 * Only the server's CPU is counted.
 */

const BATCH = 500;
const CONNECTIONS = 16;
const STREAM = 'STEPS';
const subjectOf = (step: number) => `step.${step}`;
const durableOf = (step: number) => `step-${step}`;

export const postgresBatched: Contestant = {
  name: 'Postgres, batched commits', kind: 'floor',
  configuration: `six transitions a run, each committed before the next, up to ${BATCH} runs in one set-based statement, one connection for each step`,
  start: (site) => startPostgresFloor(site, BATCH),
};
export const postgresSingle: Contestant = {
  name: 'Postgres, single commits', kind: 'floor',
  configuration: `six transitions a run, each a transaction of its own, on ${CONNECTIONS} connections`,
  start: (site) => startPostgresFloor(site, 1),
};
export const jetStream: Contestant = {
  name: 'JetStream, publish and consume', kind: 'floor',
  configuration: 'five messages a run through five processes, each stored before the one before it is acknowledged, publishes and deliveries pipelined',
  start: startJetStreamFloor,
};

async function startPostgresFloor(site: Site, batch: number): Promise<RunningSystem> {
  const postgres = await startPostgres(site);
  const pool = openPool(site, postgres.url, batch === 1 ? CONNECTIONS : STEPS + 1);
  await pool.query('CREATE TABLE runs (id int PRIMARY KEY, step int NOT NULL) WITH (fillfactor = 50); CREATE TABLE events (run int, step int, at timestamptz, PRIMARY KEY (run, step))');
  const begin = 'WITH run AS (INSERT INTO runs SELECT id, 0 FROM unnest($1::int[]) AS id RETURNING id, step) INSERT INTO events SELECT id, step, now() FROM run';
  const advance = 'WITH run AS (UPDATE runs SET step = step + 1 WHERE id = ANY ($1::int[]) RETURNING id, step) INSERT INTO events SELECT id, step, now() FROM run';
  const transitions = [begin, ...STEP_NUMBERS.map(() => advance)].map((text, index) => {
    const commit = (ids: number[]) => pool.query({ name: `transition-${index}`, text, values: [ids] });
    return batch === 1 ? (id: number) => commit([id]) : batched(batch, commit);
  });
  let runs = 0;
  let completed = 0;
  const run = async () => {
    const id = ++runs;
    for (const transition of transitions) await transition(id);
    completed++;
  };
  return {
    processes: postgres.processes,
    submit: (wanted) => times(wanted, batch * 4 * CONNECTIONS, run),
    completed: async () => completed,
    single: run,
  };
}

async function startJetStreamFloor(site: Site): Promise<RunningSystem> {
  const server = await startNats(site);
  const connection = await connect({ servers: server.url });
  site.undo(() => connection.close());
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: STREAM, subjects: ['step.*'], retention: RetentionPolicy.Workqueue });
  for (const step of STEP_NUMBERS) {
    await manager.consumers.add(STREAM, { durable_name: durableOf(step), filter_subject: subjectOf(step), ack_policy: AckPolicy.Explicit, max_ack_pending: 4_096 });
  }
  const workers = await startWorkers(site, import.meta.url, { url: server.url });
  const stream = jetstream(connection);
  let runs = 0;
  const submit = () => stream.publish(subjectOf(1), `${++runs}`);
  return {
    processes: server.processes,
    submit: (wanted) => times(wanted, BATCH, submit),
    // A message goes when its successor is stored, the last one when it is acknowledged: nothing left means that all have completed.
    completed: async () => runs - (await manager.streams.info(STREAM)).state.messages,
    single: async () => {
      const done = workers.done(`${runs + 1}`);
      await submit();
      await done;
    },
  };
}

export const work: Work = async ({ step, options }, done) => {
  const connection = await connect({ servers: options.url as string });
  const stream = jetstream(connection);
  await (await stream.consumers.get(STREAM, durableOf(step))).consume({
    max_messages: BATCH,
    callback: (message) => {
      const handedOn = step < STEPS ? stream.publish(subjectOf(step + 1), message.data).then(() => { message.ack(); }) : message.ackAck().then(() => { done(message.string()); });
      // Ends the process, and with it the measurement.
      handedOn.catch((error: unknown) => { setImmediate(() => { throw error; }); });
    },
  });
};
