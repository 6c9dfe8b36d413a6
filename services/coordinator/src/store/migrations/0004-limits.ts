import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Limits1763665000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE limits (
        kind text NOT NULL,
        key text NOT NULL,
        max integer NOT NULL,
        window_seconds integer,
        PRIMARY KEY (kind, key)
      );
      CREATE TABLE windows (
        kind text NOT NULL,
        key text NOT NULL,
        start text NOT NULL,
        at timestamptz(3) NOT NULL,
        PRIMARY KEY (kind, key, start)
      );
      CREATE INDEX windows_by_time ON windows (kind, key, at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE windows, limits');
  }
}
