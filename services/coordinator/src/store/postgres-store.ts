import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { eventsOf, type Limit, type RunEvents } from '#contracts';
import { nameOf, type Admission, type Place, type PlacedTask, type WindowedStart } from '../admission.js';
import { toldJson } from '../engine/draft.js';
import type { RunState, StepState } from '../engine/run-state.js';
import { admitStarts, forgetPlaces, forgetStarts, occupyPlaces, readLimits } from './limits.store.js';
import { Rows } from './rows.js';
import { transaction } from './transaction.js';
import { Conflict, SagaStore, type Changes, type Committed, type LockPlace, type OutboxEntry, type StoredRun } from './saga-store.js';

/**
 * Every statement of the saga, each for a whole batch, so that the number of round trips does not grow with it. Times are the database's, in milliseconds.
 * A batch without locks is one statement, and so a transaction of its own: nothing is held open while this process does something else.
 */

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;
const time = (column: string): string => `to_timestamp(${column} / 1000.0)`;
/** Younger than this belongs to the process that has just committed it. */
const SETTLING = `interval '5 seconds'`;
/** A coordinator that was heard of within this time keeps what it has in the outbox. */
const ALIVE = `interval '10 seconds'`;
/** SQLSTATE classes: another writer was first (serialization, deadlock). */
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01']);

/**
 * `pullwright_require` breaks the statement off with 40001 when a count is not what it should be, and with it everything that the statement has written.
 * Rows of `runs` are inserted or updated first to last in one statement with their steps and events: their row locks keep every other writer of these runs waiting until the commit.
 */
const CREATED = new Rows({
  id: 'text', hash: 'text', repository: 'text', ref: 'text', params: 'json', status: 'text', ending: 'text', failure: 'json', lastRetry: 'text', by: 'text', key: 'text', requestHash: 'text',
  seq: 'int4', updatedAt: 'float8', finishedAt: 'float8', cache: 'bool', tenant: 'text', priority: 'int4',
});
const MOVED = new Rows({ id: 'text', version: 'int4', status: 'text', ending: 'text', failure: 'json', lastRetry: 'text', seq: 'int4', updatedAt: 'float8', finishedAt: 'float8' });
const STEPS = new Rows({
  runId: 'text', stepId: 'text', position: 'int4', agent: 'text', status: 'text', attempt: 'int4', tries: 'int4', inputs: 'json', outputs: 'json', facts: 'json', failure: 'json', elements: 'int4',
  locked: 'bool', wakeAt: 'float8', startedAt: 'float8', finishedAt: 'float8',
});
const EVENTS = new Rows({ runId: 'text', seq: 'int4', events: 'json' });
/** The numbers of the parameters: those of one row after the other. */
const AT = { created: 1, moved: 1 + CREATED.width, steps: 1 + CREATED.width + MOVED.width, events: 1 + CREATED.width + MOVED.width + STEPS.width, rest: 1 + CREATED.width + MOVED.width + STEPS.width + EVENTS.width };

const COMMIT = `
WITH created AS (
  INSERT INTO runs (id, pipeline_hash, repository, ref, params, status, ending, failure, last_retry, requested_by, idempotency_key, request_hash, seq, version, created_at, updated_at, finished_at, cache, tenant, priority)
  SELECT id, hash, repository, ref, params, status, ending, failure, "lastRetry", "by", key, "requestHash", seq, 1, ${time('"updatedAt"')}, ${time('"updatedAt"')}, ${time('"finishedAt"')}, cache, tenant, priority
  FROM ${CREATED.from('r', AT.created)}
  ON CONFLICT DO NOTHING RETURNING 1
), moved AS (
  UPDATE runs SET status = r.status, ending = r.ending, failure = r.failure, last_retry = r."lastRetry", seq = r.seq, version = r.version + 1,
    updated_at = ${time('r."updatedAt"')}, finished_at = ${time('r."finishedAt"')}
  FROM ${MOVED.from('r', AT.moved)}
  WHERE runs.id = r.id AND runs.version = r.version RETURNING 1
), written AS (
  INSERT INTO steps (run_id, id, position, agent, status, attempt, tries, inputs, outputs, facts, failure, elements, locked, wake_at, started_at, finished_at)
  SELECT "runId", "stepId", position, agent, status, attempt, tries, inputs, outputs, facts, failure, elements, locked, ${time('"wakeAt"')}, ${time('"startedAt"')}, ${time('"finishedAt"')}
  FROM ${STEPS.from('s', AT.steps)}
  ON CONFLICT (run_id, id) DO UPDATE SET position = excluded.position, status = excluded.status, attempt = excluded.attempt, tries = excluded.tries, inputs = excluded.inputs,
    outputs = excluded.outputs, facts = excluded.facts, failure = excluded.failure, elements = excluded.elements, locked = excluded.locked, wake_at = excluded.wake_at,
    started_at = excluded.started_at, finished_at = excluded.finished_at
), told AS (
  INSERT INTO events (run_id, seq, events) SELECT "runId", seq, events FROM ${EVENTS.from('e', AT.events)}
), noted AS (
  INSERT INTO outbox (tasks, events, owner) SELECT $${AT.rest}::json, $${AT.rest + 1}::json, $${AT.rest + 5}::text WHERE $${AT.rest} IS NOT NULL RETURNING id
), forgotten AS (
  DELETE FROM outbox WHERE id = ANY($${AT.rest + 2}::bigint[])
)
SELECT (SELECT id FROM noted) AS entry, pullwright_require((SELECT count(*) FROM created) = $${AT.rest + 3} AND (SELECT count(*) FROM moved) = $${AT.rest + 4})`;

