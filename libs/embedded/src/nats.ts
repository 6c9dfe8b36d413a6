import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { childEnvironment } from '#config';
import { Failure } from '#contracts';
import { freePort, spawnServer, type ServerProcess } from './server-process.js';

const START_LIMIT_MS = 15_000;
const PORT_TRIES = 3;
const run = promisify(execFile);

export interface EmbeddedNats {
  /** `nats://127.0.0.1:<port>`; the port stays the same over restarts. */
  url: string;
  pid(): number;
  stop(): Promise<void>;
  /** Ends it as a crash would: SIGKILL, nothing flushed. */
  kill(): Promise<void>;
  /** Starts it again on the same port and store, after stop() or kill(). */
  restart(): Promise<void>;
}
export interface EmbeddedNatsOptions { binary: string; user?: string; password?: string }

/**
 * Runs nats-server with JetStream on 127.0.0.1 at a free port, its store in `dir`. A server that an earlier, killed process left behind on the same
 * store is ended first: two servers on one store corrupt it. Throws `Failure('internal')` with the server's last output when it does not come up.
 */
export async function startEmbeddedNats(dir: string, options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
  const home = resolve(dir);
  await mkdir(home, { recursive: true });
  await endLeftover(home);
  let server: ServerProcess | undefined;
  let port = 0;
  for (let attempt = 1; server === undefined; attempt++) {
    port = await freePort();
    try {
      server = await start(home, port, options);
    } catch (error) {
      if (attempt === PORT_TRIES) throw error;
    }
  }
  let current = server;
  return {
    url: `nats://127.0.0.1:${port}`,
    pid: () => current.pid,
    stop: () => current.stop(),
    kill: () => current.kill(),
    restart: async () => {
      await current.stop();
      current = await start(home, port, options);
    },
  };
}

async function start(home: string, port: number, { binary, user, password }: EmbeddedNatsOptions): Promise<ServerProcess> {
  const config = join(home, 'nats-server.conf');
  const settings = [
    `listen: ${JSON.stringify(`127.0.0.1:${port}`)}`,
    `pid_file: ${JSON.stringify(join(home, 'nats-server.pid'))}`,
    `jetstream { store_dir: ${JSON.stringify(join(home, 'jetstream'))} }`,
    ...(user && password ? [`authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`] : []),
  ];
  await writeFile(config, `${settings.join('\n')}\n`, { mode: 0o600 });
  const server = spawnServer(binary, ['--config', config], { env: {}, cwd: home });
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await answers(port))) {
    if (server.hasExited() || Date.now() > deadline) {
      await server.kill();
      throw new Failure('internal', `nats-server did not start: ${server.output().slice(-300)}`);
    }
    await sleep(20);
  }
  return server;
}

/** A NATS server speaks first: `INFO {…, "jetstream": true}`. A foreign listener on the port, or a server without JetStream, does not count. */
async function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    const end = (result: boolean) => { socket.destroy(); done(result); };
    socket.setTimeout(1_000, () => { end(false); });
    socket.once('error', () => { end(false); });
    socket.once('close', () => { end(false); });
    socket.once('data', (chunk) => { end(chunk.toString('utf8').startsWith('INFO ') && chunk.includes('"jetstream":true')); });
  });
}

async function endLeftover(home: string): Promise<void> {
  const pid = Number(await readFile(join(home, 'nats-server.pid'), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1) return;
  // A process id may have been given to somebody else meanwhile: only a process that runs on this very configuration is ours.
  const command = await run('ps', ['-o', 'args=', '-p', String(pid)], { env: childEnvironment() }).then(({ stdout }) => stdout, () => '');
  if (!command.includes(join(home, 'nats-server.conf'))) return;
  process.kill(pid, 'SIGTERM');
  for (const deadline = Date.now() + START_LIMIT_MS; Date.now() < deadline; await sleep(50)) {
    try { process.kill(pid, 0); } catch { return; }
  }
  process.kill(pid, 'SIGKILL');
}
