import { decodeArtifact, type Content } from '#artifacts';
import { FAILURES, type ArtifactKind, type PullRequest, type RunView, type TestBundle } from '#contracts';
import type { Api } from './api.js';
import { bold, print, safe, seconds, table } from './terminal.js';

/** What a run has made, as far as it came. */
export interface Outcome { run: RunView; pullRequest?: PullRequest; bundle?: Content<'test-bundle@1'>; reused: { steps: number; savedMs: number } }

export async function outcomeOf(api: Api, run: RunView): Promise<Outcome> {
  const artifacts = await api.artifacts(run.runId);
  const newest = async <K extends ArtifactKind>(kind: K): Promise<Content<K> | undefined> => {
    const found = artifacts.filter((artifact) => artifact.kind === kind).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
    return found && decodeArtifact(kind, await api.artifact(found.artifactId));
  };
  return { run, pullRequest: await newest('pull-request@1'), bundle: await newest('test-bundle@1'), reused: await reusedIn(api, run.runId) };
}

/** Over the elements of fan-outs, not over these themselves, whose facts are the sums. */
async function reusedIn(api: Api, runId: string): Promise<Outcome['reused']> {
  const steps = (await api.steps(runId)).filter(({ stepId, facts }) => facts['reused'] === 1 && !stepId.endsWith('~undo') && (stepId.includes('/') || facts['elements'] === undefined));
  return { steps: steps.length, savedMs: steps.reduce((sum, { facts }) => sum + Number(facts['savedMs']), 0) };
}

/** For people, on stdout: where the pull request is, what is in it, what was left out, how to look at it. */
export function printOutcome({ run, pullRequest, bundle, reused }: Outcome): void {
  if (run.failure) print(`${bold(`Run ${run.runId} ${run.status}`)}: ${FAILURES[run.failure.code].sentence}${run.failure.detail ? ` (${safe(run.failure.detail)})` : ''}`);
  if (pullRequest) printPullRequest(pullRequest);
  if (bundle) printTests(bundle.manifest);
  if (reused.steps > 0) print(`${bold('Reused')}        ${count(reused.steps, 'step')} of earlier runs, which saved ${seconds(reused.savedMs)}; --no-cache carries out every step`);
  if (pullRequest) printLook(pullRequest, run);
}

function printPullRequest({ branch, repository, outcome, base, baseCommit, commit, number }: PullRequest): void {
  const what = { opened: 'opened', updated: 'updated', unchanged: 'unchanged: the same commit gives the same tests', declined: 'declined: a person has closed it; ask for it with --again', closed: 'closed: nothing was left to add' }[outcome];
  print(`${bold('Pull request')}  ${number === undefined ? '' : `#${number}, `}${safe(branch)} in ${safe(repository)} (${what})`);
  if (outcome === 'declined' || outcome === 'closed') return;
  print(`              commit ${commit.slice(0, 10)} on ${safe(base)} at ${baseCommit.slice(0, 10)}; nothing else in the repository was touched`);
}

function printTests({ tests, routes, files, leftOut }: TestBundle): void {
  print(`${bold('In it')}         ${count(tests.length, 'test')} in ${count(new Set(tests.map(({ file }) => file)).size, 'file')} (${count(files.length, 'file')} in all), ${routes.covered.length} of ${count(routes.found, 'route')} covered`);
  const features = table([...grouped(tests, ({ feature }) => feature)].map(([feature, ofFeature]) => [String(ofFeature.length).padStart(3), safe(feature), safe(ofFeature[0]?.file ?? '')]));
  for (const line of features.split('\n')) print(`              ${line}`);
  if (leftOut.length === 0) return;
  const reasons = [...grouped(leftOut, ({ reason }) => reason)].sort(([, a], [, b]) => b.length - a.length);
  print(`${bold('Left out')}      ${leftOut.length}: ${reasons.map(([reason, all]) => `${reason} ${all.length}`).join(', ')}`);
}

function printLook({ repository, baseCommit, branch, url }: PullRequest, { runId }: RunView): void {
  print(`${bold('Look at it')}    ${url === undefined ? `git -C ${quoted(repository)} diff ${baseCommit.slice(0, 10)}...${quoted(branch)}` : safe(url)}`);
  print(`              ./pullwright pr show ${runId}`);
}

/** The same for programs. */
export function outcomeJson({ run, pullRequest, bundle, reused }: Outcome): Record<string, unknown> {
  const manifest = bundle?.manifest;
  return {
    run, pullRequest: pullRequest ?? null,
    tests: manifest?.tests ?? [], files: manifest?.files ?? [], routes: manifest?.routes ?? null, leftOut: manifest?.leftOut ?? [], commands: manifest?.commands ?? [], reused,
  };
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> { return Map.groupBy(items, key); }

function count(n: number, noun: string): string { return `${n} ${noun}${n === 1 ? '' : 's'}`; }

/** A word that a POSIX shell reads as itself. */
export function quoted(text: string): string { return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${safe(text).replaceAll("'", "'\\''")}'`; }
