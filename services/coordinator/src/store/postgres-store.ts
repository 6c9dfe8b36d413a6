import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Limit } from '#contracts';
import { nameOf, type Admission, type Place, type PlacedTask, type WindowedStart } from '../admission.js';
import { eventsJson } from '../engine/draft.js';
import type { RunState } from '../engine/run-state.js';
import { admitStarts, forgetPlaces, forgetStarts, nameOfAttempt, occupyPlaces, readLimits, type Attempt } from './limits.store.js';
import { eventsIn, stepsJson, stepsOf, type LogRow } from './log.js';
import { Rows } from './rows.js';
import { transaction } from './transaction.js';
import { Conflict, SagaStore, type Changes, type Committed, type LaterCheck, type LockPlace, type OutboxEntry, type StoredRun } from './saga-store.js';

/**
 * Every statement of the saga, each for a whole batch, so that the number of round trips does not grow with it. Times are the database's, in milliseconds.
 * A batch without locks is one statement, and so a transaction of its own: nothing is held open while this process does something else.
 */

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;
/** Younger than this belongs to the process that has just committed it. */
const SETTLING = `interval '5 seconds'`;
/** A coordinator that was heard of within this time keeps what it has in the outbox. */
const ALIVE = `interval '10 seconds'`;
/** SQLSTATE: another writer was first (serialization, deadlock). */
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01']);
/** Somebody has appended to the log of a run, has begun the run, or has begun one with the key. */
const TAKEN: ReadonlySet<string> = new Set(['log_pkey', 'runs_pkey', 'runs_idempotency_key']);
/** After so long without a word the database's time is asked for. */
const RECENT_MS = 250;

/**
 * Whoever appends to a log first takes the number of its next event; the second one's row is a unique violation, which breaks the statement off and with it everything that it has written.
 * `pullwright_require` does the same with 40001 when a log does not end where the run goes on: it has been removed, or the database has been put back.
 */
const CREATED = new Rows({
  id: 'text', hash: 'text', repository: 'text', ref: 'text', params: 'json', status: 'text', ending: 'text', failure: 'json', lastRetry: 'text', by: 'text', key: 'text', requestHash: 'text',
  at: 'timestamptz', finishedAt: 'timestamptz', checkAt: 'timestamptz', cache: 'bool', tenant: 'text', priority: 'int4',
});
const REWRITTEN = new Rows({ id: 'text', status: 'text', ending: 'text', failure: 'json', lastRetry: 'text', finishedAt: 'timestamptz', checkAt: 'timestamptz' });
const MOVED = new Rows({ id: 'text', from: 'int4' });
const LATER = new Rows({ runId: 'text', was: 'timestamptz', next: 'timestamptz' });
const LOG = new Rows({ runId: 'text', seq: 'int4', last: 'int4', at: 'timestamptz', events: 'text', steps: 'text' });
/** The numbers of the parameters: those of one row after the other. */
const AT = { created: 1, rewritten: 1 + CREATED.width, log: 1 + CREATED.width + REWRITTEN.width, rest: 1 + CREATED.width + REWRITTEN.width + LOG.width };

const COMMIT = `
WITH created AS (
  INSERT INTO runs (id, pipeline_hash, repository, ref, params, status, ending, failure, last_retry, requested_by, idempotency_key, request_hash, created_at, finished_at, check_at, cache, tenant, priority)
  SELECT id, hash, repository, ref, params, status, ending, failure, "lastRetry", "by", key, "requestHash", at, "finishedAt", "checkAt", cache, tenant, priority
  FROM ${CREATED.from('r', AT.created)}
), rewritten AS (
  UPDATE runs SET status = r.status, ending = r.ending, failure = r.failure, last_retry = r."lastRetry", finished_at = r."finishedAt", check_at = r."checkAt"
  FROM ${REWRITTEN.from('r', AT.rewritten)}
  WHERE runs.id = r.id
), told AS (
  INSERT INTO log (run_id, seq, last, at, events, steps) SELECT "runId", seq, last, at, events, steps FROM ${LOG.from('l', AT.log)}
), noted AS (
  INSERT INTO outbox (rows, owner) SELECT $${AT.rest}::text, $${AT.rest + 3}::text WHERE $${AT.rest} IS NOT NULL RETURNING id
), forgotten AS (
  DELETE FROM outbox WHERE id = ANY($${AT.rest + 1}::bigint[])
)
SELECT (SELECT id FROM noted) AS entry, floor(${ms('clock_timestamp()')}) AS now,
  pullwright_require((SELECT count(*) FROM ${MOVED.from('m', AT.rest + 4)} WHERE (SELECT last FROM log WHERE run_id = m.id ORDER BY seq DESC LIMIT 1) = m."from") = $${AT.rest + 2})`;

type Sql = Pick<Pool, 'query'>;

