import type { Pool } from 'pg';
import type { FailureFact, ScheduleRequest } from '#contracts';

export interface DueSchedule extends ScheduleRequest { dueAt: number; now: number }

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;
const time = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000.0)`;

/** The same id again changes nothing. */
export async function addSchedule(pool: Pool, { scheduleId, cron, timeZone, pipeline, repository, ref, params, cache, tenant, priority, requestedBy }: ScheduleRequest, nextAt: number): Promise<void> {
  await pool.query(
    `INSERT INTO schedules (id, cron, time_zone, pipeline, repository, ref, params, cache, requested_by, tenant, priority, created_at, next_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, clock_timestamp(), ${time('$10')}) ON CONFLICT DO NOTHING`,
    [scheduleId, cron, timeZone, pipeline, repository, ref, JSON.stringify(params), cache, requestedBy, nextAt, tenant, priority]);
}

/** Whether there was one. */
export async function removeSchedule(pool: Pool, scheduleId: string): Promise<boolean> {
  return (await pool.query('DELETE FROM schedules WHERE id = $1', [scheduleId])).rowCount === 1;
}

/** Those whose time has come by the database's clock, the longest due first. */
export async function dueSchedules(pool: Pool, limit: number): Promise<DueSchedule[]> {
  return (await pool.query<DueSchedule>(
    `SELECT id AS "scheduleId", cron, time_zone AS "timeZone", pipeline, repository, ref, params, cache, tenant, priority, requested_by AS "requestedBy", ${ms('next_at')} AS "dueAt", floor(${ms('clock_timestamp()')}) AS now
     FROM schedules WHERE next_at <= clock_timestamp() ORDER BY next_at LIMIT $1`, [limit])).rows;
}

/** The occurrence is done with; does nothing when another coordinator was first. */
export async function advanceSchedule(pool: Pool, scheduleId: string, done: { dueAt: number; occurredAt: number; nextAt: number; runId?: string; failure?: FailureFact }): Promise<void> {
  await pool.query(
    `UPDATE schedules SET next_at = ${time('$3')}, last_at = ${time('$4')}, last_run_id = $5, last_failure = $6 WHERE id = $1 AND next_at = ${time('$2')}`,
    [scheduleId, done.dueAt, done.nextAt, done.occurredAt, done.runId, done.failure && JSON.stringify(done.failure)]);
}
