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
beforeEach(async () => { await stage.database.query('TRUNCATE runs, steps, events'); });

const count = async (table: string) => (await stage.database.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${table}`)).rows[0]?.n;

/** Runs with two steps and an event each. `ended`: days ago, null for one that goes on. */
async function insert(number: number, ended: number | null): Promise<string[]> {
  const ids = Array.from({ length: number }, newRunId);
  await stage.database.query(
    `WITH r AS (INSERT INTO runs (id, pipeline_hash, repository, params, status, requested_by, seq, version, created_at, updated_at, finished_at)
       SELECT id, (SELECT hash FROM pipelines LIMIT 1), '/repo', '{}', CASE WHEN $2::float8 IS NULL THEN 'running' ELSE 'succeeded' END, 'ann', 1, 1, now(), now(), now() - $2 * interval '1 day' FROM unnest($1::text[]) AS id),
     s AS (INSERT INTO steps (run_id, id, position, agent, status, attempt, tries, inputs, outputs, facts, locked)
       SELECT id, step, 0, agent, 'succeeded', 1, 1, '{}', json_build_object(name, 'sha256:' || repeat(digit, 64)), '{}', false
       FROM unnest($1::text[]) AS id, (VALUES ('crawl', 'crawler/crawl', 'map', '1'), ('write', 'engineer/write', 'bundle', '2')) AS made (step, agent, name, digit))
     INSERT INTO events (run_id, seq, events) SELECT id, 1, '{}' FROM unnest($1::text[]) AS id`, [ids, ended]);
  return ids;
}

test('ended runs that are old enough go with all they have, in batches; nothing else does', async () => {
  await Promise.all([insert(450, 31), insert(30, 29), insert(20, null)]);
  expect(await new Retention(pool, { runs: 30, events: 30 }).pass()).toBe(450);
  expect([await count('runs'), await count('steps'), await count('events')]).toEqual([50, 100, 50]);
});

test('events may go before their run, and nothing goes where the policy says never', async () => {
  await insert(10, 400);
  expect(await new Retention(pool, { runs: 0, events: 0 }).pass()).toBe(0);
  expect(await count('events')).toBe(10);
  await new Retention(pool, { runs: 0, events: 7 }).pass();
  expect([await count('runs'), await count('events')]).toEqual([10, 0]);
});

test('several at once do not get in each other’s way, nor in that of somebody who writes a run', async () => {
  const [held] = await insert(600, 31);
  const writer = await pool.connect();
  await writer.query('BEGIN');
  await writer.query('UPDATE runs SET version = version + 1 WHERE id = $1', [held]);
  const removed = await Promise.all(Array.from({ length: 3 }, async () => new Retention(pool, { runs: 30, events: 30 }).pass()));
  expect(removed.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(599);
  await writer.query('ROLLBACK');
  writer.release();
  await new Retention(pool, { runs: 30, events: 30 }).pass();
  expect([await count('runs'), await count('steps'), await count('events')]).toEqual([0, 0, 0]);
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
