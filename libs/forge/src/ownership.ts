import { z } from 'zod';
import { Failure, type PullRequest } from '#contracts';
import { git, printable } from './git.js';
import { blobsBelow, writeBlob } from './tree.js';

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
 */
export const RECORD = '.pullwright.json';
const Record = z.object({ generatedBy: z.literal('Pullwright'), files: z.record(z.string(), z.string()) });
const MAX_RECORD_BYTES = 4 * 1024 * 1024;

export interface Plan {
  /** Blob by path, `null` to take it out: what turns the base's tree into the branch's. */
  changes: Map<string, string | null>;
  files: PullRequest['files'];
}

/** What publishing `files` on this base changes. Throws `forbidden-path` with the first path that is outside the folder or not ours to write. */
export async function planChanges(gitDir: string, base: string, folder: string, files: ReadonlyMap<string, Buffer>): Promise<Plan> {
  for (const path of [folder, ...files.keys()]) requirePlain(path);
  for (const path of files.keys()) {
    if (!path.startsWith(`${folder}/`) || path === `${folder}/${RECORD}`) throw new Failure('forbidden-path', printable(path));
  }
  const present = await blobsBelow(gitDir, base, folder);
  const recorded = await readRecord(gitDir, present.get(`${folder}/${RECORD}`), folder);
  const plan: Plan = { changes: new Map(), files: [] };
  const owned = new Map<string, string>();
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const wanted = await writeBlob(gitDir, content);
    const before = present.get(path);
    const ours = recorded.get(path);
    if (ours === undefined && before !== undefined && before !== wanted) throw new Failure('forbidden-path', `${printable(path)} is there already and was not written by Pullwright`);
    const edited = ours !== undefined && before !== ours && before !== wanted;
    owned.set(path, edited ? ours : wanted);
    if (!edited) plan.changes.set(path, wanted);
    plan.files.push({ path, change: edited ? 'kept' : changeOf(before, wanted) });
  }
  for (const [path, blob] of recorded) {
    if (files.has(path)) continue;
    const before = present.get(path);
    if (before === blob) {
      plan.changes.set(path, null);
      plan.files.push({ path, change: 'removed' });
    } else if (before !== undefined) owned.set(path, blob);
  }
  const record = { generatedBy: 'Pullwright', files: Object.fromEntries([...owned].sort(([a], [b]) => (a < b ? -1 : 1))) };
  const recordPath = `${folder}/${RECORD}`;
  const written = await writeBlob(gitDir, `${JSON.stringify(record, null, 2)}\n`);
  plan.changes.set(recordPath, written);
  plan.files.push({ path: recordPath, change: changeOf(present.get(recordPath), written) });
  return plan;
}

function changeOf(before: string | undefined, after: string): 'added' | 'unchanged' | 'updated' {
  if (before === undefined) return 'added';
  return before === after ? 'unchanged' : 'updated';
}

/** A record that is not ours to understand (another shape, not JSON) counts as somebody else's file. Entries outside the folder claim nothing. */
async function readRecord(gitDir: string, blob: string | undefined, folder: string): Promise<Map<string, string>> {
  if (blob === undefined) return new Map();
  const foreign = () => new Failure('forbidden-path', `${printable(`${folder}/${RECORD}`)} is there already and was not written by Pullwright`);
  if (Number(await git(gitDir, ['cat-file', '-s', blob])) > MAX_RECORD_BYTES) throw foreign();
  let document: unknown;
  try {
    document = JSON.parse((await git(gitDir, ['cat-file', 'blob', blob])).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw foreign();
    throw error;
  }
  const record = Record.safeParse(document);
  if (!record.success) throw foreign();
  return new Map(Object.entries(record.data.files).filter(([path]) => path.startsWith(`${folder}/`) && isPlain(path)));
}

/** Relative, no empty, `.` or `..` segment, nothing that a file system or git reads as something else (`.git` in any disguise, a backslash, a drive, a control character). */
function isPlain(path: string): boolean {
  return path.length <= 1024 && !/[\p{Cc}\p{Cf}\\:*?"<>|]/u.test(path) && path.split('/').every((segment) => segment !== '' && !/^\.+$/.test(segment) && !/^(\.git|git~\d+)[. ]*$/i.test(segment));
}

function requirePlain(path: string): void {
  if (!isPlain(path)) throw new Failure('forbidden-path', printable(path));
}
