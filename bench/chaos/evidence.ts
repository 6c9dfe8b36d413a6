import type { Pool } from 'pg';
import { eventsOf, type ArtifactMap, type Pipeline, type RunEvent, type RunEvents } from '#contracts';
import type { LedgerLine } from './effects.js';
import type { RunRecord } from './load.js';

/** What is left of one run when everything is over. */
export interface RunEvidence {
  runId: string;
  status: string;
  failure?: string;
  /** Of the last event, by the run's own row. */
  seq: number;
  repository: string;
  definition: Pipeline;
  steps: ReadonlyArray<{ id: string; status: string; attempt: number; outputs: ArtifactMap; inputs: ArtifactMap }>;
  events: readonly RunEvent[];
  ledger: readonly LedgerLine[];
  /** `undefined`: nobody was ever told of it, because the answer to its start was lost. */
  record: RunRecord | undefined;
}

/** Between these times something was broken, or what it has left behind may still show: a step that a lost worker had is given to the next one only when its lease has ended. */
export interface Disturbance { from: number; to: number }
const AFTERMATH_MS = 45_000;
export const isDisturbed = (disturbances: readonly Disturbance[], from: number, to: number): boolean => disturbances.some((one) => one.from <= to && from <= one.to + AFTERMATH_MS);

/** `story`: what happened in the run and in the world, by time. */
export interface Violation { invariant: string; runId?: string; detail: string; story?: string[] }

const STORY_LINES = 80;

/** The last of it, for people. */
export function storyOf({ events, ledger }: RunEvidence): string[] {
  const told = events.map(({ at, seq, type, stepId = '', attempt = '', failure }) => ({ at: Date.parse(at), line: `event ${seq} ${type} ${stepId} ${attempt} ${failure?.code ?? ''}` }));
  const done = ledger.map(({ at, what, step, attempt, pid }) => ({ at, line: `  process ${pid}: ${what} ${step} ${attempt}` }));
  return [...told, ...done].sort((a, b) => a.at - b.at).slice(-STORY_LINES).map(({ at, line }) => `${new Date(at).toISOString().slice(11, 23)} ${line.trimEnd()}`);
}

const BATCH = 500;

/** All runs with their steps and events, a batch at a time. */
export async function* runEvidence(database: Pool, ledger: ReadonlyMap<string, LedgerLine[]>, records: ReadonlyMap<string, RunRecord>): AsyncGenerator<RunEvidence> {
  for (let after = '';;) {
    const { rows } = await database.query<{ id: string; status: string; failure: { code: string } | null; repository: string; definition: Pipeline; seq: number; log: Array<{ seq: number; at: string; events: string; steps: string }> | null }>(
      `SELECT runs.id, status, failure, repository, definition, l.seq, l.log
       FROM runs JOIN pipelines ON pipelines.hash = pipeline_hash
       CROSS JOIN LATERAL (SELECT max(last) AS seq, json_agg(json_build_object('seq', seq, 'at', at, 'events', events, 'steps', steps) ORDER BY seq) AS log FROM log WHERE run_id = runs.id) AS l
       WHERE runs.id > $1 ORDER BY runs.id LIMIT ${BATCH}`, [after]);
    for (const { id, failure, log, ...row } of rows) {
      yield { runId: id, ...row, failure: failure?.code, steps: lastOf(log ?? []), events: (log ?? []).flatMap(({ seq, at, events }) => eventsOf({ runId: id, seq, at: new Date(at).toISOString(), events: JSON.parse(events) as RunEvents['events'] })), ledger: ledger.get(id) ?? [], record: records.get(id) };
    }
    if (rows.length < BATCH) return;
    after = (rows.at(-1) as { id: string }).id;
  }
}

/** Each step as the last row that has it left it: read here on its own, because how the coordinator reads it is under test. */
function lastOf(log: ReadonlyArray<{ steps: string }>): RunEvidence['steps'] {
  const steps = new Map<string, RunEvidence['steps'][number]>();
  for (const row of log) {
    for (const { stepId, status, attempt, outputs = {}, inputs = {} } of JSON.parse(row.steps) as Array<{ stepId: string; status: string; attempt: number; outputs?: ArtifactMap; inputs?: ArtifactMap }>) {
      steps.set(stepId, { id: stepId, status, attempt, outputs, inputs });
    }
  }
  return [...steps.values()];
}
