import { AckPolicy, DiscardPolicy, RetentionPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { resolveNatsServer, startEmbeddedNats } from '#embedded';
import { batched, times } from '../concurrency.js';
import { startPostgres } from '../postgres.js';
import { STEPS, STEP_NUMBERS, type Contestant, type RunningSystem, type Site } from '../system.js';

/**
 * What no orchestrator on these servers can be faster than: the transitions of a run as bare commits, and its messages as bare publishes and deliveries.
 * There are no workers; the process that submits does it all, and only the server's CPU is counted.
 */

const BATCH = 500;
const CONNECTIONS = 16;

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
  configuration: 'five messages a run, each stored before the last is acknowledged, publishes and deliveries pipelined',
  start: startJetStreamFloor,
};

async function startPostgresFloor(site: Site, batch: number): Promise<RunningSystem> {
  const postgres = await startPostgres(site);
  const pool = new Pool({ connectionString: postgres.url, max: batch === 1 ? CONNECTIONS : STEPS + 1 });
  site.undo(() => pool.end());
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
    submit: async (wanted) => { await Promise.all(Array.from({ length: wanted }, run)); },
    completed: async () => completed,
    single: run,
  };
}

async function startJetStreamFloor(site: Site): Promise<RunningSystem> {
  const binary = await resolveNatsServer(join(homedir(), '.cache', 'pullwright'), (line) => { site.log(line); });
  const server = await startEmbeddedNats(join(site.folder, 'nats'), { binary });
  site.undo(() => server.stop());
  const connection = await connect({ servers: server.url });
  site.undo(() => connection.close());
  const manager = await jetstreamManager(connection);
  const stream = jetstream(connection);
  await manager.streams.add({ name: 'STEPS', subjects: ['step.*'], retention: RetentionPolicy.Workqueue, discard: DiscardPolicy.New });
  const waiting = new Map<string, () => void>();
  let runs = 0;
  let completed = 0;
  for (const step of STEP_NUMBERS) {
    await manager.consumers.add('STEPS', { durable_name: `step-${step}`, filter_subject: `step.${step}`, ack_policy: AckPolicy.Explicit, max_ack_pending: 4_096 });
    const messages = await (await stream.consumers.get('STEPS', `step-${step}`)).consume({
      max_messages: BATCH,
      callback: (message) => {
        const next = step < STEPS ? stream.publish(`step.${step + 1}`, message.data).then(() => { message.ack(); }) : message.ackAck().then(() => {
          completed++;
          waiting.get(message.string())?.();
        });
        next.catch((error: unknown) => { site.log(String(error)); });
      },
    });
    site.undo(() => messages.close());
  }
  const submit = async () => { await stream.publish('step.1', `${++runs}`); };
  return {
    processes: { nats: server.pid() },
    submit: (wanted) => times(wanted, BATCH, submit),
    completed: async () => completed,
    single: async () => {
      const done = new Promise<void>((resolve) => { waiting.set(`${runs + 1}`, resolve); });
      await submit();
      await done;
    },
  };
}
