import 'reflect-metadata';
import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { loadConfig } from '#config';
import { announce, claim } from './home.js';
import { openLeases } from './leases.js';
import { startStandalone } from './standalone.js';

/** How long a standalone that the CLI has started waits for it to come. */
const FIRST_LEASE_MS = 30_000;

const config = loadConfig();
const levels: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];
Logger.overrideLogger(new ConsoleLogger({ json: config.LOG_JSON, colors: isatty(1), logLevels: levels.slice(0, levels.indexOf(config.LOG_LEVEL) + 1) }));
const log = new Logger('standalone');

const home = resolve(config.PULLWRIGHT_HOME ?? '.pullwright');
/** `--leased`: started by a CLI, ends with the last one that uses it. Otherwise it runs until it is told to stop. */
const leased = process.argv.includes('--leased');

const claimed = await claim(home);
if ('owner' in claimed) {
  log.log(`${home} is in use by process ${claimed.owner}`);
  process.exitCode = leased ? 0 : 1;
} else {
  const told = new Promise<void>((stop) => { process.once('SIGTERM', stop).once('SIGINT', stop); });
  try {
    const standalone = await startStandalone(home);
    const leases = await openLeases(leased ? FIRST_LEASE_MS : undefined);
    await announce(home, { pid: process.pid, leasePort: leases.port, url: standalone.url });
    log.log(`ready at ${standalone.url} after ${Math.round(performance.now())} ms`);
    await Promise.race([told, ...(leased ? [leases.over] : [])]);
    await claimed.withdraw();
    await standalone.stop();
    leases.close();
  } catch (error) {
    log.error(error instanceof Error ? error.stack : String(error));
    process.exitCode = 1;
  } finally {
    await claimed.release();
  }
  // A socket that a client holds must not keep a stopped standalone alive.
  process.exit();
}
