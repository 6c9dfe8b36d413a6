import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { childEnvironment } from '#config';

const START_LIMIT_MS = 180_000;
const STOP_GRACE_MS = 5_000;
const OUTPUT_TAIL = 4_000;

export interface Application {
  /** Ends the whole process group. */
  stop(): Promise<void>;
}

/**
 * Starts an application and waits until `readyUrl` answers with anything but a server error. `command` is split at white space, there is no shell.
 * Throws with the end of its output when it does not get ready within three minutes.
 */
export async function startApplication(options: { folder: string; command: string; readyUrl: string; env: Record<string, string> }): Promise<Application> {
  const [program = '', ...args] = options.command.trim().split(/\s+/);
  const child = spawn(program, args, { cwd: options.folder, env: { ...childEnvironment(), PATH: pathWithThisNode(), ...options.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer) => { output = (output + chunk.toString('utf8')).slice(-OUTPUT_TAIL); };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);

  let ended = false;
  // `close`, not `exit`: a package manager may end before the server that it started and that holds its pipes.
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => { ended = true; resolve(); });
    child.once('error', (error) => { output += String(error); ended = true; resolve(); });
  });
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined || ended) return;
    try { process.kill(-child.pid, name); } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; }
  };
  const orphaned = () => { signal('SIGKILL'); };
  process.once('exit', orphaned);
  const stop = async () => {
    signal('SIGTERM');
    const timer = setTimeout(() => { signal('SIGKILL'); }, STOP_GRACE_MS);
    await closed;
    clearTimeout(timer);
    process.removeListener('exit', orphaned);
  };

  const deadline = Date.now() + START_LIMIT_MS;
  while (!await answers(options.readyUrl)) {
    if (ended || Date.now() > deadline) {
      await stop();
      throw new Error(`${options.command} ${ended ? 'ended' : 'was not ready in time'} at ${options.readyUrl}:\n${output}`);
    }
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  return { stop };
}

/** Applications run on the Node that runs this, whatever the machine has. */
export const pathWithThisNode = (): string => [dirname(process.execPath), childEnvironment()['PATH'] ?? ''].join(delimiter);

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    // Not listening yet: the caller asks again until its deadline.
    return false;
  }
}
