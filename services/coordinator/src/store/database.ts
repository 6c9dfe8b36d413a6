import { Logger } from '@nestjs/common';
import { Pool } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Failure, type Pipeline } from '#contracts';
import { ENTITIES } from './entities.js';
import { Runs1763600000000 } from './migrations/0001-runs.js';
import { Streams1763650000000 } from './migrations/0002-streams.js';
import { Cache1763660000000 } from './migrations/0003-cache.js';
import { Limits1763665000000 } from './migrations/0004-limits.js';
import { Schedules1763690000000 } from './migrations/0005-schedules.js';
import { Fairness1763700000000 } from './migrations/0006-fairness.js';
import { ScheduledTenants1763710000000 } from './migrations/0007-scheduled-tenants.js';
import { Log1764300000000 } from './migrations/0008-log.js';
import { Reports1764400000000 } from './migrations/0009-reports.js';

const OLDEST_POSTGRES = 15;

const logger = new Logger('database');
/**
 * A forgotten transaction would keep rows locked and dead rows from being cleaned up. READ COMMITTED: after waiting for a row a statement sees what the other has committed.
 * A commit is on the disk when it is answered, whatever the server's default.
 */
const SESSION = { statement_timeout: 60_000, idle_in_transaction_session_timeout: 60_000, options: '-c default_transaction_isolation=read\\ committed -c synchronous_commit=on' };

/**
 * Every statement of the saga finds its rows by key. The planner would not know: it plans once, on tables that were empty then or whose statistics are old, and what it chose for them (reading
 * all of `runs` for each batch) stays in use while they grow.
 */
const BY_KEY = ['enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off', 'jit=off', 'plan_cache_mode=force_generic_plan'].map((setting) => `-c ${setting}`).join(' ');

function databaseOptions(url: string): DataSourceOptions {
  return {
    type: 'postgres', url, entities: ENTITIES, migrations: [Runs1763600000000, Streams1763650000000, Cache1763660000000, Limits1763665000000, Schedules1763690000000, Fairness1763700000000, ScheduledTenants1763710000000, Log1764300000000, Reports1764400000000], migrationsTableName: 'migrations', synchronize: false, migrationsRun: false,
    applicationName: 'pullwright-coordinator', connectTimeoutMS: 10_000,
    extra: { max: 4, ...SESSION },
  };
}

/** Connects and checks the server's version; the tables may not be there yet. Throws `Failure('database-unavailable')`. */
export async function openDatabase(url: string): Promise<DataSource> {
  const database = new DataSource(databaseOptions(url));
  try {
    await database.initialize();
  } catch (cause) {
    throw new Failure('database-unavailable', cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const [row] = await database.query<Array<{ version: string }>>(`SELECT current_setting('server_version') AS version`);
  if (Number.parseInt(row?.version ?? '', 10) >= OLDEST_POSTGRES) return database;
  await database.destroy();
  throw new Failure('database-unavailable', `Postgres ${OLDEST_POSTGRES} or newer is needed, this is ${row?.version}`);
}

/** Known hashes stay as they are. */
export async function pinPipelines(database: DataSource, pipelines: ReadonlyArray<{ hash: string; definition: Pipeline }>): Promise<void> {
  await database.query(
    `INSERT INTO pipelines (hash, name, version, definition)
     SELECT hash, definition ->> 'name', (definition ->> 'version')::integer, definition
     FROM json_to_recordset($1) AS p (hash text, definition json) ORDER BY hash
     ON CONFLICT DO NOTHING`, [JSON.stringify(pipelines)]);
}

/** Proves that this database takes writes: a standby or a full disk answers pings. */
export async function proveWritable(database: DataSource): Promise<void> {
  await database.query('INSERT INTO health (id, checked_at) VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at');
}

/** Connections for the saga. They are its own: a page of a query that takes long does not stand in front of a commit. */
export function openPool(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 4, application_name: 'pullwright-coordinator', connectionTimeoutMillis: 10_000, ...SESSION, options: `${SESSION.options} ${BY_KEY}` });
  // An idle connection that breaks is replaced by the next statement; whoever had one in use hears of it there.
  pool.on('error', (error) => { logger.warn(`a connection to the database broke: ${error.message}`); });
  // The pool hears only idle ones. One that breaks between two statements of a transaction would end the process if nobody listened; its next statement fails.
  pool.on('connect', (client) => { client.on('error', () => undefined); });
  return pool;
}

/** Brings the tables up to date; the names of the migrations that ran. Two at once wait for each other. */
export async function migrate(url: string): Promise<string[]> {
  const database = await openDatabase(url);
  const guard = database.createQueryRunner();
  try {
    await guard.query(`SELECT pg_advisory_lock(hashtextextended('pullwright migrations', 0))`);
    return (await database.runMigrations({ transaction: 'all' })).map((migration) => migration.name);
  } finally {
    await guard.release();
    // Ends the session, and with it the advisory lock.
    await database.destroy();
  }
}

/** Opens a database whose tables are those of this program. Throws `Failure('database-unavailable')` that says what to run when migrations are pending. */
export async function openMigrated(url: string): Promise<DataSource> {
  const database = await openDatabase(url);
  if (!(await database.showMigrations())) return database;
  await database.destroy();
  throw new Failure('database-unavailable', 'migrations are pending; run `pullwright migrate`');
}
