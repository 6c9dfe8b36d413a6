import { DataSource, type DataSourceOptions } from 'typeorm';
import { Failure } from '#contracts';
import { ENTITIES } from './entities.js';
import { Runs1763600000000 } from './migrations/0001-runs.js';

const OLDEST_POSTGRES = 15;

function databaseOptions(url: string): DataSourceOptions {
  return {
    type: 'postgres', url, entities: ENTITIES, migrations: [Runs1763600000000], migrationsTableName: 'migrations', synchronize: false, migrationsRun: false,
    applicationName: 'pullwright-coordinator', connectTimeoutMS: 10_000,
    // A forgotten transaction would keep rows locked and dead rows from being cleaned up.
    extra: { max: 8, statement_timeout: 60_000, idle_in_transaction_session_timeout: 60_000, options: '-c default_transaction_isolation=read\\ committed' },
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
