import { jest } from '@jest/globals';
import { loadConfig } from '#config';
import { connectHosted, grantAccess, type HostedForge } from '#forge';
import { startGitHub, type GitHubSimulator, type SimulatedRepository } from '#testing';
import { planOf, type Asked, type Plan } from './plan.js';
import { report, standingOf, type Standing } from './report.js';

/** Decisions and reports at a real HTTP forge, with the access that the agents get. */
jest.setTimeout(180_000);
let github: GitHubSimulator;
let shop: SimulatedRepository;
let forge: HostedForge;

beforeAll(async () => {
  github = await startGitHub();
  shop = await github.createRepository('acme/shop', { 'index.html': '<h1>Shop</h1>' }, { collaborators: { ann: 'write', eve: 'read' } });
  forge = connectHosted(await grantAccess(loadConfig({ GITHUB_URL: github.url, GITHUB_APP_ID: String(github.app.id), GITHUB_APP_PRIVATE_KEY: github.app.privateKey }), shop.url, 'report', 60_000));
}, 180_000);
afterAll(async () => { await github.close(); });

const NOTHING: Asked = { event: 'push', action: 'pushed', sender: 'ann', senderIsBot: false, sha: '', before: '', ref: '', base: '', pullRequest: 0, word: '' };
const plan = (asked: Partial<Asked>): Promise<Plan> => planOf({ ...NOTHING, ...asked }, forge, shop.url);
const push = async (change: Partial<Asked> = {}): Promise<Plan> => plan({ ref: 'main', sha: await shop.head(), ...change });

test('without a file pushes to the default branch count, as long as they are its tip', async () => {
  const first = await shop.head();
  expect(await push()).toMatchObject({ decision: 'start', why: 'push', branch: 'main', commit: first, isDefault: true, depth: 'standard', approval: false, again: false, runsPerDay: -1 });
  await shop.commit({ 'next.txt': 'x' }, { branch: 'next', by: 'ann' });
  expect(await push({ ref: 'next', sha: await shop.head('next') })).toMatchObject({ decision: 'nothing', why: 'branch-not-watched' });
  await shop.commit({ 'two.html': '<h1>Two</h1>' }, { by: 'ann' });
  expect(await push({ sha: first })).toMatchObject({ decision: 'nothing', why: 'stale-push' });
  expect(await push({ ref: 'gone', sha: first })).toMatchObject({ decision: 'nothing', why: 'branch-gone' });
  expect(await push({ ref: 'pullwright/tests' })).toMatchObject({ decision: 'nothing', why: 'own-branch' });
});

test('the words of people with write access are heard, on the branch that the event names', async () => {
  const ask = (word: string, change: Partial<Asked> = {}) => plan({ event: 'check', action: 'requested', base: 'main', word, ...change });
  expect(await ask('retry')).toMatchObject({ decision: 'start', again: true, branch: 'main' });
  expect(await ask('rebase')).toMatchObject({ decision: 'start', again: false });
  expect(await ask('stop')).toMatchObject({ decision: 'stop' });
  expect(await ask('approve')).toMatchObject({ decision: 'approve' });
  expect(await ask('')).toMatchObject({ decision: 'explain', why: 'unknown-word' });
  for (const sender of ['eve', 'stranger', 'some-app[bot]']) expect(await ask('retry', { sender })).toMatchObject({ decision: 'nothing', why: 'no-write-access' });
  expect(await plan({ event: 'comment', action: 'created', pullRequest: 999, word: 'retry' })).toMatchObject({ decision: 'nothing', why: 'pull-request-gone' });
  expect(await plan({ event: 'pull-request', action: 'closed', base: 'main', pullRequest: 1 })).toMatchObject({ decision: 'stop', why: 'closed-by-a-person' });
  expect(await plan({ event: 'pull-request', action: 'closed', base: 'main', pullRequest: 1, senderIsBot: true })).toMatchObject({ decision: 'nothing', why: 'done-by-a-bot' });
});

