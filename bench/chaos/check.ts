import { setTimeout as sleep } from 'node:timers/promises';
import { consumers, Failure } from '#contracts';
import { readLedger } from './effects.js';
import { runEvidence, storyOf, type Disturbance, type RunEvidence, type Violation } from './evidence.js';
import type { Followed } from './follower.js';
import { checkFollowed } from './invariants/follower.js';
import { Locks } from './invariants/locks.js';
import { checkRun } from './invariants/run.js';
import type { RunRecord } from './load.js';
import { Recovery } from './recovery.js';
import type { Stage } from './stage.js';

/** Longer than any consumer of the suite waits for an ack. */
const DRAIN_MS = 40_000;
const QUEUES = ['PULLWRIGHT_COMMANDS', 'PULLWRIGHT_TASKS', 'PULLWRIGHT_RESULTS'];

export interface Checked { violations: Violation[]; lostRuns: Set<string>; duplicatedRuns: Set<string>; duplicated: number; repeated: number; ended: Record<string, number>; recovery: Recovery }

/** Holds what is left of everything to the invariants. Nothing is at work any more. */
export async function check(stage: Stage, records: readonly RunRecord[], followed: readonly Followed[], disturbances: readonly Disturbance[]): Promise<Checked> {
  const byId = new Map(records.map((record) => [record.runId, record]));
  const checked: Checked = { violations: [], lostRuns: new Set(), duplicatedRuns: new Set(), duplicated: 0, repeated: 0, ended: {}, recovery: new Recovery() };
  const locks = new Locks();
  const artifacts = new Map<string, string>();
  const endedRuns = new Set<string>();
  for await (const run of runEvidence(stage.database, readLedger(stage.ledger), byId)) {
    byId.delete(run.runId);
    const { violations, lost, duplicated, repeated } = checkRun(run, disturbances);
    checked.violations.push(...violations.map((violation) => ({ ...violation, story: storyOf(run) })));
    if (lost) checked.lostRuns.add(run.runId);
    else if (run.status !== 'waiting') endedRuns.add(run.runId);
    if (duplicated > 0) checked.duplicatedRuns.add(run.runId);
    checked.duplicated += duplicated;
    checked.repeated += repeated;
    checked.ended[run.status] = (checked.ended[run.status] ?? 0) + 1;
    checked.recovery.add(run.runId, run.events);
    locks.add(run.runId, run.repository, locked(run), run.events);
    for (const id of run.steps.flatMap(({ inputs, outputs }) => [...Object.values(inputs), ...Object.values(outputs)].flat())) artifacts.set(id, run.runId);
  }
  for (const [runId, { accepted }] of byId) {
    // A bus that was lost has lost what only it had, and the caller was told that this is so: `stored`.
    if (accepted === 'stored') continue;
    checked.lostRuns.add(runId);
    checked.violations.push({ invariant: 'nothing lost', runId, detail: 'it was accepted, and there is no such run' });
  }
  checked.violations.push(...locks.violations(), ...followed.flatMap((one) => checkFollowed(one, endedRuns.has(one.runId))), ...await checkArtifacts(stage, artifacts), ...await checkQueues(stage), ...checkDeaths(stage));
  return checked;
}

function locked({ definition }: RunEvidence): string[] {
  return Object.entries(definition.steps).filter(([, step]) => 'run' in step && step.lock !== undefined).map(([key]) => key);
}

async function checkArtifacts({ store }: Stage, artifacts: ReadonlyMap<string, string>): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [id, runId] of artifacts) {
    await store.bytes(id).catch((error: unknown) => {
      violations.push({ invariant: 'artifacts', runId, detail: `${id}: ${error instanceof Failure ? error.code : String(error)}` });
    });
  }
  return violations;
}

/**
 * Nothing waits for a reader, in the outbox or for a lock. What was poison has been terminated, what was a copy acknowledged. The readers' view counts: a server that was killed while it took out what had been
 * acknowledged may keep the message in the stream, and never hands it out again.
 */
async function checkQueues({ bus, database }: Stage): Promise<Violation[]> {
  const left = async () => {
    const readers = consumers().filter(({ stream }) => QUEUES.includes(stream));
    const streams = await Promise.all(readers.map(async ({ stream, durable }) => {
      const { num_pending: unread, num_ack_pending: unsettled } = await bus.manager.consumers.info(stream, durable);
      return [`${stream} for ${durable}`, unread + unsettled] as const;
    }));
    const { rows: [tables] } = await database.query<{ outbox: string; locks: string }>(
      `SELECT (SELECT count(*) FROM outbox) AS outbox, (SELECT count(*) FROM locks JOIN runs ON runs.id = run_id WHERE status IN ('succeeded', 'failed', 'cancelled')) AS locks`);
    return [...streams, ['outbox', Number(tables?.outbox)] as const, ['locks of ended runs', Number(tables?.locks)] as const].filter(([, count]) => count > 0);
  };
  const deadline = Date.now() + DRAIN_MS;
  let rest = await left();
  while (rest.length > 0 && Date.now() < deadline) {
    await sleep(1_000);
    rest = await left();
  }
  return rest.map(([name, count]) => ({ invariant: 'nothing is left over', detail: `${count} in ${name}` }));
}

function checkDeaths({ deaths }: Stage): Violation[] {
  return deaths.map(({ name, output }) => ({ invariant: 'services survive', detail: `${name} ended by itself: ${output.slice(-600)}` }));
}
