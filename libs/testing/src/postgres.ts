import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#embedded';

export interface TestPostgres {
  /** Address of a fresh, empty database. */
  url: string;
  /** Gives the database back; the cluster ends with its last user. */
  stop(): Promise<void>;
}

interface Cluster { server: EmbeddedPostgres; dir: string; users: number; databases: number }
let cluster: Promise<Cluster> | undefined;

/** A fresh database in a real Postgres. The first call of a spec file starts the cluster (about two seconds), the last stop() ends and deletes it. */
export async function startPostgres(): Promise<TestPostgres> {
  cluster ??= (async () => {
    const dir = await mkdtemp(join(tmpdir(), 'pullwright-test-postgres-'));
    // Root's server runs as another account, which must get through.
    await chmod(dir, 0o711);
    return { server: await startEmbeddedPostgres(dir, { durable: false }), dir, users: 0, databases: 0 };
  })();
  const shared = await cluster;
  shared.users += 1;
  shared.databases += 1;
  const name = `test_${shared.databases}`;
  const admin = new Client({ connectionString: shared.server.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(shared.server.url);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    stop: async () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      cluster = undefined;
      await shared.server.stop();
      await rm(shared.dir, { recursive: true, force: true });
    },
  };
}
