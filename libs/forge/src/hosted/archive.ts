import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

/** What is larger is passed over, and fetched by itself when somebody wants it. */
const FILE_BYTES = 4 * 1024 * 1024;
/** Unpacked; an archive beyond it is left where it is. */
const TOTAL_BYTES = 2 * 1024 * 1024 * 1024;

class Enough extends Error {}

/**
 * Tells the files of a packed tar, in which everything is below one folder, by their path in that folder. Forges make it with `git archive`, so the attributes `export-ignore` and `export-subst` take
 * files out of it and change others: nothing of it may be believed before it is checked. A file that is too large is told without its content.
 */
export async function unpackArchive(packed: Parameters<typeof Readable.fromWeb>[0], tell: (path: string, size: number, content?: Buffer) => Promise<void>): Promise<void> {
  const entries = extract();
  const source = Readable.fromWeb(packed);
  let total = 0;
  const reading = (async () => {
    for await (const entry of entries) {
      const size = entry.header.size ?? 0;
      const path = entry.header.name.slice(entry.header.name.indexOf('/') + 1);
      if (entry.header.type !== 'file') { entry.resume(); continue; }
      if (size > FILE_BYTES) { await tell(path, size); entry.resume(); continue; }
      total += size;
      if (total > TOTAL_BYTES) throw new Enough();
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      await tell(path, size, Buffer.concat(chunks));
    }
  })();
  try {
    await Promise.all([pipeline(source, createGunzip(), entries as unknown as Duplex), reading]);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    source.destroy();
  }
}
