import { Failure, repositoryAddress } from '#contracts';
import type { Forge, ForgeUse, HostedForge } from './forge.js';
import { grantGithub, type GithubAccess, type GithubSettings } from './github/access.js';
import { githubForge } from './github/github-forge.js';
import { grantGitlab, type GitlabAccess, type GitlabSettings } from './gitlab/access.js';
import { gitlabForge } from './gitlab/gitlab-forge.js';
import { localForge, type LocalAccess } from './local/local-forge.js';
import { printable } from './printable.js';

/**
 * The registry of forges: an address decides which one it is. The work is in two halves, so that no agent's process sees more than it may use:
 *
 *   grant     in the host, which has the credentials: turns an address and a use into an access, which is good for that one repository and that use
 *   connect   in the process that works with it: turns an access into a forge
 */
/** Plain data, to be handed to another process. It may hold a secret: never log or store it. */
export type ForgeAccess = LocalAccess | GithubAccess | GitlabAccess;

/** What the host is configured with. */
export type ForgeSettings = GithubSettings & GitlabSettings;

/** Throws `bad-request` for an address that is none, `repository-not-found` for one of a server that is no configured forge, `forge-unauthorized` where there is no credential for it. */
export async function grantAccess(settings: ForgeSettings, repository: string, use: ForgeUse, timeLimitMs: number): Promise<ForgeAccess> {
  const address = repositoryAddress(repository);
  if (address && 'problem' in address) throw new Failure('bad-request', `repository: ${printable(repository)} is no address of a repository; ${address.problem}`);
  if (!address) return { forge: 'local' };
  if (address.server === new URL(settings.GITHUB_URL).origin) return grantGithub(settings, address, use, timeLimitMs);
  if (address.server === new URL(settings.GITLAB_URL).origin) return grantGitlab(settings, address);
  throw new Failure('repository-not-found', `${address.server} is no forge that Pullwright is configured for`);
}

export function connect(access: ForgeAccess): Forge {
  switch (access.forge) {
    case 'local': return localForge;
    case 'github': return githubForge(access);
    case 'gitlab': return gitlabForge(access);
  }
}

/** The same for what needs people on the other side. Throws `bad-request` for a local repository. */
export function connectHosted(access: ForgeAccess): HostedForge {
  const forge = connect(access);
  if (!('setCheck' in forge)) throw new Failure('bad-request', `repository: a ${forge.name} repository has no comments and no checks`);
  return forge as HostedForge;
}
