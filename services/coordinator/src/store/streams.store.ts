import type { PoolClient } from 'pg';

/** What the coordinators remember of the bus: one row per stream. */
export interface RememberedStream { name: string; created: string; lastSeq: number }

/** Steps whose tasks one entry of the outbox names. */
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

/**
 * Names the task of every dispatched step in the outbox again, as of old, so that the next sweep takes it; how many there are. `quietSeconds`: only of runs that have not moved for so long.
 * Every dispatched step has a timer, so the index of timers finds them among all steps that ever were.
 */
export async function dispatchAgain(sql: PoolClient, quietSeconds = 0): Promise<number> {
  const { rows } = await sql.query<{ tasks: number }>(
    `WITH entries AS (
       INSERT INTO outbox (at, again, tasks, events)
       SELECT '-infinity', true, json_agg(json_build_object('runId', run_id, 'stepId', id, 'attempt', attempt)), '[]'
       FROM (
         SELECT run_id, steps.id, attempt, (row_number() OVER (ORDER BY wake_at) - 1) / ${PAGE} AS page FROM steps JOIN runs ON runs.id = run_id
         WHERE steps.status = 'dispatched' AND wake_at IS NOT NULL AND updated_at <= clock_timestamp() - make_interval(secs => $1)
       ) AS dispatched
       GROUP BY page RETURNING json_array_length(tasks) AS tasks
     ) SELECT coalesce(sum(tasks), 0)::integer AS tasks FROM entries`, [quietSeconds]);
  return rows[0]?.tasks ?? 0;
}

/** Dispatched steps of runs that have not moved for so long, less the tasks that the outbox still has: those need not be on the bus yet. */
export async function quietlyDispatched(sql: PoolClient, quietSeconds: number): Promise<number> {
  const { rows } = await sql.query<{ steps: number }>(
    `SELECT (count(*) - (SELECT coalesce(sum(json_array_length(tasks)), 0) FROM outbox))::integer AS steps FROM steps JOIN runs ON runs.id = run_id
     WHERE steps.status = 'dispatched' AND wake_at IS NOT NULL AND updated_at <= clock_timestamp() - make_interval(secs => $1)`, [quietSeconds]);
  return rows[0]?.steps ?? 0;
}
