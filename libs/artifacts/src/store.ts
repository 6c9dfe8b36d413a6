import { randomUUID } from 'node:crypto';
import { ArtifactId, Failure, type ArtifactKind } from '#contracts';
import type { BlobStore } from './blobs.js';
import { REFRESH_MS } from './sweep.js';
import { Memos } from './memos.js';
import { decode, encode, idOf, MAX_ARTIFACT_BYTES, type Content } from './codec.js';

/** Immutable, content-addressed artifacts: the id is the SHA-256 of the canonical bytes, the key follows from the id. Schema and hash are checked on every way in and out. */
export class ArtifactStore {
  /** Kept in the same place. */
  readonly memos: Memos;

  constructor(private readonly blobs: BlobStore, private readonly now: () => number = Date.now) { this.memos = new Memos(blobs); }

  /** Stores and answers with the id. Storing the same again changes nothing, except that it mends a damaged copy and makes an old one young (sweep.ts). */
  async put<K extends ArtifactKind>(kind: K, content: Content<K>): Promise<ArtifactId> {
    const bytes = await encode(kind, content);
    const id = idOf(bytes);
    const found = await this.blobs.stat(keyOf(id));
    const present = found?.bytes === bytes.byteLength && this.now() - found.writtenAt < REFRESH_MS && (await this.blobs.read(keyOf(id), bytes.byteLength))?.equals(bytes);
    if (!present) await this.blobs.write(keyOf(id), bytes);
    return id;
  }

  /** Throws `Failure` with `artifact-missing`, `artifact-corrupt` (bytes do not match the id), `artifact-invalid` (not of that kind) or `store-unavailable`. */
  async get<K extends ArtifactKind>(kind: K, id: ArtifactId): Promise<Content<K>> {
    return decode(kind, await this.bytes(id));
  }

  /** The stored bytes, hash checked: for handing an artifact on as it is. */
  async bytes(id: ArtifactId): Promise<Buffer> {
    const bytes = await this.blobs.read(keyOf(id), MAX_ARTIFACT_BYTES);
    if (bytes === undefined) throw new Failure('artifact-missing', id);
    if (idOf(bytes) !== id) throw new Failure('artifact-corrupt', id);
    return bytes;
  }

  async stat(id: ArtifactId): Promise<{ bytes: number } | undefined> {
    const found = await this.blobs.stat(keyOf(id));
    return found && { bytes: found.bytes };
  }

  /** Proves that the store takes a write and gives it back; throws `Failure('store-unavailable')`. */
  async check(): Promise<void> {
    const key = `health/${randomUUID()}`;
    const written = Buffer.from(key);
    await this.blobs.write(key, written);
    const read = await this.blobs.read(key, written.byteLength);
    await this.blobs.remove(key);
    if (!read?.equals(written)) throw new Failure('store-unavailable', 'a write could not be read back');
  }
}

function keyOf(id: string): string {
  const parsed = ArtifactId.safeParse(id);
  if (!parsed.success) throw new Failure('bad-request', 'not an artifact id');
  const hex = parsed.data.slice('sha256:'.length);
  return `artifacts/sha256/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex}`;
}
