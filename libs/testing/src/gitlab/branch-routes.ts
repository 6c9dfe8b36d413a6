import { ApiError, forbidden, notFound, type Answer, type ProjectRequest } from './answers.js';
import { showBranch } from './entities.js';
import { pushed } from './pushes.js';
import type { Project } from './world.js';

export async function getBranch({ world, project, params, level }: ProjectRequest): Promise<Answer> {
  const name = params['branch'] ?? '';
  const commit = await project.store.commit(`refs/heads/${name}`);
  if (!commit) throw notFound('Branch');
  return { status: 200, body: showBranch(world, project, name, commit, level) };
}

export async function createBranch(request: ProjectRequest): Promise<Answer> {
  const { world, project, body, user, level } = request;
  const name = String(body['branch']);
  requirePush(project, name, level);
  const at = await project.store.commitOf(String(body['ref']));
  if (at === undefined) throw new ApiError(400, `Invalid reference name: ${String(body['ref'])}`);
  if (!await project.store.moveRef(`refs/heads/${name}`, undefined, at)) throw new ApiError(400, 'Branch already exists');
  await pushed(world, project, user, name, undefined, at);
  return { ...await getBranch({ ...request, params: { branch: name } }), status: 201 };
}

export async function deleteBranch({ world, project, params, user, level }: ProjectRequest): Promise<Answer> {
  const name = params['branch'] ?? '';
  const at = await project.store.peel(`refs/heads/${name}`, 'commit');
  if (at === undefined) throw notFound('Branch');
  requirePush(project, name, level);
  if (project.protectedBranches.has(name) || name === project.defaultBranch) throw forbidden('a protected branch is not deleted');
  if (!await project.store.moveRef(`refs/heads/${name}`, at, undefined)) throw new ApiError(400, 'Failed to remove branch');
  await pushed(world, project, user, name, at, undefined);
  return { status: 204 };
}

/** Throws what GitLab answers to somebody who may not push there. */
export function requirePush(project: Project, branch: string, level: number): void {
  if (project.archived) throw forbidden();
  if (level < (project.protectedBranches.get(branch) ?? 30)) throw forbidden('You are not allowed to push into this branch');
}
