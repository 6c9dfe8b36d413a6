import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage } from 'node:http';
import { ArtifactStore } from '#artifacts';
import { Bus } from '#bus';
import { ArtifactsController } from './artifacts.controller.js';
import { Coordinator } from './coordinator.js';
import { EventFeed } from './event-feed.js';
import { EventsController } from './events.controller.js';
import { ExportController } from './export.controller.js';
import type { GatewaySettings } from './gateway-settings.js';
import { HealthController } from './health.controller.js';
import { LimitsController } from './limits.controller.js';
import { OpenapiController } from './openapi.controller.js';
import { PipelinesController } from './pipelines.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { RunBatchesController } from './run-batches.controller.js';
import { SchedulesController } from './schedules.controller.js';
import { RunsController } from './runs.controller.js';
import { Starting } from './starting.js';
import { Timing } from './timing.js';
import { SetupController, SetupSettings } from './setup/setup.controller.js';
import { validation } from './validation.js';
import { WebhookSettings } from './webhook-settings.js';
import { WebhooksController } from './webhooks.controller.js';

const BODY_LIMIT = '64kb';
/** Their controller reads the bytes itself: they are what is signed, and there may be more of them. */
const WEBHOOKS = '/api/v1/webhooks/';
/** A whole batch of runs is larger than all else that is sent. */
const BATCH = { path: '/api/v1/run-batches', limit: '1mb' };

@Module({})
export class GatewayModule implements OnApplicationShutdown {
  constructor(private readonly bus: Bus) {}

  /** After the server has closed: a request in work may still need the bus. */
  async onApplicationShutdown(): Promise<void> { await this.bus.close(); }

  static with(bus: Bus, store: ArtifactStore, { webhooks, setup, timing }: GatewaySettings): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [RunsController, RunBatchesController, EventsController, ExportController, ArtifactsController, PipelinesController, LimitsController, SchedulesController, WebhooksController, SetupController, HealthController, OpenapiController],
      providers: [Coordinator, EventFeed, Starting, { provide: Bus, useValue: bus }, { provide: ArtifactStore, useValue: store }, { provide: Timing, useValue: timing }, { provide: WebhookSettings, useValue: webhooks }, { provide: SetupSettings, useValue: setup }],
    };
  }
}

/** The gateway as an application that is not listening yet. It closes the bus when it closes. */
export async function createGateway(bus: Bus, store: ArtifactStore, settings: GatewaySettings): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(GatewayModule.with(bus, store, settings), { bodyParser: false, abortOnError: false });
  // A body that this one has read is left alone by the next.
  app.useBodyParser('json', { limit: BATCH.limit, type: (request) => request.url === BATCH.path && isJson(request) });
  app.useBodyParser('json', { limit: BODY_LIMIT, type: (request) => request.url?.startsWith(WEBHOOKS) !== true && isJson(request) });
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  // Only artifacts have one, which is their id: a hash of every other answer would be of no use.
  app.set('etag', false);
  app.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => { response.setHeader('X-Content-Type-Options', 'nosniff'); next(); });
  app.useGlobalPipes(validation);
  app.useGlobalFilters(new ProblemFilter());
  return app;
}

function isJson(request: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '');
}
