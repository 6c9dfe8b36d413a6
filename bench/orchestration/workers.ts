import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment, SERVICE_FLAGS } from '#config';
import { Failure } from '#contracts';
import { STEP_NUMBERS, type Site } from './system.js';

const READY_LIMIT_MS = 60_000;
const STOP_GRACE_MS = 5_000;
const OUTPUT_TAIL = 2_000;

/** A worker runs from what its parent runs from: the build, or sources (specs), which need types stripped and imports resolved. */
const FROM = extname(fileURLToPath(import.meta.url));
const SOURCE_ARGUMENTS = FROM === '.ts'
  ? ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--conditions=pullwright-source', `--import=${new URL('../../libs/agent/src/from-source.mjs', import.meta.url).href}`]
  : [];

/** What a worker is told when it starts. */
export interface Assignment { step: number; options: Record<string, string> }
/** The one export that a system's module needs for its workers: begins to work, and settles when it is ready for the first run. `done` tells that a run has ended. */
export type Work = (assignment: Assignment, done: (run: string) => void) => Promise<void>;

export interface Workers {
  processes: Record<string, number>;
  /** Settles when a worker tells the end of this run. */
  done(run: string): Promise<void>;
}

/**
 * One process for each step; each imports `moduleUrl` and calls its `work`. Settles when all are ready; they end with the site.
 * A worker that dies early ends the measurement with a `Failure('internal')` that has its last output.
 */
export async function startWorkers(site: Site, moduleUrl: string, options: Record<string, string>): Promise<Workers> {
  const waiting = new Map<string, () => void>();
  const processes: Record<string, number> = {};
  await Promise.all(STEP_NUMBERS.map(async (step) => {
    const assignment: Assignment = { step, options };
    const child = fork(fileURLToPath(new URL(`worker${FROM}`, import.meta.url)), [moduleUrl, JSON.stringify(assignment)], {
      env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [...SERVICE_FLAGS, ...SOURCE_ARGUMENTS],
    });
    const stop = () => end(child);
    site.undo(stop);
    let tail = '';
    const keep = (chunk: Buffer) => { tail = (tail + chunk.toString('utf8')).slice(-OUTPUT_TAIL); };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(() => { ready.reject(new Failure('internal', `worker ${step} was not ready in ${READY_LIMIT_MS} ms: ${tail}`)); }, READY_LIMIT_MS);
    child.on('message', (message: { ready: true } | { done: string }) => {
      if ('ready' in message) ready.resolve();
      else waiting.get(message.done)?.();
    });
    child.once('exit', (code, signal) => {
      const crashed = new Failure('internal', `worker ${step} ended (${signal ?? code}): ${tail}`);
      ready.reject(crashed);
      site.fail(crashed);
    });
    await ready.promise.finally(() => { clearTimeout(timer); });
    processes[`worker ${step}`] = child.pid as number;
  }));
  return {
    processes,
    done: async (run) => {
      await new Promise<void>((resolve) => { waiting.set(run, resolve); });
      waiting.delete(run);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await gone;
  clearTimeout(timer);
}