test('the file decides which pushes count, how deep, and who approves', async () => {
  const before = await shop.head();
  await shop.commit({ '.pullwright.yaml': "pushes:\n  - branches: [main]\n    paths: { include: ['web/**'], exclude: ['**/*.md'] }\n    depth: deep\n  - branches: ['release/*']\n    start: nothing\napprovals: { beforeWriting: true, by: [ben] }\nlimits: { runsPerDay: 3 }\n" }, { by: 'ann' });
  expect(await push({ before })).toMatchObject({ decision: 'nothing', why: 'paths-not-watched' });
  const between = await shop.head();
  await shop.commit({ 'web/a.html': '<h1>A</h1>' }, { by: 'ann' });
  expect(await push({ before: between })).toMatchObject({ decision: 'start', depth: 'deep', approval: true, runsPerDay: 3 });
  await shop.commit({ 'x.txt': 'x' }, { branch: 'release/1', by: 'ann' });
  expect(await push({ ref: 'release/1', sha: await shop.head('release/1') })).toMatchObject({ decision: 'nothing', why: 'rule-starts-nothing' });
  expect(await plan({ event: 'check', action: 'requested', base: 'main', word: 'approve' })).toMatchObject({ decision: 'explain', why: 'not-an-approver' });
});

test('a file that is wrong or of 10 MB starts nothing, and its check has a note at each line', async () => {
  const told = async () => {
    const commit = await shop.head();
    await report({ about: 'file', commit, pullRequest: 0 } as Standing, forge, shop.url);
    return shop.checkRuns.findLast(({ headSha }) => headSha === commit);
  };
  await shop.commit({ '.pullwright.yaml': 'depth: deep\nspeed: "<img src=x>"\n' }, { by: 'ann' });
  expect(await push()).toMatchObject({ decision: 'file', why: 'repository-file-invalid', commit: await shop.head() });
  expect(await told()).toMatchObject({ name: 'Pullwright: .pullwright.yaml', status: 'completed', conclusion: 'failure', summary: expect.stringContaining('line 2, `speed`') as string });
  await shop.commit({ '.pullwright.yaml': `# ${'x'.repeat(10 * 1024 * 1024)}\n` }, { by: 'ann' });
  expect(await push()).toMatchObject({ decision: 'file', why: 'repository-file-invalid' });
  expect(await told()).toMatchObject({ conclusion: 'failure', summary: expect.stringContaining('larger than') as string });
});

test('a run is told of in one check, whose end says what there is', async () => {
  const commit = await shop.head();
  const standing = standingOf({ about: 'run', commit, pullRequest: 0, by: '', word: '', outcome: '', run: `run_${'0'.repeat(26)}`, status: 'running', steps: 'crawl=succeeded design=fanned-out', waitingFor: '', failure: '', detail: '', tests: 0, routes: 0, covered: 0, leftOut: 0, published: '', head: '' });
  const latest = () => shop.checkRuns.findLast(({ name, headSha }) => name === 'Pullwright' && headSha === commit);
  await report(standing, forge, shop.url);
  expect(latest()).toMatchObject({ status: 'in_progress', title: 'Writes tests' });
  await report({ ...standing, status: 'succeeded', steps: 'crawl=succeeded', published: 'opened', tests: 3, routes: 4, covered: 2, leftOut: 1 }, forge, shop.url);
  expect(latest()).toMatchObject({ status: 'completed', conclusion: 'success', title: '3 tests: opened', summary: expect.stringContaining('| routes covered | 2 of 4 |') as string });
  expect(shop.checkRuns.filter(({ name, headSha }) => name === 'Pullwright' && headSha === commit)).toHaveLength(1);
  await report({ ...standing, status: 'failed', failure: 'no-web-front-end' }, forge, shop.url);
  expect(latest()).toMatchObject({ conclusion: 'neutral' });
});
