import { ApiError, forbidden, notFound, page, type Answer, type ProjectRequest } from './answers.js';
import { showNote, showStatus } from './entities.js';
import { noteEvent } from './events.js';
import { refuseQuickActions } from './quick-actions.js';
import type { MergeRequest, Note, Status } from './world.js';

export function listNotes(request: ProjectRequest): Answer {
  const { world, project, query } = request;
  const { iid } = noteable(request);
  const notes = project.notes.filter((note) => note.iid === iid && !(query.get('activity_filter') === 'only_comments' && note.system));
  return page(request, query.get('sort') === 'asc' ? notes : notes.toReversed(), (note) => showNote(world, project, note));
}

export function createNote(request: ProjectRequest): Answer {
  const { world, project, body, user, level } = request;
  const mr = noteable(request);
  if (project.archived || level < 10) throw forbidden();
  refuseQuickActions(world, String(body['body']));
  const at = world.now();
  const note: Note = { id: world.id(), iid: mr.iid, body: String(body['body']), author: user, system: false, createdAt: at, updatedAt: at };
  project.notes.push(note);
  noteEvent(world, project, mr, note, user, 'create');
  return { status: 201, body: showNote(world, project, note) };
}

export function updateNote(request: ProjectRequest): Answer {
  const { world, project, params, body, user } = request;
  const mr = noteable(request);
  const note = project.notes.find(({ id, iid }) => String(id) === params['note_id'] && iid === mr.iid);
  if (!note) throw notFound('Note');
  if (project.archived || note.author !== user || note.system) throw forbidden();
  refuseQuickActions(world, String(body['body']));
  Object.assign(note, { body: String(body['body']), updatedAt: world.now() });
  noteEvent(world, project, mr, note, user, 'update');
  return { status: 200, body: showNote(world, project, note) };
}

function noteable({ project, params }: ProjectRequest): MergeRequest {
  const mr = project.mergeRequests.find(({ iid }) => String(iid) === params['noteable_id']);
  if (!mr) throw notFound('Noteable');
  return mr;
}

export async function listStatuses(request: ProjectRequest): Promise<Answer> {
  const { world, project, params, query } = request;
  const sha = await project.store.commitOf(params['sha'] ?? '');
  if (sha === undefined) throw notFound('Commit');
  return page(request, project.statuses.filter((status) => status.sha === sha && [null, status.name].includes(query.get('name')) && [null, status.ref].includes(query.get('ref'))), (status) => showStatus(world, status));
}

/** One status for each name of a commit on a branch. It goes forward: an ended one stays as it is, and the state it is in already is refused. */
export async function setStatus({ world, project, params, body, user, level }: ProjectRequest): Promise<Answer> {
  if (project.archived || level < 30) throw forbidden();
  const sha = await project.store.commitOf(params['sha'] ?? '');
  if (sha === undefined) throw notFound('Commit');
  const { state, name = 'default', ref = project.defaultBranch, description = null, target_url: targetUrl = null } = body as { state: string; name?: string; ref?: string; description?: string | null; target_url?: string | null };
  if ((description?.length ?? 0) > 255) throw new ApiError(400, { description: ['is too long (maximum is 255 characters)'] });
  const known = project.statuses.find((status) => status.sha === sha && status.name === name && status.ref === ref);
  const ended = known !== undefined && !['created', 'pending', 'running'].includes(known.status);
  if (known?.status === state && !ended) throw new ApiError(400, { status: [`Cannot transition status via :${state === 'running' ? 'run' : 'enqueue'} from :${known.status} (Reason(s): Status cannot transition via "${state === 'running' ? 'run' : 'enqueue'}")`] });
  const status: Status = known !== undefined && !ended ? known : { id: world.id(), sha, ref, name, status: state, targetUrl: null, description: null, author: user, createdAt: world.now() };
  Object.assign(status, { status: state, description, targetUrl });
  if (status !== known) {
    if (known) project.statuses.splice(project.statuses.indexOf(known), 1);
    project.statuses.push(status);
  }
  return { status: 201, body: showStatus(world, status) };
}
