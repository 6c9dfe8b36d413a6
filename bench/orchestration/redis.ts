import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { NETWORK_ENVIRONMENT, childEnvironment } from '#config';
import { Failure } from '#contracts';
import { freePort, spawnServer } from '#embedded';
import type { Site } from './system.js';

const START_LIMIT_MS = 15_000;
const INSTALL_LIMIT_MS = 5 * 60_000;
const run = promisify(execFile);

/** Puts `redis-server` on the PATH by apt, which root may; throws `Failure('internal')` that says how to install it otherwise. */
export async function installRedis(log: (line: string) => void): Promise<void> {
  if (await isInstalled()) return;
  if (process.getuid?.() === 0) {
    log('installing redis-server (apt-get) …');
    const env = { ...childEnvironment(NETWORK_ENVIRONMENT), DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '-qq'], { env, timeout: INSTALL_LIMIT_MS })
      .then(() => run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], { env, timeout: INSTALL_LIMIT_MS }))
      .catch((error: unknown) => { throw new Failure('internal', `redis-server could not be installed: ${String(error).slice(0, 300)}`, { cause: error }); });
    if (await isInstalled()) return;
  }
  throw new Failure('internal', 'there is no redis-server on the PATH; install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), or leave BullMQ out with --only');
}

/** A Redis of its own for one contestant: every write goes to its append-only file, which is synced once a second or at every write. */
export async function startRedis(site: Site, appendfsync: 'everysec' | 'always'): Promise<{ port: number; processes: { redis: number } }> {
  const dir = join(site.folder, 'redis');
  await mkdir(dir);
  const port = await freePort();
  const server = spawnServer('redis-server', ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', dir, '--save', '', '--appendonly', 'yes', '--appendfsync', appendfsync, '--maxmemory-policy', 'noeviction'], { env: childEnvironment() });
  site.undo(() => server.stop());
  for (const deadline = Date.now() + START_LIMIT_MS; !(await accepts(port)); await sleep(20)) {
    if (server.hasExited() || Date.now() > deadline) throw new Failure('internal', `redis-server did not start: ${server.output().slice(-300)}`);
  }
  return { port, processes: { redis: server.pid } };
}

async function isInstalled(): Promise<boolean> {
  return run('redis-server', ['--version'], { env: childEnvironment() }).then(() => true, () => false);
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); done(true); });
    socket.once('error', () => { done(false); });
  });
}
