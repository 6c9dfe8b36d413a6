import 'reflect-metadata';
import { ConsoleLogger, Inject, Module, type DynamicModule, type INestApplication, type LogLevel, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ArtifactStore, openArtifactStore } from '#artifacts';
import { Bus, StepServer } from '#bus';
import { loadConfig, type Config } from '#config';
import { AgentServiceModule } from './agent-service.module.js';
import { HealthController } from './health.controller.js';

/** How long running steps may go on after SIGTERM before they are handed back to other instances. */
const GRACE_MS = 20_000;
const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];

/**
 * Starts an agent service of its own: configuration → bus → store → processes → tasks and /health. On SIGTERM: not ready → pulls no more →
 * finishes what runs, or hands it back after 20 seconds → closes. `services/<service>/src/main.ts` is one call of it.
 */
export async function startAgentService(service: string, agentsModuleUrl: string): Promise<void> {
  const config = loadConfig();
  const app = await createAgentService(service, agentsModuleUrl, config);
  app.enableShutdownHooks();
  await app.listen(config.HEALTH_PORT, config.HOST);
}

/** The Nest application: its HTTP side is /health, its microservice takes the tasks, already listening when this settles. */
export async function createAgentService(service: string, agentsModuleUrl: string, config: Config): Promise<INestApplication> {
  const bus = await openBus(service, config);
  const app = await NestFactory.create(AgentService.forRoot({ service, agentsModuleUrl, bus, store: openArtifactStore(config), slots: config.CONCURRENCY, memoDays: config.MEMO_DAYS, forges: config }), {
    logger: new ConsoleLogger({ json: config.LOG_JSON, logLevels: LEVELS.slice(0, LEVELS.indexOf(config.LOG_LEVEL) + 1) }),
  });
  app.connectMicroservice({ strategy: new StepServer(bus, { slots: config.CONCURRENCY, provider: config.MODEL_PROVIDER, graceMs: GRACE_MS }) });
  await app.startAllMicroservices();
  return app;
}

/** Serves the same agents inside another process (the standalone): no health endpoint, no signals, no logger of its own. `stop` hands running steps back at once. */
export async function serveAgents(service: string, agentsModuleUrl: string, config: Config): Promise<{ stop(): Promise<void> }> {
  const bus = await openBus(service, config);
  const module = AgentService.forRoot({ service, agentsModuleUrl, bus, store: openArtifactStore(config), slots: config.CONCURRENCY, memoDays: config.MEMO_DAYS, forges: config });
  try {
    const app = await NestFactory.createMicroservice(module, { strategy: new StepServer(bus, { slots: config.CONCURRENCY, provider: config.MODEL_PROVIDER, graceMs: 0 }), abortOnError: false });
    await app.listen();
    return { stop: () => app.close() };
  } catch (error) {
    await bus.close();
    throw error;
  }
}

@Module({})
class AgentService implements OnApplicationShutdown {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  static forRoot(options: Parameters<typeof AgentServiceModule.forRoot>[0]): DynamicModule {
    return {
      module: AgentService,
      imports: [AgentServiceModule.forRoot(options)],
      providers: [{ provide: Bus, useValue: options.bus }, { provide: ArtifactStore, useValue: options.store }],
      controllers: [HealthController],
    };
  }

  onApplicationShutdown(): Promise<void> { return this.bus.close(); }
}

function openBus(service: string, config: Config): Promise<Bus> {
  return Bus.open({ servers: config.NATS_URL, name: service, user: config.NATS_USER, password: config.NATS_PASSWORD });
}
