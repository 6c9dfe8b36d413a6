import type { PoolClient } from 'pg';

/** What the coordinators remember of the bus: one row per stream. */
export interface RememberedStream { name: string; created: string; lastSeq: number }

/** Runs that one entry of the outbox names. */
const PAGE = 100;

/** Whether this transaction is the one that looks at the bus now; the lock ends with it. */
export async function takeWatch(sql: PoolClient): Promise<boolean> {
  const { rows } = await sql.query<{ taken: boolean }>(`SELECT pg_try_advisory_xact_lock(hashtextextended('pullwright bus watch', 0)) AS taken`);
  return rows[0]?.taken ?? false;
}

export async function rememberedStreams(sql: PoolClient): Promise<RememberedStream[]> {
  return (await sql.query<RememberedStream>('SELECT name, created, last_seq::float8 AS "lastSeq" FROM streams')).rows;
}

export async function rememberStreams(sql: PoolClient, streams: readonly RememberedStream[]): Promise<void> {
  await sql.query(
    `INSERT INTO streams (name, created, last_seq) SELECT name, created, "lastSeq" FROM json_to_recordset($1) AS s (name text, created text, "lastSeq" bigint)
     ON CONFLICT (name) DO UPDATE SET created = excluded.created, last_seq = excluded.last_seq WHERE (streams.created, streams.last_seq) <> (excluded.created, excluded.last_seq)`, [JSON.stringify(streams)]);
}

/** Runs that have not ended and have not moved for so long, as `id`. */
const QUIET = `
  SELECT id FROM runs JOIN LATERAL (SELECT at FROM log WHERE run_id = runs.id ORDER BY seq DESC LIMIT 1) AS l ON true
  WHERE check_at IS NOT NULL AND l.at <= clock_timestamp() - make_interval(secs => $1)`;

/** Names every run that has not ended in the outbox again, as of old, so that the next sweep takes up the tasks that its steps wait for; how many runs there are. `quietSeconds`: only those that have not moved for so long. */
export async function dispatchAgain(sql: PoolClient, quietSeconds = 0): Promise<number> {
  const { rows } = await sql.query<{ runs: number }>(
    `WITH entries AS (
       INSERT INTO outbox (at, again, rows) SELECT '-infinity', true, json_agg(id)::text FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / ${PAGE} AS page FROM (${QUIET}) AS quiet) AS pages
       GROUP BY page RETURNING json_array_length(rows::json) AS runs
     ) SELECT coalesce(sum(runs), 0)::integer AS runs FROM entries`, [quietSeconds]);
  return rows[0]?.runs ?? 0;
}

/** Runs that have not moved for so long, less those that the outbox still has something of: that need not be on the bus yet. */
export async function quietRuns(sql: PoolClient, quietSeconds: number): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `${QUIET} AND id NOT IN (SELECT named FROM outbox CROSS JOIN LATERAL json_array_elements_text(rows::json) AS named)`, [quietSeconds]);
  return rows.map(({ id }) => id);
}
