export { OPTIONS, type Config, type Option, type OptionName } from './options.js';
export { loadConfig } from './load.js';
export { crashPoint, isCrashPoint } from './crash-point.js';
export { NETWORK_ENVIRONMENT, SERVICE_FLAGS, childEnvironment, settingsAmong } from './environment.js';
