import { Failure } from '#contracts';
import { unpackArchive } from '../hosted/archive.js';
import { readTree, type GithubRepository } from './blobs.js';
import { doing, type GithubClient } from './client.js';
import type { Reader } from './reader.js';

/** Fewer files are fetched one by one. */
const FEW = 10;

/**
 * Two requests for all files of a commit. A tarball may lack files and have others changed, links and submodules lose their ids in it, and LFS may have put contents in: therefore the tree is listed beside it, and
 * what does not hash to the listed id is fetched as a blob.
 */
export function tarballReader(client: GithubClient, at: GithubRepository): Reader {
  return {
    tree: (id, recursive) => readTree(client, at, id, recursive),
    async contents(commit, wanted, tell) {
      if (wanted.length <= FEW) return;
      const { data } = await doing(`the tarball of ${commit.slice(0, 12)}`, () => client.request('GET /repos/{owner}/{repo}/tarball/{ref}', { ...at, ref: commit, request: { parseSuccessResponseBody: false } }));
      try {
        await unpackArchive(data as Parameters<typeof unpackArchive>[0], async (path, _size, content) => { if (content) await tell(path, content); });
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        throw new Failure('forge-unavailable', `the tarball of ${commit.slice(0, 12)} broke off`, { cause });
      }
    },
    close: () => Promise.resolve(),
  };
}
