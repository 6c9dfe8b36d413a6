import { ApiError, notFound, ok, page, type Answer, type RepositoryRequest } from '../request.js';
import { reads, type Route } from '../route.js';
import { commit as commitShape, diffEntry } from '../shapes/commits.js';
import { pullSimple } from '../shapes/pulls.js';
import { repositoryUrl } from '../shapes/repository.js';
import { requireCommits } from './git.js';
import type { Commit } from '../../git-store.js';

export const commitRoutes: Record<string, Route> = {
  'repos/get-commit': reads('contents', async (request) => {
    const { world, repository, params, headers } = request;
    await requireCommits(request);
    const sha = await repository.store.commitOf(params.ref as string);
    if (sha === undefined) throw new ApiError(422, `No commit found for SHA: ${params.ref}`);
    if (/application\/vnd\.github\.(v3\.)?sha/.test(headers.accept ?? '')) return { status: 200, body: Buffer.from(sha), type: 'application/vnd.github.sha' };
    const commit = await commitAt(request, sha);
    return ok(commitShape(world, repository, commit, await repository.store.diff(commit.parents[0], sha)));
  }),
  'repos/list-commits': reads('contents', async (request) => {
    const { world, repository, query } = request;
    await requireCommits(request);
    const from = await repository.store.commitOf(query.get('sha') ?? repository.defaultBranch);
    if (from === undefined) throw notFound();
    const option = (name: string, flag: string) => (query.get(name) === null ? [] : [`--${flag}=${query.get(name)}`]);
    const path = query.get('path');
    const ids = await repository.store.log([...option('author', 'author'), ...option('committer', 'committer'), ...option('since', 'since'), ...option('until', 'until'), from, ...(path === null ? [] : ['--', path])]);
    return page(request, ids, async (id) => commitShape(world, repository, await commitAt(request, id)));
  }),
  'repos/compare-commits': reads('contents', compare),
  'repos/list-pull-requests-associated-with-commit': reads('pull_requests', async (request) => {
    const { world, repository, params } = request;
    const sha = await repository.store.commitOf(params.commit_sha as string);
    if (sha === undefined) throw new ApiError(422, `No commit found for SHA: ${params.commit_sha}`);
    const having = [];
    for (const pull of repository.issues.values()) if (await repository.store.isAncestor(sha, pull.headSha) && !await repository.store.isAncestor(sha, pull.baseSha)) having.push(pull);
    return page(request, having, (pull) => pullSimple(world, repository, pull));
  }),
};

async function commitAt({ repository }: RepositoryRequest, sha: string): Promise<Commit> {
  const found = await repository.store.commit(sha);
  if (found === undefined) throw notFound();
  return found;
}

/** Files are those of the first page only, 300 at most, and count from the merge base. */
async function compare(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, params, query } = request;
  const { store } = repository;
  await requireCommits(request);
  const own = (name: string) => name.replace(new RegExp(`^${repository.owner}:`, 'i'), '');
  const [base, head] = [await store.commitOf(own(params.base as string)), await store.commitOf(own(params.head as string))];
  if (base === undefined || head === undefined) throw notFound();
  const fork = await store.mergeBase(base, head);
  if (fork === undefined) throw new ApiError(404, `No common ancestor between ${params.base} and ${params.head}.`);
  const [ahead, behind] = [(await store.log([head, `^${base}`])).reverse(), await store.log([base, `^${head}`])];
  const size = query.has('per_page') || query.has('page') ? Number(query.get('per_page') ?? 30) : 250;
  const first = (Number(query.get('page') ?? 1) - 1) * size;
  const files = first === 0 ? (await store.diff(fork, head)).slice(0, 300) : [];
  const shape = async (sha: string) => commitShape(world, repository, await commitAt(request, sha));
  const [api, html] = [`${repositoryUrl(world, repository)}/compare/${params.base}...${params.head}`, `${world.url}/${repository.owner}/${repository.name}/compare`];
  return ok({
    url: api, html_url: `${html}/${params.base}...${params.head}`, permalink_url: `${html}/${repository.owner}:${base.slice(0, 7)}...${repository.owner}:${head.slice(0, 7)}`, diff_url: `${html}/${params.base}...${params.head}.diff`, patch_url: `${html}/${params.base}...${params.head}.patch`,
    base_commit: await shape(base), merge_base_commit: await shape(fork), status: ahead.length > 0 && behind.length > 0 ? 'diverged' : ahead.length > 0 ? 'ahead' : behind.length > 0 ? 'behind' : 'identical',
    ahead_by: ahead.length, behind_by: behind.length, total_commits: ahead.length, commits: await Promise.all(ahead.slice(first, first + size).map(shape)), files: files.map((file) => diffEntry(world, repository, file, head)),
  });
}
