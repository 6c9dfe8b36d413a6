export type { Check, Forge, HostedForge, Permission, Publication, PullRequestState, Resolved, Snapshot, SnapshotEntry, Withdrawal } from './forge.js';
export { connect, connectHosted, grantAccess, type ForgeAccess, type ForgeSettings, type ForgeUse } from './forges.js';
export { parseAddress } from './address.js';
export { reproduceTree } from './reproduction.js';
