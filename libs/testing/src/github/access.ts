import { createPublicKey, verify } from 'node:crypto';
import { ApiError, inaccessible, notFound, type Actor } from './request.js';
import { covers, type InstallationState, type RepositoryState, type SimulatedApp, type World } from './world.js';

/** A permission of an installation, for instance `contents`, and how much of it. */
export interface Need { permission: string; level: 'read' | 'write' }

const undecodable = () => new ApiError(401, 'A JSON web token could not be decoded');
const badCredentials = () => new ApiError(401, 'Bad credentials');

/** Who asks: an App by its JWT, an installation or a person by a token, or nobody. Throws 401 as GitHub does. */
export function actorOf(world: World, authorization: string | undefined): Actor {
  if (authorization === undefined) return { kind: 'anonymous' };
  const [scheme = '', given = ''] = authorization.split(' ');
  const value = scheme.toLowerCase() === 'basic' ? Buffer.from(given, 'base64').toString('utf8').replace(/^[^:]*:/, '') : given;
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(value)) return { kind: 'app', app: appOf(world, value) };
  const token = world.tokens.get(value);
  if (token === undefined) throw badCredentials();
  if (token.kind === 'user') return token;
  if (token.expires < Date.now()) throw badCredentials();
  if (token.installation.suspendedAt !== undefined) throw new ApiError(403, 'This installation has been suspended');
  return { ...token, value, login: `${token.installation.app.slug}[bot]` };
}

/** The App that signed this: RS256 by its key, issued now, for ten minutes at most. */
function appOf(world: World, jwt: string): SimulatedApp {
  const [head, body, signature] = jwt.split('.') as [string, string, string];
  let header: { alg?: string };
  let claims: { iat?: unknown; exp?: unknown; iss?: unknown };
  try {
    header = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as typeof header;
    claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as typeof claims;
  } catch {
    throw undecodable();
  }
  const app = world.apps.find((one) => String(claims.iss) === String(one.id) || claims.iss === one.clientId);
  if (app === undefined) throw new ApiError(404, 'Integration not found');
  if (header.alg !== 'RS256' || !verify('RSA-SHA256', Buffer.from(`${head}.${body}`), createPublicKey(app.privateKey), Buffer.from(signature, 'base64url'))) throw undecodable();
  const now = Date.now() / 1000;
  if (!Number.isInteger(claims.exp) || (claims.exp as number) <= now) throw new ApiError(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires");
  if ((claims.exp as number) > now + 660) throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
  if (!Number.isInteger(claims.iat) || (claims.iat as number) > now + 60) throw new ApiError(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  return app;
}

/** Throws 404 when the actor may not know of the repository, 403 when it may and lacks every one of `needs`, of which one is enough. */
export function authorize(world: World, actor: Actor, repository: RepositoryState, needs: readonly Need[]): void {
  if (actor.kind === 'app') throw new ApiError(401, 'A JSON web token could not be decoded');
  const writes = needs.some((need) => need.level === 'write');
  if (actor.kind === 'installation') {
    const inside = actor.installation.owner.toLowerCase() === repository.owner.toLowerCase() && covers(actor.repositories, repository) && covers(actor.installation.repositories, repository);
    if (!inside && repository.private) throw notFound();
    const enough = inside ? needs.some((need) => grants(actor, need)) : !writes;
    if (!enough) throw inaccessible(needs.map((need) => `${need.permission}=${need.level}`).join('; '));
  } else if (actor.kind === 'user') {
    const level = world.level(repository, actor.login);
    if (level === 'none') throw notFound();
    if (writes && (level === 'read' || level === 'triage')) throw new ApiError(403, 'Must have push access to Repository');
  } else if (repository.private) throw notFound();
  else if (writes) throw new ApiError(401, 'Requires authentication');
  if (writes && repository.archived) throw new ApiError(403, 'Repository was archived so is read-only.');
}

/** Metadata may always be read; writing includes reading. What the installation lost, its tokens lost. */
function grants(actor: Extract<Actor, { kind: 'installation' }>, { permission, level }: Need): boolean {
  if (permission === 'metadata' && level === 'read') return true;
  const enough = (granted: string | undefined) => granted === 'write' || (granted === 'read' && level === 'read');
  return enough(actor.permissions[permission]) && enough(actor.installation.permissions[permission]);
}

export function revokeTokens(world: World, installation: InstallationState): void {
  for (const [value, token] of world.tokens) if (token.kind === 'installation' && token.installation === installation) world.tokens.delete(value);
}

/** The name under which an actor appears: the bot of an installation, or the person. */
export function loginOf(actor: Actor): string {
  return actor.kind === 'installation' || actor.kind === 'user' ? actor.login : 'ghost';
}

/** Requests that one installation, person or App has in an hour; counted from when the simulator began, and never refused for that alone: a fault does it. */
export const HOURLY_LIMIT = 5000;

export function limitKey(actor: Actor): string {
  return actor.kind === 'installation' ? `installation ${actor.installation.id}` : actor.kind === 'app' ? `app ${actor.app.id}` : actor.kind === 'user' ? `user ${actor.login}` : actor.kind;
}

export function limitOf(world: World, actor: Actor): { limit: number; used: number; remaining: number; reset: number } {
  const used = world.requests.get(limitKey(actor)) ?? 0;
  return { limit: HOURLY_LIMIT, used, remaining: Math.max(0, HOURLY_LIMIT - used), reset: world.began + 3600 };
}
