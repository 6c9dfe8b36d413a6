import { randomUUID } from 'node:crypto';
import { ApiError, notFound, ok, page, type RepositoryRequest } from '../request.js';
import { reads, type Route } from '../route.js';
import { nodeId, user } from '../shapes/accounts.js';
import { commit as commitShape } from '../shapes/commits.js';
import { fullRepository, permissionFlags, repositoryUrl } from '../shapes/repository.js';
import type { Commit } from '../../git-store.js';
import type { Level } from '../repository.js';

const ARCHIVE_LIFE = 5 * 60_000;

export const repositoryRoutes: Record<string, Route> = {
  'repos/get': reads('metadata', async ({ world, repository, actor }) => ok(fullRepository(world, repository, actor.kind === 'user' ? world.level(repository, actor.login) : actor.kind === 'installation' && actor.permissions.contents === 'write' ? 'write' : 'read'))),
  'repos/list-branches': reads('contents', async (request) => {
    const wanted = request.query.get('protected');
    const branches = (await request.repository.store.refs('refs/heads/')).map(({ ref, sha }) => ({ name: ref.slice('refs/heads/'.length), sha }))
      .filter(({ name }) => wanted === null || request.repository.protectedBranches.has(name) === (wanted === 'true'));
    return page(request, branches, ({ name, sha }) => ({ name, commit: { sha, url: `${repositoryUrl(request.world, request.repository)}/commits/${sha}` }, protected: request.repository.protectedBranches.has(name) }));
  }),
  'repos/get-branch': reads('contents', async (request) => {
    const { world, repository, params } = request;
    const name = params.branch as string;
    const found = await repository.store.ref(`refs/heads/${name}`);
    if (found === undefined) throw new ApiError(404, 'Branch not found');
    const url = `${repositoryUrl(world, repository)}/branches/${name}`;
    return ok({
      name, commit: commitShape(world, repository, await repository.store.commit(found.sha) as Commit), _links: { self: url, html: `${world.url}/${repository.owner}/${repository.name}/tree/${name}` },
      protected: repository.protectedBranches.has(name), protection: { enabled: repository.protectedBranches.has(name) }, protection_url: `${url}/protection`,
    });
  }),
  'repos/list-tags': reads('contents', async (request) => {
    const { world, repository } = request;
    const api = repositoryUrl(world, repository);
    return page(request, await repository.store.refs('refs/tags/'), async ({ ref }) => {
      const name = ref.slice('refs/tags/'.length);
      const sha = await repository.store.peel(ref, 'commit') ?? '';
      return { name, commit: { sha, url: `${api}/commits/${sha}` }, zipball_url: `${api}/zipball/${ref}`, tarball_url: `${api}/tarball/${ref}`, node_id: nodeId('REF', `${repository.id}:${ref}`) };
    });
  }),
  'repos/get-collaborator-permission-level': reads('metadata', async ({ world, repository, params }) => {
    const login = params.username as string;
    if (!world.accounts.has(login.toLowerCase())) throw notFound();
    const level = world.level(repository, login);
    const legacy: Record<Level, string> = { none: 'none', read: 'read', triage: 'read', write: 'write', maintain: 'write', admin: 'admin' };
    return ok({ permission: legacy[level], role_name: level, user: { ...user(world, login), permissions: permissionFlags(level), role_name: level } });
  }),
  'repos/download-tarball-archive': reads('contents', downloadTarball),
  'issues/check-user-can-be-assigned': reads('metadata', async ({ world, repository, params }) => {
    if (!['triage', 'write', 'maintain', 'admin'].includes(world.level(repository, params.assignee as string))) throw notFound();
    return { status: 204 };
  }),
};

/** The archive is behind a link of its own that needs no credential and is good for five minutes. */
async function downloadTarball({ world, repository, params }: RepositoryRequest) {
  const commit = await repository.store.commitOf(params.ref === '' || params.ref === undefined ? repository.defaultBranch : params.ref);
  if (commit === undefined) throw notFound();
  const random = randomUUID();
  world.archives.set(random, { repository, commit, expires: Date.now() + ARCHIVE_LIFE });
  return { status: 302, headers: { location: `${world.url}/_codeload/${repository.owner}/${repository.name}/legacy.tar.gz/${commit}?token=${random}` } };
}
