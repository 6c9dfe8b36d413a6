import { availableParallelism } from 'node:os';
import type { Violation } from './evidence.js';
import type { Injection, Standstill } from './recovery.js';

export interface FaultRow { fault: string; injected: number; inFlight: number; lost: number; duplicated: number; longestRecoveryMs: number | undefined }

export interface Report {
  seed: number;
  /** Of the load, without start and check. */
  minutes: number;
  faults: FaultRow[];
  injected: number;
  /** Runs that were accepted. */
  runs: number;
  ended: Record<string, number>;
  lost: number;
  /** Effects that happened twice although nothing was broken. */
  duplicated: number;
  /** Executions that a fault explains, all of them without a second effect: the key of the effect is run and step. */
  repeated: number;
  violations: Violation[];
  /** What could not be injected, and why. */
  skipped: string[];
  injections: Injection[];
  standstills: Standstill[];
  replay: string;
}

/** How many violations are told to people, and how many with their story; `--json` has all of it. */
const TOLD = { violations: 50, stories: 3 };

export function table({ faults }: Pick<Report, 'faults'>): string {
  const rows = [['fault', 'injected', 'in flight', 'lost', 'duplicated', 'longest recovery'], ...faults.map((row) => [
    row.fault, String(row.injected), String(row.inFlight), String(row.lost), String(row.duplicated), row.longestRecoveryMs === undefined ? '–' : `${(row.longestRecoveryMs / 1_000).toFixed(1)} s`,
  ])];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const line = (row: string[]) => `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number))).join(' | ')} |`;
  return [line(rows[0] as string[]), `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`, ...rows.slice(1).map(line)].join('\n');
}

export function summary(report: Report): string {
  const ended = Object.entries(report.ended).map(([status, count]) => `${count} ${status}`).join(', ');
  return [
    `seed ${report.seed}, ${report.minutes.toFixed(1)} minutes: ${report.injected} faults, ${report.runs} runs (${ended}), ${report.lost} lost, ${report.duplicated} duplicated, ${report.violations.length} violations`,
    `${report.repeated} executions were repeated because of a fault, each without a second effect.`,
    `Longest standstills: ${report.standstills.map(({ runId, seq, ms, at }) => `${(ms / 1_000).toFixed(1)} s from ${at.slice(11, 19)} (${runId}, after event ${seq})`).join(', ')}.`,
    ...report.skipped.map((line) => `not injected: ${line}`),
    ...report.violations.slice(0, TOLD.violations).flatMap(({ invariant, runId, detail, story }, index) => [`VIOLATION of "${invariant}"${runId ? ` by ${runId}` : ''}: ${detail}`, ...(index < TOLD.stories ? story ?? [] : []).map((line) => `    ${line}`)]),
    ...(report.violations.length > TOLD.violations ? [`… and ${report.violations.length - TOLD.violations} more`] : []),
    ...(report.violations.length > 0 ? [`To replay the same runs and the same faults in the same order: ${report.replay}`] : []),
  ].join('\n');
}

/** `docs/chaos-report.md` */
export function page(report: Report): string {
  return `# Chaos report

Made by \`${report.replay} --report\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${availableParallelism()} cores. [bench/chaos/README.md](../bench/chaos/README.md) says what the suite does and what it checks.

- *in flight*: runs at work when the fault began, over all its injections
- *lost*: of these, how many did not end or wait visibly; *duplicated*: how many had an effect twice under one key
- *longest recovery*: the longest time that a run stood still which had something to do while the fault lasted, counted from the fault's beginning or the run's last event to its next; what earlier faults still held up is in it

${table(report)}

${summary(report).split('\n').map((line) => `${line}\n`).join('\n')}`;
}

/** What `--json` prints. */
export function json({ faults, injected, runs, lost, duplicated, violations, seed, minutes, ended, repeated, skipped, replay, standstills, injections }: Report): object {
  return { faults, injected, runs, lost, duplicated, violations: violations.map((violation) => ({ ...violation, seed, replay })), seed, minutes, ended, repeated, skipped, standstills, injections };
}
