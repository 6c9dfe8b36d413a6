import { Failure } from '#contracts';
import type { Resolved, Snapshot, SnapshotEntry } from '../forge.js';
import { ContentCache } from '../hosted/content-cache.js';
import { listingOf, type ListedEntry, type Listing } from '../hosted/listing.js';
import { objectId } from '../object-id.js';
import { printable } from '../printable.js';
import type { GithubAccess } from './access.js';
import { blobsReader, readBlob, type GithubRepository } from './blobs.js';
import { doing, found, isStatus, type GithubClient } from './client.js';
import { mcpReader } from './mcp.js';
import type { Reader } from './reader.js';
import { tarballReader } from './tarball.js';

/** A tree beyond these is built to exhaust somebody. */
const MAX_ENTRIES = 1_000_000;
const MAX_TREES = 5_000;
const BLOBS_AT_ONCE = 8;

export interface GithubSource { access: GithubAccess; client: GithubClient; at: GithubRepository; address: string }

/** What is said about the repository itself. Throws `repository-moved` when it has another name now, whatever GitHub would do with requests to the old one. */
export async function repositoryFacts({ client, at, address }: GithubSource): Promise<{ defaultBranch: string; archived: boolean }> {
  const answer = await found(`the repository ${address}`, () => client.request('GET /repos/{owner}/{repo}', at));
  if (!answer) throw new Failure('repository-not-found', `${printable(address)}, or Pullwright may not see it`);
  const { full_name: name, default_branch: defaultBranch, archived } = answer.data;
  if (name.toLowerCase() !== `${at.owner}/${at.repo}`.toLowerCase()) throw new Failure('repository-moved', `${address} is ${printable(name)} now`);
  return { defaultBranch, archived };
}

/** What a branch points to now. */
export async function branchTip({ client, at }: GithubSource, branch: string): Promise<string | undefined> {
  // 409: the repository has no commit.
  return (await found(`the branch ${printable(branch)}`, () => client.request('GET /repos/{owner}/{repo}/git/ref/{ref}', { ...at, ref: `heads/${branch}` }), 409))?.data.object.sha;
}

