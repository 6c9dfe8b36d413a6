import { Failure } from '#contracts';
import { printable } from '../printable.js';
import type { ListedEntry } from '../hosted/listing.js';
import { entryLine, treeId } from '../tree-plan.js';
import { all, TreeEntry } from './api.js';
import type { GitlabClient } from './client.js';

/** What differs at a path between two commits; `before` and `after` are undefined where there is no file. */
export interface Difference { before?: ListedEntry; after?: ListedEntry }

/** Folders that two commits do not share, above which their difference is no longer looked for. */
const MAX_FOLDERS = 5_000;

/**
 * Folders of commits, read one by one. GitLab tells no tree's id: that of the root is computed from its entries, and each folder must hash to the id that the folder above gives it.
 * A name that is not UTF-8 comes with replacement characters, so that its folder cannot hash right: it can be read, but nothing can be foretold of it.
 */
export class Trees {
  private readonly read = new Map<string, Promise<ListedEntry[] | undefined>>();

  constructor(private readonly client: GitlabClient, private readonly at: string) {}

  /** The entries of a folder (the root is `''`), by name; undefined when there is no such folder or no such commit. */
  folder(commit: string, path: string): Promise<ListedEntry[] | undefined> {
    const key = `${commit} ${path}`;
    const reading = this.read.get(key) ?? this.list(commit, path);
    this.read.set(key, reading);
    return reading;
  }

  private async list(commit: string, path: string): Promise<ListedEntry[] | undefined> {
    const listed = await all(this.client, TreeEntry, `the folder ${printable(path) || '/'} at ${commit.slice(0, 12)}`, `${this.at}/repository/tree`, { ref: commit, pagination: 'keyset', ...(path !== '' && { path }) });
    return listed?.map(({ name, mode, type, id }) => ({ path: name, mode, type, id }));
  }

  /** All entries below a folder, with their path from it; unchecked. */
  async below(commit: string, path: string): Promise<ListedEntry[]> {
    const listed = await all(this.client, TreeEntry, `all of ${printable(path) || '/'} at ${commit.slice(0, 12)}`, `${this.at}/repository/tree`, { ref: commit, pagination: 'keyset', recursive: 'true', ...(path !== '' && { path }) });
    const prefix = path === '' ? '' : `${path}/`;
    return (listed ?? []).map(({ path: whole, mode, type, id }) => ({ path: whole.slice(prefix.length), mode, type, id }));
  }

  /** Throws `repository-unreadable` when a name of the root is not UTF-8, which leaves its id unknown. */
  async rootId(commit: string): Promise<string> {
    const entries = await this.folder(commit, '');
    if (!entries) throw new Failure('ref-not-found', commit);
    if (entries.some(({ path }) => path.includes('\ufffd'))) throw new Failure('repository-unreadable', 'a name in the root folder is not UTF-8, and GitLab does not tell it as it is');
    return treeId(linesOf(entries), commit);
  }

  /** The same for any folder, as lines of a `TreeBasis`, checked against the id that the folder above gives it; undefined when there is none. */
  async lines(commit: string, path: string): Promise<string[] | undefined> {
    const entries = await this.folder(commit, path);
    if (!entries) return undefined;
    const lines = linesOf(entries);
    const expected = path === '' ? await this.rootId(commit) : (await this.entry(commit, path))?.id;
    if (treeId(lines, commit) !== expected) throw new Failure('repository-unreadable', `${printable(path)} is not what the folder above says; perhaps a name in it is not UTF-8`);
    return lines;
  }

  async entry(commit: string, path: string): Promise<ListedEntry | undefined> {
    const slash = path.lastIndexOf('/');
    return (await this.folder(commit, path.slice(0, Math.max(0, slash))))?.find((one) => one.path === path.slice(slash + 1));
  }

  /** Every path whose file differs. Only folders that the two do not share are read. Throws `repository-too-large` when those are too many. */
  async differences(one: string, other: string): Promise<Map<string, Difference>> {
    const found = new Map<string, Difference>();
    const open: Array<{ path: string; in: [boolean, boolean] }> = [{ path: '', in: [true, true] }];
    for (let folders = 0; open.length > 0; folders++) {
      if (folders === MAX_FOLDERS) throw new Failure('repository-too-large', `more than ${MAX_FOLDERS} folders differ between ${one.slice(0, 12)} and ${other.slice(0, 12)}`);
      const { path, in: present } = open.pop() as (typeof open)[number];
      const [before, after] = await Promise.all([one, other].map(async (commit, side) => new Map((present[side] ? await this.folder(commit, path) ?? [] : []).map((entry) => [entry.path, entry]))));
      for (const name of new Set([...(before as Map<string, ListedEntry>).keys(), ...(after as Map<string, ListedEntry>).keys()])) {
        const [left, right] = [before?.get(name), after?.get(name)];
        if (left?.id === right?.id && left?.mode === right?.mode) continue;
        const below = path === '' ? name : `${path}/${name}`;
        if (left?.type === 'tree' || right?.type === 'tree') open.push({ path: below, in: [left?.type === 'tree', right?.type === 'tree'] });
        const files: Difference = { ...(left && left.type !== 'tree' && { before: left }), ...(right && right.type !== 'tree' && { after: right }) };
        if (files.before || files.after) found.set(below, files);
      }
    }
    return found;
  }
}

const linesOf = (entries: readonly ListedEntry[]): string[] => entries.map((entry) => entryLine({ ...entry, name: entry.path }));
