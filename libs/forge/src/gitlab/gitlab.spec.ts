import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { startGitLab, type GitLabSimulator } from '#testing';
import { publicationContract } from '../publication.contract.js';
import { snapshotContract } from '../snapshot.contract.js';
import { GitlabUnderTest } from './gitlab-under-test.js';

let gitlab: GitLabSimulator;
beforeAll(async () => { gitlab = await startGitLab(); });
afterAll(() => gitlab.close());

describe('GitLab keeps the contract of publications', () => {
  afterEach(() => gitlab.reset());
  publicationContract(new GitlabUnderTest(() => gitlab));
});

describe.each(['archive', 'blobs'])('GitLab, read by %s, keeps the contract of snapshots', (reader) => {
  afterEach(() => gitlab.reset());
  snapshotContract(new GitlabUnderTest(() => gitlab, { GITLAB_READER: reader }));
});