const STEP_COLUMNS = `position, agent, status, attempt, tries, inputs, outputs, facts, failure, elements, locked,
  ${ms('wake_at')} AS "wakeAt", ${ms('started_at')} AS "startedAt", ${ms('finished_at')} AS "finishedAt"`;

type Sql = Pick<Pool, 'query'>;

export class PostgresStore extends SagaStore {
  /** Entries of the outbox that are done with, to be deleted by the next commit. */
  private done: string[] = [];

  /** `owner`: names this coordinator. */
  constructor(private readonly pool: Pool, private readonly owner: string = randomUUID()) { super(); }

  async now(): Promise<number> {
    const { rows } = await this.pool.query<{ now: number }>({ name: 'now', text: `SELECT floor(${ms('clock_timestamp()')}) AS now` });
    return (rows[0] as { now: number }).now;
  }

  async load(runIds: readonly string[]): Promise<Map<string, StoredRun>> {
    // One statement, so that a run and its steps are of one version.
    const { rows } = await this.pool.query<Omit<RunState, 'steps'> & { pipelineHash: string; version: number; steps: StepState[] | null }>({
      name: 'load', text: `
        SELECT id AS "runId", pipeline_hash AS "pipelineHash", repository, ref, params, cache, tenant, priority, status, ending, failure, last_retry AS "lastRetry", seq, version,
          ${ms('updated_at')} AS "updatedAt", ${ms('finished_at')} AS "finishedAt",
          (SELECT json_agg(s ORDER BY position) FROM (SELECT id AS "stepId", ${STEP_COLUMNS} FROM steps WHERE run_id = runs.id) AS s) AS steps
        FROM runs WHERE id = ANY($1)`,
      values: [runIds],
    });
    return new Map(rows.map(({ pipelineHash, version, steps, ...run }) => [run.runId, { pipelineHash, version, run: { ...present(run), steps: new Map((steps ?? []).map((step) => [step.stepId, present(step)])) } }]));
  }

  async byIdempotencyKey(keys: readonly string[]): Promise<Map<string, { runId: string; requestHash: string }>> {
    const { rows } = await this.pool.query<{ key: string; runId: string; requestHash: string }>(
      'SELECT idempotency_key AS key, id AS "runId", request_hash AS "requestHash" FROM runs WHERE idempotency_key = ANY($1)', [keys]);
    return new Map(rows.map((row) => [row.key, row]));
  }

  async pipelines(hashes: readonly string[]): Promise<Array<{ hash: string; definition: unknown }>> {
    return (await this.pool.query<{ hash: string; definition: unknown }>('SELECT hash, definition FROM pipelines WHERE hash = ANY($1)', [hashes])).rows;
  }

  async commit(changes: Changes): Promise<Committed> {
    const done = this.done;
    this.done = [];
    const queues = [...new Set([...changes.leaving, ...changes.joining].map(({ name }) => name))];
    try {
      if (queues.length === 0) return { entry: await this.write(this.pool, changes, done), first: [] };
      return await transaction(this.pool, async (sql) => {
        await lockQueues(sql, queues);
        const entry = await this.write(sql, changes, done);
        await leaveQueues(sql, changes.leaving);
        await joinQueues(sql, changes.joining);
        return { entry, first: await firstOf(sql, queues) };
      });
    } catch (error) {
      this.done.push(...done);
      if (CONFLICTS.has(sqlState(error) ?? '')) throw new Conflict(undefined, { cause: error });
      throw error;
    }
  }

