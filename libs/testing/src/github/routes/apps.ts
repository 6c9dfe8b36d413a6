import { ApiError, created, notFound, ok, page, type Answer, type ApiRequest } from '../request.js';
import { asApp, asInstallation, type Route } from '../route.js';
import { app as appShape, installation as installationShape } from '../shapes/accounts.js';
import { permissionFlags, repository as repositoryShape } from '../shapes/repository.js';
import { uninstall } from '../installations.js';
import { covers, type InstallationState, type Permissions, type RepositoryState, type SimulatedApp, type World } from '../world.js';

const HOUR = 3_600_000;

export const appRoutes: Record<string, Route> = {
  'apps/get-authenticated': asApp(async ({ world, actor }) => ok({ ...appShape(world, actor.app), installations_count: world.installations.filter((one) => one.app === actor.app).length })),
  'apps/create-from-manifest': convertManifest,
  'apps/list-installations': asApp((request) => page(request, request.world.installations.filter((one) => one.app === request.actor.app), (one) => installationShape(request.world, one))),
  'apps/get-installation': asApp(async (request) => ok(installationShape(request.world, installationOf(request, request.actor.app)))),
  'apps/delete-installation': asApp(async (request) => {
    uninstall(request.world, installationOf(request, request.actor.app));
    return { status: 204 };
  }),
  'apps/create-installation-access-token': asApp(async (request) => createToken(request, installationOf(request, request.actor.app))),
  'apps/get-org-installation': asApp(async (request) => ok(installationShape(request.world, ofAccount(request, request.actor.app, request.params.org as string)))),
  'apps/get-user-installation': asApp(async (request) => ok(installationShape(request.world, ofAccount(request, request.actor.app, request.params.username as string)))),
  'apps/get-repo-installation': asApp(async ({ world, actor, params }) => {
    const { found } = world.repository(params.owner as string, params.repo as string);
    const installation = found === undefined ? undefined : world.installationFor(found, actor.app);
    if (installation === undefined) throw notFound();
    return ok(installationShape(world, installation));
  }),
  'apps/list-repos-accessible-to-installation': asInstallation((request) => {
    const { world, actor } = request;
    const mine = world.repositories.filter((one) => !one.deleted && one.owner.toLowerCase() === actor.installation.owner.toLowerCase() && covers(actor.repositories, one) && covers(actor.installation.repositories, one));
    return page(request, mine, (one) => accessible(world, one), (repositories) => ({ total_count: mine.length, repository_selection: actor.repositories === 'all' ? 'all' : 'selected', repositories }));
  }),
  'apps/revoke-installation-access-token': asInstallation(async ({ world, actor }) => {
    world.tokens.delete(actor.value);
    return { status: 204 };
  }),
};

function accessible(world: World, repository: RepositoryState) {
  return { ...repositoryShape(world, repository), permissions: permissionFlags('read') };
}

function installationOf({ world, params }: ApiRequest, app: SimulatedApp): InstallationState {
  const found = world.installations.find((one) => one.id === Number(params.installation_id) && one.app === app);
  if (found === undefined) throw notFound();
  return found;
}

function ofAccount({ world }: ApiRequest, app: SimulatedApp, login: string): InstallationState {
  const found = world.installations.find((one) => one.app === app && one.owner.toLowerCase() === login.toLowerCase());
  if (found === undefined) throw notFound();
  return found;
}

/** No more than the installation has, in repositories and in permissions: else 422. */
async function createToken({ world, body, headers }: ApiRequest, installation: InstallationState): Promise<Answer> {
  if (installation.suspendedAt !== undefined) throw new ApiError(403, 'This installation has been suspended');
  const { repositories: names, repository_ids: ids, permissions } = (body ?? {}) as { repositories?: string[]; repository_ids?: number[]; permissions?: Permissions };
  const reachable = world.repositories.filter((one) => !one.deleted && one.owner.toLowerCase() === installation.owner.toLowerCase() && covers(installation.repositories, one));
  const chosen = names === undefined && ids === undefined ? undefined : [...(names ?? []).map((name) => reachable.find((one) => one.name.toLowerCase() === name.toLowerCase())), ...(ids ?? []).map((id) => reachable.find((one) => one.id === id))];
  if (chosen?.includes(undefined)) throw new ApiError(422, 'There is at least one repository that does not exist or is not accessible to the parent installation.');
  for (const [name, level] of Object.entries(permissions ?? {})) {
    const granted = name === 'metadata' ? 'read' : installation.permissions[name];
    if (granted === undefined || (level === 'write' && granted !== 'write')) throw new ApiError(422, 'The permissions requested are not granted to this installation.');
  }
  const narrowed = permissions ?? installation.permissions;
  const expires = Date.now() + HOUR;
  const repositories = chosen as RepositoryState[] | undefined;
  const token = world.issueToken({ kind: 'installation', installation, permissions: narrowed, repositories: repositories === undefined ? 'all' : new Set(repositories.map((one) => one.id)), expires }, headers['x-github-stateless-s2s-token'] === 'enabled');
  return created({
    token, expires_at: new Date(expires).toISOString().replace(/\.\d+Z$/, 'Z'), permissions: { metadata: 'read', ...narrowed }, repository_selection: repositories === undefined && installation.repositories === 'all' ? 'all' : 'selected',
    ...(repositories === undefined ? {} : { repositories: repositories.map((one) => accessible(world, one)) }),
  });
}

/** The one use of a code: the App comes to be, and its secrets are told this once. */
async function convertManifest({ world, params }: ApiRequest): Promise<Answer> {
  const manifest = world.manifests.get(params.code as string);
  if (manifest === undefined) throw notFound();
  world.manifests.delete(params.code as string);
  const { name, default_permissions: permissions = {}, default_events: events = [], hook_attributes: hook } = manifest as { name: string; default_permissions?: Permissions; default_events?: string[]; hook_attributes?: { url: string; active?: boolean } };
  const app = world.newApp(name, { permissions, events, webhookUrl: hook === undefined || hook.active === false ? undefined : hook.url });
  return created({ ...appShape(world, app), client_secret: app.clientSecret, webhook_secret: app.webhookSecret, pem: app.privateKey });
}

