import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { objectId } from '../object-id.js';
import { listingOf, type Listing, type ListedEntry } from './listing.js';

const MEGABYTE = 2 ** 20;
/** How full it is when it has been swept. */
const AFTER_SWEEP = 0.8;
/** Between two looks at the size of the folder. */
const SWEEP_EVERY_BYTES = 64 * MEGABYTE;
/** What one use may hold in memory, where there is no folder. */
const MEMORY_BYTES = 256 * MEGABYTE;

/**
 * Trees and files that were read from a forge, by repository and git id: a commit that was read once costs next to nothing again, and two commits share what they have in common.
 * Repositories share nothing: who may read one learns nothing of another. What is on disk is believed only when it hashes to its id. Without a folder it lasts as long as the object.
 */
export class ContentCache {
  private readonly memory = new Map<string, Buffer>();
  private held = 0;
  private written = SWEEP_EVERY_BYTES;
  private readonly folder: string | undefined;

  constructor(private readonly options: { folder: string; megabytes: number } | undefined, repository: string) {
    this.folder = options && join(options.folder, createHash('sha256').update(repository.toLowerCase()).digest('hex').slice(0, 32));
  }

  async blob(id: string): Promise<Buffer | undefined> {
    const content = this.memory.get(id) ?? await this.read(id);
    return content && objectId('blob', content, id) === id ? content : undefined;
  }

  /** Throws nothing that matters to the reader: a full disk only costs the next reader time, and is told by the next write of something that matters. */
  async keepBlob(id: string, content: Buffer): Promise<void> { await this.keep(id, content); }

  async listing(tree: string): Promise<Listing | undefined> {
    const text = await this.read(`${tree}.tree`);
    if (!text) return undefined;
    try {
      return listingOf(tree, JSON.parse(text.toString('utf8')) as ListedEntry[]);
    } catch {
      // Half written, changed, or of another version: it is read from the forge again and replaced.
      return undefined;
    }
  }

  async keepListing(tree: string, listed: readonly ListedEntry[]): Promise<void> { await this.keep(`${tree}.tree`, Buffer.from(JSON.stringify(listed))); }

  private path(name: string): string { return join(this.folder as string, name.slice(0, 2), name.slice(2)); }

  private async read(name: string): Promise<Buffer | undefined> {
    if (this.folder === undefined) return this.memory.get(name);
    try {
      const content = await readFile(this.path(name));
      const now = new Date();
      // What is used stays: the sweep removes by this time.
      await utimes(this.path(name), now, now);
      return content;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async keep(name: string, content: Buffer): Promise<void> {
    if (this.folder === undefined) {
      if (this.held + content.length > MEMORY_BYTES) return;
      this.held += content.length;
      this.memory.set(name, content);
      return;
    }
    const path = this.path(name);
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${randomBytes(6).toString('hex')}`;
    await writeFile(temporary, content, { mode: 0o600 });
    await rename(temporary, path);
    this.written += content.length;
    if (this.written >= SWEEP_EVERY_BYTES) { this.written = 0; await this.sweep(); }
  }

  /** Removes what was unused the longest, in all repositories together. Another process may be doing the same. */
  private async sweep(): Promise<void> {
    const { folder, megabytes } = this.options as { folder: string; megabytes: number };
    const files: Array<{ path: string; size: number; usedMs: number }> = [];
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => undefined);
      if (found) files.push({ path, size: found.size, usedMs: found.mtimeMs });
    }
    let total = files.reduce((sum, { size }) => sum + size, 0);
    if (total <= megabytes * MEGABYTE) return;
    for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= megabytes * MEGABYTE * AFTER_SWEEP) return;
      await rm(path, { force: true });
      total -= size;
    }
  }
}
