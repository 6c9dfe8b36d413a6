import { loginOf } from '../access.js';
import { deleteComment, editComment, writeComment } from '../comments.js';
import { closePull, editPull, labelNamed, reopenPull, setLabels } from '../pull-requests.js';
import { ApiError, created, inaccessible, invalid, notFound, ok, page, type Answer, type RepositoryRequest } from '../request.js';
import { onRepository, type Route } from '../route.js';
import { comment as commentShape, issue as issueShape, label as labelShape, labelsOf } from '../shapes/pulls.js';
import { pullOf } from './pulls.js';
import type { CommentRecord } from '../world.js';

/** What pull requests share with issues: either permission is enough. */
const either = (level: 'read' | 'write') => ['issues', 'pull_requests'].map((permission) => ({ permission, level }));
const readsIssue = (handle: (request: RepositoryRequest) => Promise<Answer>): Route => onRepository(either('read'), handle);
const writesIssue = (handle: (request: RepositoryRequest) => Promise<Answer>): Route => onRepository(either('write'), handle);

export const issueRoutes: Record<string, Route> = {
  'issues/get': readsIssue(async (request) => ok(issueShape(request.world, request.repository, pullOf(request)))),
  'issues/update': writesIssue(update),
  'issues/list-comments': readsIssue(async (request) => {
    const { world, repository, query } = request;
    const since = query.get('since');
    const found = [...repository.comments.values()].filter((one) => one.issue === pullOf(request).number && (since === null || Date.parse(one.updatedAt) >= Date.parse(since)));
    return page(request, found, (one) => commentShape(world, repository, one));
  }),
  'issues/create-comment': writesIssue(async (request) => {
    const { world, repository, actor } = request;
    const { body } = request.body as { body: string };
    requireBody(body);
    return created(commentShape(world, repository, writeComment(world, repository, pullOf(request), body, loginOf(actor), actor.kind === 'installation' ? actor.installation.app : undefined)));
  }),
  'issues/get-comment': readsIssue(async (request) => ok(commentShape(request.world, request.repository, commentOf(request)))),
  'issues/update-comment': writesIssue(async (request) => {
    const { world, repository, actor } = request;
    const record = commentOf(request);
    const { body } = request.body as { body: string };
    requireBody(body);
    // An App edits what is its own alone.
    if (actor.kind === 'installation' && record.app !== actor.installation.app) throw inaccessible();
    editComment(world, repository, record, body, loginOf(actor));
    return ok(commentShape(world, repository, record));
  }),
  'issues/delete-comment': writesIssue(async (request) => {
    deleteComment(request.world, request.repository, commentOf(request), loginOf(request.actor));
    return { status: 204 };
  }),
  'issues/list-labels-on-issue': readsIssue(async (request) => page(request, labelsOf(request.world, request.repository, pullOf(request)), (one) => one)),
  'issues/add-labels': writesIssue((request) => changeLabels(request, (had) => [...had, ...labelsIn(request.body)])),
  'issues/set-labels': writesIssue((request) => changeLabels(request, () => labelsIn(request.body))),
  'issues/remove-label': writesIssue((request) => {
    const name = (request.params.name as string).toLowerCase();
    if (!pullOf(request).labels.some((one) => one.toLowerCase() === name)) throw new ApiError(404, 'Label does not exist');
    return changeLabels(request, (had) => had.filter((one) => one.toLowerCase() !== name));
  }),
  'issues/list-labels-for-repo': readsIssue(async (request) => page(request, [...request.repository.labels.values()], (one) => labelShape(request.world, request.repository, one))),
  'issues/create-label': writesIssue(async (request) => {
    const { world, repository } = request;
    const { name, color, description } = request.body as { name: string; color?: string; description?: string };
    if (repository.labels.has(name.toLowerCase())) throw invalid('Label', { code: 'already_exists', field: 'name' });
    if (color !== undefined && !/^[0-9a-f]{6}$/i.test(color)) throw invalid('Label', { code: 'invalid', field: 'color' });
    const record = labelNamed(world, repository, name);
    Object.assign(record, { color: color ?? record.color, description: description ?? '' });
    return created(labelShape(world, repository, record));
  }),
  'issues/get-label': readsIssue(async ({ world, repository, params }) => {
    const record = repository.labels.get((params.name as string).toLowerCase());
    if (record === undefined) throw notFound();
    return ok(labelShape(world, repository, record));
  }),
  'issues/add-assignees': writesIssue(async (request) => changeAssignees(request, 201, (had, given) => [...had, ...given])),
  'issues/remove-assignees': writesIssue(async (request) => changeAssignees(request, 200, (had, given) => had.filter((one) => !given.some((gone) => gone.toLowerCase() === one.toLowerCase())))),
};

function requireBody(body: string): void {
  if (body.trim() === '') throw invalid('IssueComment', { code: 'missing_field', field: 'body' });
  if (body.length > 65_536) throw invalid('IssueComment', { code: 'custom', field: 'body', message: 'body is too long (maximum is 65536 characters)' });
}

function commentOf({ repository, params }: RepositoryRequest): CommentRecord {
  const found = repository.comments.get(Number(params.comment_id));
  if (found === undefined) throw notFound();
  return found;
}

function labelsIn(body: unknown): string[] {
  const list = Array.isArray(body) ? body : typeof body === 'string' ? [body] : (body as { labels?: unknown[] } | undefined)?.labels ?? [];
  return (list as Array<string | { name: string }>).map((one) => (typeof one === 'string' ? one : one.name));
}

async function changeLabels(request: RepositoryRequest, change: (had: string[]) => string[]): Promise<Answer> {
  const { world, repository, actor } = request;
  const pull = pullOf(request);
  await setLabels(world, repository, pull, change(pull.labels), loginOf(actor));
  return ok(labelsOf(world, repository, pull));
}

/** Whoever cannot be assigned is passed over without a word, as GitHub does. */
async function changeAssignees(request: RepositoryRequest, status: number, change: (had: string[], given: string[]) => string[]): Promise<Answer> {
  const { world, repository } = request;
  const pull = pullOf(request);
  const given = ((request.body as { assignees?: string[] } | undefined)?.assignees ?? []).filter((login) => repository.collaborators.has(login.toLowerCase()));
  pull.assignees = [...new Set(change(pull.assignees, given))].slice(0, 10);
  return { status, body: issueShape(world, repository, pull) };
}

async function update(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor } = request;
  const pull = pullOf(request);
  const { title, body, state, labels, assignees } = request.body as { title?: string; body?: string | null; state?: 'open' | 'closed'; labels?: unknown; assignees?: string[] };
  const changes = Object.fromEntries(Object.entries({ title, body }).filter(([, value]) => value !== undefined));
  if (Object.keys(changes).length > 0) await editPull(world, repository, pull, changes, loginOf(actor));
  if (labels !== undefined) await setLabels(world, repository, pull, labelsIn(labels), loginOf(actor));
  if (assignees !== undefined) pull.assignees = assignees.filter((login) => repository.collaborators.has(login.toLowerCase()));
  if (state === 'closed') await closePull(world, repository, pull, loginOf(actor));
  if (state === 'open') await reopenPull(world, repository, pull, loginOf(actor));
  return ok(issueShape(world, repository, pull));
}
