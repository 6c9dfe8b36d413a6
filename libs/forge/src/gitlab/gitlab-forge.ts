import type { HostedForge } from '../forge.js';
import type { GitlabAccess } from './access.js';
import { note } from './notes.js';
import { publishToGitlab, withdrawFromGitlab } from './publishing.js';
import { stateOfPull } from './merge-requests.js';
import { resolve, sourceOf } from './repository.js';
import { changedFiles, openSnapshot, readFileAt } from './snapshot.js';
import { permissionOf, setStatus } from './statuses.js';

/** GitLab, seen through an access that is good for one project. */
export function gitlabForge(access: GitlabAccess): HostedForge {
  return {
    name: 'gitlab',
    resolveRef: async (repository, ref) => resolve(await sourceOf(access, repository), ref),
    open: async (repository, ref) => openSnapshot(await sourceOf(access, repository), ref),
    readFile: async (repository, commit, path, maxBytes) => readFileAt(await sourceOf(access, repository), commit, path, maxBytes),
    publish: async (publication) => publishToGitlab(await sourceOf(access, publication.repository), publication),
    withdraw: async (withdrawal) => withdrawFromGitlab(await sourceOf(access, withdrawal.repository), withdrawal),
    permissionOf: async (repository, user) => permissionOf(await sourceOf(access, repository), user),
    pullRequest: async (repository, number) => stateOfPull(await sourceOf(access, repository), number),
    changedFiles: async (repository, before, after) => changedFiles(await sourceOf(access, repository), before, after),
    comment: async ({ repository, pullRequest, mark, body }) => note(await sourceOf(access, repository), pullRequest, mark, body),
    setCheck: async (check) => setStatus(await sourceOf(access, check.repository), check),
  };
}
