import type { ModuleModel, ModuleModels } from '../../interpret/machine.js';
import type { Server } from '../server.js';
import { databaseModels } from './database.js';
import { bodyParserModel, expressModel } from './express.js';
import { middlewareModels } from './middleware.js';
import { nodeModels } from './node.js';
import { passportModels } from './passport.js';
import { securityModels } from './security.js';
import { templateModels } from './templates.js';
import { validationModel } from './validation.js';

/** Packages that servers of pages use, as the interpreter sees them. What is not here is unknown to it. */
export function modelsOf(server: Server): ModuleModels {
  const models: Array<[string, ModuleModel]> = [
    ['express', expressModel(server)], ['body-parser', bodyParserModel(server)], ['express-validator', validationModel(server)],
    ...nodeModels(server), ...middlewareModels(server), ...passportModels(server), ...securityModels(server), ...templateModels(server), ...databaseModels(server),
  ];
  return new Map(models);
}
