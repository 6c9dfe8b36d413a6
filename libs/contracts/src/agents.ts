import { z } from 'zod';
import { AgentName } from './ids.js';
import { ARTIFACTS, type ArtifactKind } from './artifacts.js';
import { Failure } from './failures.js';

const Name = z.string().max(60).regex(/^[a-z][A-Za-z0-9]*$/, 'a letter a-z, then letters and digits');

/** `many` marks a list of artifacts in a stable order. */
export const Slot = z.strictObject({ kind: z.enum(Object.keys(ARTIFACTS) as [ArtifactKind, ...ArtifactKind[]]), many: z.boolean().optional(), optional: z.boolean().optional() });
export type Slot = z.infer<typeof Slot>;

/** Facts of a step that reused what an earlier one made: how many did (1; a fan-out adds up its elements), and what it took then minus what it took now. */
export const REUSE_FACTS: readonly string[] = ['reused', 'savedMs'];

export const AgentContract = z.strictObject({
  inputs: z.record(Name, Slot).default({}),
  outputs: z.record(Name, Slot).default({}),
  facts: z.array(Name.refine((name) => !REUSE_FACTS.includes(name), 'is told by Pullwright itself')).max(50).readonly().default([]).describe('Facts that the result carries; conditions in pipelines may use them.'),
  environment: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable')).readonly().default([])
    .describe('The environment variables that its single-use process gets, beyond PATH, HOME, TMPDIR and LANG.'),
  forge: z.enum(['read', 'write', 'report']).optional()
    .describe('What it does with the run’s repository (`report`: reads, comments, sets checks): it gets a forge that may do no more than that, on that repository alone. Left out: it gets none.'),
  isolation: z.enum(['process', 'inline']).default('process')
    .describe('`process`: every task in a process used once, which is killed at its time limit. `inline`: inside the service, for trusted, quick, asynchronous code; a handler that blocks the event loop cannot be stopped, and it sees all that the service sees.'),
  memo: z.strictObject({ commit: z.boolean().default(false).describe('Whether it reads the repository: then its commit belongs to what the outputs depend on.'), params: z.array(Name).optional().describe('The parameters that it is given; all of them when the list is left out.') }).optional()
    .describe('Given: the outputs depend on nothing but inputs, parameters, version and perhaps the commit, and there is no effect outside; so a step that is given the same reuses them. Left out: every step is carried out.'),
  version: z.int().min(1).default(1).describe('Changed whenever the same inputs would give another output.'),
}).meta({ id: 'AgentContract' });
export type AgentContract = z.infer<typeof AgentContract>;

/** What `AGENTS_FILE` holds: an operator's own agents beside the built-in ones, and where their code is. */
export const AgentsFile = z.strictObject({
  agents: z.record(AgentName, AgentContract),
  modules: z.record(z.string(), z.string().min(1)).default({})
    .describe('By service, the module that exports `agents`, relative to this file: for the standalone and for libs/agent/src/main.ts. A service that is hosted by a program of its own needs none.'),
}).meta({ id: 'AgentsFile' });
export type AgentsFile = z.infer<typeof AgentsFile>;

/** What an agent that may ask a model gets, beside what its process needs to reach one through a proxy. */
const MODEL_ENVIRONMENT = [
  'MODEL_PROVIDER', 'MODEL', 'MODEL_FALLBACK', 'MODEL_EFFORT', 'MODEL_TEMPERATURE', 'MODEL_MAX_OUTPUT_TOKENS', 'MODEL_STEP_TOKENS', 'MODEL_STEP_USD', 'MODEL_PRICE', 'MODEL_BATCH', 'MODEL_RECORDINGS',
  'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'NODE_USE_ENV_PROXY', 'NODE_EXTRA_CA_CERTS',
] as const;
/** Tokens and US dollars that a step has used; 0 without a model. */
const MODEL_FACTS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'costUsd'] as const;

