import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NETWORK_ENVIRONMENT, OPTIONS, childEnvironment, loadConfig } from '#config';
import { findRunning, logOf } from '../../standalone/src/home.js';
import { Api } from './api.js';
import { CLONE, homeFolder } from './clone.js';
import { EXIT, Exit } from './exit-code.js';
import { say } from './terminal.js';

const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 20_000;
/** Bytes; a longer log begins anew with the next start. */
const LOG_LIMIT = 10_000_000;

export interface Connection {
  api: Api;
  /** Of the services, when they are this clone's. */
  log?: string;
  /** Lets go of the standalone and, when nobody else uses it, waits until everything it started has stopped. */
  close(): Promise<void>;
}

/**
 * The Pullwright at PULLWRIGHT_URL; without it the standalone of this home folder: the one that runs, or a new one in a process of its own.
 * Either way the CLI speaks the same REST API to it. Several CLIs share one standalone, which ends with the last of them, however they end.
 */
export async function openConnection(): Promise<Connection> {
  const { PULLWRIGHT_URL } = loadConfig();
  if (PULLWRIGHT_URL !== undefined) return { api: new Api(PULLWRIGHT_URL), close: async () => undefined };
  const home = homeFolder();
  await mkdir(home, { recursive: true });
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    let joined = await startOrJoin(home, interrupted.signal);
    // One that was killed is started again: it finds every run where it was.
    const revive = async () => {
      if (joined.lease.destroyed || joined.lease.readableEnded) joined = await startOrJoin(home, new AbortController().signal);
      return joined.url;
    };
    return { api: new Api(joined.url, revive), log: logOf(home), close: () => letGo(joined.lease) };
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** What a command does with the API, and lets go of it however that ends. */
export async function withApi<T>(use: (api: Api) => Promise<T>): Promise<T> {
  const connection = await openConnection();
  try {
    return await use(connection.api);
  } catch (error) {
    if (connection.log && error instanceof Exit && error.code === EXIT.failure) say(`The log of the services: ${connection.log}`);
    throw error;
  } finally {
    await connection.close();
  }
}

async function startOrJoin(home: string, interrupted: AbortSignal): Promise<{ url: string; lease: Socket }> {
  let child: ChildProcess | undefined;
  for (const deadline = Date.now() + START_LIMIT_MS; Date.now() < deadline; await sleep(50)) {
    if (interrupted.aborted) {
      if (child?.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
      throw new Exit(EXIT.interrupted, 'interrupted');
    }
    const running = await findRunning(home);
    const lease = running && await takeLease(running.leasePort);
    if (running && lease) {
      child?.unref();
      return { url: running.url, lease };
    }
    if (child !== undefined && (child.signalCode !== null || (child.exitCode ?? 0) !== 0)) throw new Exit(EXIT.failure, `the services did not start:\n${await tail(home)}`, 'doctor');
    if (child === undefined) {
      say('Starting the services …');
      child = await start(home);
    } else if (child.exitCode === 0) {
      // It found the home taken: its owner is starting or stopping, and one of the next looks tells which.
      await sleep(250);
      child = await start(home);
    }
  }
  child?.kill('SIGTERM');
  throw new Exit(EXIT.failure, `the services did not start within ${START_LIMIT_MS / 1000} s:\n${await tail(home)}`, 'doctor');
}

/** In a session of its own, so that Ctrl-C reaches the CLI alone, which then stops things in order. */
async function start(home: string): Promise<ChildProcess> {
  const size = await stat(logOf(home)).then((found) => found.size, () => 0);
  const log = await open(logOf(home), size > LOG_LIMIT ? 'w' : 'a', 0o600);
  const child = spawn(process.execPath, ['--enable-source-maps', join(CLONE, 'dist/services/standalone/src/main.js'), '--leased'], {
    cwd: CLONE, detached: true, stdio: ['ignore', log.fd, log.fd],
    env: { ...childEnvironment([...Object.keys(OPTIONS), ...NETWORK_ENVIRONMENT]), PULLWRIGHT_HOME: home, PORT: '0', LOG_JSON: 'false' },
  });
  await log.close();
  return child;
}

async function takeLease(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    // Read on: a socket that is not read does not notice that the other side has closed.
    socket.on('data', (greeting) => resolve(greeting.toString() === 'held\n' ? socket : undefined));
    socket.once('close', () => resolve(undefined)).on('error', () => resolve(undefined));
  });
}

async function letGo(lease: Socket): Promise<void> {
  if (lease.destroyed) return;
  const timer = setTimeout(() => lease.destroy(), STOP_LIMIT_MS);
  await new Promise<void>((resolve) => { lease.once('close', () => resolve()).end(); });
  clearTimeout(timer);
}

async function tail(home: string): Promise<string> {
  const lines = (await readFile(logOf(home), 'utf8').catch(() => '')).trimEnd().split('\n');
  return [...lines.slice(-15), `(all of it: ${logOf(home)})`].join('\n');
}
