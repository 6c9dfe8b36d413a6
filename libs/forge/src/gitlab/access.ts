import { resolve } from 'node:path';
import type { Config } from '#config';
import { Failure, type RepositoryAddress } from '#contracts';

/** What a process gets to work with one project on GitLab. GitLab has no tokens for one repository and one use out of another: the token is the one that is configured, so what it may is decided where it is made. */
export interface GitlabAccess {
  forge: 'gitlab';
  webUrl: string;
  /** Groups and name. */
  path: string;
  token: string;
  reader: Config['GITLAB_READER'];
  cache?: { folder: string; megabytes: number };
}

export type GitlabSettings = Pick<Config, 'GITLAB_URL' | 'GITLAB_TOKEN' | 'GITLAB_READER' | 'FORGE_CACHE' | 'FORGE_CACHE_MB'>;

/** Throws `forge-unauthorized` when there is no token. */
export function grantGitlab(settings: GitlabSettings, { names }: RepositoryAddress): GitlabAccess {
  if (settings.GITLAB_TOKEN === undefined) throw new Failure('forge-unauthorized', 'GITLAB_TOKEN is not set');
  return {
    forge: 'gitlab', webUrl: new URL(settings.GITLAB_URL).origin, path: names.join('/'), token: settings.GITLAB_TOKEN, reader: settings.GITLAB_READER,
    ...(settings.FORGE_CACHE !== undefined && { cache: { folder: resolve(settings.FORGE_CACHE), megabytes: settings.FORGE_CACHE_MB } }),
  };
}
