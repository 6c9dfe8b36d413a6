import { Failure } from '#contracts';
import type { Snapshot } from '../forge.js';
import { unpackArchive } from '../hosted/archive.js';
import { listingOf, type ListedEntry, type Listing } from '../hosted/listing.js';
import { objectId } from '../object-id.js';
import { printable } from '../printable.js';
import { readBlob, resolve, type Source } from './repository.js';
import { entryLine, treeId } from '../tree-plan.js';

const BLOBS_AT_ONCE = 8;
/** Fewer files are fetched one by one. */
const FEW = 10;

/**
 * Opens a commit. GitLab lists a tree without sizes, so the files themselves are read when it is opened: all at once as an archive, or one by one. What an archive does not bring, or brings with other bytes
 * than the tree's id says, is fetched as a blob. With a cache a commit that was read once costs one listing of its root.
 */
export async function openSnapshot(source: Source, ref?: string): Promise<Snapshot> {
  const { commit, branch } = await resolve(source, ref);
  const { entries, skipped } = await listingOfCommit(source, commit);
  const blobs = new Map(entries.filter(({ type }) => type === 'blob').map((entry) => [entry.path, entry.blob]));
  return {
    repository: source.address, commit, ...(branch !== undefined && { branch }), entries, skipped,
    readMany: async (paths) => {
      const wanted = paths.flatMap((path) => { const blob = blobs.get(path); return blob === undefined ? [] : [{ path, blob }]; });
      const contents = new Map<string, Buffer>();
      await each(new Set(wanted.map(({ blob }) => blob)), async (blob) => { contents.set(blob, await readBlob(source, blob)); });
      return new Map(wanted.map(({ path, blob }) => [path, contents.get(blob) as Buffer]));
    },
    close: () => Promise.resolve(),
  };
}

async function listingOfCommit(source: Source, commit: string): Promise<Listing> {
  const root = await rootIdAsListed(source, commit);
  const known = await source.cache.listing(root);
  if (known) return known;
  const listed = await source.trees.below(commit, '');
  // Checked before anything is fetched for it.
  listingOf(root, listed);
  const sizes = await sizesOf(source, commit, listed);
  const sized = listed.map((entry) => ({ ...entry, size: sizes.get(entry.path) ?? 0 }));
  await source.cache.keepListing(root, sized);
  return listingOf(root, sized);
}

/** Where a name of the root cannot be told, its id cannot be known either: then one that no tree has, so that the name is skipped. */
async function rootIdAsListed({ trees }: Source, commit: string): Promise<string> {
  const entries = await trees.folder(commit, '');
  if (!entries) throw new Failure('ref-not-found', commit);
  return entries.some(({ path }) => path.includes('\ufffd')) ? '0'.repeat(commit.length) : treeId(entries.map((entry) => entryLine({ ...entry, name: entry.path })), commit);
}

async function sizesOf(source: Source, commit: string, listed: readonly ListedEntry[]): Promise<Map<string, number>> {
  const files = new Map(listed.filter(({ type }) => type === 'blob').map((entry) => [entry.path, entry]));
  const sizes = new Map<string, number>();
  await each(files.values(), async ({ path, id }) => { const known = await source.cache.blob(id); if (known) sizes.set(path, known.length); });
  const missing = () => [...files.values()].filter(({ path }) => !sizes.has(path));
  if (source.access.reader === 'archive' && missing().length > FEW) await readArchive(source, commit, files, sizes);
  const bySameBytes = Map.groupBy(missing(), ({ id }) => id);
  await each(bySameBytes, async ([id, entries]) => {
    const { length: size } = await readBlob(source, id);
    for (const { path } of entries) sizes.set(path, size);
  });
  return sizes;
}

async function readArchive(source: Source, commit: string, files: ReadonlyMap<string, ListedEntry>, sizes: Map<string, number>): Promise<void> {
  const what = `the archive of ${commit.slice(0, 12)}`;
  const body = await source.client.stream(what, `${source.at}/repository/archive.tar.gz`, { sha: commit, include_lfs_blobs: 'false' });
  try {
    await unpackArchive(body, async (path, size, content) => {
      const entry = files.get(path);
      if (!entry) return;
      if (content === undefined) { sizes.set(path, size); return; }
      if (objectId('blob', content, entry.id) !== entry.id) return;
      await source.cache.keepBlob(entry.id, content);
      sizes.set(path, content.length);
    });
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('forge-unavailable', `${what} broke off`, { cause });
  }
}

async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, async () => { for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value); }));
}

/** A file at a commit; undefined when there is none there, or what is there is no file. */
export async function readFileAt(source: Source, commit: string, path: string, maxBytes: number): Promise<Buffer | undefined> {
  const entry = await source.trees.entry(commit, path);
  if (!entry || !entry.mode.startsWith('100')) return undefined;
  const content = await readBlob(source, entry.id);
  if (content.length > maxBytes) throw new Failure('repository-too-large', `${printable(path)} has more than ${maxBytes} bytes`);
  return content;
}

/** Every path that differs; undefined when one of the commits is not there, or too much differs to look for all of it. */
export async function changedFiles({ trees }: Source, before: string, after: string): Promise<string[] | undefined> {
  if (!await trees.folder(before, '') || !await trees.folder(after, '')) return undefined;
  try {
    return [...(await trees.differences(before, after)).keys()];
  } catch (error) {
    if (error instanceof Failure && error.code === 'repository-too-large') return undefined;
    throw error;
  }
}
