import type { Config } from '#config';
import type { BlobStore } from './blobs.js';
import { diskBlobs } from './disk.js';
import { s3Blobs } from './s3.js';
import { ArtifactStore } from './store.js';

/** The store that the configuration names. Nothing is contacted yet; `check()` does. */
export function openArtifactStore(config: Config): ArtifactStore {
  return new ArtifactStore(openBlobs(config));
}

/** The place of its bytes, for the sweep. */
export function openBlobs(config: Config): BlobStore {
  return config.ARTIFACT_STORE === 'disk' ? diskBlobs(config.ARTIFACT_DIR) : s3Blobs({
    endpoint: config.S3_ENDPOINT, bucket: config.S3_BUCKET, region: config.S3_REGION, accessKey: config.S3_ACCESS_KEY, secretKey: config.S3_SECRET_KEY,
  });
}