export class PostgresStore extends SagaStore {
  /** Entries of the outbox that are done with, to be deleted by the next commit. */
  private done: string[] = [];
  /** The database's time, and this process's when it came. */
  private lastHeard: { readonly there: number; readonly here: number } | undefined;

  /** `owner`: names this coordinator. */
  constructor(private readonly pool: Pool, private readonly owner: string = randomUUID()) { super(); }

  async now(): Promise<number> {
    const { rows } = await this.pool.query<{ now: number }>({ name: 'now', text: `SELECT floor(${ms('clock_timestamp()')}) AS now` });
    return this.heard((rows[0] as { now: number }).now);
  }

  recently(): number | undefined {
    const age = this.lastHeard ? performance.now() - this.lastHeard.here : Infinity;
    return this.lastHeard && age < RECENT_MS ? Math.floor(this.lastHeard.there + age) : undefined;
  }

  async load(runIds: readonly string[]): Promise<Map<string, StoredRun>> { return loadRuns(this.pool, runIds); }

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
      if (isConflict(error)) throw new Conflict(undefined, { cause: error });
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
    const { rows } = await this.pool.query<{ entry: string; again: boolean; rows: string }>(
      `WITH taken AS (
         UPDATE outbox SET owner = $2 WHERE id IN (
           SELECT id FROM outbox WHERE at < clock_timestamp() - ${SETTLING} AND id <> ALL ($3::bigint[])
             AND (owner IS NULL OR owner = $2 OR NOT EXISTS (SELECT FROM coordinators WHERE coordinators.id = outbox.owner AND seen_at > clock_timestamp() - ${ALIVE}))
           ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING *)
       SELECT id AS entry, again, rows FROM taken ORDER BY id`, [limit, this.owner, held]);
    return Promise.all(rows.map(async ({ rows: names, ...entry }) => ({ ...entry, ...entry.again ? await this.dispatchedOf(JSON.parse(names) as string[]) : await this.namedIn(JSON.parse(names) as Array<string | number>) })));
  }

  async dueRuns(limit: number): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>({ name: 'due', text: 'SELECT id FROM runs WHERE check_at <= clock_timestamp() ORDER BY check_at LIMIT $1', values: [limit] });
    return rows.map(({ id }) => id);
  }

  async checkLater(checks: readonly LaterCheck[]): Promise<void> {
    await this.pool.query({
      name: 'check later', text: `UPDATE runs SET check_at = c.next FROM ${LATER.from('c', 1)} WHERE runs.id = c."runId" AND runs.check_at = c.was`, values: LATER.values(checks),
    });
  }

  async overlookedHolders(limit: number): Promise<LockPlace[]> {
    const { rows } = await this.pool.query<LockPlace>('SELECT DISTINCT ON (name) name, run_id AS "runId", step_id AS "stepId" FROM locks ORDER BY name, ticket');
    const runs = await this.load(rows.map(({ runId }) => runId));
    return rows.filter(({ runId, stepId }) => runs.get(runId)?.run.steps.get(stepId)?.status === 'blocked').slice(0, limit);
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
    await forgetPlaces(this.pool, stillDispatched);
  }

  async occupy(tasks: readonly PlacedTask[]): Promise<Place[][]> {
    return transaction(this.pool, async (sql) => {
      await lockQueues(sql, tasks.flatMap(({ places }) => places.map(nameOf)));
      return occupyPlaces(sql, tasks, stillDispatched);
    });
  }

  async beat(): Promise<void> {
    await this.pool.query({ name: 'beat', text: 'INSERT INTO coordinators (id, seen_at) VALUES ($1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at', values: [this.owner] });
  }

  /** With those who died and could not say so. */
  async retire(): Promise<void> { await this.pool.query(`DELETE FROM coordinators WHERE id = $1 OR seen_at < clock_timestamp() - ${ALIVE}`, [this.owner]); }

  /** Returns the entry in the outbox. */
  private async write(sql: Sql, { runs }: Changes, done: readonly string[]): Promise<string | undefined> {
    const created = runs.flatMap(({ created: start, run, checkAt }) => (start ? [{
      id: run.runId, hash: start.pipelineHash, repository: start.repository, ref: start.ref, params: start.params, by: start.requestedBy, key: start.idempotency?.key, requestHash: start.idempotency?.requestHash, cache: start.cache, tenant: start.tenant, priority: start.priority,
      status: run.status, ending: run.ending, failure: run.failure, lastRetry: run.lastRetry, at: run.updatedAt, finishedAt: run.finishedAt, checkAt,
    }] : []));
    const rewritten = runs.flatMap(({ created: start, rewritten: is, run, checkAt }) => (is && !start ? [{
      id: run.runId, status: run.status, ending: run.ending, failure: run.failure, lastRetry: run.lastRetry, finishedAt: run.finishedAt, checkAt,
    }] : []));
    const moved = runs.flatMap(({ created: start, run, from }) => (start ? [] : [{ id: run.runId, from }]));
    const log = runs.flatMap(({ run, from, steps, events }) => events.map((group, index) => ({
      runId: run.runId, seq: index === 0 ? from + 1 : group[0]?.seq, last: group.at(-1)?.seq, at: run.updatedAt, events: eventsJson(group), steps: stepsJson(index === 0 ? steps : []),
    })));
    const { rows } = await sql.query<{ entry: string | null; now: number }>({
      name: 'commit', text: COMMIT,
      values: [
        ...CREATED.values(created), ...REWRITTEN.values(rewritten), ...LOG.values(log),
        log.length > 0 ? JSON.stringify(log.flatMap(({ runId, seq }) => [runId, seq])) : null, done, moved.length, this.owner, ...MOVED.values(moved),
      ],
    });
    if (rows[0]) this.heard(rows[0].now);
    return rows[0]?.entry ?? undefined;
  }

  private heard(there: number): number {
    this.lastHeard = { there, here: performance.now() };
    return there;
  }

  /** What rows of the log have told and dispatched, less the steps that have moved on since. `names`: run and `seq` in turn. */
  private async namedIn(names: ReadonlyArray<string | number>): Promise<Pick<OutboxEntry, 'dispatched' | 'events'>> {
    const keys = Array.from({ length: names.length / 2 }, (_, index) => ({ runId: String(names[index * 2]), seq: Number(names[index * 2 + 1]) }));
    const { rows } = await this.pool.query<LogRow & { steps: string }>(
      `SELECT run_id AS "runId", seq, at, events, steps FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS n (id, first, place) JOIN log ON run_id = id AND seq = first ORDER BY place`,
      [keys.map(({ runId }) => runId), keys.map(({ seq }) => seq)]);
    const attempts = new Set(rows.flatMap(({ runId, steps }) => [...stepsOf(steps).values()].map(({ stepId, attempt }) => `${runId} ${stepId} ${attempt}`)));
    const { dispatched } = await this.dispatchedOf(rows.map(({ runId }) => runId));
    return {
      dispatched: dispatched.filter(({ runId, step: { stepId, attempt } }) => attempts.has(`${runId} ${stepId} ${attempt}`)),
      events: rows.map(eventsIn).filter((events) => events.length > 0),
    };
  }

  /** Every step of these runs that waits for an agent. */
  private async dispatchedOf(runIds: readonly string[]): Promise<Pick<OutboxEntry, 'dispatched' | 'events'>> {
    const runs = await this.load(runIds);
    const dispatched = [...runs.values()].flatMap(({ run, pipelineHash }) => [...run.steps.values()].filter(({ status }) => status === 'dispatched').map((step) => {
      const { runId, repository, ref, params, cache, tenant, priority } = run;
      return { runId, repository, ref, params, cache, tenant, priority, pipelineHash, step };
    }));
    return { dispatched, events: [] };
  }
}

