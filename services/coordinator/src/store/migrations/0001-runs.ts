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
        params jsonb NOT NULL,
        status text NOT NULL,
        ending text,
        failure jsonb,
        last_retry text,
        requested_by text NOT NULL,
        idempotency_key text,
        request_hash text,
        seq integer NOT NULL,
        published_seq integer NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        finished_at timestamptz(3)
      );
      CREATE UNIQUE INDEX runs_idempotency_key ON runs (idempotency_key);
      CREATE INDEX runs_by_repository ON runs (repository, id);
      CREATE INDEX runs_by_status ON runs (status, id);
      CREATE INDEX runs_with_unpublished_events ON runs (updated_at) WHERE published_seq < seq;
      CREATE TABLE steps (
        run_id text NOT NULL CONSTRAINT steps_run REFERENCES runs ON DELETE CASCADE,
        id text NOT NULL,
        position integer NOT NULL,
        agent text,
        status text NOT NULL,
        attempt integer NOT NULL,
        tries integer NOT NULL,
        published_attempt integer NOT NULL DEFAULT 0,
        inputs jsonb NOT NULL,
        outputs jsonb NOT NULL,
        facts jsonb NOT NULL,
        failure jsonb,
        elements integer,
        locked boolean NOT NULL,
        wake_at timestamptz(3),
        started_at timestamptz(3),
        finished_at timestamptz(3),
        changed_at timestamptz(3) NOT NULL,
        PRIMARY KEY (run_id, id)
      );
      CREATE INDEX steps_with_timers ON steps (wake_at) WHERE wake_at IS NOT NULL;
      CREATE INDEX steps_unpublished ON steps (changed_at) WHERE status = 'dispatched' AND published_attempt < attempt;
      CREATE TABLE events (
        run_id text NOT NULL CONSTRAINT events_run REFERENCES runs ON DELETE CASCADE,
        seq integer NOT NULL,
        event jsonb NOT NULL,
        PRIMARY KEY (run_id, seq)
      );
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
    await runner.query('DROP TABLE health, locks, events, steps, runs, pipelines');
  }
}