/** The agents that Pullwright brings. A service serves exactly the agents under its name, or it does not start. */
export const AGENTS = {
  'crawler/crawl': {
    inputs: {}, outputs: { map: { kind: 'repo-map@1' }, features: { kind: 'feature@1', many: true } },
    facts: ['commit', 'routes', 'screens', 'behaviours', 'features', 'skipped'], environment: [], forge: 'read', isolation: 'process', memo: { commit: true, params: ['depth'] }, version: 1,
  },
  'case-generator/design': {
    inputs: { feature: { kind: 'feature@1' } }, outputs: { cases: { kind: 'test-cases@1' } },
    facts: ['cases', 'leftOut', 'proposed', 'accepted', ...MODEL_FACTS], environment: MODEL_ENVIRONMENT, isolation: 'process', memo: { commit: false, params: [] }, version: 1,
  },
  'engineer/write': {
    inputs: { map: { kind: 'repo-map@1' }, cases: { kind: 'test-cases@1', many: true } }, outputs: { bundle: { kind: 'test-bundle@1' } },
    facts: ['tests', 'files', 'locators', 'refused'], environment: [], isolation: 'process', memo: { commit: false, params: [] }, version: 1,
  },
  'pr-publisher/open': {
    inputs: { map: { kind: 'repo-map@1' }, bundle: { kind: 'test-bundle@1' } }, outputs: { pullRequest: { kind: 'pull-request@1' } },
    facts: ['outcome', 'commit', 'branch', 'tests', 'routes', 'covered', 'leftOut'], environment: [], forge: 'write', isolation: 'process', version: 1,
  },
  /** The undo of `pr-publisher/open`: takes back a branch that this run created, never one that others have built on. */
  'pr-publisher/close': {
    inputs: { pullRequest: { kind: 'pull-request@1', optional: true } }, outputs: {},
    facts: ['outcome'], environment: [], forge: 'write', isolation: 'process', version: 1,
  },
  /**
   * Decides what an event at a forge asks for. `decision`: start, stop, approve, explain, file (tell that the repository's file is wrong) or nothing, and `why` in a word. `branch` and `commit`: what is asked for is about;
   * '' for a branch that is no short word, which then is the one that the event names. `runsPerDay`: below 0 for no limit.
   */
  'pr-publisher/plan-event': {
    inputs: {}, outputs: {}, facts: ['decision', 'why', 'branch', 'commit', 'isDefault', 'depth', 'approval', 'again', 'runsPerDay'], environment: [], forge: 'report', isolation: 'process', version: 1,
  },
  /** Tells people at a forge how a run stands. */
  'pr-publisher/report': { inputs: {}, outputs: {}, facts: ['checks', 'comments'], environment: [], forge: 'report', isolation: 'process', version: 1 },
  /** Carries out what `plan-event` has decided in the same run. The coordinator serves it itself: it has no access to forges or artifacts, and nobody else has access to runs. */
  'coordinator/command': { inputs: {}, outputs: {}, facts: ['outcome', 'run'], environment: [], isolation: 'inline', version: 1 },
} as const satisfies Record<AgentName, AgentContract>;
export type KnownAgent = keyof typeof AGENTS;

/** The built-in agents and those that were registered; all other tables of agents, services and consumers follow from it. */
const registry = new Map<string, AgentContract>(Object.entries(AGENTS));
const modules = new Map<string, string>();
const serviceOf = (agent: string) => agent.split('/')[0] as string;
/** Names that mean something else on the bus. */
const RESERVED = ['gateway', 'coordinator', 'standalone', 'probe'];
const BUILT_IN = new Set([...registry.keys()].map(serviceOf));

/**
 * Adds an operator's agents, once, before anything is derived from the registry: `loadConfig` does it. The same again changes nothing.
 * Throws `Failure('bad-request')` that names the agent and what to change. `moduleUrls` are by service.
 */
export function registerAgents(agents: Readonly<Record<string, AgentContract>>, moduleUrls: Readonly<Record<string, string>> = {}): void {
  const problems: string[] = [];
  const durables = new Map([...registry.keys()].map((agent) => [durableOf(agent), agent]));
  for (const [agent, contract] of Object.entries(agents)) {
    const service = serviceOf(agent);
    const known = registry.get(agent);
    const twin = durables.get(durableOf(agent));
    durables.set(durableOf(agent), agent);
    if (RESERVED.includes(service)) problems.push(`agents.${agent}: no agent service may be called ${service}; use another name`);
    else if (BUILT_IN.has(service)) problems.push(`agents.${agent}: ${service} is a service of Pullwright, which serves its own agents only; use another service's name`);
    else if (known && JSON.stringify(known) !== JSON.stringify(contract)) problems.push(`agents.${agent}: is registered already, otherwise; start a new process to change it`);
    else if (twin !== undefined && twin !== agent) problems.push(`agents.${agent}: would share its queue with ${twin}; rename one of them`);
  }
  const served = new Set(Object.keys(agents).map(serviceOf));
  for (const service of Object.keys(moduleUrls)) if (!served.has(service)) problems.push(`modules.${service}: no agent of a service ${service} is in this file; add one or leave the line out`);
  if (problems.length > 0) throw new Failure('bad-request', problems.join('; '));
  for (const [agent, contract] of Object.entries(agents)) registry.set(agent, contract);
  for (const [service, url] of Object.entries(moduleUrls)) modules.set(service, url);
}

/** `undefined` for a name that this process does not know (a run may have pinned an older pipeline). */
export function agentContract(name: string): AgentContract | undefined {
  return registry.get(name);
}

/** All agents, or those of a service, in the order in which they were registered. */
export function agentNames(service?: string): string[] {
  return [...registry.keys()].filter((agent) => service === undefined || serviceOf(agent) === service);
}

/** Every service that serves agents. */
export function services(): string[] {
  return [...new Set(agentNames().map(serviceOf))];
}

/** URL of the module that an operator named for a service. */
export function moduleOf(service: string): string | undefined {
  return modules.get(service);
}

/** The consumer of an agent's tasks. */
export function durableOf(agent: string): string {
  return agent.replace('/', '-');
}
