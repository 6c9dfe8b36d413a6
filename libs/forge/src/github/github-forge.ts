import { Failure } from '#contracts';
import { createHash } from 'node:crypto';
import type { Check, HostedForge, Permission } from '../forge.js';
import { printable } from '../printable.js';
import type { GithubAccess } from './access.js';
import { setGithubCheck } from './checks.js';
import { found, githubClient } from './client.js';
import { publishToGithub, withdrawFromGithub } from './publishing.js';
import { comment, pullByNumber } from './pulls.js';
import { openGithub, readGithubFile, resolveGithub, type GithubSource } from './snapshot.js';

/** GitHub, seen through an access that is good for one repository. */
export function githubForge(access: GithubAccess): HostedForge {
  const { owner, name, apiUrl, token, webUrl } = access;
  const client = githubClient(apiUrl, { auth: token }, createHash('sha256').update(token).digest('hex').slice(0, 16));
  const on = (repository: string): GithubSource => {
    const path = repository.replace(/\/+$/, '').replace(/\.git$/, '').toLowerCase();
    if (path !== `${webUrl}/${owner}/${name}`.toLowerCase()) throw new Failure('repository-not-found', `${printable(repository)}, or Pullwright may not see it`);
    return { access, client, at: { owner, repo: name }, address: repository };
  };
  return {
    name: 'github',
    resolveRef: async (repository, ref) => resolveGithub(on(repository), ref),
    open: async (repository, ref) => openGithub(on(repository), ref),
    readFile: async (repository, commit, path, maxBytes) => readGithubFile(on(repository), commit, path, maxBytes),
    publish: async (publication) => publishToGithub(on(publication.repository), publication),
    withdraw: async (withdrawal) => withdrawFromGithub(on(withdrawal.repository), withdrawal),
    permissionOf: async (repository, user) => permissionOf(on(repository), user),
    pullRequest: async (repository, number) => pullByNumber(on(repository), number),
    changedFiles: async (repository, before, after) => changedFiles(on(repository), before, after),
    comment: async ({ repository, pullRequest, mark, body }) => comment(on(repository), pullRequest, mark, body),
    setCheck: async (check: Check) => setGithubCheck(on(check.repository), check),
  };
}

/** GitHub lists at most 300 files of a comparison. */
const FILES_LISTED = 300;

async function changedFiles({ client, at }: GithubSource, before: string, after: string): Promise<string[] | undefined> {
  const answer = await found('the comparison', () => client.request('GET /repos/{owner}/{repo}/compare/{basehead}', { ...at, basehead: `${before}...${after}`, per_page: 1 }), 422);
  const files = answer?.data.files;
  // What a comparison lists begins where the two have parted: after a forced push that is not all.
  if (!files || files.length >= FILES_LISTED || answer.data.behind_by > 0) return undefined;
  return files.flatMap(({ filename, previous_filename: previous }) => [filename, ...(previous === undefined ? [] : [previous])]);
}

async function permissionOf({ client, at }: GithubSource, user: string): Promise<Permission> {
  // Somebody who is no user at all, an app for example, has no permission that could be looked up.
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(user)) return 'none';
  const answer = await found(`the permission of ${printable(user)}`, () => client.request('GET /repos/{owner}/{repo}/collaborators/{username}/permission', { ...at, username: user }));
  const permission = answer?.data.permission;
  return permission === 'admin' || permission === 'write' || permission === 'read' ? permission : 'none';
}
