export { openSnapshot, resolveRef, type Snapshot, type SnapshotEntry } from './snapshot.js';
export { reproduceTree } from './reproduction.js';
export { publish, withdraw, type Publication, type Withdrawal } from './local.js';
