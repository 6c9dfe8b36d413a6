export { OPTIONS, type Config, type Option, type OptionName } from './options.js';
export { loadConfig } from './load.js';
export { childEnvironment } from './environment.js';