  async first(names: readonly string[]): Promise<LockPlace[]> { return firstOf(this.pool, names); }

  published(entries: readonly string[]): void { this.done.push(...entries); }

  async unpublished(limit: number, held: readonly string[]): Promise<OutboxEntry[]> {
    const done = this.done;
    this.done = [];
    try {
      if (done.length > 0) await this.pool.query('DELETE FROM outbox WHERE id = ANY($1)', [done]);
    } catch (error) {
      this.done.push(...done);
      throw error;
    }
    const { rows } = await this.pool.query<{ entry: string; again: boolean; dispatched: Array<OutboxEntry['dispatched'][number]> | null; events: RunEvents[] | null }>(
      `WITH taken AS (
         UPDATE outbox SET owner = $2 WHERE id IN (
           SELECT id FROM outbox WHERE at < clock_timestamp() - ${SETTLING} AND id <> ALL ($3::bigint[])
             AND (owner IS NULL OR owner = $2 OR NOT EXISTS (SELECT FROM coordinators WHERE coordinators.id = outbox.owner AND seen_at > clock_timestamp() - ${ALIVE}))
           ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING *)
       SELECT outbox.id AS entry, again,
         (SELECT json_agg(json_build_object('runId', runs.id, 'pipelineHash', pipeline_hash, 'repository', repository, 'ref', ref, 'params', params, 'cache', cache, 'tenant', tenant, 'priority', priority, 'step', row_to_json(s)))
          FROM json_to_recordset(outbox.tasks) AS t ("runId" text, "stepId" text, attempt integer)
          JOIN LATERAL (SELECT id AS "stepId", ${STEP_COLUMNS} FROM steps WHERE run_id = t."runId" AND id = t."stepId" AND status = 'dispatched' AND steps.attempt = t.attempt) AS s ON true
          JOIN runs ON runs.id = t."runId") AS dispatched,
         (SELECT json_agg(events.events ORDER BY events.run_id, events.seq) FROM json_to_recordset(outbox.events) AS e ("runId" text, seq integer)
          JOIN events ON events.run_id = e."runId" AND events.seq = e.seq) AS events
       FROM taken AS outbox ORDER BY id`, [limit, this.owner, held]);
    return rows.map(({ entry, again, dispatched, events }) => ({ entry, again, dispatched: (dispatched ?? []).map((row) => ({ ...present(row), step: present(row.step) })), events: (events ?? []).map(eventsOf) }));
  }

  async dueTimers(limit: number): Promise<Array<{ runId: string; stepId: string }>> {
    return (await this.pool.query<{ runId: string; stepId: string }>({
      name: 'due', text: 'SELECT run_id AS "runId", id AS "stepId" FROM steps WHERE wake_at <= clock_timestamp() ORDER BY wake_at LIMIT $1', values: [limit],
    })).rows;
  }

  async overlookedHolders(limit: number): Promise<LockPlace[]> {
    return (await this.pool.query<LockPlace>(
      `SELECT l.name, l.run_id AS "runId", l.step_id AS "stepId"
       FROM (SELECT DISTINCT ON (name) name, run_id, step_id FROM locks ORDER BY name, ticket) AS l
       JOIN steps ON steps.run_id = l.run_id AND steps.id = l.step_id AND steps.status = 'blocked' LIMIT $1`, [limit])).rows;
  }

  async limits(): Promise<Limit[]> { return readLimits(this.pool); }

  async admit(starts: readonly WindowedStart[]): Promise<Admission[]> {
    return transaction(this.pool, async (sql) => {
      await lockQueues(sql, starts.flatMap(({ windows }) => windows.map(nameOf)));
      return admitStarts(sql, starts);
    });
  }

  async forgetStarts(olderThanSeconds: number): Promise<void> {
    await forgetStarts(this.pool, olderThanSeconds);
    await forgetPlaces(this.pool);
  }

  async occupy(tasks: readonly PlacedTask[]): Promise<Place[][]> {
    return transaction(this.pool, async (sql) => {
      await lockQueues(sql, tasks.flatMap(({ places }) => places.map(nameOf)));
      return occupyPlaces(sql, tasks);
    });
  }

