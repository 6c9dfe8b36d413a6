import { ApiError, forbidden, notFound, page, type Answer, type ProjectRequest } from './answers.js';
import { showMergeRequest, showMergeRequestBasic } from './entities.js';
import { addSystemNote, mergeRequestEvent } from './events.js';
import { pushed } from './pushes.js';
import { refuseQuickActions } from './quick-actions.js';
import { rebase } from './rebase.js';
import type { MergeRequest, Project, User, World } from './world.js';

export function listMergeRequests(request: ProjectRequest): Answer {
  const { world, project, query } = request;
  const wanted = (name: string, value: string) => [null, 'all', value].includes(query.get(name));
  const found = project.mergeRequests.filter((mr) => wanted('source_branch', mr.sourceBranch) && wanted('target_branch', mr.targetBranch) && wanted('state', mr.state));
  const by = query.get('order_by') === 'updated_at' ? 'updatedAt' : 'createdAt';
  const sorted = found.toSorted((one, other) => (one[by] < other[by] ? -1 : 1));
  return page(request, query.get('sort') === 'asc' ? sorted : sorted.reverse(), (mr) => showMergeRequestBasic(world, project, mr));
}

export function getMergeRequest({ world, project, params, query }: ProjectRequest): Answer {
  const mr = named(project, params['merge_request_iid']);
  const asked = query.get('include_rebase_in_progress') === 'true';
  // The first look finds it at work, as it is in the background there.
  const rebasing = asked ? project.rebasesSeen.delete(mr.iid) : undefined;
  return { status: 200, body: showMergeRequest(world, project, mr, rebasing) };
}

export async function createMergeRequest({ world, project, body, user, level }: ProjectRequest): Promise<Answer> {
  if (project.archived || level < 30) throw forbidden();
  const { title, source_branch: sourceBranch, target_branch: targetBranch, description = '' } = body as { title: string; source_branch: string; target_branch: string; description?: string };
  if (title.length > 255) throw new ApiError(400, { title: ['is too long (maximum is 255 characters)'] });
  checkDescription(world, description);
  const sha = await project.store.peel(`refs/heads/${sourceBranch}`, 'commit');
  if (sha === undefined) throw new ApiError(400, { source_branch: ['does not exist'] });
  if (await project.store.peel(`refs/heads/${targetBranch}`, 'commit') === undefined) throw new ApiError(400, { target_branch: ['does not exist'] });
  if (sourceBranch === targetBranch) throw new ApiError(422, ["You can't use same project/branch for source and target"]);
  refuseSecond(project, sourceBranch, targetBranch);
  const at = world.now();
  const mr: MergeRequest = {
    id: world.id(), iid: project.mergeRequests.length + 1, title, description, state: 'opened', sourceBranch, targetBranch, labels: labelsOf(body['labels']), author: user, assignees: usersOf(world, body['assignee_ids'] ?? body['assignee_id']), reviewers: usersOf(world, body['reviewer_ids']),
    createdAt: at, updatedAt: at, closedAt: null, closedBy: null, mergedAt: null, mergedBy: null, mergeCommit: null, squashCommit: null, sha, mergeError: null, removeSourceBranch: body['remove_source_branch'] === true,
  };
  project.mergeRequests.push(mr);
  mergeRequestEvent(world, project, mr, user, 'open');
  return { status: 201, body: showMergeRequest(world, project, mr) };
}

