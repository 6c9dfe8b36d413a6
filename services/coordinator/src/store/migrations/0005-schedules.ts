import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Schedules1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE schedules (
        id text PRIMARY KEY,
        cron text NOT NULL,
        time_zone text NOT NULL,
        pipeline text NOT NULL,
        repository text NOT NULL,
        ref text,
        params json NOT NULL,
        cache boolean,
        requested_by text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        next_at timestamptz(3) NOT NULL,
        last_at timestamptz(3),
        last_run_id text,
        last_failure json
      );
      CREATE INDEX schedules_by_next ON schedules (next_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE schedules');
  }
}
