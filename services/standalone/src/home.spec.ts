import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { announce, claim, findRunning, type Claim } from './home.js';

let home: string;
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'pullwright-home-')); });
afterEach(async () => { await rm(home, { recursive: true, force: true }); });

/** No process has it: above the largest that Linux gives out. */
const NOBODY = 4_194_305;

async function claimed(): Promise<Claim> {
  const claim_ = await claim(home);
  if ('owner' in claim_) throw new Error(`taken by ${claim_.owner}`);
  return claim_;
}

describe('the home folder', () => {
  it('is found once its owner answers, and not when it withdraws', async () => {
    const mine = await claimed();
    expect(await findRunning(home)).toBeUndefined();
    const running = { pid: process.pid, leasePort: 1, url: 'http://127.0.0.1:2' };
    await announce(home, running);
    expect(await findRunning(home)).toEqual(running);
    await mine.withdraw();
    expect(await findRunning(home)).toBeUndefined();
    await mine.release();
    await (await claimed()).release();
  });

  it('is taken over from an owner that was killed, by one of many', async () => {
    await writeFile(join(home, 'standalone.lock'), String(NOBODY));
    await writeFile(join(home, 'standalone.json'), JSON.stringify({ pid: NOBODY, leasePort: 1, url: 'http://127.0.0.1:2' }));
    expect(await findRunning(home)).toEqual({ pid: NOBODY, leasePort: 1, url: 'http://127.0.0.1:2' });
    const mine = await claimed();
    // The announcement of the dead does not count for the living.
    expect(await findRunning(home)).toBeUndefined();
    await mine.release();
  });

  it('is taken over from a process id that now belongs to another program', async () => {
    // Process 1 lives, and is no standalone.
    await writeFile(join(home, 'standalone.lock'), '1');
    await (await claimed()).release();
  });

  it('is taken over from a lock that a full disk has left empty', async () => {
    await writeFile(join(home, 'standalone.lock'), '');
    await (await claimed()).release();
  });
});
