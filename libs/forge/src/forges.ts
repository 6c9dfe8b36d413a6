import type { Config } from '#config';
import { Failure } from '#contracts';
import { parseAddress, type Address } from './address.js';
import type { Forge, HostedForge } from './forge.js';
import { localForge, type LocalAccess } from './local/local-forge.js';

/**
 * The registry of forges: an address decides which one it is. The work is in two halves, so that no agent's process sees more than it may use:
 *
 *   grant     in the host, which has the credentials: turns an address and a use into an access, which is good for that one repository and that use
 *   connect   in the process that works with it: turns an access into a forge
 */
export type ForgeUse = 'read' | 'write';

/** Plain data, to be handed to another process. It may hold a secret: never log or store it. */
export type ForgeAccess = LocalAccess;

/** What the host is configured with. */
export type ForgeSettings = Pick<Config, 'GITHUB_URL' | 'GITLAB_URL'>;

/** Throws `bad-request` for an address that is none, `repository-not-found` for one of a server that is no configured forge, `forge-unauthorized` where there is no credential for it. */
export function grantAccess(_settings: ForgeSettings, repository: string, _use: ForgeUse, _timeLimitMs: number): Promise<ForgeAccess> {
  const address: Address = parseAddress(repository);
  if (!('server' in address)) return Promise.resolve({ forge: 'local' });
  throw new Failure('repository-not-found', `${address.server} is no forge that Pullwright is configured for`);
}

export function connect(access: ForgeAccess): Forge {
  switch (access.forge) {
    case 'local': return localForge;
  }
}

/** The same for what needs people on the other side. Throws `bad-request` for a local repository. */
export function connectHosted(access: ForgeAccess): HostedForge {
  const forge = connect(access);
  if (!('setCheck' in forge)) throw new Failure('bad-request', `repository: a ${forge.name} repository has no comments and no checks`);
  return forge as HostedForge;
}
