import type { Params, RunEvent } from '#contracts';
import type { StepState } from '../engine/run-state.js';
import { present, STEP_COLUMNS, type LockPlace, type Sql } from './runs.store.js';

/** What is committed and still has to reach the bus, or whose time has come: the statements of the sweeper, the timers and the probe. */

/** Younger than this belongs to the process that has just committed it. */
const SETTLING = `interval '5 seconds'`;

interface PublishedTask { runId: string; stepId: string; attempt: number }
/** Events `from`…`to` of a run. */
export interface PublishedEvents { runId: string; from: number; to: number }

export async function markTasksPublished(sql: Sql, tasks: readonly PublishedTask[]): Promise<void> {
  await sql.query(
    `UPDATE steps SET published_attempt = t.attempt
     FROM json_to_recordset($1) AS t ("runId" text, "stepId" text, attempt integer)
     WHERE steps.run_id = t."runId" AND steps.id = t."stepId" AND steps.published_attempt < t.attempt`, [JSON.stringify(tasks)]);
}

/** The mark never jumps over a gap: two coordinators may publish events of one run at once, and one of them may fail. */
export async function markEventsPublished(sql: Sql, events: readonly PublishedEvents[]): Promise<void> {
  await sql.query(
    `UPDATE runs SET published_seq = e."to"
     FROM json_to_recordset($1) AS e ("runId" text, "from" integer, "to" integer)
     WHERE runs.id = e."runId" AND runs.published_seq >= e."from" - 1 AND runs.published_seq < e."to"`, [JSON.stringify(events)]);
}

interface UnpublishedTask { runId: string; pipelineHash: string; repository: string; ref?: string; params: Params; step: StepState }

/** Dispatched steps whose task has not reached the bus as far as anybody knows, oldest first. */
export async function unpublishedTasks(sql: Sql, limit: number): Promise<UnpublishedTask[]> {
  const rows: Array<Omit<UnpublishedTask, 'step'> & StepState> = await sql.query(
    `SELECT s.*, runs.id AS "runId", runs.pipeline_hash AS "pipelineHash", runs.repository, runs.ref, runs.params
     FROM (
       SELECT run_id, ${STEP_COLUMNS} FROM steps WHERE status = 'dispatched' AND published_attempt < attempt AND changed_at < clock_timestamp() - ${SETTLING} ORDER BY changed_at LIMIT $1
     ) AS s JOIN runs ON runs.id = s.run_id`, [limit]);
  return rows.map((row) => {
    const { runId, pipelineHash, repository, ref, params, ...step } = present(row);
    return { runId, pipelineHash, repository, ref, params, step };
  });
}

/** Events that have not reached the bus as far as anybody knows, in the order of each run. */
export async function unpublishedEvents(sql: Sql, limit: number): Promise<RunEvent[]> {
  const rows: Array<{ event: RunEvent }> = await sql.query(
    `SELECT event FROM runs JOIN events ON events.run_id = runs.id AND events.seq > runs.published_seq
     WHERE runs.published_seq < runs.seq AND (event ->> 'at')::timestamptz < clock_timestamp() - ${SETTLING} ORDER BY run_id, events.seq LIMIT $1`, [limit]);
  return rows.map((row) => row.event);
}

/** Steps whose timer is due, the oldest first. */
export async function dueTimers(sql: Sql, limit: number): Promise<Array<{ runId: string; stepId: string }>> {
  return sql.query('SELECT run_id AS "runId", id AS "stepId" FROM steps WHERE wake_at <= clock_timestamp() ORDER BY wake_at LIMIT $1', [limit]);
}

/** Steps that stand first in the queue of their lock and still wait: whoever released it died before waking them. */
export async function overlookedHolders(sql: Sql, limit: number): Promise<LockPlace[]> {
  return sql.query(
    `SELECT l.name, l.run_id AS "runId", l.step_id AS "stepId"
     FROM (SELECT DISTINCT ON (name) name, run_id, step_id FROM locks ORDER BY name, ticket) AS l
     JOIN steps ON steps.run_id = l.run_id AND steps.id = l.step_id AND steps.status = 'blocked' LIMIT $1`, [limit]);
}

/** Proves that this database takes writes: a standby or a full disk answers pings. */
export async function proveWritable(sql: Sql): Promise<void> {
  await sql.query('INSERT INTO health (id, checked_at) VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at');
}
