import type { AgentName } from './ids.js';
import type { ArtifactKind } from './artifacts.js';

/** `many` marks a list of artifacts in a stable order. */
export interface Slot { kind: ArtifactKind; many?: boolean; optional?: boolean }
export interface AgentContract {
  inputs: Record<string, Slot>;
  outputs: Record<string, Slot>;
  /** Facts that the result carries; conditions in pipelines may use them. */
  facts: readonly string[];
  /** The environment variables that its single-use process gets, beyond PATH, HOME, TMPDIR and LANG. */
  environment: readonly string[];
  /** Changed whenever the same inputs would give another output. */
  version: number;
}

/** The only list of agents. A service serves exactly the agents under its name, or it does not start. */
export const AGENTS = {
  'crawler/crawl': {
    inputs: {}, outputs: { map: { kind: 'repo-map@1' }, features: { kind: 'feature@1', many: true } },
    facts: ['commit', 'routes', 'screens', 'behaviours', 'features', 'skipped'], environment: [], version: 1,
  },
  'case-generator/design': {
    inputs: { feature: { kind: 'feature@1' } }, outputs: { cases: { kind: 'test-cases@1' } },
    facts: ['cases', 'leftOut'], environment: [], version: 1,
  },
  'engineer/write': {
    inputs: { map: { kind: 'repo-map@1' }, cases: { kind: 'test-cases@1', many: true } }, outputs: { bundle: { kind: 'test-bundle@1' } },
    facts: ['tests', 'files', 'locators', 'refused'], environment: [], version: 1,
  },
  'pr-publisher/open': {
    inputs: { map: { kind: 'repo-map@1' }, bundle: { kind: 'test-bundle@1' } }, outputs: { pullRequest: { kind: 'pull-request@1' } },
    facts: ['outcome', 'commit', 'branch'], environment: [], version: 1,
  },
  /** The undo of `pr-publisher/open`: takes back a branch that this run created, never one that others have built on. */
  'pr-publisher/close': {
    inputs: { pullRequest: { kind: 'pull-request@1', optional: true } }, outputs: {},
    facts: ['outcome'], environment: [], version: 1,
  },
} as const satisfies Record<AgentName, AgentContract>;
export type KnownAgent = keyof typeof AGENTS;

/** Services that serve agents, derived from the list. */
export const SERVICES: readonly string[] = [...new Set(Object.keys(AGENTS).map((agent) => agent.split('/')[0] as string))];
