import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { loadConfig } from '#config';
import { homeFolder } from './clone.js';
import { seconds } from './terminal.js';

/** Milliseconds of the last successful run of each sort: cold installs or builds or makes the database first, warm does not. */
const Times = z.object({ cold: z.number().optional(), warm: z.number().optional() });

/** This run's time from the command to its end, and the last one of the other sort. */
export async function rememberTime(succeeded: boolean): Promise<{ seconds: number; cold: boolean; text: string }> {
  const coldSince = loadConfig().PULLWRIGHT_COLD_SINCE;
  const took = coldSince === undefined ? performance.now() : Date.now() - coldSince * 1000;
  const cold = coldSince !== undefined;
  const file = join(homeFolder(), 'times.json');
  const times = Times.safeParse(JSON.parse(await readFile(file, 'utf8').catch(() => '{}'))).data ?? {};
  if (succeeded) await writeFile(file, JSON.stringify({ ...times, [cold ? 'cold' : 'warm']: took }));
  const other = cold ? times.warm : times.cold;
  const sort = cold ? 'cold, installing and building included' : 'warm';
  return { seconds: Math.round(took) / 1000, cold, text: `Time: ${seconds(took)} (${sort}${other === undefined ? '' : `; the last ${cold ? 'warm' : 'cold'} one took ${seconds(other)}`})` };
}
