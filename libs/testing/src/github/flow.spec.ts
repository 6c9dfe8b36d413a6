import { startGitHub, type GitHubSimulator } from './simulator.js';
import { asInstallation } from './test/octokit.js';

let github: GitHubSimulator;
beforeEach(async () => { github = await startGitHub(); });
afterEach(() => github.close());

test('a pull request comes about without touching the base: blob, tree, commit, branch, pull request, label, reviewer, check, comment, and a person merges it', async () => {
  const shop = await github.createRepository('acme/shop', { 'README.md': '# Shop\n', 'src/index.js': 'run();\n', 'bin/go': { mode: '100755', content: '#!/bin/sh\n' } }, { collaborators: { alice: 'write' } });
  const { rest } = await asInstallation(github, 'acme/shop');
  const at = { owner: 'acme', repo: 'shop' };

  const base = (await rest.git.getRef({ ...at, ref: 'heads/main' })).data.object.sha;
  expect(base).toBe(await shop.head());
  const baseTree = (await rest.git.getCommit({ ...at, commit_sha: base })).data.tree.sha;
  const blob = (await rest.git.createBlob({ ...at, content: Buffer.from('binary \0 bytes').toString('base64'), encoding: 'base64' })).data.sha;
  const tree = (await rest.git.createTree({ ...at, base_tree: baseTree, tree: [
    { path: 'e2e/cart.spec.ts', mode: '100644', type: 'blob', content: 'test();\n' },
    { path: 'e2e/run', mode: '100755', type: 'blob', sha: blob },
  ] })).data.sha;
  const commit = (await rest.git.createCommit({ ...at, message: 'Tests', tree, parents: [base] })).data;
  expect(commit.verification).toMatchObject({ verified: true, reason: 'valid' });
  expect(commit.author.name).toBe('pullwright[bot]');
  await rest.git.createRef({ ...at, ref: 'refs/heads/pullwright/tests', sha: commit.sha });
  const pull = (await rest.pulls.create({ ...at, title: 'Tests', body: 'Why', head: 'pullwright/tests', base: 'main', draft: true })).data;
  expect(pull).toMatchObject({ number: 1, state: 'open', draft: true, mergeable: true, commits: 1, changed_files: 2, user: { login: 'pullwright[bot]', type: 'Bot' } });

  await rest.issues.addLabels({ ...at, issue_number: 1, labels: ['tests'] });
  await rest.issues.addAssignees({ ...at, issue_number: 1, assignees: ['alice', 'nobody'] });
  await rest.pulls.requestReviewers({ ...at, pull_number: 1, reviewers: ['alice'] });
  const note = (await rest.issues.createComment({ ...at, issue_number: 1, body: 'First' }).catch((error: { status: number }) => error.status));
  // pull_requests: write is enough to comment on a pull request.
  expect(note).toMatchObject({ status: 201 });
  const check = (await rest.checks.create({ ...at, name: 'pullwright', head_sha: commit.sha, status: 'in_progress', output: { title: 'Running', summary: 'So far so good' } })).data;
  await rest.checks.update({ ...at, check_run_id: check.id, conclusion: 'success' });
  expect((await rest.checks.listForRef({ ...at, ref: commit.sha })).data).toMatchObject({ total_count: 1, check_runs: [{ status: 'completed', conclusion: 'success' }] });

  expect((await rest.pulls.list({ ...at, head: 'acme:pullwright/tests' })).data.map((one) => one.number)).toEqual([1]);
  expect((await rest.pulls.update({ ...at, pull_number: 1, title: 'Better tests' })).data.title).toBe('Better tests');
  expect((await rest.repos.compareCommitsWithBasehead({ ...at, basehead: `main...pullwright/tests` })).data).toMatchObject({ ahead_by: 1, behind_by: 0, status: 'ahead', files: [{ filename: 'e2e/cart.spec.ts', status: 'added' }, { filename: 'e2e/run' }] });
  expect(shop.pulls).toMatchObject([{ title: 'Better tests', labels: ['tests'], assignees: ['alice'], reviewers: ['alice'], merged: false }]);

  expect(await shop.head()).toBe(base);
  const merged = await shop.merge(1, { by: 'alice' });
  expect(await shop.head()).toBe(merged);
  expect((await rest.pulls.get({ ...at, pull_number: 1 })).data).toMatchObject({ state: 'closed', merged: true, merged_by: { login: 'alice' } });
  expect((await shop.git('ls-tree', '-r', merged)).split('\n').map((line) => line.slice(0, 6))).toEqual(['100644', '100755', '100644', '100755', '100644']);
}, 120_000);
