import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

const STOP_GRACE_MS = 10_000;
const OUTPUT_TAIL = 4_000;

/** A server that runs as a child of this process and does not outlive it when it ends in an orderly way. */
export interface ServerProcess {
  readonly pid: number;
  /** The last output, for the message of a failed start. */
  output(): string;
  /** Settles when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  hasExited(): boolean;
  /** Sends `signal`, waits, and kills after ten seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  kill(): Promise<void>;
}

/** Those that this process has to take along when it ends. */
const running = new Set<ChildProcess>();
const killAll = () => { for (const child of running) child.kill('SIGKILL'); };

/** `options.env` must be given: a server inherits nothing unnamed. */
export function spawnServer(command: string, args: readonly string[], options: SpawnOptions & { env: Record<string, string> }): ServerProcess {
  const child: ChildProcess = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let tail = '';
  const keep = (chunk: Buffer) => { tail = (tail + chunk.toString('utf8')).slice(-OUTPUT_TAIL); };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  if (running.size === 0) process.once('exit', killAll);
  running.add(child);
  let ended = false;
  const exited = new Promise<void>((resolve) => {
    const end = () => { ended = true; running.delete(child); if (running.size === 0) process.removeListener('exit', killAll); resolve(); };
    child.once('exit', end);
    child.once('error', (error) => { tail += String(error); end(); });
  });
  return {
    pid: child.pid ?? 0, exited, output: () => tail, hasExited: () => ended,
    stop: async (signal = 'SIGTERM') => {
      if (ended) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
    kill: async () => {
      if (!ended) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A port that was free a moment ago; whoever binds it must be ready to ask again. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => { probe.once('error', reject).listen(0, '127.0.0.1', resolve); });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => { probe.close(resolve); });
  return port;
}
