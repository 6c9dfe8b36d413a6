import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Fairness1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE runs ADD COLUMN tenant text, ADD COLUMN priority integer;
      ALTER TABLE outbox ADD COLUMN owner text;
      CREATE TABLE coordinators (
        id text PRIMARY KEY,
        seen_at timestamptz(3) NOT NULL
      );
      CREATE TABLE places (
        kind text NOT NULL,
        key text NOT NULL,
        run_id text NOT NULL,
        step_id text NOT NULL,
        attempt integer NOT NULL,
        PRIMARY KEY (kind, key, run_id, step_id, attempt)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE places, coordinators; ALTER TABLE outbox DROP COLUMN owner; ALTER TABLE runs DROP COLUMN priority, DROP COLUMN tenant');
  }
}
