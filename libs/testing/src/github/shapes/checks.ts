import type { CheckRunRecord, PullRecord, RepositoryState, SuiteRecord, World } from '../world.js';
import { app, nodeId } from './accounts.js';
import { gitCommit } from './commits.js';
import { repositoryUrl } from './repository.js';

/** `pull-request-minimal`, for every open pull request of a commit. */
function pullsOf(world: World, state: RepositoryState, headSha: string) {
  const repo = { id: state.id, url: repositoryUrl(world, state), name: state.name };
  return [...state.issues.values()].filter((pull: PullRecord) => pull.state === 'open' && pull.headSha === headSha).map((pull) => ({
    id: pull.id, number: pull.number, url: `${repo.url}/pulls/${pull.number}`, head: { ref: pull.head, sha: pull.headSha, repo }, base: { ref: pull.base, sha: pull.baseSha, repo },
  }));
}

/** `check-run`. */
export function checkRun(world: World, state: RepositoryState, run: CheckRunRecord) {
  const url = `${repositoryUrl(world, state)}/check-runs/${run.id}`;
  const html = `${world.url}/${state.owner}/${state.name}/runs/${run.id}`;
  return {
    id: run.id, node_id: nodeId('CR', run.id), head_sha: run.headSha, external_id: run.externalId ?? '', url, html_url: html, details_url: run.detailsUrl ?? html, status: run.status, conclusion: run.conclusion, started_at: run.startedAt, completed_at: run.completedAt,
    output: { title: run.output.title, summary: run.output.summary, text: run.output.text, annotations_count: run.output.annotations, annotations_url: `${url}/annotations` }, name: run.name, check_suite: { id: run.suite.id }, app: app(world, run.app), pull_requests: pullsOf(world, state, run.headSha),
  };
}

/** The run as webhooks tell of it: with its suite. */
export function checkRunEvent(world: World, state: RepositoryState, run: CheckRunRecord) {
  const { check_suite: _, ...shown } = checkRun(world, state, run);
  const suite = run.suite;
  return {
    ...shown, check_suite: {
      id: suite.id, node_id: nodeId('CS', suite.id), head_branch: suite.headBranch, head_sha: suite.headSha, status: run.status, conclusion: run.conclusion, url: `${repositoryUrl(world, state)}/check-suites/${suite.id}`, before: suite.before, after: suite.headSha,
      pull_requests: shown.pull_requests, app: shown.app, created_at: suite.createdAt, updated_at: suite.updatedAt,
    },
  };
}

/** The suite as webhooks tell of it. */
export async function checkSuiteEvent(world: World, state: RepositoryState, suite: SuiteRecord) {
  const commit = await state.store.commit(suite.headSha);
  if (commit === undefined) throw new Error(`check suite ${suite.id} is of no commit`);
  const { tree, message, author, committer, sha } = gitCommit(world, state, commit);
  const runs = [...state.checkRuns.values()].filter((run) => run.suite === suite);
  const done = runs.length > 0 && runs.every((run) => run.status === 'completed');
  const url = `${repositoryUrl(world, state)}/check-suites/${suite.id}`;
  return {
    id: suite.id, node_id: nodeId('CS', suite.id), head_branch: suite.headBranch, head_sha: suite.headSha, status: done ? 'completed' : 'queued', conclusion: done ? (runs.every((run) => run.conclusion === 'success') ? 'success' : 'failure') : null, url, before: suite.before, after: suite.headSha,
    pull_requests: pullsOf(world, state, suite.headSha), app: app(world, suite.app), created_at: suite.createdAt, updated_at: suite.updatedAt, latest_check_runs_count: runs.length, check_runs_url: `${url}/check-runs`,
    head_commit: { id: sha, tree_id: tree.sha, message, timestamp: committer.date, author: { name: author.name, email: author.email }, committer: { name: committer.name, email: committer.email } }, rerequestable: true, runs_rerequestable: true,
  };
}

