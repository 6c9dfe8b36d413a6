import { Pool } from 'pg';
import { Retention } from './retention.js';
import { openPool } from './store/database.js';
import { newRunId, Stage } from './test/stage.js';

let stage: Stage;
let pool: Pool;
beforeAll(async () => {
  stage = await Stage.open({});
  pool = openPool(stage.postgres.url);
  // A pipeline to refer to.
  await stage.startCoordinator();
});
afterAll(async () => { await pool.end(); await stage.close(); });
beforeEach(async () => { await stage.database.query('TRUNCATE runs, log'); });

const count = async (table: string) => (await stage.database.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${table}`)).rows[0]?.n;

/** Runs with two rows of the log, each with a step. `ended`: days ago, null for one that goes on. */
async function insert(number: number, ended: number | null): Promise<string[]> {
  const ids = Array.from({ length: number }, newRunId);
  await stage.database.query(
    `WITH r AS (INSERT INTO runs (id, pipeline_hash, repository, params, status, requested_by, created_at, finished_at)
       SELECT id, (SELECT hash FROM pipelines LIMIT 1), '/repo', '{}', CASE WHEN $2::float8 IS NULL THEN 'running' ELSE 'succeeded' END, 'ann', now(), now() - $2 * interval '1 day' FROM unnest($1::text[]) AS id)
     INSERT INTO log (run_id, seq, last, at, events, steps)
       SELECT id, seq, seq, now(), '[]', json_build_array(json_build_object('stepId', step, 'position', seq, 'agent', agent, 'status', 'succeeded', 'outputs', json_build_object(name, 'sha256:' || repeat(digit, 64))))
       FROM unnest($1::text[]) AS id, (VALUES (1, 'crawl', 'crawler/crawl', 'map', '1'), (2, 'write', 'engineer/write', 'bundle', '2')) AS made (seq, step, agent, name, digit)`, [ids, ended]);
  return ids;
}

test('ended runs that are old enough go with all they have, in batches; nothing else does', async () => {
  await Promise.all([insert(450, 31), insert(30, 29), insert(20, null)]);
  expect(await new Retention(pool, { runs: 30, events: 30 }).pass()).toBe(450);
  expect([await count('runs'), await count('log')]).toEqual([50, 100]);
});

test('events may go before their run, and nothing goes where the policy says never', async () => {
  await insert(10, 400);
  expect(await new Retention(pool, { runs: 0, events: 0 }).pass()).toBe(0);
  expect(await count('log WHERE events IS NOT NULL')).toBe(20);
  await new Retention(pool, { runs: 0, events: 7 }).pass();
  expect([await count('runs'), await count('log'), await count('log WHERE events IS NOT NULL')]).toEqual([10, 20, 0]);
});

test('several at once do not get in each other’s way, nor in that of somebody who writes a run', async () => {
  const [held] = await insert(600, 31);
  const writer = await pool.connect();
  await writer.query('BEGIN');
  await writer.query('UPDATE runs SET status = status WHERE id = $1', [held]);
  const removed = await Promise.all(Array.from({ length: 3 }, async () => new Retention(pool, { runs: 30, events: 30 }).pass()));
  expect(removed.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(599);
  await writer.query('ROLLBACK');
  writer.release();
  await new Retention(pool, { runs: 30, events: 30 }).pass();
  expect([await count('runs'), await count('log')]).toEqual([0, 0]);
});

test('names what kept runs have made, page by page, but not the code of runs that ended long ago', async () => {
  await Promise.all([insert(120, 8), insert(60, 1), insert(30, null)]);
  const named: string[] = [];
  for (let cursor: string | undefined; ;) {
    const reply = await stage.query('list-references', { cursor, limit: 100 });
    if (!reply.ok) throw new Error(reply.failure.code);
    named.push(...reply.items.flat());
    cursor = reply.next;
    if (!cursor) break;
  }
  expect(named.filter((id) => id === `sha256:${'1'.repeat(64)}`)).toHaveLength(210);
  expect(named.filter((id) => id === `sha256:${'2'.repeat(64)}`)).toHaveLength(90);
});
