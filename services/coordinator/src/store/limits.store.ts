import type { Pool } from 'pg';
import type { Limit } from '#contracts';
import { admissions, fill, nameOf, type Admission, type Place, type PlacedTask, type WindowedStart, type WindowState } from '../admission.js';

type Sql = Pick<Pool, 'query'>;

export async function readLimits(sql: Sql): Promise<Limit[]> {
  const { rows } = await sql.query<Omit<Limit, 'windowSeconds'> & { windowSeconds: number | null }>({ name: 'limits', text: 'SELECT kind, key, max, window_seconds AS "windowSeconds" FROM limits' });
  return rows.map(({ windowSeconds, ...limit }) => ({ ...limit, ...windowSeconds !== null && { windowSeconds } }));
}

/**
 * Inside a transaction that holds the lock of every window named: what is counted cannot change until it ends. The rows of those who are admitted are written; time is the database's,
 * so that coordinators with other clocks count the same.
 */
export async function admitStarts(sql: Sql, starts: readonly WindowedStart[]): Promise<Admission[]> {
  const windows = new Map(starts.flatMap((start) => start.windows.map((window) => [nameOf(window), window] as const)));
  const { rows } = await sql.query<WindowState & { name: string }>({
    name: 'windows', text: `
      SELECT w.name, counted.count, coalesce(extract(epoch FROM leaving.at - opened.since), w."windowSeconds")::float8 AS "resetSeconds",
        ARRAY(SELECT windows.start FROM unnest($2::text[]) AS asked (start) JOIN windows ON windows.kind = w.kind AND windows.key = w.key AND windows.start = asked.start) AS known
      FROM json_to_recordset($1) AS w (name text, kind text, key text, max integer, "windowSeconds" integer)
      CROSS JOIN LATERAL (SELECT clock_timestamp() - make_interval(secs => w."windowSeconds") AS since) AS opened
      CROSS JOIN LATERAL (SELECT count(*)::integer AS count FROM windows WHERE kind = w.kind AND key = w.key AND at > opened.since) AS counted
      LEFT JOIN LATERAL (SELECT at FROM windows WHERE kind = w.kind AND key = w.key AND at > opened.since ORDER BY at OFFSET greatest(counted.count - w.max, 0) LIMIT 1) AS leaving ON true`,
    values: [JSON.stringify([...windows].map(([name, window]) => ({ name, ...window }))), starts.map(({ start }) => start)],
  });
  const found = admissions(starts, new Map(rows.map(({ name, ...state }) => [name, state])));
  const admitted = starts.flatMap(({ start, windows: concerned }, index) => (found[index]?.retryAfterSeconds === undefined ? concerned.map(({ kind, key }) => ({ kind, key, start })) : []));
  if (admitted.length > 0) await sql.query({
    name: 'count starts', text: `
      INSERT INTO windows (kind, key, start, at) SELECT kind, key, start, clock_timestamp() FROM json_to_recordset($1) AS a (kind text, key text, start text) ON CONFLICT DO NOTHING`,
    values: [JSON.stringify(admitted)],
  });
  return found;
}

/** What a place is taken for. */
export type Attempt = Omit<PlacedTask, 'places'>;
export const nameOfAttempt = ({ runId, stepId, attempt }: Attempt): string => `${runId} ${stepId} ${attempt}`;
/** Which of these steps still wait for that attempt, by name. */
type StillDispatched = (sql: Sql, attempts: readonly Attempt[]) => Promise<ReadonlySet<string>>;
type Taken = Place & Attempt;

/**
 * Inside a transaction that holds the lock of every place named. A task has its places while its step is dispatched with that attempt, so that nobody has to give them back, and nothing is left
 * of a coordinator that dies.
 */
export async function occupyPlaces(sql: Sql, tasks: readonly PlacedTask[], stillDispatched: StillDispatched): Promise<Place[][]> {
  const names = [...new Map(tasks.flatMap((task) => task.places.map((place) => [nameOf(place), place] as const))).values()];
  const { rows } = await sql.query<Taken>({
    name: 'places', text: `SELECT places.kind, places.key, run_id AS "runId", step_id AS "stepId", attempt FROM json_to_recordset($1) AS p (kind text, key text) JOIN places ON places.kind = p.kind AND places.key = p.key`,
    values: [JSON.stringify(names)],
  });
  const there = await leavePlaces(sql, rows, stillDispatched);
  const states = new Map(names.map((place) => { const known = there.filter((each) => nameOf(each) === nameOf(place)).map(nameOfAttempt); return [nameOf(place), { count: known.length, known }] as const; }));
  const answers = fill(tasks.map((task) => ({ id: nameOfAttempt(task), bounds: task.places })), states);
  const granted = tasks.flatMap(({ places: own, ...task }, index) => (answers[index]?.full.length === 0 ? own.map(({ kind, key }) => ({ kind, key, ...task })) : []));
  if (granted.length > 0) await sql.query({
    name: 'take places', text: `
      INSERT INTO places (kind, key, run_id, step_id, attempt)
      SELECT kind, key, "runId", "stepId", attempt FROM json_to_recordset($1) AS g (kind text, key text, "runId" text, "stepId" text, attempt integer) ON CONFLICT DO NOTHING`,
    values: [JSON.stringify(granted)],
  });
  return answers.map(({ full }) => full);
}

/** Removes the places of steps that have moved on; the others. */
async function leavePlaces(sql: Sql, taken: readonly Taken[], stillDispatched: StillDispatched): Promise<Taken[]> {
  const still = taken.length > 0 ? await stillDispatched(sql, taken) : new Set<string>();
  const left = taken.filter((each) => !still.has(nameOfAttempt(each)));
  if (left.length > 0) await sql.query({
    name: 'leave places', text: `
      DELETE FROM places USING json_to_recordset($1) AS g (kind text, key text, "runId" text, "stepId" text, attempt integer)
      WHERE places.kind = g.kind AND places.key = g.key AND places.run_id = g."runId" AND places.step_id = g."stepId" AND places.attempt = g.attempt`,
    values: [JSON.stringify(left)],
  });
  return taken.filter((each) => still.has(nameOfAttempt(each)));
}

/** Of limits that nobody asks about any more. */
export async function forgetPlaces(sql: Sql, stillDispatched: StillDispatched): Promise<void> {
  const { rows } = await sql.query<Taken>('SELECT kind, key, run_id AS "runId", step_id AS "stepId", attempt FROM places');
  await leavePlaces(sql, rows, stillDispatched);
}

export async function forgetStarts(sql: Sql, olderThanSeconds: number): Promise<void> {
  await sql.query('DELETE FROM windows WHERE at < clock_timestamp() - make_interval(secs => $1)', [olderThanSeconds]);
}
