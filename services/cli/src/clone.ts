import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadConfig } from '#config';

/** The clone that this program runs from: the nearest folder above with a package.json, whether it runs from sources or from dist. */
function findClone(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
export const CLONE = findClone();

/** Where databases, artifacts and the demo live; a relative one is relative to the clone, wherever the command is called. */
export function homeFolder(): string { return resolve(CLONE, loadConfig().PULLWRIGHT_HOME ?? '.pullwright'); }
