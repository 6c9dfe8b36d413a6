import type { DataSource, EntityManager } from 'typeorm';
import type { Pipeline, RunEvent, StartRun } from '#contracts';
import type { RunState, StepState } from '../engine/run-state.js';

/**
 * Every statement that writes runs, or reads them in order to write: one function per statement, each for a whole batch, so that the number of
 * round trips does not grow with the batch. Rows travel as one JSON parameter. Times are the database's, in milliseconds.
 *
 * Order of locks, the same everywhere so that no two transactions wait for each other in a circle: pipelines, idempotency keys, runs by id, queues of locks by key.
 * A run's steps, events and places in queues are only written by who has locked the run's row.
 */
export type Sql = Pick<EntityManager, 'query'>;

export interface LockPlace { name: string; runId: string; stepId: string }

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;
const time = (column: string): string => `to_timestamp(${column} / 1000.0)`;
const NOW = 'clock_timestamp()';

/** READ COMMITTED (set for the connection): after waiting for a row lock a statement sees what the other has committed. Repeats what the server has broken off (deadlock, serialization). */
export async function transaction<T>(database: DataSource, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let left = 3; ; left--) {
    try {
      return await database.transaction(work);
    } catch (error) {
      if (left === 0 || !['40001', '40P01'].includes(sqlState(error) ?? '')) throw error;
    }
  }
}

/** The five characters of SQLSTATE, or `undefined` when the server did not answer. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof Error && 'driverError' in error ? error.driverError : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.length === 5 ? cause.code : undefined;
}

/** Known hashes stay as they are. */
export async function pinPipelines(sql: Sql, pipelines: ReadonlyArray<{ hash: string; definition: Pipeline }>): Promise<void> {
  await sql.query(
    `INSERT INTO pipelines (hash, name, version, definition)
     SELECT hash, definition ->> 'name', (definition ->> 'version')::integer, definition
     FROM json_to_recordset($1) AS p (hash text, definition json) ORDER BY hash
     ON CONFLICT DO NOTHING`, [JSON.stringify(pipelines)]);
}

export async function loadPipelines(sql: Sql, hashes: readonly string[]): Promise<Array<{ hash: string; definition: unknown }>> {
  return sql.query('SELECT hash, definition FROM pipelines WHERE hash = ANY($1)', [hashes]);
}

export type NewRun = StartRun & { pipelineHash: string };

/** Rows without steps; a run whose id or idempotency key is taken is left out. */
export async function insertRuns(sql: Sql, runs: readonly NewRun[]): Promise<void> {
  const rows = runs.map((run) => ({
    id: run.runId, pipeline_hash: run.pipelineHash, repository: run.repository, ref: run.ref, params: run.params, requested_by: run.requestedBy,
    idempotency_key: run.idempotency?.key, request_hash: run.idempotency?.requestHash,
  }));
  await sql.query(
    `INSERT INTO runs (id, pipeline_hash, repository, ref, params, status, requested_by, idempotency_key, request_hash, seq, published_seq, created_at, updated_at)
     SELECT id, pipeline_hash, repository, ref, params, 'running', requested_by, idempotency_key, request_hash, 0, 0, ${NOW}, ${NOW}
     FROM json_to_recordset($1) AS r (id text, pipeline_hash text, repository text, ref text, params jsonb, requested_by text, idempotency_key text, request_hash text)
     ORDER BY idempotency_key, id
     ON CONFLICT DO NOTHING`, [JSON.stringify(rows)]);
}

export async function findByIdempotencyKey(sql: Sql, keys: readonly string[]): Promise<Map<string, { runId: string; requestHash: string }>> {
  const rows: Array<{ key: string; runId: string; requestHash: string }> = await sql.query(
    'SELECT idempotency_key AS key, id AS "runId", request_hash AS "requestHash" FROM runs WHERE idempotency_key = ANY($1)', [keys]);
  return new Map(rows.map((row) => [row.key, row]));
}

interface LockedRun { run: RunState; pipelineHash: string; at: number }

interface RunRow extends Omit<RunState, 'steps'> { pipelineHash: string; at: number }

/** Locks the rows in id order, so that two batches cannot wait for each other in a circle, and reads the steps. Unknown ids are missing from the answer. */
export async function lockRuns(sql: Sql, runIds: readonly string[]): Promise<Map<string, LockedRun>> {
  const rows: RunRow[] = await sql.query(
    `SELECT id AS "runId", pipeline_hash AS "pipelineHash", repository, ref, params, status, ending, failure, last_retry AS "lastRetry", seq,
       ${ms('updated_at')} AS "updatedAt", ${ms('finished_at')} AS "finishedAt", floor(${ms(NOW)}) AS at
     FROM runs WHERE id = ANY($1) ORDER BY id FOR UPDATE`, [runIds]);
  const steps = await loadSteps(sql, rows.map((row) => row.runId));
  return new Map(rows.map(({ pipelineHash, at, ...run }) => [run.runId, { run: { ...present(run), steps: steps.get(run.runId) ?? new Map() }, pipelineHash, at }]));
}

