import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ScheduledTenants1763710000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE schedules ADD COLUMN tenant text, ADD COLUMN priority integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE schedules DROP COLUMN priority, DROP COLUMN tenant');
  }
}
