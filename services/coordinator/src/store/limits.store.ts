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

/**
 * Inside a transaction that holds the lock of every place named. A task has its places while its step is dispatched with that attempt, so that nobody has to give them back, and nothing is left
 * of a coordinator that dies.
 */
export async function occupyPlaces(sql: Sql, tasks: readonly PlacedTask[]): Promise<Place[][]> {
  const places = new Map(tasks.flatMap((task) => task.places.map((place) => [nameOf(place), place] as const)));
  const named = JSON.stringify([...places].map(([name, { kind, key }]) => ({ name, kind, key })));
  await sql.query({
    name: 'leave places', text: `
      DELETE FROM places USING json_to_recordset($1) AS p (kind text, key text) WHERE places.kind = p.kind AND places.key = p.key
        AND NOT EXISTS (SELECT FROM steps WHERE run_id = places.run_id AND id = places.step_id AND status = 'dispatched' AND steps.attempt = places.attempt)`,
    values: [named],
  });
  const { rows } = await sql.query<{ name: string; taken: string[] }>({
    name: 'places', text: `
      SELECT p.name, ARRAY(SELECT run_id || ' ' || step_id || ' ' || attempt FROM places WHERE kind = p.kind AND key = p.key) AS taken
      FROM json_to_recordset($1) AS p (name text, kind text, key text)`,
    values: [named],
  });
  const answers = fill(tasks.map((task) => ({ id: `${task.runId} ${task.stepId} ${task.attempt}`, bounds: task.places })), new Map(rows.map(({ name, taken }) => [name, { count: taken.length, known: taken }])));
  const granted = tasks.flatMap(({ places: own, ...task }, index) => (answers[index]?.full.length === 0 ? own.map(({ kind, key }) => ({ kind, key, ...task })) : []));
  if (granted.length > 0) await sql.query({
    name: 'take places', text: `
      INSERT INTO places (kind, key, run_id, step_id, attempt)
      SELECT kind, key, "runId", "stepId", attempt FROM json_to_recordset($1) AS g (kind text, key text, "runId" text, "stepId" text, attempt integer) ON CONFLICT DO NOTHING`,
    values: [JSON.stringify(granted)],
  });
  return answers.map(({ full }) => full);
}

/** Of limits that nobody asks about any more. */
export async function forgetPlaces(sql: Sql): Promise<void> {
  await sql.query(`DELETE FROM places WHERE NOT EXISTS (SELECT FROM steps WHERE run_id = places.run_id AND id = places.step_id AND status = 'dispatched' AND steps.attempt = places.attempt)`);
}

export async function forgetStarts(sql: Sql, olderThanSeconds: number): Promise<void> {
  await sql.query('DELETE FROM windows WHERE at < clock_timestamp() - make_interval(secs => $1)', [olderThanSeconds]);
}
