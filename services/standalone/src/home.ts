import { execFile } from 'node:child_process';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

/**
 * One standalone per home folder: two of them on the same databases would end each other's servers.
 *
 * The lock is a file that holds its owner's process id. It is made by `link`, which fails when it exists; a lock whose owner is gone (kill -9, power cut) is moved
 * aside by `rename`, so that of several that find it, one takes it. Beside it, `standalone.json` says where the owner answers, once it does.
 */
const Running = z.object({ pid: z.int(), leasePort: z.int(), url: z.url() });
export type Running = z.infer<typeof Running>;

const lockOf = (home: string) => join(home, 'standalone.lock');
const runningOf = (home: string) => join(home, 'standalone.json');
export const logOf = (home: string) => join(home, 'standalone.log');

export interface Claim {
  /** From now on nobody finds this standalone, though it still has the home. */
  withdraw(): Promise<void>;
  release(): Promise<void>;
}

/** Takes the home, or returns the process id of the standalone that has it. */
export async function claim(home: string): Promise<Claim | { owner: number }> {
  await mkdir(home, { recursive: true });
  const mine = `${lockOf(home)}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    for (;;) {
      const taken = await link(mine, lockOf(home)).then(() => true, (error: NodeJS.ErrnoException) => { if (error.code === 'EEXIST') return false; throw error; });
      if (taken) return { withdraw: () => rm(runningOf(home), { force: true }), release: () => rm(lockOf(home), { force: true }) };
      const held = await readFile(lockOf(home), 'utf8').catch(() => '');
      const owner = processIn(held);
      if (owner !== undefined && await isStandalone(owner)) return { owner };
      await setAside(home, held, mine);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

export async function announce(home: string, running: Running): Promise<void> {
  const half = `${runningOf(home)}.${process.pid}`;
  await writeFile(half, JSON.stringify(running));
  await rename(half, runningOf(home));
}

/** The standalone that has the home and answers; undefined while it starts and when there is none. */
export async function findRunning(home: string): Promise<Running | undefined> {
  const owner = processIn(await readFile(lockOf(home), 'utf8').catch(() => ''));
  const text = await readFile(runningOf(home), 'utf8').catch(() => undefined);
  if (owner === undefined || text === undefined) return undefined;
  const running = Running.safeParse(JSON.parse(text));
  return running.success && running.data.pid === owner ? running.data : undefined;
}

function processIn(lock: string): number | undefined {
  return /^[1-9]\d*$/.test(lock) ? Number(lock) : undefined;
}

/** Moves a stale lock away. When somebody else has renewed it since it was read, what was moved is theirs and goes back. */
async function setAside(home: string, stale: string, mine: string): Promise<void> {
  const aside = `${mine}.stale`;
  const moved = await rename(lockOf(home), aside).then(() => true, () => false);
  if (!moved) return;
  if (await readFile(aside, 'utf8') !== stale) await link(aside, lockOf(home)).catch(() => undefined);
  await rm(aside, { force: true });
  await sleep(20);
}

/** A process id may have been given to somebody else since: only a process of this program counts, and where that cannot be seen, any living one. */
async function isStandalone(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(async () => (await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)])).stdout).catch(() => undefined);
  return command === undefined || command.includes('standalone');
}
