import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { Failure } from '#contracts';
import { readTree, type GithubRepository } from './blobs.js';
import { doing, type GithubClient } from './client.js';
import type { Reader } from './reader.js';

/** Fewer files are fetched one by one. */
const FEW = 10;
/** What is larger is passed over, and fetched by itself when somebody wants it. */
const FILE_BYTES = 4 * 1024 * 1024;
/** Unpacked; a tarball beyond it is left where it is, and the rest fetched by blobs. */
const TOTAL_BYTES = 2 * 1024 * 1024 * 1024;

/**
 * Two requests for all files of a commit. GitHub makes the tarball with `git archive`, so the attributes `export-ignore` and `export-subst` take files out of it and change others, links and
 * submodules lose their ids, and LFS may have put contents in: therefore the tree is listed beside it, and what does not hash to the listed id is fetched as a blob.
 */
export function tarballReader(client: GithubClient, at: GithubRepository): Reader {
  return {
    tree: (id, recursive) => readTree(client, at, id, recursive),
    async contents(commit, wanted, tell) {
      if (wanted.length <= FEW) return;
      const { data } = await doing(`the tarball of ${commit.slice(0, 12)}`, () => client.request('GET /repos/{owner}/{repo}/tarball/{ref}', { ...at, ref: commit, request: { parseSuccessResponseBody: false } }));
      const body = data as Parameters<typeof Readable.fromWeb>[0];
      try {
        await unpack(Readable.fromWeb(body), tell);
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        throw new Failure('forge-unavailable', `the tarball of ${commit.slice(0, 12)} broke off`, { cause });
      }
    },
    close: () => Promise.resolve(),
  };
}

class Enough extends Error {}

async function unpack(packed: Readable, tell: (path: string, content: Buffer) => Promise<void>): Promise<void> {
  const entries = extract();
  let total = 0;
  const reading = (async () => {
    for await (const entry of entries) {
      total += entry.header.size ?? 0;
      if (total > TOTAL_BYTES) throw new Enough();
      // Everything is below one folder, which is named after the commit.
      const path = entry.header.name.slice(entry.header.name.indexOf('/') + 1);
      if (entry.header.type !== 'file' || (entry.header.size ?? 0) > FILE_BYTES) { entry.resume(); continue; }
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      await tell(path, Buffer.concat(chunks));
    }
  })();
  try {
    await Promise.all([pipeline(packed, createGunzip(), entries as unknown as Duplex), reading]);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    packed.destroy();
  }
}
