import type { RunView } from '#contracts';
import type { Api } from './api.js';
import { withApi } from './connection.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { outcomeJson, outcomeOf, quoted, type Outcome } from './outcome.js';
import { bold, print, printJson, safe, say } from './terminal.js';

const RUNS_SEARCHED = 100;

/** Shows a pull request: of a run, on a branch, or the newest one. */
export async function showPullRequest(which: string | undefined, options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const outcome = which?.startsWith('run_') ? await outcomeOf(api, await api.run(which)) : await newestPullRequest(api, which);
    const { pullRequest } = outcome;
    if (!pullRequest) throw new Exit(EXIT.notFound, `run ${outcome.run.runId} has opened no pull request; it is ${outcome.run.status}`, `show ${outcome.run.runId}`);
    if (options.json) { printJson(outcomeJson(outcome)); return EXIT.ok; }
    print(bold(safe(pullRequest.title)));
    print(`branch ${safe(pullRequest.branch)}, commit ${pullRequest.commit.slice(0, 10)}, into ${safe(pullRequest.base)} at ${pullRequest.baseCommit.slice(0, 10)} of ${safe(pullRequest.repository)}\n`);
    print(safe(pullRequest.body));
    print(`\n${bold('Files')}`);
    for (const { path, change } of pullRequest.files) print(`  ${change.padEnd(9)} ${safe(path)}`);
    for (const note of pullRequest.notes ?? []) print(`  ${safe(note)}`);
    if (pullRequest.url !== undefined) print(`\n${safe(pullRequest.url)}`);
    else say(`Next: git -C ${quoted(pullRequest.repository)} diff ${pullRequest.baseCommit.slice(0, 10)}...${quoted(pullRequest.branch)}`);
    return EXIT.ok;
  });
}

async function newestPullRequest(api: Api, branch: string | undefined): Promise<Outcome> {
  const runs: RunView[] = await api.runs({ status: 'succeeded' }, RUNS_SEARCHED);
  for (const run of runs) {
    const outcome = await outcomeOf(api, run);
    if (outcome.pullRequest && (branch === undefined || outcome.pullRequest.branch === branch)) return outcome;
  }
  throw new Exit(EXIT.notFound, branch === undefined ? 'no run has opened a pull request yet' : `none of the last ${RUNS_SEARCHED} runs has a pull request on a branch ${JSON.stringify(branch)}`, 'runs');
}
