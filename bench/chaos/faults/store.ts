import { readdir, readFile, readlink, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

/** The artifact store on disk (its folder is a symbolic link): not there, and giving back other bytes than it was given. */
export const storeFaults: readonly Fault[] = [
  {
    name: 'artifact store down',
    inject: async ({ storeFolder }, random) => {
      const ms = random.between(2_000, 6_000);
      const real = await readlink(storeFolder);
      // Nothing can be made or found below a file that is no folder.
      await pointTo(storeFolder, '/dev/null');
      try {
        await sleep(ms);
      } finally {
        await pointTo(storeFolder, real);
      }
      return { did: `for ${ms} ms` };
    },
  },
  {
    name: 'artifact store gives other bytes',
    inject: async ({ storeFolder }, random) => {
      const ms = random.between(2_000, 5_000);
      const files = await newest(join(storeFolder, 'artifacts'), 40);
      const whole = await Promise.all(files.map(async (file) => [file, await readFile(file)] as const));
      for (const [file, bytes] of whole) await writeFile(file, random.next() < 0.5 ? bytes.subarray(0, bytes.length >> 1) : Buffer.from(bytes.toString('utf8').replace('chaos', 'CHAOS')));
      await sleep(ms);
      for (const [file, bytes] of whole) await writeFile(file, bytes);
      return { did: `${whole.length} artifacts for ${ms} ms` };
    },
  },
];

/** In one step: nobody finds the link missing. */
async function pointTo(link: string, target: string): Promise<void> {
  await symlink(target, `${link}.next`);
  await rename(`${link}.next`, link);
}

async function newest(folder: string, count: number): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp')).map((entry) => join(entry.parentPath, entry.name));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(name)).mtimeMs })));
  return aged.sort((a, b) => b.at - a.at).slice(0, count).map(({ name }) => name);
}
