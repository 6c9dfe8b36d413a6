import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'pg';
import { Failure } from '#contracts';
import { startEmbeddedPostgres } from '#embedded';
import type { Site } from './system.js';

export interface DurablePostgres {
  url: string;
  /** Connections of the process that submits and looks on. */
  pool: Pool;
  processes: { postgres: number };
}

/** What makes a commit durable; a server on which one of them is off is not measured. */
const DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes'];

/** A fresh cluster of its own for one contestant, as Pullwright's standalone starts it and with no other settings, proved to be durable. */
export async function startPostgres(site: Site): Promise<DurablePostgres> {
  const server = await startEmbeddedPostgres(join(site.folder, 'postgres'));
  site.undo(() => server.stop());
  const pool = openPool(site, server.url, 4);
  for (const name of DURABLE) {
    const { rows } = await pool.query<Record<string, string>>(`SHOW ${name}`);
    if (rows[0]?.[name] !== 'on') throw new Failure('internal', `Postgres is not durable: ${name} is ${rows[0]?.[name]}`);
  }
  const pid = Number((await readFile(join(server.home, 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  return { url: server.url, pool, processes: { postgres: pid } };
}

/** Connections that end with the site. */
export function openPool(site: Site, url: string, max: number): Pool {
  let ending = false;
  const pool = new Pool({ connectionString: url, max });
  site.undo(() => { ending = true; return pool.end(); });
  // Idle connections that the server ends at its shutdown are no news; without a listener they would end this process.
  pool.on('error', (error) => { if (!ending) site.fail(error); });
  return pool;
}

/** The number that a query answers with. */
export async function count(pool: Pool, query: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(query);
  return Number(rows[0]?.count);
}
