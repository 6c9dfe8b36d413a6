import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Runs1763600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE pipelines (
        hash text PRIMARY KEY,
        name text NOT NULL,
        version integer NOT NULL,
        definition json NOT NULL
      );
      CREATE TABLE runs (
        id text PRIMARY KEY,
        pipeline_hash text NOT NULL CONSTRAINT runs_pipeline REFERENCES pipelines,
        repository text NOT NULL,
        ref text,
        params json NOT NULL,
        status text NOT NULL,
        ending text,
        failure json,
        last_retry text,
        requested_by text NOT NULL,
        idempotency_key text,
        request_hash text,
        seq integer NOT NULL,
        version integer NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        finished_at timestamptz(3)
      ) WITH (fillfactor = 70);
      CREATE UNIQUE INDEX runs_idempotency_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;
      CREATE INDEX runs_by_repository ON runs (repository, id);
      CREATE INDEX runs_by_status ON runs (status, id);
      CREATE TABLE steps (
        run_id text NOT NULL,
        id text NOT NULL,
        position integer NOT NULL,
        agent text,
        status text NOT NULL,
        attempt integer NOT NULL,
        tries integer NOT NULL,
        inputs json NOT NULL,
        outputs json NOT NULL,
        facts json NOT NULL,
        failure json,
        elements integer,
        locked boolean NOT NULL,
        wake_at timestamptz(3),
        started_at timestamptz(3),
        finished_at timestamptz(3),
        PRIMARY KEY (run_id, id)
      ) WITH (fillfactor = 80);
      CREATE INDEX steps_with_timers ON steps (wake_at) WHERE wake_at IS NOT NULL;
      CREATE TABLE events (
        run_id text NOT NULL,
        seq integer NOT NULL,
        events json NOT NULL,
        PRIMARY KEY (run_id, seq)
      );
      CREATE TABLE outbox (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
        tasks json NOT NULL,
        events json NOT NULL
      );
      CREATE FUNCTION pullwright_require(holds boolean) RETURNS boolean LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT holds THEN
          RAISE EXCEPTION 'another writer was first' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN true;
      END $$;
      CREATE TABLE locks (
        ticket bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL,
        run_id text NOT NULL,
        step_id text NOT NULL
      );
      CREATE UNIQUE INDEX locks_queue ON locks (name, ticket);
      CREATE UNIQUE INDEX locks_step ON locks (run_id, step_id);
      CREATE TABLE health (
        id integer PRIMARY KEY,
        checked_at timestamptz(3) NOT NULL
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION pullwright_require; DROP TABLE health, locks, outbox, events, steps, runs, pipelines');
  }
}
