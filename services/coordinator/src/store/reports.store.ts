import type { Pool } from 'pg';
import type { RunStatus } from '#contracts';

/** A run that people at a forge are told of. */
export interface Reported {
  readonly runId: string;
  readonly repository: string;
  /** What started it. */
  readonly cause: string;
  /** The commit that its check is at. */
  readonly commit: string;
  /** Where somebody asked for it with a comment. */
  readonly pullRequest: number | null;
  /** What was told last, in short, and the run that did. */
  readonly told: string | null;
  readonly toldBy: string | null;
}

const FIELDS = `run_id AS "runId", repository, cause, commit, pull_request AS "pullRequest", told, told_by AS "toldBy"`;
/** So long after so many looks that found nothing new. */
const PAUSE = `make_interval(secs => least(60, power(2, least(looks, 6))))`;

/** The same run again changes nothing, but that somebody who asks with a comment is told there as well. */
export async function addReported(pool: Pool, { runId, repository, cause, commit, pullRequest }: Omit<Reported, 'told' | 'toldBy'>): Promise<void> {
  await pool.query(
    `INSERT INTO reports (run_id, repository, cause, commit, pull_request, looks, look_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, clock_timestamp(), clock_timestamp()) ON CONFLICT DO NOTHING`,
    [runId, repository, cause, commit, pullRequest]);
}

/** How many runs of a repository were started by this cause in the last 24 hours. */
export async function startedToday(pool: Pool, repository: string, cause: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::integer AS count FROM reports WHERE repository = $1 AND cause = $2 AND created_at > clock_timestamp() - interval '24 hours'`, [repository, cause]);
  return rows[0]?.count ?? 0;
}

export async function dueReports(pool: Pool, limit: number): Promise<Reported[]> {
  return (await pool.query<Reported>(`SELECT ${FIELDS} FROM reports WHERE look_at <= clock_timestamp() ORDER BY look_at LIMIT $1`, [limit])).rows;
}

/** Nothing new: the next look is later than this one was. */
export async function lookLater(pool: Pool, runIds: readonly string[]): Promise<void> {
  await pool.query(`UPDATE reports SET looks = looks + 1, look_at = clock_timestamp() + ${PAUSE} WHERE run_id = ANY($1) AND look_at IS NOT NULL`, [runIds]);
}

export async function noteTold(pool: Pool, runId: string, told: string, toldBy: string): Promise<void> {
  await pool.query(`UPDATE reports SET told = $2, told_by = $3, looks = 0, look_at = clock_timestamp() + interval '1 second' WHERE run_id = $1`, [runId, told, toldBy]);
}

/** The end was told. */
export async function closeReports(pool: Pool, runIds: readonly string[]): Promise<void> {
  await pool.query('UPDATE reports SET look_at = NULL WHERE run_id = ANY($1)', [runIds]);
}

export interface RunOfRepository { readonly runId: string; readonly status: RunStatus; readonly ref: string | null }

/** Runs of a pipeline on a repository, the newest first; those that have not ended alone when `open`. */
export async function runsOf(pool: Pool, repository: string, pipeline: string, { open, limit }: { open: boolean; limit: number }): Promise<RunOfRepository[]> {
  return (await pool.query<RunOfRepository>(
    `SELECT runs.id AS "runId", status, ref FROM runs JOIN pipelines ON hash = pipeline_hash
     WHERE repository = $1 AND name = $2 AND ($3 OR finished_at IS NULL) ORDER BY runs.id DESC LIMIT $4`, [repository, pipeline, !open, limit])).rows;
}
