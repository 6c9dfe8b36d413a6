import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startGitHub, type GitHubSimulator, type SimulatedRepository } from '#testing';
import { runId } from '../publication.contract.js';
import { forgeFor, settingsFor } from './github-under-test.js';

let github: GitHubSimulator;
beforeAll(async () => { github = await startGitHub(); });
afterAll(() => github.close());

const FILES = new Map([['e2e/home.spec.ts', Buffer.from('// home\n')], ['e2e/bytes.bin', Buffer.alloc(70_000, 'x')]]);
const repository = (name: string) => github.createRepository(`acme/${name}`, { 'src/app.js': 'app' });
const publish = async (repo: SimulatedRepository) => (await forgeFor(settingsFor(github), repo.url)).publish({
  repository: repo.url, baseCommit: await repo.head(), baseBranch: 'main', branch: 'pullwright/tests', folder: 'e2e', dependsOn: ['src/app.js'], title: 'Tests', body: () => 'Why', runId: runId(1), files: FILES,
  policy: { draft: false, labels: ['tests'], reviewers: [], teamReviewers: [], assignees: [], codeOwners: false },
});

test('whichever answer breaks off in its middle, the publication ends with one branch, one commit and one pull request', async () => {
  await publish(await repository('whole'));
  const answers = github.calls.filter(({ path }) => path.startsWith('/repos/acme/whole')).length;
  expect(answers).toBeGreaterThan(10);
  await Promise.all(Array.from({ length: answers }, async (_, nth) => {
    const repo = await repository(`broken-${nth}`);
    const path = new RegExp(` /repos/acme/broken-${nth}(/|$)`);
    github.faults.add({ kind: 'truncated' }, { path, after: nth });
    expect(await publish(repo)).toMatchObject({ outcome: 'opened', commit: await repo.head('pullwright/tests') });
    expect(github.calls.filter((call) => path.test(`${call.method} ${call.path}`) && call.fault === 'truncated')).toHaveLength(1);
    expect(await repo.git('rev-list', '--count', 'main..pullwright/tests')).toBe('1');
    expect(repo.pulls).toMatchObject([{ state: 'open', title: 'Tests', labels: ['tests'] }]);
  }));
  expect(github.faults.clear()).toBe(0);
}, 120_000);