  async renewTimers(steps: ReadonlyArray<{ runId: string; stepId: string; attempt: number; ms: number }>): Promise<void> {
    await this.pool.query(
      `UPDATE steps SET wake_at = clock_timestamp() + make_interval(secs => s.ms / 1000.0) FROM json_to_recordset($1) AS s ("runId" text, "stepId" text, attempt integer, ms bigint)
       WHERE run_id = s."runId" AND id = s."stepId" AND status = 'dispatched' AND steps.attempt = s.attempt`, [JSON.stringify(steps)]);
  }

  async beat(): Promise<void> {
    await this.pool.query({ name: 'beat', text: 'INSERT INTO coordinators (id, seen_at) VALUES ($1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at', values: [this.owner] });
  }

  /** With those who died and could not say so. */
  async retire(): Promise<void> { await this.pool.query(`DELETE FROM coordinators WHERE id = $1 OR seen_at < clock_timestamp() - ${ALIVE}`, [this.owner]); }

  /** Returns the entry in the outbox. */
  private async write(sql: Sql, { runs, tasks }: Changes, done: readonly string[]): Promise<string | undefined> {
    const created = runs.flatMap(({ created: start, run }) => (start ? [{
      id: run.runId, hash: start.pipelineHash, repository: start.repository, ref: start.ref, params: start.params, by: start.requestedBy, key: start.idempotency?.key, requestHash: start.idempotency?.requestHash, cache: start.cache, tenant: start.tenant, priority: start.priority,
      status: run.status, ending: run.ending, failure: run.failure, lastRetry: run.lastRetry, seq: run.seq, updatedAt: run.updatedAt, finishedAt: run.finishedAt,
    }] : []));
    const moved = runs.flatMap(({ created: start, run, version }) => (start ? [] : [{
      id: run.runId, version, status: run.status, ending: run.ending, failure: run.failure, lastRetry: run.lastRetry, seq: run.seq, updatedAt: run.updatedAt, finishedAt: run.finishedAt,
    }]));
    const steps = runs.flatMap(({ run, steps: changed }) => changed.map((step) => ({ ...step, runId: run.runId })));
    const events = runs.flatMap(({ run, events: groups }) => groups.map((group) => ({ runId: run.runId, seq: group.at(-1)?.seq, events: toldJson(group) })));
    const noted = tasks.length + events.length > 0;
    const { rows } = await sql.query<{ entry: string | null }>({
      name: 'commit', text: COMMIT,
      values: [
        ...CREATED.values(created), ...MOVED.values(moved), ...STEPS.values(steps), ...EVENTS.values(events),
        noted ? JSON.stringify(tasks.map(({ runId, stepId, attempt }) => ({ runId, stepId, attempt }))) : null, JSON.stringify(events.map(({ runId, seq }) => ({ runId, seq }))),
        done, created.length, moved.length, this.owner,
      ],
    });
    return rows[0]?.entry ?? undefined;
  }

}

/** SQL's null is `undefined` in the engine. */
function present<T extends object>(row: T): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T;
}

/** The five characters of SQLSTATE, or `undefined` when the server did not answer. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5 ? error.code : undefined;
}

/** One writer at a time per queue, until the transaction ends: tickets are committed in the order they were drawn. */
async function lockQueues(sql: Sql, names: readonly string[]): Promise<void> {
  await sql.query(`SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS name ORDER BY key) AS keys`, [names]);
}

async function leaveQueues(sql: Sql, places: readonly LockPlace[]): Promise<void> {
  if (places.length > 0) await sql.query(
    `DELETE FROM locks USING json_to_recordset($1) AS p ("runId" text, "stepId" text) WHERE locks.run_id = p."runId" AND locks.step_id = p."stepId"`, [JSON.stringify(places)]);
}

async function joinQueues(sql: Sql, places: readonly LockPlace[]): Promise<void> {
  if (places.length > 0) await sql.query(
    `INSERT INTO locks (name, run_id, step_id)
     SELECT value ->> 'name', value ->> 'runId', value ->> 'stepId' FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS p (value, n) ORDER BY n`, [JSON.stringify(places)]);
}

async function firstOf(sql: Sql, names: readonly string[]): Promise<LockPlace[]> {
  return (await sql.query<LockPlace>('SELECT DISTINCT ON (name) name, run_id AS "runId", step_id AS "stepId" FROM locks WHERE name = ANY($1) ORDER BY name, ticket', [names])).rows;
}
