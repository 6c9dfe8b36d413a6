import { afterAll, beforeAll, describe } from '@jest/globals';
import { startGitHub, type GitHubSimulator } from '#testing';
import { publicationContract } from '../publication.contract.js';
import { snapshotContract } from '../snapshot.contract.js';
import { GithubUnderTest } from './github-under-test.js';

let github: GitHubSimulator;
beforeAll(async () => { github = await startGitHub(); });
afterAll(() => github.close());

describe('GitHub keeps the contract of publications', () => publicationContract(new GithubUnderTest(() => github)));
describe.each(['tarball', 'blobs'])('GitHub, read by %s, keeps the contract of snapshots', (reader) => snapshotContract(new GithubUnderTest(() => github, { GITHUB_READER: reader })));
