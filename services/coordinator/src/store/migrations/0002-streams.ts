import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Streams1763650000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams (
        name text PRIMARY KEY,
        created text NOT NULL,
        last_seq bigint NOT NULL
      );
      ALTER TABLE outbox ADD COLUMN again boolean NOT NULL DEFAULT false;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE outbox DROP COLUMN again; DROP TABLE streams');
  }
}
