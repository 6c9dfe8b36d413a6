import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '#contracts';
import type { BlobStore } from './blobs.js';

/** Blobs as files below one folder. Keys are ours, never from outside. */
export function diskBlobs(folder: string): BlobStore {
  const root = resolve(folder);
  const path = (key: string) => join(root, key);
  return {
    write: (key, bytes) => guarded(async () => {
      await mkdir(dirname(path(key)), { recursive: true });
      // Readers see the whole file or none: it gets its name only when its bytes are on the disk, and the name is on the disk before we say so.
      const temporary = `${path(key)}.${randomUUID()}.tmp`;
      try {
        const file = await open(temporary, 'wx', 0o644);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, path(key));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      const parent = await open(dirname(path(key)), 'r');
      try {
        await parent.sync();
      } finally {
        await parent.close();
      }
    }),
    read: (key, limit) => guarded(async () => {
      const file = await absent(open(path(key), 'r'));
      if (!file) return undefined;
      try {
        const { size } = await file.stat();
        if (size > limit) throw new Failure('artifact-corrupt', `${size} bytes where at most ${limit} can be`);
        return await file.readFile();
      } finally {
        await file.close();
      }
    }),
    stat: (key) => guarded(async () => statOf(await absent(stat(path(key))))),
    list: (prefix) => list(root, join(root, prefix)),
    remove: (key) => guarded(() => rm(path(key), { force: true })),
  };
}

const statOf = (found: Stats | undefined) => found && { bytes: found.size, writtenAt: found.mtimeMs };

/** `folder`: a prefix that ends with a slash is one. */
async function* list(root: string, folder: string): ReturnType<BlobStore['list']> {
  for (const entry of await guarded(async () => await absent(readdir(folder, { withFileTypes: true })) ?? [])) {
    const found = join(folder, entry.name);
    if (entry.isDirectory()) yield* list(root, found);
    else {
      const about = statOf(await guarded(() => absent(stat(found))));
      if (about) yield { key: relative(root, found).replaceAll(sep, '/'), ...about };
    }
  }
}

async function absent<T>(access: Promise<T>): Promise<T | undefined> {
  return access.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('store-unavailable', (error as NodeJS.ErrnoException).code, { cause: error });
  }
}
