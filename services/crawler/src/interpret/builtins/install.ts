import type { Machine } from '../machine.js';
import { installArrays } from './arrays.js';
import { installAsync } from './async.js';
import { installBrowser } from './browser.js';
import { installCollections } from './collections.js';
import { installData } from './data.js';
import { installDates } from './dates.js';
import { installErrors } from './errors.js';
import { GlobalObject } from './globals.js';
import { installNetwork } from './network.js';
import { installNumbers } from './numbers.js';
import { installObjects } from './objects.js';
import { installTexts } from './texts.js';
import { installAddresses } from './addresses.js';

/** Everything a program finds without importing it. */
export function installBuiltins(machine: Machine): void {
  for (const install of [installObjects, installArrays, installTexts, installNumbers, installCollections, installData, installErrors, installAsync, installDates, installAddresses, installNetwork]) install(machine);
  if (machine.options.host === 'browser') installBrowser(machine);
  const world = new GlobalObject(machine);
  for (const name of ['globalThis', 'self', 'global', 'window']) if (machine.options.host === 'browser' || name === 'globalThis' || name === 'global') machine.globals.set(name, world);
}
