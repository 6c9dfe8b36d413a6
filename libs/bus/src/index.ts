export { Bus, type BusOptions } from './bus.js';
export { inspect, stores, type BusCondition, type StreamCondition } from './condition.js';
export type { Delivered, MessageMeta } from './message.js';
export { itemsIn, shareOut, type Item, type Shared } from './sharing.js';
export { provision, provisionAnew, type Provisioned } from './provision.js';
export { StepContext, StepServer, type StepServerOptions } from './step.server.js';
