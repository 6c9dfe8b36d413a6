import type { ModuleModel } from '../../interpret/machine.js';
import type { Server } from '../server.js';

/** Databases. */
export function databaseModels(_server: Server): Array<[string, ModuleModel]> {
  return [];
}
