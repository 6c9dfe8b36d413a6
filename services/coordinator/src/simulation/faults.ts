/**
 * What can go wrong, and how likely it is each time it could. Every world has its own selection and strength (world.ts), because faults that always come together hide each other.
 */
export const FAULTS = {
  // The bus. Tasks, results and commands on their way; events count from the moment the bus has them.
  'message-lost': 0.008,
  'message-doubled': 0.03,
  'message-delayed': 0.03,
  'publish-refused': 0.02,
  'publish-partly': 0.02,
  'publish-unconfirmed': 0.02,
  'ack-lost': 0.02,
  // The database.
  'read-failed': 0.006,
  'commit-refused': 0.012,
  'commit-unanswered': 0.012,
  'commit-conflict': 0.02,
  // A coordinator ends at a place, and starts again with nothing in memory.
  'crash-before-commit': 0.005,
  'crash-after-commit': 0.005,
  'crash-in-publish': 0.004,
  'crash-after-publish': 0.005,
  'crash-before-ack': 0.005,
  // An agent's service.
  'worker-crash-before-effect': 0.02,
  'worker-crash-after-effect': 0.02,
  'worker-crash-before-ack': 0.02,
  'worker-hangs': 0.006,
  'worker-zombie': 0.006,
  'result-late': 0.006,
  'result-doubled': 0.03,
  'result-invalid': 0.01,
  /** Of an attempt that there never was, or of another agent. */
  'result-forged': 0.01,
} as const;

/** What happens to a whole world at some moment, and how often at most. */
export const BLOWS = {
  'bus-wiped': 2, 'bus-wiped-unnoticed': 1, 'bus-away': 2, 'database-away': 2, 'message-poisoned': 3, 'clock-forward': 3, 'clock-back': 3, 'coordinator-killed': 3, 'coordinator-frozen': 3,
} as const;

export type Fault = keyof typeof FAULTS | keyof typeof BLOWS;
