import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Pool } from 'pg';
import { Bus } from '#bus';
import { childEnvironment, SERVICE_FLAGS } from '#config';
import { Failure, subjects, type Told } from '#contracts';
import { freePort, spawnServer } from '#embedded';
import { startNats } from '../nats.js';
import { postMany } from '../post.js';
import { startPostgres } from '../postgres.js';
import { memoryMb } from '../processes.js';
import { STEP_NUMBERS, type Contestant, type RunningSystem, type Site } from '../system.js';

/**
 * Pullwright as it is deployed: gateway, coordinator and five agent services, each a process of its own, from the build. The pipeline and its agents are an operator's own;
 * their handlers run inside their services.
 */

const READY_LIMIT_MS = 60_000;
const FILL_LIMIT_MS = 30 * 60_000;
/** Requests at once, and runs in one, which is the most that it may have. */
const CONNECTIONS = 4;
const BATCH = 500;
const PIPELINE = 'five-steps';
/** Ids of real runs begin with their time and sort behind these. */
const FILLED = 'run_00';
const letter = (step: number) => 'abcde'[step - 1] as string;
const serviceOf = (step: number) => `bench-${letter(step)}`;
const program = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export const pullwright: Contestant = {
  name: 'Pullwright', kind: 'product',
  configuration: 'gateway, one coordinator, five agent services with inline handlers, from POST /api/v1/run-batches on, singles from POST /api/v1/runs',
  start: (site) => start(site, 1),
};
export const pullwrightTwice: Contestant = {
  name: 'Pullwright, two coordinators', kind: 'variant',
  configuration: 'the same with two coordinators side by side',
  start: (site) => start(site, 2),
};

export interface Pullwright extends RunningSystem {
  /** Puts this many finished runs into its tables, copies of one that it has just made. */
  fill(runs: number): Promise<void>;
}

export async function start(site: Site, coordinators: number): Promise<Pullwright> {
  const [postgres, nats] = await Promise.all([startPostgres(site), startNats(site)]);
  await writeJob(site.folder);
  const environment = {
    ...childEnvironment(), NATS_URL: nats.url, DATABASE_URL: postgres.url, ARTIFACT_DIR: join(site.folder, 'artifacts'), LOG_LEVEL: 'warn',
    AGENTS_FILE: join(site.folder, 'agents.yaml'), PIPELINES_DIR: join(site.folder, 'pipelines'), CONCURRENCY: '256',
  };
  for (const command of ['migrate', 'provision']) await promisify(execFile)(process.execPath, [program('services/cli/src/main.js'), command], { env: environment });
  const gatewayPort = await freePort();
  const url = new URL(`http://127.0.0.1:${gatewayPort}/api/v1/runs`);
  const services = await Promise.all([
    ...Array.from({ length: coordinators }, (_, index) => startService(site, `coordinator${index === 0 ? '' : ` ${index + 1}`}`, ['services/coordinator/src/main.js'], environment)),
    ...STEP_NUMBERS.map((step) => startService(site, serviceOf(step), ['libs/agent/src/main.js', serviceOf(step)], environment)),
    startService(site, 'gateway', ['services/gateway/src/main.js'], environment, gatewayPort),
  ]);
  const bus = await Bus.open({ servers: nats.url, name: 'bench' });
  site.undo(() => bus.close());
  const run = { repository: site.folder, pipeline: PIPELINE };
  const batches = new URL('/api/v1/run-batches', url);
  const submit = async (count: number) => {
    await postMany(batches, { runs: Array.from({ length: BATCH }, () => run) }, 202, Math.floor(count / BATCH), CONNECTIONS);
    if (count % BATCH > 0) await postMany(batches, { runs: Array.from({ length: count % BATCH }, () => run) }, 202, 1, CONNECTIONS);
  };
  const single = async () => {
    const ended = Promise.withResolvers<void>();
    const leave = bus.subscribe(subjects.told, (data) => { if ((data as Told).told.some(({ events }) => events.at(-1)?.type === 'run-succeeded')) ended.resolve(); });
    try {
      await postMany(url, run, 202, 1, 1);
      await ended.promise;
    } finally {
      leave();
    }
  };
  return {
    processes: { ...postgres.processes, ...nats.processes, ...Object.assign({}, ...services) },
    submit, single,
    completed: () => completed(postgres.pool),
    fill: async (runs) => {
      await single();
      await fill(postgres.pool, runs);
    },
  };
}

