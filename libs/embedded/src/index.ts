export { resolveNatsServer } from './nats-binary.js';
export { startEmbeddedNats, type EmbeddedNats, type EmbeddedNatsOptions } from './nats.js';
export { startEmbeddedPostgres, type EmbeddedPostgres } from './postgres.js';
export { freePort, spawnServer, type ServerProcess } from './server-process.js';
