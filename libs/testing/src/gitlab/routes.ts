import { ApiError, notFound, page, type Answer, type ApiRequest, type ProjectRequest } from './answers.js';
import { createBranch, deleteBranch, getBranch } from './branch-routes.js';
import { createCommit, getCommit, listCommits } from './commit-routes.js';
import { showMember, showProject, showUser } from './entities.js';
import { createMergeRequest, getMergeRequest, listMergeRequests, rebaseMergeRequest, updateMergeRequest } from './merge-request-routes.js';
import { createNote, listNotes, listStatuses, setStatus, updateNote } from './note-routes.js';
import { getArchive, getCompare, getMergeBase, getRawBlob, getTree } from './repository-routes.js';

/** What serves an operation of the description, and from which level on it is for somebody. A project of which somebody may see nothing is not there for them. */
const ROUTES: Record<string, { level: number; code?: true; serve: (request: ProjectRequest) => Answer | Promise<Answer> }> = {
  getApiV4ProjectsId: { level: 10, serve: getProject },
  getApiV4ProjectsIdMembersAll: { level: 10, serve: listMembers },
  getApiV4ProjectsIdRepositoryTree: { level: 20, code: true, serve: getTree },
  getApiV4ProjectsIdRepositoryBlobsShaRaw: { level: 20, code: true, serve: getRawBlob },
  getApiV4ProjectsIdRepositoryArchive: { level: 20, code: true, serve: getArchive },
  getApiV4ProjectsIdRepositoryCompare: { level: 20, code: true, serve: getCompare },
  getApiV4ProjectsIdRepositoryMergeBase: { level: 20, code: true, serve: getMergeBase },
  getApiV4ProjectsIdRepositoryCommits: { level: 20, code: true, serve: listCommits },
  getApiV4ProjectsIdRepositoryCommitsSha: { level: 20, code: true, serve: getCommit },
  getApiV4ProjectsIdRepositoryBranchesBranch: { level: 20, code: true, serve: getBranch },
  postApiV4ProjectsIdRepositoryCommits: { level: 20, serve: createCommit },
  postApiV4ProjectsIdRepositoryBranches: { level: 20, serve: createBranch },
  deleteApiV4ProjectsIdRepositoryBranchesBranch: { level: 20, serve: deleteBranch },
  getApiV4ProjectsIdMergeRequests: { level: 20, serve: listMergeRequests },
  getApiV4ProjectsIdMergeRequestsMergeRequestIid: { level: 20, serve: getMergeRequest },
  postApiV4ProjectsIdMergeRequests: { level: 20, serve: createMergeRequest },
  putApiV4ProjectsIdMergeRequestsMergeRequestIid: { level: 20, serve: updateMergeRequest },
  putApiV4ProjectsIdMergeRequestsMergeRequestIidRebase: { level: 20, serve: rebaseMergeRequest },
  getApiV4ProjectsIdMergeRequestsNoteableIdNotes: { level: 20, serve: listNotes },
  postApiV4ProjectsIdMergeRequestsNoteableIdNotes: { level: 20, serve: createNote },
  putApiV4ProjectsIdMergeRequestsNoteableIdNotesNoteId: { level: 20, serve: updateNote },
  getApiV4ProjectsIdRepositoryCommitsShaStatuses: { level: 20, serve: listStatuses },
  postApiV4ProjectsIdStatusesSha: { level: 20, serve: setStatus },
};

export async function serve(request: ApiRequest): Promise<Answer> {
  const { world, operation, params, user } = request;
  if (operation.id === 'getApiV4User') return { status: 200, body: { ...showUser(world, user), email: user.email, commit_email: user.email, public_email: null, bot: user.bot, created_at: user.createdAt } };
  const route = ROUTES[operation.id];
  if (!route) throw new Error(`nothing serves ${operation.id}`);
  const { found: project, moved } = world.project(params['id'] ?? '');
  const level = project === undefined ? 0 : world.level(project, user);
  if (project === undefined || level < 10) throw notFound('Project');
  if (moved) {
    if (operation.method !== 'GET') throw new ApiError(405, '405 Non GET methods are not allowed for moved projects');
    const location = `${world.url}${request.path.replace(/^(\/api\/v4\/projects\/)[^/]+/, `$1${project.id}`)}`;
    throw new ApiError(302, `This resource has been moved permanently to ${location}`, { location });
  }
  // In a public project everybody may read the code.
  if (level < route.level && !(route.code && project.visibility === 'public')) throw new ApiError(403, '403 Forbidden');
  return route.serve({ ...request, project, level });
}

async function getProject({ world, project, user }: ProjectRequest): Promise<Answer> {
  const empty = (await project.store.refs('refs/heads')).length === 0;
  return { status: 200, body: showProject(world, project, user, empty) };
}

function listMembers(request: ProjectRequest): Answer {
  const { world, project, query } = request;
  const sought = (query.get('query') ?? '').toLowerCase();
  return page(request, [...project.members].filter(([username]) => username.toLowerCase().includes(sought)), ([username, level]) => showMember(world, world.user(username), level));
}
