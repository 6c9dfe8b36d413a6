import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FAILURES, type RunEvent, type RunView, type StepView } from '#contracts';
import { withApi } from './connection.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { print, printJson, safe, say, seconds, table } from './terminal.js';
import { watch } from './watch.js';

/** Looking at runs, and telling them what to do. */

export async function listRuns(options: { repository?: string; status?: string; limit: number; json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const runs = await api.runs({ repository: options.repository, status: options.status }, options.limit);
    if (options.json) printJson(runs);
    else if (runs.length === 0) say('No runs yet. Next: ./pullwright demo');
    else print(table([['RUN', 'STATUS', 'STARTED', 'PIPELINE', 'REPOSITORY'], ...runs.map((run) => [run.runId, run.status, run.createdAt, run.pipeline, safe(run.repository)])]));
    return EXIT.ok;
  });
}

export async function showRun(runId: string, options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const run = await api.run(runId);
    const steps = await api.steps(runId);
    if (options.json) { printJson({ run, steps }); return EXIT.ok; }
    print(table(described(run)));
    print('');
    print(table([['STEP', 'STATUS', 'TRY', 'TIME', 'FACTS'], ...steps.filter(({ stepId, status }) => !(stepId.endsWith('~undo') && status === 'skipped')).map(stepRow)]));
    if (run.status === 'failed' || run.status === 'cancelled') say(`Next: ./pullwright retry ${runId}`);
    if (run.status === 'succeeded') say(`Next: ./pullwright pr show ${runId}`);
    return EXIT.ok;
  });
}

/** Writes the run to a file of its own. */
export async function exportRun(runId: string, options: { out?: string }): Promise<ExitCode> {
  const file = options.out ?? `${runId}.tar`;
  return withApi(async (api) => {
    await pipeline(Readable.fromWeb(await api.export(runId)), createWriteStream(file));
    say(`Wrote ${file}. Next: ./pullwright replay ${file}`);
    return EXIT.ok;
  });
}

function described(run: RunView): string[][] {
  const rows = [['run', run.runId], ['status', run.status], ['pipeline', `${run.pipeline} ${run.pipelineVersion}`], ['repository', safe(run.repository)], ['started', run.createdAt]];
  if (run.ref !== undefined) rows.push(['ref', safe(run.ref)]);
  if (run.finishedAt !== undefined) rows.push(['finished', run.finishedAt]);
  if (run.failure) rows.push(['failure', FAILURES[run.failure.code].sentence], ['', safe(run.failure.detail ?? '')]);
  return rows;
}

function stepRow(step: StepView): string[] {
  const time = step.startedAt !== undefined && step.finishedAt !== undefined ? seconds(Date.parse(step.finishedAt) - Date.parse(step.startedAt)) : '';
  const facts = Object.entries(step.facts).map(([name, value]) => `${name}=${value}`).join(' ');
  return [step.stepId, step.status, String(step.attempt), time, safe(step.failure ? `${step.failure.code} ${step.failure.detail ?? ''}` : facts)];
}

/** The events as they are, one a line; goes on until the run ends. */
export async function showEvents(runId: string, options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    for await (const followed of api.follow(runId)) {
      if (!('event' in followed)) continue;
      print(options.json ? JSON.stringify(followed.event) : eventLine(followed.event));
    }
    return EXIT.ok;
  });
}

function eventLine({ seq, at, type, stepId, facts, failure }: RunEvent): string {
  const rest = failure ? `${failure.code} ${failure.detail ?? ''}` : Object.entries(facts ?? {}).map(([name, value]) => `${name}=${value}`).join(' ');
  return safe(`${String(seq).padStart(4)}  ${at}  ${type.padEnd(18)}  ${(stepId ?? '').padEnd(12)}  ${rest}`).trimEnd();
}

export async function cancelRun(runId: string): Promise<ExitCode> {
  return withApi(async (api) => {
    await api.cancel(runId);
    return ended(await watch(api, runId), 'cancelled');
  });
}

export async function retryRun(runId: string, options: { fromStep?: string }): Promise<ExitCode> {
  return withApi(async (api) => {
    await api.retry(runId, options.fromStep);
    return ended(await watch(api, runId), 'succeeded');
  });
}

export async function decide(runId: string, stepId: string, decision: 'approve' | 'reject', options: { role: string; comment?: string }): Promise<ExitCode> {
  return withApi(async (api) => {
    await api.decide(runId, stepId, { decision, role: options.role, comment: options.comment });
    return ended(await watch(api, runId), decision === 'approve' ? 'succeeded' : 'failed');
  });
}

function ended({ run, interrupted }: { run: RunView; interrupted: boolean }, hopedFor: RunView['status']): ExitCode {
  say(`Run ${run.runId} ${run.status}. Next: ./pullwright ${run.status === 'succeeded' ? 'pr show' : 'show'} ${run.runId}`);
  if (interrupted) return EXIT.interrupted;
  return run.status === hopedFor ? EXIT.ok : EXIT.runFailed;
}
