import { startPostgres, type TestPostgres } from '#testing';
import { openPool } from './database.js';

let postgres: TestPostgres;
beforeAll(async () => { postgres = await startPostgres(); }, 60_000);
afterAll(() => postgres.stop());

test('a connection that breaks between two statements of a transaction is an error of the next statement, not the end of the process', async () => {
  const pool = openPool(postgres.url);
  try {
    const client = await pool.connect();
    await client.query('BEGIN');
    const { rows: [session] } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const broken = new Promise<void>((resolve) => { client.once('end', resolve); });
    await pool.query('SELECT pg_terminate_backend($1)', [session?.pid]);
    await broken;
    const failed = await client.query('SELECT 1').then(() => undefined, (error: Error) => error);
    expect(failed).toBeInstanceOf(Error);
    client.release(failed);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await pool.end();
  }
});
