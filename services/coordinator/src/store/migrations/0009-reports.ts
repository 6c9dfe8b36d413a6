import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Reports1764400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE reports (
        run_id text PRIMARY KEY,
        repository text NOT NULL,
        cause text NOT NULL,
        commit text NOT NULL,
        pull_request integer,
        told text,
        told_by text,
        looks integer NOT NULL,
        look_at timestamptz(3),
        created_at timestamptz(3) NOT NULL
      );
      CREATE INDEX reports_to_look ON reports (look_at) WHERE look_at IS NOT NULL;
      CREATE INDEX reports_by_repository ON reports (repository, created_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reports');
  }
}
