import type { Pool } from 'pg';
import type { Limit } from '#contracts';
import { admissions, windowName, type Admission, type WindowedStart, type WindowState } from '../admission.js';

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
  const windows = new Map(starts.flatMap((start) => start.windows.map((window) => [windowName(window), window] as const)));
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

export async function forgetStarts(sql: Sql, olderThanSeconds: number): Promise<void> {
  await sql.query('DELETE FROM windows WHERE at < clock_timestamp() - make_interval(secs => $1)', [olderThanSeconds]);
}
