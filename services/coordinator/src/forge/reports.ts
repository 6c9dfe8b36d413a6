import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { Pool } from 'pg';
import { followingRunId } from '../derived-run-id.js';
import { hasEnded } from '../engine/run-state.js';
import { Pipelines } from '../pipelines.js';
import { Saga } from '../saga.js';
import { closeReports, dueReports, lookLater, noteTold, type Reported } from '../store/reports.store.js';
import { SagaStore } from '../store/saga-store.js';
import { REPORT_PIPELINE } from './events.js';
import { knownRuns, reportOf, type KnownRun } from './state.js';

const TICK_MS = 1_000;
const AT_ONCE = 50;

/**
 * Tells people at a forge how the runs stand that were started there. For each run one report at a time is under way: when it has ended and the run has moved on meanwhile, the next one tells the run as it is then.
 * So reports arrive in order, a run that moves quickly is told of seldom, and its end is always told. A report is a run of its own, with tries and a trace; what it is called follows from what it tells, so that
 * coordinators that look at the same moment start one. A row is looked at less and less often while nothing happens.
 */
@Injectable()
export class Reports {
  private readonly logger = new Logger('reports');
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly pool: Pool, private readonly store: SagaStore, private readonly pipelines: Pipelines, private readonly saga: Saga) {}

  start(): void { this.ended = this.run(); }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        this.logger.error('a round failed; the next one tries again', inspect(error));
      }
      await sleep(TICK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const due = await dueReports(this.pool, AT_ONCE);
    if (due.length === 0) return;
    const runs = await knownRuns(this.store, this.pipelines, due.flatMap(({ runId, toldBy }) => (toldBy === null ? [runId] : [runId, toldBy])));
    const [later, over]: [string[], string[]] = [[], []];
    for (const report of due) {
      const known = runs.get(report.runId);
      const telling = report.toldBy === null ? undefined : runs.get(report.toldBy);
      if (!known) over.push(report.runId);
      else if (telling && !hasEnded(telling.run)) later.push(report.runId);
      else if (stateOf(known) !== report.told) await this.tell(report, known);
      else (hasEnded(known.run) ? over : later).push(report.runId);
    }
    if (later.length > 0) await lookLater(this.pool, later);
    if (over.length > 0) await closeReports(this.pool, over);
  }

  private async tell({ runId, repository, commit, pullRequest }: Reported, known: KnownRun): Promise<void> {
    const state = stateOf(known);
    const reportId = followingRunId(runId, state);
    const params = { ...reportOf(known), about: 'run', commit, pullRequest: pullRequest ?? 0 };
    const [answer] = await this.saga.apply([{ runId: reportId, start: { runId: reportId, pipeline: REPORT_PIPELINE, repository, params, requestedBy: 'reports' } }]);
    if (answer?.status !== 'fulfilled') return;
    if (!answer.value.ok) this.logger.warn(`${runId}: ${answer.value.failure.code} ${answer.value.failure.detail ?? ''}`);
    await noteTold(this.pool, runId, state, reportId);
  }
}

/** What makes a difference to people. A retry passes through the same states again, with other attempts. */
function stateOf({ run, steps }: KnownRun): string {
  return `${run.status} ${run.failure?.code ?? ''} ${steps.map(({ stepId, status, attempt }) => `${stepId}=${status}/${attempt}`).join(' ')}`;
}
