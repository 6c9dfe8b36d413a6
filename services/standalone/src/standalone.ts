import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveAgents } from '#agent';
import { openArtifactStore } from '#artifacts';
import { Bus, provision } from '#bus';
import { loadConfig, type Config } from '#config';
import { AGENTS, moduleOf, services } from '#contracts';
import { CoordinatorModule } from '../../coordinator/src/coordinator.module.js';
import { migrate } from '../../coordinator/src/store/database.js';
import { createGateway } from '../../gateway/src/gateway.module.js';
import { settingsOf } from '../../gateway/src/gateway-settings.js';
import { collectGarbage } from './garbage.js';
import { startNats, startPostgres } from './servers.js';

const SWEEP_EVERY_MS = 6 * 3_600_000;

export interface Standalone { url: string; stop(): Promise<void> }

/**
 * Every service in one process, over a real NATS and a real Postgres, artifacts on disk below `home`. They still talk over the bus alone.
 * When a part does not start, what was started is stopped and its error thrown.
 */
export async function startStandalone(home: string): Promise<Standalone> {
  const stops: Array<() => Promise<void>> = [];
  const stop = async () => { for (let undo = stops.pop(); undo; undo = stops.pop()) await undo(); };
  /** Undo is known before the next thing starts. */
  const started = <T extends { stop(): Promise<void> }>(part: T): T => { stops.push(() => part.stop()); return part; };
  try {
    const [nats, postgres] = await all([startNats(home).then(started), startPostgres(home).then(started)]);
    const config = loadConfig(undefined, { NATS_URL: nats.url, NATS_PROVISION: 'true', ...(nats.password && { NATS_USER: nats.user, NATS_PASSWORD: nats.password }), DATABASE_URL: postgres.url, ARTIFACT_DIR: join(home, 'artifacts'), FORGE_CACHE: loadConfig().FORGE_CACHE ?? join(home, 'forge-cache') });
    await all([migrate(config.DATABASE_URL), provisionBus(config)]);
    const [gateway] = await all([startGateway(config, home).then(started), startCoordinator(config).then(started), ...hostedServices().map((service) => startAgents(service, config).then(started))]);
    await startSweeps(config).then(started);
    return { url: gateway.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Like Promise.all, but waits for every part: one that starts after another has failed must be stopped too. */
async function all<const T extends readonly unknown[]>(parts: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

async function provisionBus({ NATS_URL, NATS_USER, NATS_PASSWORD }: Config): Promise<void> {
  const bus = await Bus.open({ servers: NATS_URL, name: 'provision', user: NATS_USER, password: NATS_PASSWORD });
  try {
    await provision(bus);
  } finally {
    await bus.close();
  }
}

async function startCoordinator(config: Config): Promise<{ stop(): Promise<void> }> {
  const app = await NestFactory.createApplicationContext(CoordinatorModule.forRoot(config), { abortOnError: false });
  return { stop: () => app.close() };
}

/** Those of Pullwright, but for the coordinator, which serves its agent itself, and those that have a module in `AGENTS_FILE`; any other runs somewhere else. */
function hostedServices(): string[] {
  const builtIn = new Set(Object.keys(AGENTS).map((agent) => agent.split('/')[0]));
  return services().filter((service) => service !== 'coordinator').filter((service) => builtIn.has(service) || moduleOf(service) !== undefined);
}

/** Where a service has its agents: the module that an operator named or, for those of Pullwright, `<service>.agent` in whatever this program runs from, sources or build. */
function agentsModule(service: string): string {
  return moduleOf(service) ?? new URL(`../../${service}/src/${service}.agent${extname(import.meta.url)}`, import.meta.url).href;
}

function startAgents(service: string, config: Config): Promise<{ stop(): Promise<void> }> {
  return serveAgents(service, agentsModule(service), config);
}

/** Elsewhere an operator runs `pullwright gc`. */
async function startSweeps(config: Config): Promise<{ stop(): Promise<void> }> {
  const log = new Logger('garbage');
  const stopping = new AbortController();
  const run = async () => {
    for (;;) {
      await sleep(SWEEP_EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const bus = await Bus.open({ servers: config.NATS_URL, name: 'garbage', user: config.NATS_USER, password: config.NATS_PASSWORD });
      await collectGarbage(bus, config).then(({ removed }) => { if (removed > 0) log.log(`${removed} artifacts have gone`); }, (error: unknown) => { log.warn(String(error)); });
      await bus.close();
    }
  };
  const ended = run().catch((error: unknown) => { log.error(String(error)); });
  return { stop: async () => { stopping.abort(); await ended; } };
}

async function startGateway(config: Config, home: string): Promise<Standalone> {
  const bus = await Bus.open({ servers: config.NATS_URL, name: 'gateway', user: config.NATS_USER, password: config.NATS_PASSWORD });
  const app = await createGateway(bus, openArtifactStore(config), settingsOf({ ...config, GITHUB_SETUP_DIR: config.GITHUB_SETUP_DIR ?? join(home, 'github') }));
  await app.listen(config.PORT, config.HOST);
  return { url: await app.getUrl(), stop: () => app.close() };
}
