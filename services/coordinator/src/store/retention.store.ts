import type { DataSource } from 'typeorm';
import type { PoolClient } from 'pg';
import type { StepState } from '../engine/run-state.js';
import { stepsOf } from './log.js';

/** Rows of the log that one statement reads. */
const ROWS = 500;

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
     ), log_gone AS (DELETE FROM log WHERE run_id IN (SELECT id FROM gone)
     ), reports_gone AS (DELETE FROM reports WHERE run_id IN (SELECT id FROM gone)
     ) SELECT count(*)::integer AS count FROM gone`, [ids]);
  return rows[0]?.count ?? 0;
}

/** What the steps have made stays. */
export async function removeEvents(sql: PoolClient, ids: readonly string[]): Promise<void> {
  await sql.query('UPDATE log SET events = NULL WHERE run_id = ANY($1) AND events IS NOT NULL', [ids]);
}

/** What a step has made, and where the log says so: the `place` in a row of it. `age`: days since the run ended. */
export interface MadeBy extends Pick<StepState, 'agent' | 'outputs'> { readonly runId: string; readonly seq: number; readonly place: number; readonly age: number | null }

/**
 * Of kept runs, behind `after`, `atLeast` so many if there are. A fan-out itself is left out: its elements made the artifacts. What a retry has made anew is named twice: nobody may remove either as long as there is
 * the run.
 */
export async function madeByRuns(database: DataSource, after: Pick<MadeBy, 'runId' | 'seq' | 'place'>, atLeast: number): Promise<MadeBy[]> {
  const made: MadeBy[] = [];
  for (let { runId, seq } = after; made.length < atLeast;) {
    const rows = await database.query<Array<{ runId: string; seq: number; steps: string; age: number | null }>>(
      `SELECT run_id AS "runId", seq, steps, (extract(epoch FROM clock_timestamp() - runs.finished_at) / 86400)::float8 AS age
       FROM log JOIN runs ON runs.id = run_id WHERE (run_id, seq) >= ($1, $2) ORDER BY run_id, seq LIMIT ${ROWS}`, [runId, seq]);
    for (const row of rows) {
      const isAfter = (place: number): boolean => row.runId !== after.runId || row.seq !== after.seq || place > after.place;
      for (const [place, { agent, outputs, status, elements }] of [...stepsOf(row.steps).values()].entries()) {
        if (status === 'succeeded' && elements === undefined && agent !== undefined && isAfter(place)) made.push({ runId: row.runId, seq: row.seq, place, agent, outputs, age: row.age });
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < ROWS) break;
    [runId, seq] = [last.runId, last.seq + 1];
  }
  return made;
}
