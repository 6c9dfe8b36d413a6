import { z } from 'zod';
import { CommitId, RepositoryRef, RunId } from './ids.js';
import { LocatorCandidate } from './test-cases.js';
import { LeftOut, Location } from './source.js';

/** One entry of the locator ledger: which generated locator stands for which element of the source. */
export const LedgerEntry = z.object({ test: z.string(), file: z.string(), locator: z.string(), candidate: LocatorCandidate, element: Location, route: z.string() });
export type LedgerEntry = z.infer<typeof LedgerEntry>;

/** The manifest of a bundle. The bundle itself is a tar: `manifest.json` first, then the files under `files/`, sorted. */
export const TestBundle = z.object({
  kind: z.literal('test-bundle@1'),
  framework: z.enum(['playwright', 'maestro']), commit: CommitId,
  /** The only folder the files may be written to, relative to the repository's root. */
  folder: z.string().min(1),
  files: z.array(z.object({ path: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int() })),
  tests: z.array(z.object({
    id: z.string(), title: z.string(), file: z.string(), feature: z.string(), catches: z.string(), because: z.array(Location), locators: z.int(),
  })),
  /** How to run them, for the pull request. */
  commands: z.array(z.string()),
  routes: z.object({ found: z.int(), covered: z.array(z.string()) }),
  leftOut: z.array(LeftOut),
}).meta({ id: 'test-bundle@1' });
export type TestBundle = z.infer<typeof TestBundle>;

export const PullRequest = z.object({
  kind: z.literal('pull-request@1'),
  forge: z.enum(['local']), repository: RepositoryRef,
  branch: z.string(), base: z.string(), baseCommit: CommitId, commit: CommitId, tree: CommitId,
  outcome: z.enum(['opened', 'updated', 'unchanged']),
  title: z.string(), body: z.string(),
  /** Against the base. `kept`: a person has edited or deleted what Pullwright wrote, and it stays theirs. `removed`: written by an earlier run, untouched since, no longer generated. */
  files: z.array(z.object({ path: z.string(), change: z.enum(['added', 'updated', 'unchanged', 'kept', 'removed']) })),
  /** The run that made the branch; only that run's undo may remove it. All zeros when that is not recorded. */
  createdBy: RunId,
  /** A command or address that shows it. */
  look: z.string(),
}).meta({ id: 'pull-request@1' });
export type PullRequest = z.infer<typeof PullRequest>;
