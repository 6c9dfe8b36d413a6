import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { Pool } from 'pg';
import type { StartRun } from '#contracts';
import { latestOccurrence, requireOccurrence } from './cron.js';
import { derivedRunId } from './derived-run-id.js';
import { Saga } from './saga.js';
import { advanceSchedule, dueSchedules, type DueSchedule } from './store/schedules.store.js';

const TICK_MS = 1_000;
const AT_ONCE = 100;

/**
 * Starts runs by the clock of the database. Every coordinator looks. An occurrence has one run whoever starts it and how often: schedule and occurrence decide the run's id and its idempotency
 * key, so a coordinator that dies between the start and the note of it is repeated without harm. After a time in which nobody looked, the latest missed occurrence starts one run, the others none.
 * A run begins whether or not the one before has ended; what they publish waits for the lock of the repository. One that is refused, by a limit for example, is noted and not made up for.
 */
@Injectable()
export class Schedules {
  private readonly logger = new Logger('schedules');
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly pool: Pool, private readonly saga: Saga) {}

  start(): void { this.ended = this.run(); }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        while ((await this.fire()) === AT_ONCE && !this.stopping.signal.aborted);
      } catch (error) {
        this.logger.error('a round failed; the next one tries again', inspect(error));
      }
      await sleep(TICK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** How many were started or refused; one that could not be written stays due. */
  private async fire(): Promise<number> {
    const due = (await dueSchedules(this.pool, AT_ONCE)).map((schedule) => ({ schedule, occurredAt: latestOccurrence(schedule.cron, schedule.timeZone, schedule.dueAt, schedule.now) }));
    const starts = due.map(({ schedule, occurredAt }) => startOf(schedule, occurredAt));
    const answers = await this.saga.apply(starts.map((start) => ({ runId: start.runId, start })));
    let advanced = 0;
    for (const [index, { schedule, occurredAt }] of due.entries()) {
      const answer = answers[index];
      if (answer?.status !== 'fulfilled') continue;
      const { value } = answer;
      if (!value.ok) this.logger.warn(`${schedule.scheduleId} at ${new Date(occurredAt).toISOString()}: ${value.failure.code} ${value.failure.detail ?? ''}`);
      await advanceSchedule(this.pool, schedule.scheduleId, {
        dueAt: schedule.dueAt, occurredAt, nextAt: requireOccurrence(schedule.cron, schedule.timeZone, occurredAt), ...value.ok ? { runId: value.runId } : { failure: value.failure },
      });
      advanced++;
    }
    return advanced;
  }
}

function startOf({ scheduleId, pipeline, repository, ref, params, cache, tenant, priority, requestedBy }: DueSchedule, occurredAt: number): StartRun {
  const key = `${scheduleId}/${new Date(occurredAt).toISOString()}`;
  return { runId: derivedRunId(key, occurredAt), pipeline, repository, ref: ref ?? undefined, params, cache: cache ?? undefined, tenant: tenant ?? undefined, priority: priority ?? undefined, requestedBy, idempotency: { key, requestHash: scheduleId } };
}
