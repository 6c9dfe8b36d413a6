import type { Forge } from '../forge.js';
import { publish, withdraw } from './publishing.js';
import { openSnapshot, readFileAt, resolveRef } from './snapshot.js';

/** Needs no credential: what the process may read and write on this machine, it may. */
export interface LocalAccess { forge: 'local' }

export const localForge: Forge = { name: 'local', resolveRef, open: openSnapshot, readFile: readFileAt, publish, withdraw };
