import type { AgentHandlers } from '#agent';
import { Failure, readRepositoryFile, REPOSITORY_FILE, type LeftOut, type RepositoryFile, type RepoMap } from '#contracts';
import { explore, type Depth, type Exploration } from './explore.js';
import { featuresOf } from './features.js';
import { FRAMEWORKS } from './frameworks.js';
import type { Application } from './framework.js';
import { openRepo, type OpenedRepo } from './repo.js';
import { stackOf } from './skeleton.js';
import { Stylist } from './styles/stylist.js';
import { testConventionsOf } from './test-conventions.js';

export const agents: AgentHandlers = {
  'crawler/crawl': async (_inputs, context) => {
    const { task, signal } = context;
    const repo = await openRepo(context.forge, task.repository, task.ref, undefined, (done, total) => context.progress('read', done, total));
    context.log(`${repo.counts.filesRead} of ${repo.counts.files} files read`);
    const map = crawl(repo, depthOf(task.params.depth), (done, total) => { signal.throwIfAborted(); context.progress('explore', done, total); });
    const features = featuresOf(map);
    context.log(`${map.routes.length} routes, ${map.screens.length} screens, ${map.behaviours.length} behaviours, ${features.length} features`);
    return {
      outputs: { map, features },
      facts: { commit: map.commit, routes: map.routes.length, screens: map.screens.length, behaviours: map.behaviours.length, features: features.length, skipped: map.leftOut.length },
    };
  },
};

function depthOf(value: unknown): Depth {
  if (value === undefined) return 'standard';
  if (value === 'smoke' || value === 'standard' || value === 'deep') return value;
  throw new Failure('bad-request', 'depth: smoke, standard or deep');
}

/** The map of a repository that was read. The same commit gives the same bytes. Throws `no-web-front-end`. */
export function crawl(repo: OpenedRepo, depth: Depth, progress: (done: number, total: number) => void): RepoMap {
  const folders = foldersOf(repo);
  const source = below(repo, folders.source);
  const { found, tests, tested } = underTest(repo, source, folders.tests, depth, progress);
  return {
    kind: 'repo-map@1', repository: repo.repository, commit: repo.commit, ...(repo.branch !== undefined && { baseBranch: repo.branch }), depth,
    stack: stackOf(repo, tested), tests, ...found, leftOut: sorted(repo.leftOut), counts: repo.counts,
  };
}

/** One run publishes one set of tests against one address: the first application in which something can be done is the one under test, else the first that shows anything. */
function underTest(repo: OpenedRepo, source: OpenedRepo, testFolder: string | undefined, depth: Depth, progress: (done: number, total: number) => void): { found: Exploration; tests: RepoMap['tests']; tested: readonly Application[] } {
  const applications = applicationsOf(source);
  const stylist = new Stylist(source);
  let best: ReturnType<typeof underTest> | undefined;
  for (const application of applications) {
    if (best && best.found.behaviours.length > 0) { repo.leaveOut('beyond-depth', `application ${application.framework} in ${application.root || 'the root'}`, 'one application is tested per run', application.at); continue; }
    const tests = testConventionsOf(repo, application.root, testFolder);
    const found = explore(application, source, stylist, { depth, testIdAttribute: tests.playwright?.testIdAttribute ?? tests.testIdAttribute ?? 'data-testid', progress });
    if (!best || found.behaviours.length > 0 || best.found.screens.length === 0) best = { found, tests, tested: found.screens.length > 0 ? [application] : applications };
  }
  if (!best) throw new Failure('no-web-front-end', whatWasLookedAt(source));
  return best;
}

/** What the repository's own file says about folders. Throws `repository-file-invalid`: to guess past what somebody has written there would be worse than to stop. */
function foldersOf(repo: OpenedRepo): RepositoryFile['folders'] {
  if (!repo.paths.includes(REPOSITORY_FILE)) return {};
  const text = repo.text(REPOSITORY_FILE);
  if (text === null) throw new Failure('repository-file-invalid', 'it is too large, or no text');
  const { file, problems } = readRepositoryFile(Buffer.from(text));
  if (!file) throw new Failure('repository-file-invalid', problems.map(({ line, field, message }) => `line ${line}, ${field || 'the whole file'}: ${message}`).join('; ').slice(0, 500));
  return file.folders;
}

/** The same repository, of which only these folders are listed; all of it when there are none. What a file below them imports from elsewhere can still be read. */
function below(repo: OpenedRepo, folders: readonly string[] | undefined): OpenedRepo {
  if (!folders) return repo;
  const paths = repo.paths.filter((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
  if (paths.length === 0) throw new Failure('repository-file-invalid', `folders.source: nothing is below ${folders.join(', ')}`);
  return { ...repo, paths };
}

/** What each framework claims. A folder that a more specific one has claimed is not plain HTML as well. */
function applicationsOf(repo: OpenedRepo): Application[] {
  const claimed: Application[] = [];
  for (const framework of FRAMEWORKS) {
    for (const application of framework.detect(repo)) {
      if (!claimed.some((other) => other.root === application.root && other.routes.length > 0)) claimed.push(application);
    }
  }
  return claimed;
}

/** Names of what a repository seems to be, for the person whose repository has no front end we know. */
function whatWasLookedAt(repo: OpenedRepo): string {
  const kinds = new Map<string, number>();
  for (const path of repo.paths) { const kind = /\.([a-z0-9]{1,8})$/i.exec(path)?.[1]?.toLowerCase(); if (kind) kinds.set(kind, (kinds.get(kind) ?? 0) + 1); }
  const most = [...kinds].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 5).map(([kind, count]) => `${count} .${kind}`).join(', ');
  return `looked for ${FRAMEWORKS.map((framework) => framework.name).join(', ')} in ${repo.paths.length} files${most ? `: ${most}` : ''}`.slice(0, 500);
}
const sorted = (notes: readonly LeftOut[]): LeftOut[] => notes.toSorted((a, b) => compare(a.reason, b.reason) || compare(a.what, b.what) || compare(a.detail ?? '', b.detail ?? ''));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
