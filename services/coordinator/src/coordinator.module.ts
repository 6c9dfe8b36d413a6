import { Module, type DynamicModule } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Bus } from '#bus';
import type { Config } from '#config';
import { Coordinator } from './coordinator.js';
import { Dispatcher } from './dispatcher.js';
import { Pipelines } from './pipelines.js';
import { Queries } from './queries.js';
import { Saga } from './saga.js';
import { openDatabase, requireMigrated } from './store/database.js';
import { Timers } from './timers.js';

/** The coordinator without a face: `main.ts` adds health endpoints, the standalone hosts it beside the others. It begins its work when the application has started. */
@Module({})
export class CoordinatorModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: CoordinatorModule,
      providers: [
        { provide: DataSource, useFactory: async () => {
          const database = await openDatabase(config.DATABASE_URL);
          await requireMigrated(database);
          return database;
        } },
        { provide: Bus, useFactory: async () => Bus.open({ servers: config.NATS_URL, name: 'coordinator', user: config.NATS_USER, password: config.NATS_PASSWORD }) },
        { provide: Pipelines, useFactory: async () => Pipelines.load(config.PIPELINES_DIR) },
        Dispatcher, Saga, Timers, Queries, Coordinator,
      ],
      exports: [Coordinator],
    };
  }
}
