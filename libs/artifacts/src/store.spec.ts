import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startS3 } from '#testing';
import { diskBlobs } from './disk.js';
import { s3Blobs } from './s3.js';
import { storeContract } from './store.contract.js';

storeContract('disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-artifacts-'));
  const root = join(folder, 'store');
  return {
    blobs: diskBlobs(root),
    // A file where the folder was: every access fails as on a lost mount, for root too.
    breakDown: async () => { await rename(root, join(folder, 'gone')); await writeFile(root, ''); },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
});

storeContract('S3', async () => {
  const s3 = await startS3();
  return { blobs: s3Blobs(s3), breakDown: () => s3.kill(), remove: () => s3.stop() };
});
