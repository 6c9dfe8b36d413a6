import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { openArtifactStore } from '#artifacts';
import { Bus } from '#bus';
import { loadConfig } from '#config';
import { createGateway } from './gateway.module.js';

const config = loadConfig();
const bus = await Bus.open({ servers: config.NATS_URL, name: 'gateway', user: config.NATS_USER, password: config.NATS_PASSWORD });
const app = await createGateway(bus, openArtifactStore(config));
app.enableShutdownHooks();
await app.listen(config.PORT, config.HOST);
new Logger('gateway').log(`listening on ${await app.getUrl()}`);
