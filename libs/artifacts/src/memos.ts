import { createHash } from 'node:crypto';
import { Failure, Memo } from '#contracts';
import { canonicalJson } from './canonical.js';
import type { BlobStore } from './blobs.js';

/** Far above what any result is. */
const MAX_BYTES = 256 * 1024;

/** What agents have made before, by a key that says from what: records beside the artifacts that they name. */
export class Memos {
  constructor(private readonly blobs: BlobStore) {}

  /** `undefined` when there is none, and for bytes that are not a whole record: whatever damaged them, the step is done again and writes a new one. */
  async read(key: string): Promise<Memo | undefined> {
    const bytes = await this.blobs.read(pathOf(key), MAX_BYTES).catch((error: unknown) => {
      if (error instanceof Failure && error.code === 'artifact-corrupt') return undefined;
      throw error;
    });
    return bytes && decode(bytes);
  }

  /** Replaces an older one. */
  async write(key: string, memo: Memo): Promise<void> {
    const document = canonicalJson(memo);
    await this.blobs.write(pathOf(key), Buffer.concat([Buffer.from(`${checksum(document)}\n`), document]));
  }
}

/** A line with the SHA-256 of what follows it, then the record. */
function decode(bytes: Buffer): Memo | undefined {
  const end = bytes.indexOf(10);
  const document = bytes.subarray(end + 1);
  if (bytes.toString('latin1', 0, Math.max(0, end)) !== checksum(document)) return undefined;
  return Memo.safeParse(JSON.parse(document.toString('utf8'))).data;
}

const checksum = (document: Buffer): string => createHash('sha256').update(document).digest('hex');

/** `key`: 64 hexadecimal digits. */
function pathOf(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new Failure('internal', 'not the key of a memo');
  return `memos/${key.slice(0, 2)}/${key}`;
}
