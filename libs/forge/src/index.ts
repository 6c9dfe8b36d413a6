export { openSnapshot, type Snapshot, type SnapshotEntry } from './snapshot.js';
export { publish, withdraw, type Publication, type Withdrawal } from './local.js';