/** Those of these tasks whose step still waits for that attempt, as `nameOfAttempt`. */
async function stillDispatched(sql: Sql, tasks: readonly Attempt[]): Promise<ReadonlySet<string>> {
  const runs = await loadRuns(sql, [...new Set(tasks.map(({ runId }) => runId))]);
  return new Set(tasks.filter(({ runId, stepId, attempt }) => { const step = runs.get(runId)?.run.steps.get(stepId); return step?.status === 'dispatched' && step.attempt === attempt; }).map(nameOfAttempt));
}

/** One statement, so that a run and its log are of one moment. */
export async function loadRuns(sql: Sql, runIds: readonly string[]): Promise<Map<string, StoredRun>> {
  const { rows } = await sql.query<Omit<RunState, 'steps'> & { pipelineHash: string; checkAt: number | null; steps: string | null }>({
    name: 'load', text: `
      SELECT id AS "runId", pipeline_hash AS "pipelineHash", repository, ref, params, cache, tenant, priority, status, ending, failure, last_retry AS "lastRetry", l.seq, ${ms('l.at')} AS "updatedAt",
        ${ms('finished_at')} AS "finishedAt", ${ms('check_at')} AS "checkAt", l.steps
      FROM runs JOIN LATERAL (SELECT max(last) AS seq, max(at) AS at, string_agg(steps, ',' ORDER BY seq) FILTER (WHERE steps <> '[]') AS steps FROM log WHERE run_id = runs.id) AS l ON l.seq IS NOT NULL
      WHERE id = ANY($1)`,
    values: [runIds],
  });
  return new Map(rows.map(({ pipelineHash, checkAt, steps, ...run }) => [run.runId, { pipelineHash, checkAt: checkAt ?? undefined, run: { ...present(run), steps: stepsOf(steps) } }]));
}

/** SQL's null is `undefined` in the engine. */
function present<T extends object>(row: T): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T;
}

function isConflict(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return CONFLICTS.has(state) || (state === '23505' && TAKEN.has((error as { constraint?: string }).constraint ?? ''));
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
