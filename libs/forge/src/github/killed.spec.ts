import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { childEnvironment } from '#config';
import { startGitHub, type GitHubSimulator, type SimulatedRepository } from '#testing';
import type { Order } from '../../test/publisher.js';
import { grantAccess } from '../forges.js';
import { runId } from '../publication.contract.js';
import { forgeFor, settingsFor } from './github-under-test.js';

/** `kill -9` of the publisher when each of its requests arrives, which is then lost, and after the last one was answered: between every two of them. */

const SOURCES = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--conditions=pullwright-source', `--import=${new URL('../../../agent/src/from-source.mjs', import.meta.url).href}`];
const PUBLISHER = fileURLToPath(new URL('../../test/publisher.ts', import.meta.url));
/** Started ahead, so that a kill does not wait for a start. */
const AHEAD = 3;
const MOST_CALLS = 40;

let github: GitHubSimulator;
const ready: ChildProcess[] = [];
let made = 0;

function start(): void { ready.push(fork(PUBLISHER, { execArgv: SOURCES, env: childEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })); }
beforeAll(async () => {
  github = await startGitHub();
  for (let i = 0; i < AHEAD; i++) start();
});
afterAll(async () => {
  for (const child of ready) child.kill('SIGKILL');
  await github.close();
});

async function publisher(): Promise<ChildProcess> {
  const child = ready.shift() as ChildProcess;
  start();
  await once(child, 'message');
  return child;
}

type Files = Record<string, string>;
const FILES: Files = { 'e2e/home.spec.ts': '// home\n', 'e2e/bytes.bin': 'x'.repeat(70_000) };
const orderOf = async (repo: SimulatedRepository, n: number, files: Files): Promise<Order['publication']> => ({
  repository: repo.url, baseCommit: await repo.head(), baseBranch: 'main', branch: 'pullwright/tests', folder: 'e2e', dependsOn: ['src/app.js'], title: `Tests ${n}`, body: `Description ${n}`, runId: runId(n), files,
  policy: { draft: true, labels: ['tests'], reviewers: ['ada'], teamReviewers: [], assignees: ['ada'], codeOwners: true },
});
const here = async (repo: SimulatedRepository, n: number, files: Files) => {
  const { body, files: contents, ...order } = await orderOf(repo, n, files);
  return (await forgeFor(settingsFor(github), repo.url)).publish({ ...order, body: () => body, files: new Map(Object.entries(contents).map(([path, content]) => [path, Buffer.from(content)])) });
};

/** Publishes in a process that is killed at its `nth` request, of those that `counts`. Answers with what it was killed at, or nothing when it had fewer requests. */
async function killedAt(nth: number, repo: SimulatedRepository, n: number, files: Files, counts: (method: string) => boolean = () => true): Promise<string | undefined> {
  const child = await publisher();
  const access = await grantAccess(settingsFor(github), repo.url, 'write', 60_000);
  const gone = once(child, 'exit');
  let calls = 0;
  let last: string | undefined;
  github.observe({
    async arrived({ operation, method }) {
      if (!counts(method) || ++calls < nth) return undefined;
      last = operation;
      child.kill('SIGKILL');
      await gone;
      return 'drop';
    },
  });
  child.send({ access, publication: await orderOf(repo, n, files) } satisfies Order);
  await gone;
  github.observe(undefined);
  return last;
}

async function repository(): Promise<SimulatedRepository> {
  return github.createRepository(`acme/killed-${++made}`, { 'src/app.js': 'app', 'e2e/own.spec.ts': '// mine\n', CODEOWNERS: '/e2e/ @grace\n' }, { collaborators: { ada: 'write', grace: 'write' } });
}

const seen = ({ pulls }: SimulatedRepository) => pulls.map(({ state, title, body, labels, assignees, reviewers, draft }) => ({ state, title, text: body.split('\n')[0], labels, assignees, reviewers: [...reviewers].sort(), draft }));
const shown = (n: number) => ({ state: 'open', title: `Tests ${n}`, text: `Description ${n}`, labels: ['tests'], assignees: ['ada'], reviewers: ['ada', 'grace'], draft: true });

test('killed at any request, a publication that is done again ends with one branch, one commit and one pull request', async () => {
  const at: string[] = [];
  for (let nth = 1; nth <= MOST_CALLS; nth++) {
    const repo = await repository();
    const killed = await killedAt(nth, repo, 1, FILES);
    const again = await here(repo, 1, FILES);
    expect({ killed, outcome: again.outcome, createdBy: again.createdBy }).toEqual({ killed, outcome: 'opened', createdBy: runId(1) });
    expect(await repo.branches()).toEqual(['main', 'pullwright/tests']);
    expect(await repo.git('rev-list', '--count', 'main..pullwright/tests')).toBe('1');
    expect(await repo.git('diff', '--name-status', 'main', 'pullwright/tests')).toBe('A\te2e/.pullwright.json\nA\te2e/bytes.bin\nA\te2e/home.spec.ts');
    expect(seen(repo)).toEqual([shown(1)]);
    if (killed === undefined) break;
    at.push(killed);
  }
  for (const operation of ['git/create-blob', 'git/create-tree', 'git/create-commit', 'git/create-ref', 'pulls/create', 'issues/add-labels', 'pulls/request-reviewers']) expect(at).toContain(operation);
  expect(at.length).toBeLessThan(MOST_CALLS);
}, 300_000);

test('killed at any request that writes, an update that is done again has put one commit on top', async () => {
  const at: string[] = [];
  for (let nth = 1; nth <= MOST_CALLS; nth++) {
    const repo = await repository();
    const first = await here(repo, 1, FILES);
    const files = { 'e2e/cart.spec.ts': '// cart\n' };
    const killed = await killedAt(nth, repo, 2, files, (method) => method !== 'GET');
    expect(await here(repo, 2, files)).toMatchObject({ outcome: 'updated', createdBy: runId(1) });
    expect(await repo.git('rev-list', '--count', 'main..pullwright/tests')).toBe('2');
    expect(await repo.git('rev-parse', 'pullwright/tests^')).toBe(first.commit);
    expect(seen(repo)).toEqual([shown(2)]);
    if (killed === undefined) break;
    at.push(killed);
  }
  for (const operation of ['git/create-tree', 'git/create-commit', 'git/update-ref', 'pulls/update']) expect(at).toContain(operation);
}, 300_000);
