import type { LeftOut } from '#contracts';
import type { Forge, Snapshot, SnapshotEntry } from '#forge';
import { isUtf8 } from 'node:buffer';
import type { Repo } from './framework.js';
import type { Place } from './markup.js';

/** A repository at a commit, its readable sources in memory, and what was left out so far. */
export interface OpenedRepo extends Repo {
  readonly branch?: string;
  readonly leftOut: readonly LeftOut[];
  readonly counts: { files: number; filesRead: number; bytesRead: number };
}
export interface Limits { fileBytes: number; totalBytes: number; leftOut: number }
export const LIMITS: Limits = { fileBytes: 1024 * 1024, totalBytes: 64 * 1024 * 1024, leftOut: 600 };

/** Text that front ends are written in; nothing else is read. */
const READABLE = /\.(m?[jt]sx?|c[jt]s|json|html?|xhtml|css|scss|less|sass|styl|ejs|pug|jade|hbs|handlebars|vue|svelte|astro|mdx?|ya?ml|toml|prisma|sql|graphql|njk|twig|liquid|erb|php|py|env\.example)$/i;
const READABLE_NAMES = /(^|\/)(Dockerfile|Procfile|\.nvmrc|\.env\.example|CNAME)$/;
/** Not written by the people of this repository. */
const FOREIGN = /(^|\/)(node_modules|bower_components|vendor|vendors|third_party|\.git|\.next|\.nuxt|\.output|\.svelte-kit|\.yarn|\.pnpm-store|coverage|storybook-static|__snapshots__)\//;
const MINIFIED = /([.-]min\.(js|css)|\.bundle\.js|\.map|\.chunk\.js|(^|\/)(package-lock|npm-shrinkwrap)\.json|(^|\/)pnpm-lock\.yaml)$/i;
const BUILT = /(^|\/)(dist|build|out)\//;
/** Read first when the total is limited. */
const SOURCE = /(^|\/)(src|app|pages|components|views|routes|public|lib|server|client|test|tests|e2e)\//;
const MANIFEST = /(^|\/)(package\.json|[^/]*\.config\.[cm]?[jt]s|index\.html)$/;
/** More in a batch would only fill the memory twice. */
const BATCH_BYTES = 8 * 1024 * 1024;
const NAMES_NOTED = 20;
/** What stands in the repository for a file that Git LFS keeps elsewhere. */
const LFS = 'version https://git-lfs.github.com/spec/';
const LFS_BYTES = 1024;

const SKIPPED: Record<Snapshot['skipped'][number]['reason'], (path: string) => [LeftOut['reason'], string, string]> = {
  'invalid-utf8': (path) => ['invalid-utf8', path, 'file name'], 'missing-object': (path) => ['unsupported-syntax', path, 'object missing'], 'too-large': (path) => ['file-too-large', path, 'larger than the forge hands out'],
};

/**
 * Opens a repository at a ref and reads its sources. Throws the failures of `Forge.open`. What is not read is noted by kind: the first few by
 * name, the rest as a count, so that a tree of any size makes a report of bounded size.
 */
