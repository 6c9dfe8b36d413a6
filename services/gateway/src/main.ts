import 'reflect-metadata';
import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { openArtifactStore } from '#artifacts';
import { Bus } from '#bus';
import { loadConfig } from '#config';
import { createGateway } from './gateway.module.js';
import { settingsOf } from './gateway-settings.js';

const config = loadConfig();
const levels: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];
Logger.overrideLogger(new ConsoleLogger({ json: config.LOG_JSON, logLevels: levels.slice(0, levels.indexOf(config.LOG_LEVEL) + 1) }));
const bus = await Bus.open({ servers: config.NATS_URL, name: 'gateway', user: config.NATS_USER, password: config.NATS_PASSWORD });
const app = await createGateway(bus, openArtifactStore(config), settingsOf(config));
// SIGTERM: end the open streams, finish the requests in work, close.
app.enableShutdownHooks();
await app.listen(config.PORT, config.HOST);
new Logger('gateway').log(`listening on ${await app.getUrl()}`);
