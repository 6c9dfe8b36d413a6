import { loginOf } from '../access.js';
import { closePull, editPull, openPull, openPullOf, pullEvent, reopenPull } from '../pull-requests.js';
import { ApiError, created, invalid, notFound, ok, page, type Answer, type RepositoryRequest } from '../request.js';
import { reads, writes, type Route } from '../route.js';
import { user } from '../shapes/accounts.js';
import { commit as commitShape, diffEntry } from '../shapes/commits.js';
import { pull as pullShape, pullSimple, team } from '../shapes/pulls.js';
import type { Commit } from '../../git-store.js';
import type { PullRecord } from '../world.js';

export const pullRoutes: Record<string, Route> = {
  'pulls/list': reads('pull_requests', list),
  'pulls/create': writes('pull_requests', create),
  'pulls/get': reads('pull_requests', async (request) => ok(await pullShape(request.world, request.repository, pullOf(request)))),
  'pulls/update': writes('pull_requests', update),
  'pulls/list-files': reads('pull_requests', async (request) => {
    const { world, repository } = request;
    const pull = pullOf(request);
    const fork = await repository.store.mergeBase(pull.baseSha, pull.headSha);
    return page(request, await repository.store.diff(fork, pull.headSha), (file) => diffEntry(world, repository, file, pull.headSha));
  }),
  'pulls/list-commits': reads('pull_requests', async (request) => {
    const { world, repository } = request;
    const pull = pullOf(request);
    const ids = (await repository.store.log([pull.headSha, `^${pull.baseSha}`])).reverse();
    return page(request, ids, async (id) => commitShape(world, repository, await repository.store.commit(id) as Commit));
  }),
  'pulls/check-if-merged': reads('pull_requests', async (request) => {
    if (pullOf(request).mergedAt === null) throw notFound();
    return { status: 204 };
  }),
  'pulls/list-requested-reviewers': reads('pull_requests', async (request) => {
    const { world, repository } = request;
    const { reviewers, teams } = pullOf(request);
    return ok({ users: reviewers.map((login) => user(world, login)), teams: teams.map((slug) => team(world, repository, slug)) });
  }),
  'pulls/request-reviewers': writes('pull_requests', requestReviewers),
  'pulls/remove-requested-reviewers': writes('pull_requests', async (request) => {
    const { world, repository } = request;
    const pull = pullOf(request);
    const { reviewers, team_reviewers: teams = [] } = request.body as { reviewers: string[]; team_reviewers?: string[] };
    pull.reviewers = pull.reviewers.filter((login) => !reviewers.includes(login));
    pull.teams = pull.teams.filter((slug) => !teams.includes(slug));
    return ok(pullSimple(world, repository, pull));
  }),
};

export function pullOf({ repository, params }: RepositoryRequest): PullRecord {
  const pull = repository.issues.get(Number(params.pull_number ?? params.issue_number));
  if (pull === undefined) throw notFound();
  return pull;
}

/** `head` counts only as `owner:branch`; without the owner GitHub lets it pass and filters nothing. */
async function list(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, query } = request;
  const state = query.get('state') ?? 'open';
  const head = /^([^:]+):(.+)$/.exec(query.get('head') ?? '');
  const found = [...repository.issues.values()].filter((pull) => (state === 'all' || pull.state === state) && (query.get('base') === null || pull.base === query.get('base')) && (head === null || (head[1]?.toLowerCase() === repository.owner.toLowerCase() && pull.head === head[2])));
  const key = query.get('sort') === 'updated' ? 'updatedAt' : 'number';
  const ascending = (query.get('direction') ?? (query.get('sort') === null || query.get('sort') === 'created' ? 'desc' : 'asc')) === 'asc';
  found.sort((one, other) => (one[key] < other[key] ? -1 : 1) * (ascending ? 1 : -1));
  return page(request, found, (pull) => pullSimple(world, repository, pull));
}

