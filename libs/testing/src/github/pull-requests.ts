import { pull as pullShape, label as labelShape } from './shapes/pulls.js';
import type { LabelRecord, PullRecord, RepositoryState, World } from './world.js';

/** What happens to pull requests, whoever does it: each change with its webhook. */

export async function pullEvent(world: World, repository: RepositoryState, pull: PullRecord, action: string, sender: string, more: Record<string, unknown> = {}): Promise<void> {
  if (!world.listens('pull_request', repository)) return;
  world.emit({ event: 'pull_request', action, repository, sender, payload: { action, number: pull.number, pull_request: await pullShape(world, repository, pull), ...more } });
}

/** A branch that was merged and is used again is another pull request: only an open one counts. */
export function openPullOf(repository: RepositoryState, head: string, base: string): PullRecord | undefined {
  return [...repository.issues.values()].find((pull) => pull.state === 'open' && pull.head === head && pull.base === base);
}

export async function openPull(world: World, repository: RepositoryState, given: Pick<PullRecord, 'title' | 'body' | 'draft' | 'maintainerCanModify' | 'head' | 'headSha' | 'base' | 'baseSha' | 'author' | 'app'>): Promise<PullRecord> {
  const now = world.now();
  const pull: PullRecord = {
    ...given, id: world.id(), issueId: world.id(), number: repository.nextNumber++, state: 'open', labels: [], assignees: [], reviewers: [], teams: [],
    createdAt: now, updatedAt: now, closedAt: null, closedBy: null, mergedAt: null, mergedBy: null, mergeCommit: null,
  };
  repository.issues.set(pull.number, pull);
  await repository.store.git(['update-ref', `refs/pull/${pull.number}/head`, pull.headSha]);
  await pullEvent(world, repository, pull, 'opened', given.author);
  return pull;
}

export async function closePull(world: World, repository: RepositoryState, pull: PullRecord, sender: string): Promise<void> {
  if (pull.state === 'closed') return;
  const now = world.now();
  Object.assign(pull, { state: 'closed', closedAt: now, closedBy: sender, updatedAt: now, baseSha: await repository.store.peel(`refs/heads/${pull.base}`, 'commit') ?? pull.baseSha });
  await pullEvent(world, repository, pull, 'closed', sender);
}

export async function reopenPull(world: World, repository: RepositoryState, pull: PullRecord, sender: string): Promise<void> {
  if (pull.state === 'open') return;
  Object.assign(pull, { state: 'open', closedAt: null, closedBy: null, updatedAt: world.now() });
  await pullEvent(world, repository, pull, 'reopened', sender);
}

/** Its head has come into the base, by whichever way. */
export async function noteMerged(world: World, repository: RepositoryState, pull: PullRecord, sender: string, mergeCommit: string): Promise<void> {
  Object.assign(pull, { mergedAt: world.now(), mergedBy: sender, mergeCommit });
  await closePull(world, repository, pull, sender);
}

export async function editPull(world: World, repository: RepositoryState, pull: PullRecord, changes: Partial<Pick<PullRecord, 'title' | 'body' | 'base' | 'draft' | 'maintainerCanModify'>>, sender: string): Promise<void> {
  const changed: Record<string, unknown> = {};
  if (changes.title !== undefined && changes.title !== pull.title) changed.title = { from: pull.title };
  if (changes.body !== undefined && changes.body !== pull.body) changed.body = { from: pull.body ?? '' };
  if (changes.base !== undefined && changes.base !== pull.base) changed.base = { ref: { from: pull.base }, sha: { from: pull.baseSha } };
  Object.assign(pull, changes, { updatedAt: world.now() });
  if (Object.keys(changed).length > 0) await pullEvent(world, repository, pull, 'edited', sender, { changes: changed });
}

/** GitHub makes a label that is not there yet when it is put on an issue. */
export function labelNamed(world: World, repository: RepositoryState, name: string): LabelRecord {
  const record = repository.labels.get(name.toLowerCase()) ?? { id: world.id(), name, color: 'ededed', description: '' };
  repository.labels.set(name.toLowerCase(), record);
  return record;
}

/** Gives the pull request exactly these labels. */
export async function setLabels(world: World, repository: RepositoryState, pull: PullRecord, names: readonly string[], sender: string): Promise<void> {
  const wanted = [...new Map(names.map((name) => [name.toLowerCase(), labelNamed(world, repository, name)])).values()];
  const before = pull.labels.map((name) => labelNamed(world, repository, name));
  pull.labels = wanted.map((record) => record.name);
  pull.updatedAt = world.now();
  for (const record of wanted.filter((one) => !before.includes(one))) await pullEvent(world, repository, pull, 'labeled', sender, { label: labelShape(world, repository, record) });
  for (const record of before.filter((one) => !wanted.includes(one))) await pullEvent(world, repository, pull, 'unlabeled', sender, { label: labelShape(world, repository, record) });
}
