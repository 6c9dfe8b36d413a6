import { z } from 'zod';
import { Failure, REPOSITORY_FILE, type PullRequest } from '#contracts';
import { objectId } from './object-id.js';
import { printable } from './printable.js';

/**
 * Which files under the folder are Pullwright's. The record lies in the folder itself, so that it travels with merges, squashes and clones: each path that
 * Pullwright wrote, with the blob it wrote. On the base, a file is then one of:
 *
 * | in the record | on the base        | means                                        | so it is                                |
 * |---------------|--------------------|----------------------------------------------|-----------------------------------------|
 * | no            | no                 | free                                         | added                                   |
 * | no            | another file       | somebody else's                              | refused, `forbidden-path`               |
 * | yes           | the recorded blob  | ours, untouched                              | updated, or removed when not generated  |
 * | yes           | another blob, gone | ours, then edited or deleted by a person     | kept as they have it                    |
 *
 * Outside the folder one file may be added, and nothing ever changed: a first `.pullwright.yaml`, where the base has none. The record notes that it was `offered`, so that one which people took out is not offered again.
 */
export const RECORD = '.pullwright.json';
const Record = z.object({ generatedBy: z.literal('Pullwright'), files: z.record(z.string(), z.string()), offered: z.boolean().optional() });
const MAX_RECORD_BYTES = 4 * 1024 * 1024;

/** What turns the base's tree into the branch's, file by file. */
export interface FileChange {
  path: string; mode: '100644';
  /** None: the file is taken out, which happens only to one that the record says is ours. */
  content?: Buffer; blob: string | null;
  /** What the base has there, against which the change was planned; none: nothing. */
  before?: string;
}
export interface Plan { changes: FileChange[]; files: PullRequest['files'] }

/** The base, as far as a plan looks at it. */
export interface PlanBase {
  /** Id of its commit. */
  commit: string;
  /** Blob ids of the files below a folder, by path from the root; links and submodules are in it. Throws `forbidden-path` when the folder, or a folder above it, is something else than a folder. */
  blobsBelow(folder: string): Promise<Map<string, string>>;
  /** Undefined when it is larger than that. */
  readBlob(blob: string, maxBytes: number): Promise<Buffer | undefined>;
}

/** What publishing `files` on this base changes, and a first settings file when one is to be offered. Throws `forbidden-path` with the first path that is outside the folder or not ours to write. */
export async function planChanges(base: PlanBase, folder: string, files: ReadonlyMap<string, Buffer>, offer?: Buffer): Promise<Plan> {
  for (const path of [folder, ...files.keys()]) requirePlain(path);
  for (const path of files.keys()) {
    if (!path.startsWith(`${folder}/`) || path === `${folder}/${RECORD}`) throw new Failure('forbidden-path', printable(path));
  }
  const present = await base.blobsBelow(folder);
  const { files: recorded, offered } = await readRecord(base, present.get(`${folder}/${RECORD}`), folder);
  const plan: Plan = { changes: [], files: [] };
  const write = (path: string, content: Buffer, blob: string) => {
    const before = present.get(path);
    plan.changes.push({ path, mode: '100644', content, blob, ...(before !== undefined && { before }) });
    plan.files.push({ path, change: before === undefined ? 'added' : before === blob ? 'unchanged' : 'updated' });
  };
  const owned = new Map<string, string>();
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const wanted = objectId('blob', content, base.commit);
    const before = present.get(path);
    const ours = recorded.get(path);
    if (ours === undefined && before !== undefined && before !== wanted) throw new Failure('forbidden-path', `${printable(path)} is there already and was not written by Pullwright`);
    const edited = ours !== undefined && before !== ours && before !== wanted;
    owned.set(path, edited ? ours : wanted);
    if (edited) plan.files.push({ path, change: 'kept' });
    else write(path, content, wanted);
  }
  for (const [path, blob] of recorded) {
    if (files.has(path)) continue;
    const before = present.get(path);
    if (before === blob) {
      plan.changes.push({ path, mode: '100644', blob: null, before });
      plan.files.push({ path, change: 'removed' });
    } else if (before !== undefined) owned.set(path, blob);
  }
  const offers = offer !== undefined && !offered && !(await isThere(base, REPOSITORY_FILE));
  if (offers) {
    plan.changes.push({ path: REPOSITORY_FILE, mode: '100644', content: offer, blob: objectId('blob', offer, base.commit) });
    plan.files.push({ path: REPOSITORY_FILE, change: 'added' });
  }
  const record = { generatedBy: 'Pullwright', ...(offers || offered) && { offered: true }, files: Object.fromEntries([...owned].sort(([a], [b]) => (a < b ? -1 : 1))) };
  const written = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
  write(`${folder}/${RECORD}`, written, objectId('blob', written, base.commit));
  return plan;
}

/** A file is what refuses to be a folder. */
async function isThere(base: PlanBase, path: string): Promise<boolean> {
  try {
    return (await base.blobsBelow(path)).size > 0;
  } catch (error) {
    if (error instanceof Failure && error.code === 'forbidden-path') return true;
    throw error;
  }
}

/** A record that is not ours to understand (another shape, not JSON) counts as somebody else's file. Entries outside the folder claim nothing. */
async function readRecord(base: PlanBase, blob: string | undefined, folder: string): Promise<{ files: Map<string, string>; offered: boolean }> {
  if (blob === undefined) return { files: new Map(), offered: false };
  const foreign = () => new Failure('forbidden-path', `${printable(`${folder}/${RECORD}`)} is there already and was not written by Pullwright`);
  const content = await base.readBlob(blob, MAX_RECORD_BYTES);
  if (content === undefined) throw foreign();
  let document: unknown;
  try {
    document = JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw foreign();
    throw error;
  }
  const record = Record.safeParse(document);
  if (!record.success) throw foreign();
  return { files: new Map(Object.entries(record.data.files).filter(([path]) => path.startsWith(`${folder}/`) && isPlain(path))), offered: record.data.offered === true };
}

/** Relative, no empty, `.` or `..` segment, nothing that a file system or git reads as something else (`.git` in any disguise, a backslash, a drive, a control character). */
function isPlain(path: string): boolean {
  return path.length <= 1024 && !/[\p{Cc}\p{Cf}\\:*?"<>|]/u.test(path) && path.split('/').every((segment) => segment !== '' && !/^\.+$/.test(segment) && !/^(\.git|git~\d+)[. ]*$/i.test(segment));
}

/** What a forge, git or Pullwright itself obeys: a file there is not a test but a setting, and some would run on the forge with its secrets. */
const PROTECTED = /^\.(github|gitlab|circleci|buildkite|husky)(\/|$)|(^|\/)(\.gitlab-ci\.ya?ml|\.gitmodules|\.gitattributes|codeowners|\.pullwright\.ya?ml)$/i;

function requirePlain(path: string): void {
  if (!isPlain(path)) throw new Failure('forbidden-path', printable(path));
  if (PROTECTED.test(path)) throw new Failure('forbidden-path', `${printable(path)} is a setting, which is never published`);
}