async function create(request: RepositoryRequest): Promise<Answer> {
  const { world, repository: { store, owner }, repository, actor } = request;
  const given = request.body as { title?: string; head: string; base: string; body?: string; draft?: boolean; maintainer_can_modify?: boolean };
  const head = given.head.toLowerCase().startsWith(`${owner.toLowerCase()}:`) ? given.head.slice(owner.length + 1) : given.head;
  const [headSha, baseSha] = [await store.peel(`refs/heads/${head}`, 'commit'), await store.peel(`refs/heads/${given.base}`, 'commit')];
  if (given.title === undefined || given.title === '') throw invalid('PullRequest', { field: 'title', code: 'missing_field' });
  const wrong = [...(headSha === undefined ? [{ field: 'head', code: 'invalid' }] : []), ...(baseSha === undefined ? [{ field: 'base', code: 'invalid' }] : [])];
  if (headSha === undefined || baseSha === undefined) throw invalid('PullRequest', ...wrong);
  const empty = await store.isAncestor(headSha, baseSha);
  // From here to its making nothing is awaited: of two that ask at the same time one is refused.
  if (openPullOf(repository, head, given.base) !== undefined) throw invalid('PullRequest', { code: 'custom', message: `A pull request already exists for ${owner}:${head}.` });
  if (empty) throw invalid('PullRequest', { code: 'custom', message: `No commits between ${given.base} and ${head}` });
  const pull = await openPull(world, repository, {
    title: given.title, body: given.body ?? null, draft: given.draft ?? false, maintainerCanModify: given.maintainer_can_modify ?? false, head, headSha, base: given.base, baseSha,
    author: loginOf(actor), app: actor.kind === 'installation' ? actor.installation.app : undefined,
  });
  return created(await pullShape(world, repository, pull));
}

async function update(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor } = request;
  const pull = pullOf(request);
  const { title, body, state, base, maintainer_can_modify: maintainerCanModify } = request.body as { title?: string; body?: string; state?: 'open' | 'closed'; base?: string; maintainer_can_modify?: boolean };
  if (base !== undefined && await repository.store.peel(`refs/heads/${base}`, 'commit') === undefined) throw invalid('PullRequest', { field: 'base', code: 'invalid' });
  if (state === 'open' && pull.state === 'closed') await requireReopenable(request, pull);
  const changes = Object.fromEntries(Object.entries({ title, body, base, maintainerCanModify }).filter(([, value]) => value !== undefined));
  if (Object.keys(changes).length > 0) await editPull(world, repository, pull, changes, loginOf(actor));
  if (state === 'closed') await closePull(world, repository, pull, loginOf(actor));
  if (state === 'open') await reopenPull(world, repository, pull, loginOf(actor));
  return ok(await pullShape(world, repository, pull));
}

/** A merged one, one whose branch is gone or was rewritten, and one beside which another is open stay closed. */
async function requireReopenable({ repository }: RepositoryRequest, pull: PullRecord): Promise<void> {
  const tip = await repository.store.peel(`refs/heads/${pull.head}`, 'commit');
  if (pull.mergedAt !== null) throw invalid('PullRequest', { field: 'state', code: 'invalid', message: 'state cannot be changed. The pull request is merged.' });
  if (tip === undefined) throw invalid('PullRequest', { field: 'state', code: 'invalid', message: `state cannot be changed. The ${pull.head} branch has been deleted.` });
  if (openPullOf(repository, pull.head, pull.base) !== undefined) throw invalid('PullRequest', { field: 'state', code: 'invalid', message: `state cannot be changed. There is already an open pull request from ${repository.owner}:${pull.head}.` });
  if (!await repository.store.isAncestor(pull.headSha, tip)) throw invalid('PullRequest', { field: 'state', code: 'invalid', message: `state cannot be changed. The ${pull.head} branch was force-pushed or recreated.` });
  pull.headSha = tip;
}

async function requestReviewers(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor } = request;
  const pull = pullOf(request);
  const { reviewers = [], team_reviewers: teams = [] } = request.body as { reviewers?: string[]; team_reviewers?: string[] };
  if (reviewers.some((login) => login.toLowerCase() === pull.author.toLowerCase())) throw new ApiError(422, 'Review cannot be requested from pull request author.');
  const strangers = [...reviewers.filter((login) => !repository.collaborators.has(login.toLowerCase())), ...teams.filter((slug) => !repository.collaborators.has(`${repository.owner}/${slug}`.toLowerCase()))];
  if (strangers.length > 0) throw new ApiError(422, `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repository.owner}/${repository.name} repository.`);
  pull.reviewers = [...new Set([...pull.reviewers, ...reviewers])];
  pull.teams = [...new Set([...pull.teams, ...teams])];
  for (const login of reviewers) await pullEvent(world, repository, pull, 'review_requested', loginOf(actor), { requested_reviewer: user(world, login) });
  return created(pullSimple(world, repository, pull));
}
