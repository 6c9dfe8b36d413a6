import { isUtf8 } from 'node:buffer';
import { Failure } from '#contracts';
import type { Resolved, Snapshot, SnapshotEntry } from '../forge.js';
import { printable } from '../printable.js';
import { git, gitDirectory, tryGit } from './git.js';
import { readObjects } from './objects.js';

/**
 * Opens a local repository at a ref (HEAD when there is none), reading objects only: the working tree and the index are not looked at.
 * Throws `repository-not-found`, `repository-empty`, `ref-not-found`, `repository-too-large` or `repository-unreadable`.
 */
export async function openSnapshot(repository: string, ref?: string): Promise<Snapshot> {
  const gitDir = await gitDirectory(repository);
  const { commit, branch } = await resolveIn(gitDir, ref);
  const { entries, skipped } = parseTree(await git(gitDir, ['ls-tree', '-r', '-z', '-l', '--full-tree', commit]));
  const objects = readObjects(gitDir);
  const blobs = new Map(entries.filter((entry) => entry.type === 'blob').map((entry) => [entry.path, entry.blob]));
  return {
    repository, commit, ...(branch !== undefined && { branch }), entries, skipped,
    async readMany(paths) {
      const wanted = paths.flatMap((path) => {
        const blob = blobs.get(path);
        return blob === undefined ? [] : [{ path, blob }];
      });
      const contents = await objects.read(wanted.map(({ blob }) => blob));
      return new Map(wanted.map(({ path }, i) => [path, contents[i] as Buffer]));
    },
    close: () => objects.close(),
  };
}

/** The commit that a ref (HEAD when there is none) of a local repository names now, and the branch when it names one. Throws as `openSnapshot`, but reads no tree. */
export async function resolveRef(repository: string, ref?: string): Promise<Resolved> {
  return resolveIn(await gitDirectory(repository), ref);
}

export async function readFileAt(repository: string, commit: string, path: string, maxBytes: number): Promise<Buffer | undefined> {
  const gitDir = await gitDirectory(repository);
  const listing = parseTree(await git(gitDir, ['--literal-pathspecs', 'ls-tree', '-z', '-l', '--full-tree', (await resolveIn(gitDir, commit)).commit, '--', path]));
  const entry = listing.entries.find((each) => each.path === path && each.type === 'blob' && each.mode !== '120000');
  if (!entry) return undefined;
  if (entry.size > maxBytes) throw new Failure('repository-too-large', `${printable(path)} has ${entry.size} bytes`);
  return git(gitDir, ['cat-file', 'blob', entry.blob]);
}

/** A branch wins over a tag of the same name. */
async function resolveIn(gitDir: string, ref = 'HEAD'): Promise<Resolved> {
  const full = ref === 'HEAD' ? (await tryGit(gitDir, ['symbolic-ref', '--quiet', 'HEAD'])).stdout.toString().trim() : `refs/heads/${ref.replace(/^refs\/heads\//, '')}`;
  const tip = await refTip(gitDir, full);
  const commit = tip ?? await commitOf(gitDir, ref);
  if (commit !== undefined) return { commit, ...(tip !== undefined && full.startsWith('refs/heads/') && { branch: full.slice('refs/heads/'.length) }) };
  const anything = await git(gitDir, ['for-each-ref', '--count=1', '--format=%(refname)']);
  throw anything.length === 0 ? new Failure('repository-empty') : new Failure('ref-not-found', printable(ref));
}

/** What a ref of exactly this full name points at. */
export async function refTip(gitDir: string, fullName: string): Promise<string | undefined> {
  if (!fullName.startsWith('refs/')) return undefined;
  const { code, stdout } = await tryGit(gitDir, ['show-ref', '--verify', '--hash', '--', fullName]);
  return code === 0 ? stdout.toString('latin1').trim() : undefined;
}

/** The commit that a ref, an id or an expression such as `main~1` names. */
export async function commitOf(gitDir: string, ref: string): Promise<string | undefined> {
  // A colon starts a path or a message search, which no branch, tag or commit needs.
  if (ref === '' || /[\p{Cc}\s:]/u.test(ref)) return undefined;
  const { code, stdout } = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]);
  return code === 0 ? stdout.toString('latin1').trim() : undefined;
}

/** `<mode> <type> <id> <size>TAB<path>NUL`, the size padded and `-` for a submodule, `BAD` for a blob that is not there. */
function parseTree(listing: Buffer): Pick<Snapshot, 'entries' | 'skipped'> {
  const entries: SnapshotEntry[] = [];
  const skipped: Snapshot['skipped'] = [];
  for (let start = 0; start < listing.length;) {
    const tab = listing.indexOf(9, start);
    const end = listing.indexOf(0, tab);
    const [mode = '', type = '', blob = '', size = ''] = listing.toString('latin1', start, tab).split(/ +/);
    const name = listing.subarray(tab + 1, end);
    const path = name.toString('utf8');
    if (!isUtf8(name)) skipped.push({ path: printable(path), reason: 'invalid-utf8' });
    else if (size === 'BAD') skipped.push({ path, reason: 'missing-object' });
    else entries.push({ path, mode, type: type as SnapshotEntry['type'], blob, size: type === 'commit' ? 0 : Number(size) });
    start = end + 1;
  }
  return { entries, skipped };
}
