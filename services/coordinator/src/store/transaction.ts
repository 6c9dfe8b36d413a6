import type { Pool, PoolClient } from 'pg';

/** Commits what `work` has done, all of it or nothing. Throws what `work` throws. */
export async function transaction<T>(pool: Pool, work: (sql: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given back to the pool: the server ends its transaction.
    await client.query('ROLLBACK').catch((second: unknown) => { broken = second as Error; });
    throw error;
  } finally {
    client.release(broken);
  }
}
