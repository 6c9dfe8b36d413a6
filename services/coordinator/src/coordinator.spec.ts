import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { Config } from '#config';
import { startPostgres } from '#testing';
import { Coordinator } from './coordinator.js';
import { CoordinatorModule } from './coordinator.module.js';
import { migrate, openDatabase } from './store/database.js';
import { Stage } from './test/stage.js';

const MIGRATIONS = ['Runs1763600000000', 'Streams1763650000000', 'Cache1763660000000', 'Limits1763665000000', 'Schedules1763690000000', 'Fairness1763700000000', 'ScheduledTenants1763710000000', 'Log1764300000000', 'Reports1764400000000'];

let stage: Stage;
beforeAll(async () => { stage = await Stage.open({}); });
afterAll(async () => { await stage.close(); });

const start = async (change: Partial<Config>) => NestFactory.createApplicationContext(CoordinatorModule.forRoot({ ...stage.config, ...change }), { logger: false, abortOnError: false });

describe('the tables', () => {
  test('are made by the migrations exactly as the entities say, once', async () => {
    const postgres = await startPostgres();
    expect(await migrate(postgres.url)).toEqual(MIGRATIONS);
    expect(await migrate(postgres.url)).toEqual([]);
    const database = await openDatabase(postgres.url);
    const { upQueries } = await database.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
    await database.destroy();
    await postgres.stop();
  });

  test('are migrated once by two at the same time', async () => {
    const postgres = await startPostgres();
    const done = await Promise.all([migrate(postgres.url), migrate(postgres.url)]);
    expect(done.flat()).toEqual(MIGRATIONS);
    await postgres.stop();
  });
});

describe('a start', () => {
  test('is refused while migrations are pending, and says what to run', async () => {
    const postgres = await startPostgres();
    await expect(start({ DATABASE_URL: postgres.url })).rejects.toMatchObject({ code: 'database-unavailable', detail: expect.stringContaining('pullwright migrate') as string });
    await postgres.stop();
  });

  test('is refused without a database', async () => {
    await expect(start({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })).rejects.toMatchObject({ code: 'database-unavailable' });
  });

  test('is refused with a pipeline that is wrong, or that takes the name of another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pullwright-pipelines-'));
    await writeFile(join(folder, 'mine.yaml'), 'name: mine\nversion: 1\nsteps: { a: { run: crawler/fly } }\n');
    await expect(start({ PIPELINES_DIR: folder })).rejects.toMatchObject({ code: 'bad-request', detail: expect.stringContaining('crawler/fly') as string });
    await writeFile(join(folder, 'mine.yaml'), 'name: test-generation\nversion: 2\nsteps: { a: { run: crawler/crawl } }\n');
    await expect(start({ PIPELINES_DIR: folder })).rejects.toMatchObject({ code: 'bad-request', detail: expect.stringContaining('another pipeline named test-generation') as string });
    await rm(folder, { recursive: true });
  });
});

test('ready proves a write in the database and every stream', async () => {
  const app = await stage.startCoordinator();
  const coordinator = app.get(Coordinator);
  await coordinator.ready();
  expect((await stage.database.query('SELECT * FROM health')).rows).toHaveLength(1);
  await stage.bus.manager.streams.delete('PULLWRIGHT_EVENTS');
  await expect(coordinator.ready()).rejects.toMatchObject({ code: 'bus-unavailable', detail: expect.stringContaining('PULLWRIGHT_EVENTS') as string });
});
