import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#contracts';
import type { FileChange } from '../ownership.js';
import { printable } from '../printable.js';
import { Commit, read } from './api.js';
import { wordsOf } from './client.js';
import { pullByNumber, type Pull } from './merge-requests.js';
import { branchTip, readBlob, type Source } from './repository.js';

/** Milliseconds between two looks at a rebase, and how often it is looked at: GitLab does it in the background, mostly within a second. */
const [REBASE_LOOK_MS, REBASE_LOOKS] = [500, 120];

interface Action { action: 'create' | 'update' | 'delete' | 'chmod'; file_path: string; content?: string; encoding?: 'base64'; execute_filemode?: boolean }
interface Writing { branch: string; /** The commit that it is put on: the branch's tip, or where the branch begins. */ from: string; isNew: boolean; base: string; changes: readonly FileChange[]; tree: string; message: string }

/** One commit that makes the tree of `from` the wanted one, which is the base's with the changes. Throws `forge-unavailable` when the branch has moved or nobody answered, `forge-forbidden` in GitLab's words. */
export async function commitChanges(source: Source, writing: Writing): Promise<void> {
  const { client, at, trees } = source;
  const { branch, from, isNew, message, tree } = writing;
  const what = `the commit on ${printable(branch)}`;
  const answer = await client.ask(what, 'POST', `${at}/repository/commits`, { body: { branch, commit_message: message, actions: await actionsFor(source, writing), stats: false, ...(isNew && { start_sha: from }) }, allow: [400] });
  if (answer.status === 400) {
    if (await branchTip(source, branch) !== (isNew ? undefined : from)) throw new Failure('forge-unavailable', `${what}: the branch moved meanwhile`);
    throw new Failure('forge-forbidden', `${what}: ${wordsOf(answer)}`);
  }
  const { id } = read(Commit, what, answer.bytes);
  if (await trees.rootId(id) !== tree) throw new Failure('forge-forbidden', `${what}: GitLab has made another tree of it than it was asked to`);
}

async function actionsFor(source: Source, { from, base, changes }: Writing): Promise<Action[]> {
  const different = from === base ? new Map<string, never>() : await source.trees.differences(base, from);
  const wanted = new Map<string, Pick<FileChange, 'content' | 'blob'>>(changes.map((change) => [change.path, change]));
  const actions: Action[] = [];
  for (const path of new Set([...wanted.keys(), ...different.keys()])) {
    const onBase = await source.trees.entry(base, path);
    const there = await source.trees.entry(from, path);
    const { blob, content } = wanted.get(path) ?? { blob: onBase?.id ?? null };
    const mode = wanted.has(path) ? '100644' : onBase?.mode;
    if (blob === null) { if (there) actions.push({ action: 'delete', file_path: path }); continue; }
    if (there?.id !== blob) actions.push({ action: there ? 'update' : 'create', file_path: path, content: (content ?? await readBlob(source, blob)).toString('base64'), encoding: 'base64' });
    if ((there?.mode ?? '100644') !== mode) actions.push({ action: 'chmod', file_path: path, execute_filemode: mode === '100755' });
  }
  return actions;
}

/** What is not there need not be removed. */
export async function deleteBranch({ client, at }: Source, branch: string): Promise<void> {
  await client.ask(`removing ${printable(branch)}`, 'DELETE', `${at}/repository/branches/${encodeURIComponent(branch)}`, { allow: [404] });
}

/** Has GitLab put the branch on its base. Throws `stale-base` when that conflicts. */
export async function rebaseOnto(source: Source, { number }: Pull, branch: string, base: string): Promise<void> {
  const before = await branchTip(source, branch);
  await source.client.ask(`rebasing !${number}`, 'PUT', `${source.at}/merge_requests/${number}/rebase`, { allow: [409] });
  for (let look = 0; look < REBASE_LOOKS; look++) {
    const { rebasing, mergeError } = await pullByNumber(source, number);
    if (!rebasing && await branchTip(source, branch) !== before) return;
    if (!rebasing && mergeError !== undefined) throw new Failure('stale-base', `GitLab cannot put ${printable(branch)} on ${base.slice(0, 12)} (${printable(mergeError)}); merge !${number}, or close it and delete the branch, to start over`);
    await sleep(REBASE_LOOK_MS);
  }
  throw new Failure('forge-unavailable', `rebasing !${number} does not end`);
}
