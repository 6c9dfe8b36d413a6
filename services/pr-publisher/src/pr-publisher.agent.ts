import { z } from 'zod';
import type { AgentHandlers } from '#agent';
import { Failure, LedgerEntry, type PullRequest, type RepoMap, type TestBundle } from '#contracts';
import type { Forge, HostedForge } from '#forge';
import { describe, titleOf } from './description.js';
import { planOf, repositoryFileAt, type Asked } from './events/plan.js';
import { report, standingOf } from './events/report.js';
import { FIRST_SETTINGS } from './first-settings.js';

/** One branch per purpose: a later run updates it instead of opening another. */
const BRANCH = 'pullwright/tests';

interface Bundle { manifest: TestBundle; files: ReadonlyMap<string, Uint8Array> }

export const agents: AgentHandlers = {
  'pr-publisher/open': async (inputs, context) => {
    const { map, bundle } = inputs as { map: RepoMap; bundle: Bundle };
    if (map.commit !== bundle.manifest.commit) throw new Failure('artifact-invalid', 'map and bundle are of different commits');
    const { task, forge } = context;
    context.progress('publishing', 0, bundle.files.size);
    const settings = await repositoryFileAt(forge, task.repository, map.commit);
    if (settings && !settings.file) throw new Failure('repository-file-invalid', settings.problems.map(({ line, field, message }) => `line ${line}, ${field || 'the whole file'}: ${message}`).join('; ').slice(0, 500));
    const pullRequest = await forge.publish({
      repository: task.repository, baseCommit: map.commit, baseBranch: map.baseBranch, branch: BRANCH, runId: task.runId,
      folder: bundle.manifest.folder, files: new Map([...bundle.files].map(([path, content]) => [path, Buffer.from(content)])), dependsOn: dependsOn(map, bundle),
      askedAgain: task.params['again'] === true, ...settings?.file && { policy: settings.file.pullRequest },
      // Where there are no events there is nothing that it would decide.
      ...!settings && forge.name !== 'local' && { offer: FIRST_SETTINGS },
      title: titleOf(bundle.manifest), body: (files) => describe(bundle.manifest, files),
    });
    context.progress('publishing', bundle.files.size, bundle.files.size);
    const { tests, routes, leftOut } = bundle.manifest;
    return { outputs: { pullRequest }, facts: { outcome: pullRequest.outcome, commit: pullRequest.commit, branch: pullRequest.branch, tests: tests.length, routes: routes.found, covered: routes.covered.length, leftOut: leftOut.length } };
  },

  /** The step that opened may have been killed before it answered: then there is no pull request to read, but its branch and the run are known. */
  'pr-publisher/close': async (inputs, { task, forge }) => {
    const { pullRequest } = inputs as { pullRequest?: PullRequest };
    const { outcome } = await forge.withdraw({ repository: task.repository, branch: pullRequest?.branch ?? BRANCH, runId: task.runId });
    return { outputs: {}, facts: { outcome } };
  },

  'pr-publisher/plan-event': async (_inputs, { task, forge }) => {
    const { decision, why, branch, commit, isDefault, depth, approval, again, runsPerDay } = await planOf(task.params as unknown as Asked, hosted(forge), task.repository);
    return { outputs: {}, facts: { decision, why, branch, commit, isDefault, depth, approval, again, runsPerDay } };
  },

  'pr-publisher/report': async (_inputs, { task, forge }) => ({ outputs: {}, facts: { ...await report(standingOf(task.params), hosted(forge), task.repository) } }),
};

/** Events come from forges with people on them, and so do reports go there. Throws `bad-request` for a local repository. */
function hosted(forge: Forge): HostedForge {
  if (!('setCheck' in forge)) throw new Failure('bad-request', `repository: a ${forge.name} repository has no comments and no checks`);
  return forge as HostedForge;
}

/** The files whose change makes the tests stale: the lines that decide an outcome, the elements that are located, and the conventions that were followed. */
function dependsOn({ tests }: RepoMap, { manifest, files }: Bundle): string[] {
  const ledger = files.get(`${manifest.folder}/locators.json`);
  const located = ledger === undefined ? [] : z.array(LedgerEntry).parse(JSON.parse(Buffer.from(ledger).toString('utf8'))).map(({ element }) => element.file);
  const decided = manifest.tests.flatMap(({ because }) => because.map(({ file }) => file));
  return [...new Set([...decided, ...located, ...(tests.playwright ? [tests.playwright.config.file] : []), ...tests.fixtures.map(({ file }) => file)])];
}
