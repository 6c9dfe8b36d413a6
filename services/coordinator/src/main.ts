import 'reflect-metadata';
import { ConsoleLogger, Module, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { loadConfig } from '#config';
import { CoordinatorModule } from './coordinator.module.js';
import { HealthController } from './health.controller.js';

const config = loadConfig();
const levels: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];

@Module({ imports: [CoordinatorModule.forRoot(config)], controllers: [HealthController] })
class CoordinatorApplication {}

const app = await NestFactory.create(CoordinatorApplication, {
  logger: new ConsoleLogger({ json: config.LOG_JSON, logLevels: levels.slice(0, levels.indexOf(config.LOG_LEVEL) + 1) }),
});
// SIGTERM: stop pulling, finish the batch at work, close.
app.enableShutdownHooks();
await app.listen(config.HEALTH_PORT, config.HOST);
