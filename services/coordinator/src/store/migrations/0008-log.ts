import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * From a row for each step and a row for each group of events, which were written over and over, to one row for each commit of a run, which is written once. What a run had before becomes the steps of its
 * last row. `check_at` takes the place of the steps' timers: the hour after now at the latest, when whoever looks reads what is really due.
 */
export class Log1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE log (
        run_id text NOT NULL,
        seq integer NOT NULL,
        last integer NOT NULL,
        at timestamptz(3) NOT NULL,
        events text,
        steps text NOT NULL,
        PRIMARY KEY (run_id, seq)
      );
      INSERT INTO log (run_id, seq, last, at, events, steps)
      SELECT run_id, (events->>'seq')::integer, seq, (events->>'at')::timestamptz, (events->'events')::text, '[]' FROM events;
      INSERT INTO log (run_id, seq, last, at, steps)
      SELECT id, 1, seq, updated_at, '[]' FROM runs WHERE NOT EXISTS (SELECT FROM log WHERE log.run_id = runs.id);
      UPDATE log SET steps = stored.steps FROM (
        SELECT run_id, json_agg(json_strip_nulls(json_build_object(
          'stepId', id, 'position', position, 'agent', agent, 'status', status, 'attempt', attempt, 'tries', tries, 'inputs', inputs, 'outputs', outputs, 'facts', facts, 'failure', failure,
          'elements', elements, 'locked', locked, 'wakeAt', extract(epoch FROM wake_at) * 1000, 'startedAt', extract(epoch FROM started_at) * 1000, 'finishedAt', extract(epoch FROM finished_at) * 1000
        )) ORDER BY position)::text AS steps FROM steps GROUP BY run_id
      ) AS stored
      WHERE log.run_id = stored.run_id AND log.seq = (SELECT max(seq) FROM log AS later WHERE later.run_id = stored.run_id);
      ALTER TABLE runs ADD COLUMN check_at timestamptz(3);
      UPDATE runs SET check_at = least(clock_timestamp() + interval '1 hour', (SELECT min(wake_at) FROM steps WHERE run_id = runs.id)) WHERE finished_at IS NULL;
      CREATE INDEX runs_to_check ON runs (check_at) WHERE check_at IS NOT NULL;
      ALTER TABLE runs DROP COLUMN seq, DROP COLUMN version, DROP COLUMN updated_at;
      DROP TABLE steps, events;
      ALTER TABLE outbox ADD COLUMN rows text;
      UPDATE outbox SET again = true, rows = (SELECT coalesce(json_agg(DISTINCT t."runId"), '[]')::text FROM json_to_recordset(tasks) AS t ("runId" text));
      ALTER TABLE outbox ALTER COLUMN rows SET NOT NULL, DROP COLUMN tasks, DROP COLUMN events;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE steps (
        run_id text NOT NULL, id text NOT NULL, position integer NOT NULL, agent text, status text NOT NULL, attempt integer NOT NULL, tries integer NOT NULL,
        inputs json NOT NULL, outputs json NOT NULL, facts json NOT NULL, failure json, elements integer, locked boolean NOT NULL,
        wake_at timestamptz(3), started_at timestamptz(3), finished_at timestamptz(3), PRIMARY KEY (run_id, id)
      ) WITH (fillfactor = 80);
      CREATE INDEX steps_with_timers ON steps (wake_at) WHERE wake_at IS NOT NULL;
      INSERT INTO steps
      SELECT DISTINCT ON (run_id, step->>'stepId') run_id, step->>'stepId', (step->>'position')::integer, step->>'agent', step->>'status', (step->>'attempt')::integer, (step->>'tries')::integer,
        coalesce(step->'inputs', '{}'), coalesce(step->'outputs', '{}'), coalesce(step->'facts', '{}'), step->'failure', (step->>'elements')::integer, coalesce((step->>'locked')::boolean, false),
        to_timestamp((step->>'wakeAt')::float8 / 1000), to_timestamp((step->>'startedAt')::float8 / 1000), to_timestamp((step->>'finishedAt')::float8 / 1000)
      FROM log CROSS JOIN LATERAL json_array_elements(steps::json) AS step ORDER BY run_id, step->>'stepId', seq DESC;
      CREATE TABLE events (run_id text NOT NULL, seq integer NOT NULL, events json NOT NULL, PRIMARY KEY (run_id, seq));
      INSERT INTO events SELECT run_id, last, json_build_object('runId', run_id, 'seq', seq, 'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'events', events::json) FROM log WHERE events IS NOT NULL;
      ALTER TABLE runs ADD COLUMN seq integer, ADD COLUMN version integer, ADD COLUMN updated_at timestamptz(3);
      UPDATE runs SET seq = l.seq, version = l.version, updated_at = l.at FROM (SELECT run_id, max(last) AS seq, count(*) AS version, max(at) AS at FROM log GROUP BY run_id) AS l WHERE run_id = id;
      ALTER TABLE runs ALTER COLUMN seq SET NOT NULL, ALTER COLUMN version SET NOT NULL, ALTER COLUMN updated_at SET NOT NULL, DROP COLUMN check_at;
      ALTER TABLE outbox ADD COLUMN tasks json, ADD COLUMN events json;
      UPDATE outbox SET again = true, events = '[]', tasks = (
        SELECT coalesce(json_agg(json_build_object('runId', run_id, 'stepId', id, 'attempt', attempt)), '[]') FROM steps
        WHERE status = 'dispatched' AND run_id IN (SELECT named FROM json_array_elements_text(rows::json) AS named));
      ALTER TABLE outbox ALTER COLUMN tasks SET NOT NULL, ALTER COLUMN events SET NOT NULL, DROP COLUMN rows;
      DROP TABLE log;
    `);
  }
}
