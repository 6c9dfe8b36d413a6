import { createHash } from 'node:crypto';
import { AGENTS, PullRequest, type LedgerEntry, type RepoMap, type Task, type TestBundle } from '#contracts';
import { connect } from '#forge';
import { gitRepository, sampleMap, type TestRepository } from '#testing';
import { agents } from './pr-publisher.agent.js';

const made: TestRepository[] = [];
afterEach(() => Promise.all(made.splice(0).map((one) => one.remove())));

const RUN = `run_${'0'.repeat(25)}1`;
const LEDGER: LedgerEntry[] = [{ test: 't', file: 'e2e/a.spec.ts', locator: 'page', candidate: { by: 'text', text: 'x' }, element: { file: 'located.html', line: 1, blob: 'b'.repeat(40) }, route: '/' }];

async function repository() {
  const repo = await gitRepository({ 'located.html': 'x', 'decides.js': 'y', 'other.js': 'z' });
  made.push(repo);
  const map: RepoMap = { ...sampleMap(), repository: repo.path, commit: await repo.head() };
  const files = new Map([['e2e/a.spec.ts', Buffer.from('// a\n')], ['e2e/locators.json', Buffer.from(JSON.stringify(LEDGER))]]);
  const manifest: TestBundle = {
    kind: 'test-bundle@1', framework: 'playwright', commit: map.commit, folder: 'e2e', commands: [], routes: { found: 1, covered: ['/'] }, leftOut: [],
    files: [...files].map(([path, content]) => ({ path, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length })),
    tests: [{ id: 'a', title: 'A', file: 'e2e/a.spec.ts', feature: 'F', catches: 'x', because: [{ file: 'decides.js', line: 1, blob: 'b'.repeat(40) }], locators: 1 }],
  };
  return { repo, inputs: { map, bundle: { manifest, files } } };
}

async function run(agent: 'pr-publisher/open' | 'pr-publisher/close', repo: TestRepository, inputs: Record<string, unknown>, runId = RUN) {
  const task: Task = { runId, stepId: 'publish', attempt: 1, agent, inputs: {}, params: {}, repository: repo.path, timeLimitMs: 10_000 };
  const answer = await agents[agent]?.(inputs, { task, forge: connect({ forge: 'local' }), signal: new AbortController().signal, progress: () => undefined, log: () => undefined });
  if (!answer) throw new Error(`${agent} is not served`);
  expect(Object.keys(answer.facts).sort()).toEqual([...AGENTS[agent].facts].sort());
  return answer;
}

test('opens a pull request, once, and describes it', async () => {
  const { repo, inputs } = await repository();
  const { outputs, facts } = await run('pr-publisher/open', repo, inputs);
  const pullRequest = PullRequest.parse(outputs['pullRequest']);
  expect(pullRequest).toEqual(outputs['pullRequest']);
  expect(facts).toEqual({ outcome: 'opened', branch: 'pullwright/tests', commit: await repo.git('rev-parse', 'pullwright/tests'), tests: 1, routes: 1, covered: 1, leftOut: 0 });
  expect(pullRequest.body).toContain('- **A** (1 locator)');
  expect((await run('pr-publisher/open', repo, inputs, `run_${'0'.repeat(25)}2`)).facts['outcome']).toBe('unchanged');
});

test.each(['located.html', 'decides.js'])('a base on which %s has changed is stale', async (path) => {
  const { repo, inputs } = await repository();
  await repo.commit({ [path]: 'changed' });
  await expect(run('pr-publisher/open', repo, inputs)).rejects.toMatchObject({ code: 'stale-base', detail: path });
});

test('a base on which something else has changed is built upon', async () => {
  const { repo, inputs } = await repository();
  const moved = await repo.commit({ 'other.js': 'changed' });
  const { outputs } = await run('pr-publisher/open', repo, inputs);
  expect(outputs['pullRequest']).toMatchObject({ outcome: 'opened', baseCommit: moved });
});

test('the undo removes the branch of its run, with the pull request or, when the step was killed before it answered, without', async () => {
  const { repo, inputs } = await repository();
  const { outputs } = await run('pr-publisher/open', repo, inputs);
  expect((await run('pr-publisher/close', repo, outputs, `run_${'0'.repeat(25)}2`)).facts).toEqual({ outcome: 'kept' });
  expect((await run('pr-publisher/close', repo, outputs)).facts).toEqual({ outcome: 'removed' });
  await run('pr-publisher/open', repo, inputs);
  expect((await run('pr-publisher/close', repo, {})).facts).toEqual({ outcome: 'removed' });
  expect((await run('pr-publisher/close', repo, {})).facts).toEqual({ outcome: 'absent' });
});