async function loadSteps(sql: Sql, runIds: readonly string[]): Promise<Map<string, Map<string, StepState>>> {
  const rows: Array<StepState & { runId: string }> = await sql.query(`SELECT run_id AS "runId", ${STEP_COLUMNS} FROM steps WHERE run_id = ANY($1) ORDER BY run_id, position`, [runIds]);
  const runs = new Map<string, Map<string, StepState>>();
  for (const { runId, ...step } of rows) {
    const steps = runs.get(runId) ?? new Map<string, StepState>();
    runs.set(runId, steps.set(step.stepId, present(step)));
  }
  return runs;
}

/** A row of `steps` as a `StepState`. */
export const STEP_COLUMNS = `id AS "stepId", position, agent, status, attempt, tries, inputs, outputs, facts, failure, elements, locked,
  ${ms('wake_at')} AS "wakeAt", ${ms('started_at')} AS "startedAt", ${ms('finished_at')} AS "finishedAt"`;

/** SQL's null is `undefined` in the engine. */
export function present<T extends object>(row: T): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T;
}

/** Without the steps. */
export async function updateRuns(sql: Sql, runs: readonly RunState[]): Promise<void> {
  await sql.query(
    `UPDATE runs SET status = r.status, ending = r.ending, failure = r.failure, last_retry = r."lastRetry", seq = r.seq, updated_at = ${time('r."updatedAt"')}, finished_at = ${time('r."finishedAt"')}
     FROM json_to_recordset($1) AS r ("runId" text, status text, ending text, failure jsonb, "lastRetry" text, seq integer, "updatedAt" float8, "finishedAt" float8)
     WHERE runs.id = r."runId"`, [JSON.stringify(runs)]);
}

export async function upsertSteps(sql: Sql, steps: ReadonlyArray<StepState & { runId: string; changedAt: number }>): Promise<void> {
  await sql.query(
    `INSERT INTO steps (run_id, id, position, agent, status, attempt, tries, inputs, outputs, facts, failure, elements, locked, wake_at, started_at, finished_at, changed_at)
     SELECT "runId", "stepId", position, agent, status, attempt, tries, inputs, outputs, facts, failure, elements, locked,
       ${time('"wakeAt"')}, ${time('"startedAt"')}, ${time('"finishedAt"')}, ${time('"changedAt"')}
     FROM json_to_recordset($1) AS s ("runId" text, "stepId" text, position integer, agent text, status text, attempt integer, tries integer, inputs jsonb, outputs jsonb,
       facts jsonb, failure jsonb, elements integer, locked boolean, "wakeAt" float8, "startedAt" float8, "finishedAt" float8, "changedAt" float8)
     ON CONFLICT (run_id, id) DO UPDATE SET position = excluded.position, status = excluded.status, attempt = excluded.attempt, tries = excluded.tries, inputs = excluded.inputs,
       outputs = excluded.outputs, facts = excluded.facts, failure = excluded.failure, elements = excluded.elements, locked = excluded.locked, wake_at = excluded.wake_at,
       started_at = excluded.started_at, finished_at = excluded.finished_at, changed_at = excluded.changed_at`, [JSON.stringify(steps)]);
}

export async function insertEvents(sql: Sql, events: readonly RunEvent[]): Promise<void> {
  await sql.query(
    `INSERT INTO events (run_id, seq, event) SELECT event ->> 'runId', (event ->> 'seq')::integer, event FROM jsonb_array_elements($1::jsonb) AS event`, [JSON.stringify(events)]);
}

/** One writer at a time per queue, until the transaction ends: tickets are committed in the order they were drawn. */
export async function lockQueues(sql: Sql, names: readonly string[]): Promise<void> {
  await sql.query(
    `SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS name ORDER BY key) AS keys`, [names]);
}

export async function leaveQueues(sql: Sql, places: readonly LockPlace[]): Promise<void> {
  await sql.query(
    `DELETE FROM locks USING json_to_recordset($1) AS p ("runId" text, "stepId" text) WHERE locks.run_id = p."runId" AND locks.step_id = p."stepId"`, [JSON.stringify(places)]);
}

export async function joinQueues(sql: Sql, places: readonly LockPlace[]): Promise<void> {
  await sql.query(
    `INSERT INTO locks (name, run_id, step_id)
     SELECT value ->> 'name', value ->> 'runId', value ->> 'stepId' FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS p (value, n) ORDER BY n`, [JSON.stringify(places)]);
}

/** Who holds each of these locks now. */
export async function holders(sql: Sql, names: readonly string[]): Promise<LockPlace[]> {
  return sql.query('SELECT DISTINCT ON (name) name, run_id AS "runId", step_id AS "stepId" FROM locks WHERE name = ANY($1) ORDER BY name, ticket', [names]);
}
