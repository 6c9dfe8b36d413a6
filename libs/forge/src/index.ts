export type { Check, Forge, ForgeUse, HostedForge, Permission, Publication, PullRequestState, Resolved, Snapshot, SnapshotEntry, Withdrawal } from './forge.js';
export { connect, connectHosted, grantAccess, type ForgeAccess, type ForgeSettings } from './forges.js';
export { reproduceTree } from './reproduction.js';
