import { appendFileSync, readFileSync } from 'node:fs';
import { childEnvironment } from '#config';

/**
 * The world outside that steps have an effect on: a ledger in which every line is appended by one write, so that lines of several processes do not mix and none is lost with its writer.
 * `begin` and `end` are the handler's; `effect` and `undo` are what it does to the world. The world is idempotent by run and step, as agents demand of it: see `fold`.
 */
export interface LedgerLine { at: number; run: string; step: string; attempt: number; what: 'begin' | 'effect' | 'undo' | 'end'; repository: string; pid: number }

/** The variable that names the file; the agents' contracts list it. */
export const LEDGER = 'CHAOS_LEDGER';

let file: string | undefined;

export function note(what: LedgerLine['what'], task: { runId: string; stepId: string; attempt: number; repository: string }): void {
  file ??= childEnvironment([LEDGER])[LEDGER];
  if (file === undefined) throw new Error(`${LEDGER} is not set`);
  const line: LedgerLine = { at: Date.now(), run: task.runId, step: task.stepId, attempt: task.attempt, what, repository: task.repository, pid: process.pid };
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** By run, in the order in which they happened. */
export function readLedger(path: string): Map<string, LedgerLine[]> {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as LedgerLine);
  const byRun = new Map<string, LedgerLine[]>();
  for (const line of lines) {
    const known = byRun.get(line.run);
    if (known) known.push(line);
    else byRun.set(line.run, [line]);
  }
  return byRun;
}
