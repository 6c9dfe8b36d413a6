import type { DataSource } from 'typeorm';
import type { PoolClient } from 'pg';
import type { ArtifactMap } from '#contracts';

/** A run that has been looked at, and what of it is old enough to go. */
export interface AgedRun { id: string; runIsOver: boolean; eventsAreOver: boolean }

/** Whether this transaction is the one that removes now; the lock ends with it. */
export async function takeBroom(sql: PoolClient): Promise<boolean> {
  const { rows } = await sql.query<{ taken: boolean }>(`SELECT pg_try_advisory_xact_lock(hashtextextended('pullwright retention', 0)) AS taken`);
  return rows[0]?.taken ?? false;
}

/** The next runs by id. By key and not by time, so that no index has to be kept up while runs end. 0 days: never. */
export async function nextRuns(sql: PoolClient, after: string, days: { runs: number; events: number }, limit: number): Promise<AgedRun[]> {
  return (await sql.query<AgedRun>(
    `SELECT id, $3 > 0 AND coalesce(finished_at < clock_timestamp() - make_interval(days => $3), false) AS "runIsOver",
       $4 > 0 AND coalesce(finished_at < clock_timestamp() - make_interval(days => $4), false) AS "eventsAreOver"
     FROM runs WHERE id > $1 ORDER BY id LIMIT $2`, [after, limit, days.runs, days.events])).rows;
}

/** Runs that have ended, with all they have; how many went. One that somebody is writing, for example to retry it, stays. */
export async function removeRuns(sql: PoolClient, ids: readonly string[]): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `WITH gone AS (
       DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE id = ANY($1) AND finished_at IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING id
     ), steps_gone AS (DELETE FROM steps WHERE run_id IN (SELECT id FROM gone)
     ), events_gone AS (DELETE FROM events WHERE run_id IN (SELECT id FROM gone)
     ), reports_gone AS (DELETE FROM reports WHERE run_id IN (SELECT id FROM gone)
     ) SELECT count(*)::integer AS count FROM gone`, [ids]);
  return rows[0]?.count ?? 0;
}

export async function removeEvents(sql: PoolClient, ids: readonly string[]): Promise<void> {
  await sql.query('DELETE FROM events WHERE run_id = ANY($1)', [ids]);
}

/** What a step that stands has made. A fan-out itself is left out: its elements made the artifacts. */
export interface MadeBy { runId: string; stepId: string; agent: string; outputs: ArtifactMap; age: number | null }

/** Of kept runs, by run and step, behind `after`. `age`: days since the run ended. */
export async function madeBySteps(database: DataSource, after: { runId: string; stepId: string }, limit: number): Promise<MadeBy[]> {
  return database.query(
    `SELECT run_id AS "runId", steps.id AS "stepId", agent, outputs, (extract(epoch FROM clock_timestamp() - runs.finished_at) / 86400)::float8 AS age
     FROM steps JOIN runs ON runs.id = run_id
     WHERE (run_id, steps.id) > ($1, $2) AND elements IS NULL AND agent IS NOT NULL AND steps.status = 'succeeded' ORDER BY run_id, steps.id LIMIT $3`, [after.runId, after.stepId, limit]);
}