/** A branch wins over a tag of the same name. */
export async function resolveGithub(source: GithubSource, ref?: string): Promise<Resolved> {
  const { client, at } = source;
  const { defaultBranch } = await repositoryFacts(source);
  const branch = ref === undefined || ref === 'HEAD' ? defaultBranch : ref.replace(/^refs\/heads\//, '');
  // What no branch, tag or commit needs, and a path or a search might be made of.
  const usable = branch !== '' && !/[\p{Cc}\s:~^?*[\\@]|\.\.|^[-/.]|[/.]$/u.test(branch);
  const tip = usable ? await branchTip(source, branch) : undefined;
  if (tip !== undefined) return { commit: tip, branch };
  if (await branchTip(source, defaultBranch) === undefined) throw new Failure('repository-empty');
  const commit = usable && ref !== undefined ? await found(`the ref ${printable(ref)}`, () => client.request('GET /repos/{owner}/{repo}/commits/{ref}', { ...at, ref, per_page: 1 }), 422, 409) : undefined;
  if (!commit) throw new Failure('ref-not-found', printable(ref ?? defaultBranch));
  return { commit: commit.data.sha };
}

/** Undefined for a commit that is not there. */
export async function treeOfCommit({ client, at }: GithubSource, commit: string): Promise<string | undefined> {
  return (await found(`the commit ${commit.slice(0, 12)}`, () => client.request('GET /repos/{owner}/{repo}/git/commits/{commit_sha}', { ...at, commit_sha: commit }), 422, 409))?.data.tree.sha;
}

export async function openGithub(source: GithubSource, ref?: string): Promise<Snapshot> {
  const { commit, branch } = await resolveGithub(source, ref);
  const tree = await treeOfCommit(source, commit);
  if (tree === undefined) throw new Failure('ref-not-found', commit);
  const reader = await readerOf(source);
  try {
    const contents = new Contents(source, reader, commit);
    const { entries, skipped } = await contents.listing(tree);
    const blobs = new Map(entries.filter(({ type }) => type === 'blob').map((entry) => [entry.path, entry]));
    return {
      repository: source.address, commit, ...(branch !== undefined && { branch }), entries, skipped,
      readMany: (paths) => contents.readMany(paths.flatMap((path) => blobs.get(path) ?? []), blobs),
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function readerOf({ access, client, at }: GithubSource): Reader | Promise<Reader> {
  switch (access.reader) {
    case 'tarball': return tarballReader(client, at);
    case 'blobs': return blobsReader(client, at);
    case 'mcp': return mcpReader(access);
  }
}

/** Trees and files of one commit: from the cache, else through the reader, checked; what the reader does not bring, by blobs. */
export class Contents {
  private readonly cache: ContentCache;

  constructor(private readonly source: GithubSource, private readonly reader: Reader, private readonly commit: string) {
    this.cache = new ContentCache(source.access.cache, source.address);
  }

  async listing(tree: string): Promise<Listing> {
    const known = await this.cache.listing(tree);
    if (known) return known;
    const listed: ListedEntry[] = [];
    await this.list(tree, '', listed, { trees: 0 });
    const listing = listingOf(tree, listed);
    await this.cache.keepListing(tree, listed);
    return listing;
  }

  /** GitHub cuts a listing off above 100,000 entries or 7 MB: then it is asked for folder by folder. */
  private async list(tree: string, above: string, into: ListedEntry[], count: { trees: number }): Promise<void> {
    if (++count.trees > MAX_TREES || into.length > MAX_ENTRIES) throw new Failure('repository-too-large', `more than ${count.trees > MAX_TREES ? `${MAX_TREES} listings` : `${MAX_ENTRIES} entries`}`);
    const whole = await this.reader.tree(tree, true);
    const { entries, truncated } = whole.truncated ? await this.reader.tree(tree, false) : whole;
    if (truncated) throw new Failure('repository-too-large', `one folder has more entries than the forge lists: ${printable(above) || 'the root'}`);
    for (const entry of entries) {
      const path = `${above}${entry.path}`;
      into.push({ ...entry, path });
      if (whole.truncated && entry.type === 'tree') await this.list(entry.id, `${path}/`, into, count);
    }
  }

  async readMany(wanted: readonly SnapshotEntry[], all: ReadonlyMap<string, SnapshotEntry>): Promise<Map<string, Buffer>> {
    const contents = new Map<string, Buffer>();
    for (const { blob, size } of wanted) {
      // Nothing needs no request: and an MCP server cannot tell it.
      const content = size === 0 ? Buffer.alloc(0) : contents.get(blob) ?? await this.cache.blob(blob);
      if (content) contents.set(blob, content);
    }
    const missing = () => [...new Map(wanted.filter(({ blob }) => !contents.has(blob)).map((entry) => [entry.blob, entry])).values()];
    const needed = new Set(missing().map(({ blob }) => blob));
    if (needed.size > 0) {
      await this.reader.contents(this.commit, missing(), async (path, content) => {
        const entry = all.get(path);
        if (!entry || objectId('blob', content, entry.blob) !== entry.blob) return;
        await this.cache.keepBlob(entry.blob, content);
        if (needed.has(entry.blob)) contents.set(entry.blob, content);
      });
    }
    const queue = missing().values();
    await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, async () => { for (const { blob } of queue) contents.set(blob, await this.readBlob(blob)); }));
    return new Map(wanted.map(({ path, blob }) => [path, contents.get(blob) as Buffer]));
  }

  async readBlob(id: string): Promise<Buffer> {
    const known = await this.cache.blob(id);
    if (known) return known;
    const content = await readBlob(this.source.client, this.source.at, id);
    if (objectId('blob', content, id) !== id) throw new Failure('forge-unavailable', `the forge answers for blob ${id.slice(0, 12)} with other bytes`);
    await this.cache.keepBlob(id, content);
    return content;
  }
}

/** A file at a commit, without a listing: one request. Through the contents API, which has all that is not too large. */
export async function readGithubFile({ client, at }: GithubSource, commit: string, path: string, maxBytes: number): Promise<Buffer | undefined> {
  const answer = await doing(`the file ${printable(path)}`, async () => {
    try {
      return await client.request('GET /repos/{owner}/{repo}/contents/{path}', { ...at, path, ref: commit });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  });
  const data = answer?.data;
  if (data === undefined || Array.isArray(data) || data.type !== 'file') return undefined;
  if (data.size > maxBytes) throw new Failure('repository-too-large', `${printable(path)} has ${data.size} bytes`);
  const content = 'content' in data && data.encoding === 'base64' ? Buffer.from(data.content, 'base64') : await readBlob(client, at, data.sha);
  if (objectId('blob', content, data.sha) !== data.sha) throw new Failure('forge-unavailable', `the forge answers for ${printable(path)} with other bytes`);
  return content;
}