/** Megabytes of the whole standalone, its Postgres and NATS included, when it is up and idle. */
export async function standaloneMemoryMb(site: Site): Promise<number> {
  const port = await freePort();
  const home = join(site.folder, 'home');
  const [processes] = [await startService(site, 'standalone', ['services/standalone/src/main.js'], { ...childEnvironment(), PULLWRIGHT_HOME: home, LOG_LEVEL: 'warn' }, port)];
  return memoryMb(Object.values(processes));
}

/** The pipeline, the agents and their handlers, in the operator's formats. */
async function writeJob(folder: string): Promise<void> {
  const pipeline = ['name: five-steps', 'version: 1', 'steps:', ...STEP_NUMBERS.map((step) => `  ${letter(step)}: { run: ${serviceOf(step)}/step${step > 1 ? `, needs: [${letter(step - 1)}]` : ''} }`)];
  const agents = ['agents:', ...STEP_NUMBERS.map((step) => `  ${serviceOf(step)}/step: { isolation: inline }`), 'modules:', ...STEP_NUMBERS.map((step) => `  ${serviceOf(step)}: ./${serviceOf(step)}.mjs`)];
  await mkdir(join(folder, 'pipelines'));
  await Promise.all([
    writeFile(join(folder, 'pipelines', 'five-steps.yaml'), `${pipeline.join('\n')}\n`),
    writeFile(join(folder, 'agents.yaml'), `${agents.join('\n')}\n`),
    ...STEP_NUMBERS.map((step) => writeFile(join(folder, `${serviceOf(step)}.mjs`), `export const agents = { '${serviceOf(step)}/step': async () => ({ outputs: {}, facts: {} }) };\n`)),
  ]);
}

/** Settles when it says that it is ready; a service that ends before the site does ends the measurement. */
async function startService(site: Site, name: string, [path, ...args]: [string, ...string[]], environment: Record<string, string>, port?: number): Promise<Record<string, number>> {
  const listens = port ?? await freePort();
  const server = spawnServer(process.execPath, [...SERVICE_FLAGS, '--enable-source-maps', program(path), ...args], { env: { ...environment, [port === undefined ? 'HEALTH_PORT' : 'PORT']: `${listens}` } });
  let stopping = false;
  site.undo(() => { stopping = true; return server.stop(); });
  void server.exited.then(() => { if (!stopping) site.fail(new Failure('internal', `${name} ended: ${server.output()}`)); });
  for (const deadline = Date.now() + READY_LIMIT_MS; ; await sleep(50, undefined, { signal: site.signal })) {
    const response = await fetch(`http://127.0.0.1:${listens}/health/ready`).catch(() => undefined);
    if (response?.ok) return { [name]: server.pid };
    if (Date.now() > deadline) throw new Failure('internal', `${name} was not ready in ${READY_LIMIT_MS} ms: ${await response?.text() ?? server.output()}`);
  }
}

async function completed(pool: Pool): Promise<number> {
  const { rows: [row] } = await pool.query<{ succeeded: string; other: string }>(
    `SELECT count(*) FILTER (WHERE status = 'succeeded') AS succeeded, count(*) FILTER (WHERE status <> 'succeeded') AS other FROM runs WHERE id > '${FILLED}~' AND finished_at IS NOT NULL`);
  if (Number(row?.other) > 0) throw new Failure('internal', `${row?.other} runs did not succeed`);
  return Number(row?.succeeded);
}

/** Copies every row that a finished run has, in whatever table; then the tables are vacuumed, as they would long have been. */
async function fill(pool: Pool, runs: number): Promise<void> {
  const { rows: columns } = await pool.query<{ table_name: string; names: string[] }>(
    `SELECT table_name, array_agg(column_name::text) AS names FROM information_schema.columns
     WHERE table_schema = 'public' AND is_identity = 'NO' AND is_generated = 'NEVER' GROUP BY table_name HAVING table_name = 'runs' OR bool_or(column_name = 'run_id')`);
  const client = await pool.connect();
  try {
    await client.query(`SET statement_timeout = ${FILL_LIMIT_MS}`);
    for (const { table_name: table, names } of columns) {
      const key = table === 'runs' ? 'id' : 'run_id';
      const copied = names.map((name) => (name === key ? `'${FILLED}' || lpad(n::text, 24, '0')` : `"${name}"`));
      await client.query(`INSERT INTO "${table}" ("${names.join('", "')}") SELECT ${copied.join(', ')} FROM generate_series(1, ${runs}) AS n, (SELECT * FROM "${table}" WHERE ${key} = (SELECT max(id) FROM runs)) AS run`);
    }
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  } finally {
    client.release(true);
  }
}
