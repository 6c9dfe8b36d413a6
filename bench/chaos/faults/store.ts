import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

/** The artifact store does not answer, keeps everybody waiting, or gives back other bytes than it was given. */
export const storeFaults: readonly Fault[] = [
  {
    name: 'artifact store down',
    inject: async ({ artifacts }, random) => {
      const ms = random.between(2_000, 6_000);
      const mend = await artifacts.breakDown();
      await sleep(ms);
      await mend();
      return { did: `${artifacts.kind} for ${ms} ms` };
    },
  },
  {
    name: 'artifact store slow',
    inject: async ({ artifacts }, random) => {
      if (!artifacts.stall) return { skipped: `a store on ${artifacts.kind} cannot be made slow; --store s3 can` };
      const ms = random.between(2_000, 8_000);
      const goOn = artifacts.stall();
      await sleep(ms);
      goOn();
      return { did: `silent for ${ms} ms` };
    },
  },
  {
    name: 'artifact store gives other bytes',
    inject: async ({ artifacts }, random) => {
      const ms = random.between(2_000, 5_000);
      const files = await artifacts.newest(40);
      const whole = await Promise.all(files.map(async (file) => [file, await readFile(file)] as const));
      for (const [file, bytes] of whole) await replace(file, random.next() < 0.5 ? bytes.subarray(0, bytes.length >> 1) : Buffer.from(bytes.toString('utf8').replace('chaos', 'CHAOS')));
      await sleep(ms);
      for (const [file, bytes] of whole) await replace(file, bytes);
      return { did: `${whole.length} artifacts for ${ms} ms` };
    },
  },
];

/** Whole bytes, wrong or right, and never half a file. */
async function replace(file: string, bytes: Buffer): Promise<void> {
  await writeFile(`${file}.next`, bytes);
  await rename(`${file}.next`, file);
}
