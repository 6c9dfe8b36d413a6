import { Inject, Injectable, Logger } from '@nestjs/common';
import { Bus } from '#bus';
import { crashPoint } from '#config';
import { subjects, type RunEvent, type Task } from '#contracts';
import { taskJson, toldJson } from './engine/draft.js';
import { taskOf } from './engine/step.js';
import { Pipelines } from './pipelines.js';
import { SagaStore } from './store/saga-store.js';

/** Entries of the outbox that one sweep takes up. */
const SWEEP_AT_ONCE = 100;

/**
 * From the tables to the bus. Each commit leaves an entry in the outbox that names its tasks and events; what they say is in the steps and events tables. The entry goes when the bus has
 * all of it. Message ids are made of the state (`<run>.<step>.<attempt>`, `<run>.<seq>`), so publishing again is harmless: the bus drops the copy within its window, and after that
 * the fence on attempts does.
 */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger('dispatcher');
  private readonly publishing = new Set<Promise<void>>();

  constructor(private readonly store: SagaStore, @Inject(Bus) private readonly bus: Pick<Bus, 'notify' | 'publishMany'>, private readonly pipelines: Pipelines) {}

  /** After the commit, in the order of commits. What cannot be published stays in the outbox, and the sweeper takes it up. */
  publish(tasks: readonly Task[], events: ReadonlyArray<readonly RunEvent[]>, entry: string | undefined): void {
    const published = this.send(tasks, events)
      .then(() => { crashPoint('dispatcher.published'); if (entry !== undefined) this.store.published([entry]); })
      .catch((error: unknown) => { this.logger.warn(`${tasks.length} tasks and ${events.length} groups of events are left to the sweeper: ${String(error)}`); })
      .finally(() => { this.publishing.delete(published); });
    this.publishing.add(published);
  }

  /** Settles when nothing is on its way to the bus. */
  async idle(): Promise<void> { await Promise.all(this.publishing); }

  /** Publishes what a crash or a bus that was away has left behind. */
  async sweep(): Promise<void> {
    for (const { entry, again, dispatched, events } of await this.store.unpublished(SWEEP_AT_ONCE)) {
      const pipelines = await this.pipelines.pinned((hashes) => this.store.pipelines(hashes), dispatched.map(({ pipelineHash }) => pipelineHash));
      const tasks = dispatched.flatMap(({ pipelineHash, step, ...run }) => { const pipeline = pipelines.get(pipelineHash); return pipeline ? taskOf(pipeline, run, step) : []; });
      this.logger.log(`publishing again: ${tasks.length} tasks, ${events.length} groups of events`);
      await this.send(tasks, events, again ? `~${entry}` : '');
      this.store.published([entry]);
    }
  }

  /** `suffix` makes other ids of the tasks': the bus may still know the first ones although it has lost what came of them. */
  private async send(tasks: readonly Task[], events: ReadonlyArray<readonly RunEvent[]>, suffix = ''): Promise<void> {
    for (const group of events) for (const { type, runId } of group) if (type === 'run-cancelling') this.bus.notify(subjects.cancel(runId), { runId });
    await this.bus.publishMany([
      ...tasks.map((task) => ({ subject: subjects.task(task.agent), data: taskJson(task), id: `${task.runId}.${task.stepId}.${task.attempt}${suffix}` })),
      ...events.map((group, index) => {
        const { runId, seq, type } = group.at(-1) as RunEvent;
        return { subject: subjects.event(runId, type), data: toldJson(group), id: `${runId}.${seq}`, unconfirmed: index < events.length - 1 };
      }),
    ]);
  }
}
