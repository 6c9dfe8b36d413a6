import { loginOfEmail } from './shapes/commits.js';
import { checkSuiteEvent } from './shapes/checks.js';
import { closePull, noteMerged, pullEvent } from './pull-requests.js';
import type { RepositoryState, SuiteRecord, World } from './world.js';

const NONE = '0'.repeat(40);

/**
 * What follows when a ref has moved, in the order in which GitHub does it: `push`; pull requests from that branch get the new head (`synchronize`), or are closed when it is gone;
 * those into it whose head it now contains are merged; every App with `checks: write` gets a check suite for the new commit.
 */
export async function refMoved(world: World, repository: RepositoryState, { ref, before, after, sender }: { ref: string; before: string | undefined; after: string | undefined; sender: string }): Promise<void> {
  if (before === after || !/^refs\/(heads|tags)\//.test(ref)) return;
  repository.pushedAt = world.now();
  const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
  if (world.listens('push', repository)) world.emit({ event: 'push', action: null, repository, sender, payload: await pushPayload(world, repository, ref, before, after, sender) });
  if (branch === undefined) return;
  for (const pull of [...repository.issues.values()].filter((one) => one.state === 'open')) {
    if (pull.head === branch && after === undefined) await closePull(world, repository, pull, sender);
    else if (pull.head === branch && after !== undefined) {
      pull.headSha = after;
      pull.updatedAt = world.now();
      await repository.store.git(['update-ref', `refs/pull/${pull.number}/head`, after]);
      await pullEvent(world, repository, pull, 'synchronize', sender, { before, after });
    } else if (pull.base === branch && after !== undefined && await repository.store.isAncestor(pull.headSha, after)) await noteMerged(world, repository, pull, sender, after);
  }
  if (after !== undefined) await openSuites(world, repository, after, branch, before, sender);
}

async function pushPayload(world: World, repository: RepositoryState, ref: string, before: string | undefined, after: string | undefined, sender: string): Promise<Record<string, unknown>> {
  const { store } = repository;
  const compare = `${world.url}/${repository.owner}/${repository.name}/compare/${(before ?? NONE).slice(0, 12)}...${(after ?? NONE).slice(0, 12)}`;
  const known = before === undefined ? await others(repository, ref) : [`^${before}`];
  const ids = after === undefined ? [] : (await store.log(['--max-count=20', after, ...known])).reverse();
  const commits = await Promise.all(ids.map((id) => pushedCommit(world, repository, id)));
  return {
    ref, before: before ?? NONE, after: after ?? NONE, base_ref: null, compare, commits, head_commit: after === undefined ? null : await pushedCommit(world, repository, after), created: before === undefined, deleted: after === undefined,
    forced: before !== undefined && after !== undefined && !await store.isAncestor(before, after), pusher: { name: sender, email: `${sender}@users.noreply.github.com` },
  };
}

/** A new branch brings what no other has. */
async function others(repository: RepositoryState, ref: string): Promise<string[]> {
  return (await repository.store.refs('refs/heads/')).filter((one) => one.ref !== ref).map((one) => `^${one.sha}`);
}

async function pushedCommit(world: World, repository: RepositoryState, id: string) {
  const commit = await repository.store.commit(id);
  if (commit === undefined) throw new Error(`there is no commit ${id}`);
  const files = await repository.store.diff(commit.parents[0], id);
  const paths = (status: string[]) => files.filter((file) => status.includes(file.status)).map((file) => file.path);
  const person = (identity: typeof commit.author) => { const username = loginOfEmail(world, identity); return { name: identity.name, email: identity.email, date: identity.date, ...(username === undefined ? {} : { username }) }; };
  return {
    id, tree_id: commit.tree, distinct: true, message: commit.message, timestamp: commit.committer.date, url: `${world.url}/${repository.owner}/${repository.name}/commit/${id}`, author: person(commit.author), committer: person(commit.committer),
    added: paths(['added']), removed: paths(['removed']), modified: paths(['modified', 'renamed']),
  };
}

/** One suite per App and commit. */
export function suiteOf(world: World, repository: RepositoryState, app: SuiteRecord['app'], headSha: string, headBranch: string | null, before: string | null): SuiteRecord {
  const key = `${app.id}:${headSha}`;
  const suite = repository.suites.get(key) ?? { id: world.id(), app, headSha, headBranch, before, createdAt: world.now(), updatedAt: world.now() };
  repository.suites.set(key, suite);
  return suite;
}

async function openSuites(world: World, repository: RepositoryState, headSha: string, branch: string, before: string | undefined, sender: string): Promise<void> {
  for (const app of world.apps) {
    if (world.installationFor(repository, app)?.permissions.checks !== 'write') continue;
    const suite = suiteOf(world, repository, app, headSha, branch, before ?? NONE);
    if (world.listens('check_suite', repository, app)) world.emit({ event: 'check_suite', action: 'requested', repository, sender, app, payload: { action: 'requested', check_suite: await checkSuiteEvent(world, repository, suite) } });
  }
}