export async function openRepo(forge: Pick<Forge, 'open'>, repository: string, ref: string | undefined, limits: Limits = LIMITS, progress: (done: number, total: number) => void = () => {}): Promise<OpenedRepo> {
  const snapshot = await forge.open(repository, ref);
  try {
    const notes = new Notes(limits.leftOut);
    for (const { path, reason } of snapshot.skipped) notes.count(...SKIPPED[reason](path));
    const wanted = choose(snapshot.entries, limits, notes);
    const texts = new Map<string, string>();
    let bytesRead = 0;
    for (let at = 0; at < wanted.length;) {
      const batch: SnapshotEntry[] = [];
      for (let size = 0; at < wanted.length && (batch.length === 0 || size + (wanted[at] as SnapshotEntry).size <= BATCH_BYTES); at++) { batch.push(wanted[at] as SnapshotEntry); size += (wanted[at] as SnapshotEntry).size; }
      for (const [path, bytes] of await snapshot.readMany(batch.map((entry) => entry.path))) {
        if (bytes.length < LFS_BYTES && bytes.toString('latin1').startsWith(LFS)) notes.count('binary-file', path, 'kept in Git LFS');
        else if (bytes.includes(0)) notes.count('binary-file', path);
        else if (!isUtf8(bytes)) notes.count('invalid-utf8', path);
        else { texts.set(path, bytes.toString('utf8').replace(/^\uFEFF/, '')); bytesRead += bytes.length; }
      }
      progress(at, wanted.length);
    }
    notes.flush();
    const blobs = new Map(snapshot.entries.map((entry) => [entry.path, entry.blob]));
    const locate = (place: Place): LeftOut['at'] & object => {
      const blob = blobs.get(place.file);
      if (blob === undefined) throw new Error(`${place.file} is not in the tree`);
      return { file: place.file, line: Math.max(1, place.line), blob };
    };
    return {
      repository: snapshot.repository, commit: snapshot.commit, ...(snapshot.branch !== undefined && { branch: snapshot.branch }),
      paths: snapshot.entries.filter((entry) => entry.type === 'blob').map((entry) => entry.path).sort(),
      text: (path) => texts.get(path) ?? null,
      locate,
      leaveOut: (reason, what, detail, at) => notes.add({ reason, what: short(what), ...(detail !== undefined && { detail: short(detail) }), ...(at && blobs.has(at.file) && { at: locate(at) }) }),
      leftOut: notes.list,
      counts: { files: snapshot.entries.length, filesRead: texts.size, bytesRead },
    };
  } finally {
    await snapshot.close();
  }
}

/** The files to read, those of the application first, until the total is reached. */
function choose(entries: readonly SnapshotEntry[], limits: Limits, notes: Notes): SnapshotEntry[] {
  const candidates: SnapshotEntry[] = [];
  for (const entry of entries) {
    if (entry.type === 'commit') notes.count('submodule', entry.path);
    else if (entry.mode === '120000') notes.count('symlink', entry.path);
    else if (!FOREIGN.test(entry.path) && !MINIFIED.test(entry.path) && (READABLE.test(entry.path) || READABLE_NAMES.test(entry.path))) {
      if (entry.size > limits.fileBytes) notes.count('file-too-large', entry.path, `${entry.size} bytes`);
      else candidates.push(entry);
    }
  }
  candidates.sort((a, b) => rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1));
  let total = 0;
  return candidates.filter((entry) => {
    if (total + entry.size > limits.totalBytes) { notes.count('limit-reached', entry.path, 'beyond the total of text that is read'); return false; }
    total += entry.size;
    return true;
  });
}
const rank = (path: string): number => (MANIFEST.test(path) ? 0 : BUILT.test(path) ? 3 : SOURCE.test(path) ? 1 : 2);
/** Schemas bound the length of notes; paths and source text do not. */
const short = (text: string): string => (text.length > 500 ? `${text.slice(0, 499)}…` : text);

/** What was left out: a list that stays short whatever the tree holds. */
class Notes {
  readonly list: LeftOut[] = [];
  private readonly counts = new Map<LeftOut['reason'], { named: number; more: number }>();
  private dropped = 0;
  constructor(private readonly limit: number) {}

  add(note: LeftOut): void {
    if (this.list.length < this.limit) this.list.push(note);
    else {
      this.dropped++;
      this.list[this.limit] = { reason: 'limit-reached', what: `${this.dropped} further notes` };
    }
  }
  /** One of perhaps very many of a kind. */
  count(reason: LeftOut['reason'], path: string, detail?: string): void {
    const count = this.counts.get(reason) ?? { named: 0, more: 0 };
    this.counts.set(reason, count);
    if (count.named >= NAMES_NOTED) { count.more++; return; }
    count.named++;
    this.add({ reason, what: short(path), ...(detail && { detail }) });
  }
  flush(): void {
    for (const [reason, { more }] of this.counts) if (more > 0) this.add({ reason, what: `${more} further files` });
    this.counts.clear();
  }
}
