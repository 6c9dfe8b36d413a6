export { openArtifactStore } from './open.js';
export { ArtifactStore } from './store.js';
export type { BlobStore } from './blobs.js';
export type { Memos } from './memos.js';
export { diskBlobs } from './disk.js';
export { s3Blobs, type S3Options } from './s3.js';
export { decode as decodeArtifact, MAX_ARTIFACT_BYTES, type Content } from './codec.js';
export { compare as compareBundle, packBundle, readBundle, type Bundle, type BundleManifest } from './bundle.js';
export { canonicalJson } from './canonical.js';
