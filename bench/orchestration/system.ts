import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A run is this many steps, one after the other, each in a worker process of its own. */
export const STEPS = 5;
export const STEP_NUMBERS: readonly number[] = Array.from({ length: STEPS }, (_, index) => index + 1);

/** A system that has started, is empty, and waits for runs. */
export interface RunningSystem {
  /** Hands in `count` further runs by the fastest interface the system has; settles when all are accepted. */
  submit(count: number): Promise<void>;
  /** How many runs have completed since the start. Cheap, but not free: it is asked seldom. */
  completed(): Promise<number>;
  /** One run on the idle system, from its submit until its end is known outside. */
  single(): Promise<void>;
  /** Roots of the process trees that do its work, servers included, by what they are. The process that submits is not among them. */
  processes: Record<string, number>;
}

export interface Contestant {
  name: string;
  /** `variant`: one of Pullwright that stands in the table but is not what the bar is about. */
  kind: 'product' | 'variant' | 'peer' | 'floor';
  /** The configuration, in one line. */
  configuration: string;
  /** Everything that it starts is told to the site, which takes it away again, also when the start fails half way. */
  start(site: Site): Promise<RunningSystem>;
}

/** Where one contestant runs once: an empty folder on disk, and a list of what has to be undone. */
export interface Site {
  folder: string;
  /** Aborts when the benchmark is interrupted, and when a part of the system has ended on its own. */
  signal: AbortSignal;
  /** Ends the measurement with this error. */
  fail(error: unknown): void;
  log(line: string): void;
  /** Undone in reverse order. */
  undo(action: () => Promise<unknown>): void;
}

/** Gives `use` a site and takes everything away afterwards, however it ends. Throws what `use` threw, or else what could not be undone. */
export async function onSite<T>(signal: AbortSignal, log: (line: string) => void, use: (site: Site) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-orchestration-'));
  // Root's Postgres runs as another account, which must get through.
  await chmod(folder, 0o711);
  const undos: Array<() => Promise<unknown>> = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })];
  const failures: unknown[] = [];
  const failed = new AbortController();
  try {
    return await use({ folder, signal: AbortSignal.any([signal, failed.signal]), fail: (error) => { failed.abort(error); }, log, undo: (action) => { undos.push(action); } });
  } catch (error) {
    // A part that ended on its own is the reason of whatever else went wrong then.
    failed.signal.throwIfAborted();
    throw error;
  } finally {
    for (const undo of undos.reverse()) await undo().catch((error: unknown) => { failures.push(error); });
    for (const failure of failures) log(`could not be taken away: ${String(failure)}`);
  }
}
