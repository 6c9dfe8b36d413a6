import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Bus } from '#bus';
import { subjects, type RunEvent, type Task } from '#contracts';
import { taskOf } from './engine/step.js';
import { Pipelines } from './pipelines.js';
import { markEventsPublished, markTasksPublished, unpublishedEvents, unpublishedTasks, type PublishedEvents } from './store/outbox.store.js';

const SWEEP_AT_ONCE = 500;

/**
 * From the tables to the bus. The steps table is the outbox of tasks and the events table that of events; a mark says what is known to be published. Message ids are made of the
 * state (`<run>.<step>.<attempt>`, `<run>.<seq>`), so publishing again is harmless: the bus drops the copy within its window, and after that the fence on attempts does.
 */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger('dispatcher');

  constructor(private readonly database: DataSource, private readonly bus: Bus, private readonly pipelines: Pipelines) {}

  /** After the commit. Does not throw: what could not be published stays unmarked, and the sweeper takes it up. */
  async publish(tasks: readonly Task[], events: readonly RunEvent[]): Promise<void> {
    try {
      for (const event of events) if (event.type === 'run-cancelling') this.bus.notify(subjects.cancel(event.runId), { runId: event.runId });
      await this.bus.publishMany([
        ...tasks.map((task) => ({ subject: subjects.task(task.agent), data: task, id: `${task.runId}.${task.stepId}.${task.attempt}` })),
        ...events.map((event) => ({ subject: subjects.event(event.runId, event.type), data: event, id: `${event.runId}.${event.seq}` })),
      ]);
      if (tasks.length > 0) await markTasksPublished(this.database, tasks);
      if (events.length > 0) await markEventsPublished(this.database, spans(events));
    } catch (error) {
      this.logger.warn(`${tasks.length} tasks and ${events.length} events are left to the sweeper: ${String(error)}`);
    }
  }

  /** Publishes what a crash or a lost bus has left behind. */
  async sweep(): Promise<void> {
    const rows = await unpublishedTasks(this.database, SWEEP_AT_ONCE);
    const pipelines = await this.pipelines.pinned(this.database, rows.map((row) => row.pipelineHash));
    const tasks = rows.flatMap((row) => { const pipeline = pipelines.get(row.pipelineHash); return pipeline ? taskOf(pipeline, row, row.step) : []; });
    const events = await unpublishedEvents(this.database, SWEEP_AT_ONCE);
    if (tasks.length + events.length === 0) return;
    this.logger.log(`publishing again: ${tasks.length} tasks, ${events.length} events`);
    await this.publish(tasks, events);
  }
}

/** The events of a batch are without gaps per run. */
function spans(events: readonly RunEvent[]): PublishedEvents[] {
  const runs = new Map<string, PublishedEvents>();
  for (const { runId, seq } of events) {
    const span = runs.get(runId);
    if (span) span.to = seq;
    else runs.set(runId, { runId, from: seq, to: seq });
  }
  return [...runs.values()];
}
