import { startPostgres } from '#testing';
import { migrate, openPool } from './database.js';
import { MemoryStore, MemoryTables } from './memory-store.js';
import { PostgresStore } from './postgres-store.js';
import { sagaStoreContract } from './saga-store.contract.js';

sagaStoreContract('Postgres', async () => {
  const postgres = await startPostgres();
  await migrate(postgres.url);
  const pool = openPool(postgres.url);
  return {
    connect: () => new PostgresStore(pool),
    pin: async (hash, definition) => { await pool.query(`INSERT INTO pipelines (hash, name, version, definition) VALUES ($1, 'sample', 1, $2)`, [hash, JSON.stringify(definition)]); },
    pass: async (ms) => { await pool.query(`UPDATE outbox SET at = at - $1::interval; UPDATE runs SET check_at = check_at - $1::interval; UPDATE windows SET at = at - $1::interval; UPDATE coordinators SET seen_at = seen_at - $1::interval`.replaceAll('$1', `'${ms} milliseconds'`)); },
    remove: async () => { await pool.end(); await postgres.stop(); },
  };
});

sagaStoreContract('memory', async () => {
  let now = 1_800_000_000_000;
  const tables = new MemoryTables(() => now);
  return {
    connect: () => new MemoryStore(tables),
    pin: async (hash, definition) => { tables.pipelines.set(hash, definition); },
    pass: async (ms) => { now += ms; },
    remove: async () => undefined,
  };
});
