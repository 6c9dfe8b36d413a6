import { authorize, type Need } from './access.js';
import { ApiError, notFound, type Actor, type Answer, type ApiRequest, type RepositoryRequest } from './request.js';

/** How one operation is served. A route is made by one of the functions below, which say who may. */
export type Route = (request: ApiRequest) => Promise<Answer>;

/** An operation on a repository, for whoever has one of `needs` there. A repository that was renamed answers with where it is now. */
export function onRepository(needs: Need | readonly Need[], handle: (request: RepositoryRequest) => Promise<Answer>): Route {
  return async (request) => {
    const { world, params, actor, operation, path } = request;
    const { found, moved } = world.repository(params.owner as string, params.repo as string);
    if (found === undefined) throw notFound();
    authorize(world, actor, found, 'permission' in needs ? [needs] : needs);
    if (!moved) return handle({ ...request, repository: found });
    const to = `${world.apiUrl}/repositories/${found.id}${path.split('/').slice(4).map((part) => `/${part}`).join('')}${request.query.size > 0 ? `?${request.query.toString()}` : ''}`;
    throw new ApiError(operation.method === 'GET' ? 301 : 307, operation.method === 'GET' ? 'Moved Permanently' : 'Temporary Redirect', undefined, { location: to }, to);
  };
}

export const reads = (permission: string, handle: (request: RepositoryRequest) => Promise<Answer>): Route => onRepository({ permission, level: 'read' }, handle);
export const writes = (permission: string, handle: (request: RepositoryRequest) => Promise<Answer>): Route => onRepository({ permission, level: 'write' }, handle);

/** An operation of the App itself, by its JWT. */
export function asApp(handle: (request: ApiRequest & { actor: Extract<Actor, { kind: 'app' }> }) => Promise<Answer>): Route {
  return async (request) => {
    const { actor } = request;
    if (actor.kind !== 'app') throw new ApiError(401, 'A JSON web token could not be decoded');
    return handle({ ...request, actor });
  };
}

/** An operation of an installation, by its token. */
export function asInstallation(handle: (request: ApiRequest & { actor: Extract<Actor, { kind: 'installation' }> }) => Promise<Answer>): Route {
  return async (request) => {
    const { actor } = request;
    if (actor.kind !== 'installation') throw new ApiError(actor.kind === 'anonymous' ? 401 : 403, actor.kind === 'anonymous' ? 'Requires authentication' : 'You must authenticate with an installation access token in order to list repositories for an installation.');
    return handle({ ...request, actor });
  };
}
