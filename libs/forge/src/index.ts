export { openSnapshot, type Snapshot, type SnapshotEntry } from './snapshot.js';
