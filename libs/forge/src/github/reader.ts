import type { SnapshotEntry } from '../forge.js';
import type { ListedEntry } from '../hosted/listing.js';

/**
 * One way to read from GitHub: `tarball`, `blobs` or `mcp`. What it brings is checked by whoever asked, and what it does not bring is fetched blob by blob; so all of them show the same, byte for byte.
 */
export interface Reader {
  /** The entries of a tree (with its id), of all below it when `recursive`. `truncated`: there are more. */
  tree(id: string, recursive: boolean): Promise<{ entries: ListedEntry[]; truncated: boolean }>;
  /** Tells contents, of these paths of the commit and perhaps of others, in any order, perhaps wrong ones and perhaps not all. */
  contents(commit: string, wanted: readonly SnapshotEntry[], tell: (path: string, content: Buffer) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