export async function updateMergeRequest({ world, project, params, body, user, level }: ProjectRequest): Promise<Answer> {
  const mr = named(project, params['merge_request_iid']);
  if (project.archived || (level < 30 && mr.author !== user)) throw forbidden();
  if (Object.keys(body).length === 0) throw new ApiError(400, 'at least one parameter must be provided');
  if (typeof body['description'] === 'string') checkDescription(world, body['description']);
  if (body['state_event'] === 'close') closeMergeRequest(world, project, mr, user);
  if (body['state_event'] === 'reopen') await reopenMergeRequest(world, project, mr, user);
  for (const [key, field] of [['title', 'title'], ['description', 'description'], ['target_branch', 'targetBranch']] as const) if (typeof body[key] === 'string') mr[field] = body[key];
  if (body['labels'] !== undefined) mr.labels = labelsOf(body['labels']);
  mr.labels = [...new Set([...mr.labels, ...labelsOf(body['add_labels'])])].filter((label) => !labelsOf(body['remove_labels']).includes(label));
  if (body['assignee_ids'] !== undefined) mr.assignees = usersOf(world, body['assignee_ids']);
  if (body['reviewer_ids'] !== undefined) mr.reviewers = usersOf(world, body['reviewer_ids']);
  mr.updatedAt = world.now();
  if (body['state_event'] === undefined) mergeRequestEvent(world, project, mr, user, 'update');
  return { status: 200, body: showMergeRequest(world, project, mr) };
}

export async function rebaseMergeRequest({ world, project, params, user, level }: ProjectRequest): Promise<Answer> {
  const mr = named(project, params['merge_request_iid']);
  if (mr.state !== 'opened') throw new ApiError(403, '403 Forbidden - Cannot push to source branch');
  if (project.archived || level < (project.protectedBranches.get(mr.sourceBranch) ?? 30)) throw forbidden('Cannot push to source branch');
  const onto = await project.store.peel(`refs/heads/${mr.targetBranch}`, 'commit');
  const after = onto === undefined ? undefined : await rebase(project.store, mr.sha, onto, { name: user.name, email: user.email, date: world.now() });
  mr.mergeError = after === undefined ? 'Rebase failed: Rebase locally, resolve all conflicts, then push the branch.' : null;
  project.rebasesSeen.add(mr.iid);
  const before = mr.sha;
  if (after !== undefined && after !== before && await project.store.moveRef(`refs/heads/${mr.sourceBranch}`, before, after)) await pushed(world, project, user, mr.sourceBranch, before, after);
  return { status: 202, body: { rebase_in_progress: true } };
}

export function closeMergeRequest(world: World, project: Project, mr: MergeRequest, user: User): void {
  if (mr.state !== 'opened') return;
  Object.assign(mr, { state: 'closed', closedAt: world.now(), closedBy: user });
  addSystemNote(world, project, mr, user, 'closed');
  mergeRequestEvent(world, project, mr, user, 'close');
}

export async function reopenMergeRequest(world: World, project: Project, mr: MergeRequest, user: User): Promise<void> {
  if (mr.state !== 'closed') return;
  const sha = await project.store.peel(`refs/heads/${mr.sourceBranch}`, 'commit');
  if (sha === undefined) throw new ApiError(400, { source_branch: ['does not exist'] });
  refuseSecond(project, mr.sourceBranch, mr.targetBranch);
  Object.assign(mr, { state: 'opened', closedAt: null, closedBy: null, sha });
  addSystemNote(world, project, mr, user, 'reopened');
  mergeRequestEvent(world, project, mr, user, 'reopen');
}

function named(project: Project, iid: string | undefined): MergeRequest {
  const mr = project.mergeRequests.find((one) => String(one.iid) === iid);
  if (!mr) throw notFound('Not found');
  return mr;
}

function refuseSecond(project: Project, sourceBranch: string, targetBranch: string): void {
  const other = project.mergeRequests.find((mr) => mr.state === 'opened' && mr.sourceBranch === sourceBranch && mr.targetBranch === targetBranch);
  if (other) throw new ApiError(409, [`Another open merge request already exists for this source branch: !${other.iid}`]);
}

function checkDescription(world: World, description: string): void {
  if (description.length > 1_048_576) throw new ApiError(400, { description: ['is too long (maximum is 1048576 characters)'] });
  refuseQuickActions(world, description);
}

const labelsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
function usersOf(world: World, value: unknown): User[] {
  const ids = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return [...world.users.values()].filter(({ id }) => ids.includes(id));
}
