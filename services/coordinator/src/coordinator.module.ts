import { Module, type DynamicModule } from '@nestjs/common';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Bus } from '#bus';
import type { Config } from '#config';
import { BusWatch } from './bus-watch.js';
import { Capacity } from './capacity.js';
import { Coordinator } from './coordinator.js';
import { Dispatcher } from './dispatcher.js';
import { ForgeCommands } from './forge/command.js';
import { Reports } from './forge/reports.js';
import { Limits } from './limits.js';
import { Pipelines } from './pipelines.js';
import { Presence } from './presence.js';
import { BundleDays, Queries } from './queries.js';
import { Retention } from './retention.js';
import { Saga } from './saga.js';
import { Schedules } from './schedules.js';
import { openMigrated, openPool } from './store/database.js';
import { PostgresStore } from './store/postgres-store.js';
import { SagaStore } from './store/saga-store.js';
import { Timers } from './timers.js';

/** The coordinator without a face: `main.ts` adds health endpoints, the standalone hosts it beside the others. It begins its work when the application has started. */
@Module({})
export class CoordinatorModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: CoordinatorModule,
      // One after the other, so that a start that fails leaves nothing open.
      providers: [
        { provide: Pipelines, useFactory: async () => Pipelines.load(config.PIPELINES_DIR) },
        { provide: DataSource, inject: [Pipelines], useFactory: async () => openMigrated(config.DATABASE_URL) },
        { provide: Bus, inject: [DataSource], useFactory: async (database: DataSource) => {
          try {
            return await Bus.open({ servers: config.NATS_URL, name: 'coordinator', user: config.NATS_USER, password: config.NATS_PASSWORD });
          } catch (error) {
            await database.destroy();
            throw error;
          }
        } },
        { provide: Pool, inject: [Bus], useFactory: () => openPool(config.DATABASE_URL) },
        { provide: SagaStore, inject: [Pool], useFactory: (pool: Pool) => new PostgresStore(pool) },
        { provide: BusWatch, inject: [Pool, Bus, Dispatcher], useFactory: (pool: Pool, bus: Bus, dispatcher: Dispatcher) => new BusWatch(pool, bus, dispatcher, config.NATS_PROVISION) },
        { provide: Retention, inject: [Pool], useFactory: (pool: Pool) => new Retention(pool, { runs: config.RETAIN_RUNS_DAYS, events: config.RETAIN_EVENTS_DAYS }) },
        { provide: BundleDays, useValue: new BundleDays(config.RETAIN_BUNDLES_DAYS) },
        { provide: Capacity, useFactory: () => new Capacity() },
        Limits, Presence, Dispatcher, Saga, Timers, Schedules, ForgeCommands, Reports, Queries, Coordinator,
      ],
      exports: [Coordinator],
    };
  }
}
