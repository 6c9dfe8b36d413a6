import { agentNames, durableOf } from './agents.js';
import type { CommandName, QueryName } from './messages.js';

/**
 * The bus on one page. `pullwright provision` (and the standalone) creates exactly these streams and consumers;
 * services may not create any. Only features of nats-server 2.9 are used: one consumer per subject, no multi-filter.
 */
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export interface StreamDefinition {
  name: string; subjects: string[]; retention: 'workqueue' | 'limits'; maxAgeMs: number; duplicateWindowMs: number;
}
export interface ConsumerDefinition {
  stream: string; durable: string; filterSubject: string;
  /** How long the server waits for an ack or `working()` before it delivers again. Long work heartbeats every third of it. */
  ackWaitMs: number;
  /** Unacknowledged messages the server hands out at most, over all instances. */
  maxAckPending: number;
  /** Which service reads it. */
  service: string;
}

export const STREAMS: readonly StreamDefinition[] = [
  { name: 'PULLWRIGHT_COMMANDS', subjects: ['pullwright.command.*'], retention: 'workqueue', maxAgeMs: 0, duplicateWindowMs: 2 * MINUTE },
  { name: 'PULLWRIGHT_TASKS', subjects: ['pullwright.task.*.*'], retention: 'workqueue', maxAgeMs: 0, duplicateWindowMs: 2 * MINUTE },
  { name: 'PULLWRIGHT_RESULTS', subjects: ['pullwright.result.*'], retention: 'workqueue', maxAgeMs: 0, duplicateWindowMs: 2 * MINUTE },
  { name: 'PULLWRIGHT_EVENTS', subjects: ['pullwright.event.told'], retention: 'limits', maxAgeMs: 7 * DAY, duplicateWindowMs: 2 * MINUTE },
  { name: 'PULLWRIGHT_ADVISORIES', subjects: ['$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>', '$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>'], retention: 'limits', maxAgeMs: 7 * DAY, duplicateWindowMs: 2 * MINUTE },
  /** What readiness probes write, to prove that JetStream stores; nobody reads it. */
  { name: 'PULLWRIGHT_HEALTH', subjects: ['pullwright.health.*'], retention: 'limits', maxAgeMs: MINUTE, duplicateWindowMs: MINUTE },
];

export const subjects = {
  command: (name: CommandName) => `pullwright.command.${name}`,
  task: (agent: string) => `pullwright.task.${agent.replace('/', '.')}`,
  result: (service: string) => `pullwright.result.${service}`,
  /** What has happened in whatever runs. */
  told: 'pullwright.event.told',
  progress: (runId: string, stepId: string) => `pullwright.progress.${runId}.${stepId.replaceAll(/[^a-z0-9-]/g, '_')}`,
  progressOf: (runId: string) => `pullwright.progress.${runId}.*`,
  query: (name: QueryName) => `pullwright.query.${name}`,
  allQueries: 'pullwright.query.*',
  /** Tells a running step to stop; core NATS, best effort: a missed one is caught by the fencing of attempts. */
  cancel: (runId: string) => `pullwright.cancel.${runId}`,
  allCancels: 'pullwright.cancel.*',
  /** How many tasks of an agent an instance of its service works on at once; core NATS. */
  capacity: (agent: string) => `pullwright.capacity.${agent.replace('/', '.')}`,
  allCapacities: 'pullwright.capacity.*.*',
  health: (service: string) => `pullwright.health.${service}`,
} as const;

/** What proves that a stream stores. No agent may belong to a service of that name. */
export const PROBES = [{ stream: 'PULLWRIGHT_TASKS', subject: 'pullwright.task.probe.probe' }, { stream: 'PULLWRIGHT_RESULTS', subject: subjects.result('probe') }] as const;

const COORDINATORS: readonly ConsumerDefinition[] = [
  { stream: 'PULLWRIGHT_COMMANDS', durable: 'coordinator-commands', filterSubject: 'pullwright.command.*', ackWaitMs: 5_000, maxAckPending: 4096, service: 'coordinator' },
  { stream: 'PULLWRIGHT_RESULTS', durable: 'coordinator-results', filterSubject: 'pullwright.result.*', ackWaitMs: 5_000, maxAckPending: 8192, service: 'coordinator' },
  { stream: 'PULLWRIGHT_ADVISORIES', durable: 'coordinator-advisories', filterSubject: '$JS.EVENT.ADVISORY.CONSUMER.>', ackWaitMs: 30_000, maxAckPending: 256, service: 'coordinator' },
];

/** Every consumer there must be: the coordinator's, and one for the tasks of each agent that is registered. */
export function consumers(): ConsumerDefinition[] {
  return [
    ...COORDINATORS,
    ...agentNames().map((agent) => ({
      stream: 'PULLWRIGHT_TASKS', durable: durableOf(agent), filterSubject: subjects.task(agent), ackWaitMs: 15_000, maxAckPending: 8192, service: agent.split('/')[0] as string,
    })),
  ];
}
