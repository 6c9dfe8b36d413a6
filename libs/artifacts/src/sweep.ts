import { ArtifactId, Failure } from '#contracts';
import type { BlobStore } from './blobs.js';
import { Memos } from './memos.js';

const HOUR_MS = 3_600_000;
/** Younger blobs are left alone: a step that is at work may have stored one that no run names yet. */
export const GRACE_MS = 24 * HOUR_MS;
/** Storing again what is there already makes it young again when it is older than this, so that nothing that was stored within the rest of the grace is ever old. */
export const REFRESH_MS = 12 * HOUR_MS;

export interface Swept { removed: number; removedBytes: number; kept: number; memos: number }

/**
 * Removes artifacts that neither a run nor a memo names, memos older than `memoDays`, and what crashes have left behind; all of it only when it is older than the grace. `referenced`: the ids that
 * runs name, read before anything is removed. The age is looked at again just before each removal, so an artifact that is stored once more meanwhile stays.
 */
export async function sweepBlobs(blobs: BlobStore, referenced: AsyncIterable<ArtifactId>, memoDays: number, now: () => number = Date.now): Promise<Swept> {
  const swept: Swept = { removed: 0, removedBytes: 0, kept: 0, memos: 0 };
  const named = new Set<string>();
  const memos = new Memos(blobs);
  for await (const { key, writtenAt } of blobs.list('memos/')) {
    const memo = now() - writtenAt < memoDays * 24 * HOUR_MS + GRACE_MS ? await memos.read(key.slice(key.lastIndexOf('/') + 1)).catch(unreadable) : undefined;
    for (const id of Object.values(memo?.outputs ?? {}).flat()) named.add(short(id));
    if (memo || now() - writtenAt < GRACE_MS) continue;
    await blobs.remove(key);
    swept.memos++;
  }
  for await (const id of referenced) named.add(short(id));
  for await (const { key, bytes, writtenAt } of blobs.list('artifacts/')) {
    const isYoung = (at: number) => now() - at < GRACE_MS;
    const id = ArtifactId.safeParse(`sha256:${key.slice(key.lastIndexOf('/') + 1)}`);
    const found = isYoung(writtenAt) || (id.success && named.has(short(id.data))) ? undefined : await blobs.stat(key);
    if (!found || isYoung(found.writtenAt)) {
      swept.kept++;
      continue;
    }
    await blobs.remove(key);
    swept.removed++;
    swept.removedBytes += bytes;
  }
  return swept;
}

/** Half of an id in as few bytes as a string can have: millions of them fit in memory, and two that are taken for one only keep one too many. */
const short = (id: ArtifactId): string => Buffer.from(id.slice('sha256:'.length, 'sha256:'.length + 32), 'hex').toString('latin1');

/** The key of something else, left by a crash in the middle of a write. */
function unreadable(error: unknown): undefined {
  if (error instanceof Failure && error.code === 'internal') return undefined;
  throw error;
}
