import { inspect } from 'node:util';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Bus, shareOut, type Item } from '#bus';
import { crashPoint } from '#config';
import { DEFAULT_PRIORITY, DEFAULT_TENANT, durableOf, subjects, type Result, type RunEvent, type Task } from '#contracts';
import { nameOf, type Place } from './admission.js';
import { Capacity } from './capacity.js';
import { taskJson, toldJson } from './engine/draft.js';
import type { RunState } from './engine/run-state.js';
import { taskOf } from './engine/step.js';
import { FairQueue } from './fair-queue.js';
import { Limits } from './limits.js';
import { Pipelines } from './pipelines.js';
import { SagaStore } from './store/saga-store.js';

/** Entries of the outbox that one sweep takes up. */
const SWEEP_AT_ONCE = 100;
/** While tasks wait, the bus is asked so often how many an agent has. */
const COUNT_MS = 250;
/** A task that waits longer gets its whole time limit again. */
const RENEW_MS = 10 * 60_000;
/** What was sent before counts by so much in how many tasks a message holds. */
const MEMORY = 0.9;
/** News of a step whose task, if one waits, is for an attempt that is over. */
const OVER: ReadonlySet<RunEvent['type']> = new Set(['step-cancelled', 'step-retrying', 'step-failed']);

export interface Dispatched { readonly task: Task; readonly tenant: string; readonly priority: number }

/** What one entry of the outbox names. `left`: tasks that are not published yet, and one for the events. */
interface Batch { readonly entry: string | undefined; readonly suffix: string; left: number }
interface Queued extends Dispatched { readonly batch: Batch; since: number }
/** Tasks of an agent that are with it or on the way there, as far as this coordinator knows, and those of them that the bus has not confirmed. `tasks`, `messages`: how many it has sent of late in how many. */
interface Load { inFlight: number; sending: number; countedAt: number; tasks: number; messages: number }
/** A part of a batch that is published at once. */
interface Share { readonly batch: Batch; readonly tasks: Task[]; settles: number }

/**
 * From the tables to the bus. Each commit leaves an entry in the outbox that names its tasks and events; what they say is in the log.
 *   committed → room at the agent, nobody in front, no limit on how many at a time: published at once, with the events
 *             → otherwise queued, and published when its turn has come (fair-queue.ts) and there is room
 * The entry goes when the bus has all of it, and belongs to this coordinator until then: others take it up when this one is not heard any more, and it does itself when publishing has failed.
 * What one commit tells shares messages, and so do its tasks for an agent that takes several at once (capacity.ts).
 * Message ids are made of the state (`<run>.<step>.<attempt>`, `<run>.<seq>`), so publishing again is harmless: the bus drops the copy within its window, and after that the fence on attempts does.
 */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger('dispatcher');
  private readonly publishing = new Set<Promise<void>>();
  private readonly queue = new FairQueue<Queued>();
  private readonly loads = new Map<string, Load>();
  /** Entries that are being published or wait here. */
  private readonly held = new Set<string>();
  private pumping = false;
  private pumpAgain = false;

  constructor(
    private readonly store: SagaStore, @Inject(Bus) private readonly bus: Pick<Bus, 'notify' | 'publishMany' | 'held'>, private readonly pipelines: Pipelines,
    private readonly limits: Limits, private readonly capacity: Capacity,
  ) {}

  /** Tasks that wait for room. */
  get waiting(): number { return this.queue.size; }

  /** After the commit, in the order of commits. What cannot be published stays in the outbox, and the sweeper takes it up. `suffix` makes other ids of the tasks': the bus may still know the
   * first ones although it has lost what came of them. */
  publish(dispatched: readonly Dispatched[], events: ReadonlyArray<readonly RunEvent[]>, entry: string | undefined, suffix = ''): void {
    const batch: Batch = { entry, suffix, left: 1 + dispatched.length };
    if (entry !== undefined) this.held.add(entry);
    if (this.queue.size > 0) this.forget(events);
    const now: Task[] = [];
    for (const each of dispatched) {
      if (this.goesAtOnce(each)) { now.push(each.task); continue; }
      this.drop(each.task);
      this.queue.add({ ...each, batch, since: this.capacity.clock() });
    }
    this.carry([{ batch, tasks: now, settles: 1 + now.length }], events);
    this.pump();
  }

  /** What agents have answered makes room. */
  answered(results: readonly Result[]): void {
    for (const result of results) {
      this.capacity.took(result);
      const load = this.loadOf(result.agent);
      load.inFlight = Math.max(0, load.inFlight - 1);
    }
    this.pump();
  }

  /** Publishes what waits as far as there is room. One at a time works; when there was another call meanwhile it looks again. */
  pump(): void {
    this.pumpAgain = true;
    if (this.queue.size === 0 || this.pumping) return;
    this.pumping = true;
    const pumped = this.pumpOut()
      .catch((error: unknown) => { this.logger.warn(`${this.queue.size} tasks go on waiting: ${inspect(error)}`); })
      .finally(() => { this.pumping = false; this.publishing.delete(pumped); });
    this.publishing.add(pumped);
  }

  /** Settles when nothing is on its way to the bus. What waits for room stays in the outbox. */
  async idle(): Promise<void> { while (this.publishing.size > 0) await Promise.all(this.publishing); }

  /** Takes up what a crash or a bus that was away has left behind. */
  async sweep(): Promise<void> {
    for (const { entry, again, dispatched, events } of await this.store.unpublished(SWEEP_AT_ONCE, [...this.held])) {
      const pipelines = await this.pipelines.pinned((hashes) => this.store.pipelines(hashes), dispatched.map(({ pipelineHash }) => pipelineHash));
      const tasks = dispatched.flatMap(({ pipelineHash, step, ...run }) => { const pipeline = pipelines.get(pipelineHash); return pipeline ? dispatchedOf(taskOf(pipeline, run, step), run) : []; });
      this.logger.log(`publishing again: ${tasks.length} tasks, ${events.length} groups of events`);
      this.publish(tasks, events, entry, again ? `~${entry}` : '');
    }
    await this.idle();
  }

  private goesAtOnce({ task, ...whose }: Dispatched): boolean {
    if (this.queue.has(task.agent) || this.placesOf({ task, ...whose }).length > 0) return false;
    const load = this.loadOf(task.agent);
    if (load.inFlight >= this.capacity.windowOf(task.agent)) return false;
    load.inFlight++;
    return true;
  }

  private placesOf({ task, tenant }: Pick<Dispatched, 'task' | 'tenant'>): readonly Place[] { return this.limits.placesOf(task, tenant, this.capacity.providerOf(task.agent)); }

  private async pumpOut(): Promise<void> {
    while (this.pumpAgain && this.queue.size > 0) {
      this.pumpAgain = false;
      const full = new Set<string>();
      while (await this.round(full));
    }
  }

  /** Whether there may be others in the place of some that a limit has held back; `full` has the limits that did. */
  private async round(full: Set<string>): Promise<boolean> {
    const taken: Array<{ item: Queued; arrival: number; places: readonly Place[] }> = [];
    const picked = new Map<string, number>();
    const passes = (item: Queued): boolean => this.placesOf(item).every((place) => !full.has(nameOf(place)) && (picked.get(nameOf(place)) ?? 0) < place.max);
    for (const agent of this.queue.agents()) {
      await this.count(agent);
      const load = this.loadOf(agent);
      for (let room = this.capacity.windowOf(agent) - load.inFlight; room > 0; room--) {
        const next = this.queue.next(agent, passes);
        if (!next) break;
        load.inFlight++;
        const places = this.placesOf(next.item);
        for (const place of places) picked.set(nameOf(place), (picked.get(nameOf(place)) ?? 0) + 1);
        taken.push({ ...next, places });
      }
    }
    let refused: ReadonlyMap<Queued, readonly Place[]>;
    try {
      refused = await this.occupy(taken);
    } catch (error) {
      for (const { item, arrival } of taken) this.putBack(item, arrival);
      throw error;
    }
    const shares = new Map<Batch, Share>();
    for (const { item, arrival } of taken) {
      const places = refused.get(item);
      if (places) {
        this.putBack(item, arrival);
        for (const place of places) full.add(nameOf(place));
        continue;
      }
      const share = shares.get(item.batch) ?? { batch: item.batch, tasks: [], settles: 0 };
      shares.set(item.batch, share);
      share.tasks.push(item.task);
      share.settles++;
    }
    if (shares.size > 0) this.carry([...shares.values()], []);
    return refused.size > 0;
  }

  /** Takes their places for those that a limit concerns; the others' full ones. */
  private async occupy(taken: ReadonlyArray<{ item: Queued; places: readonly Place[] }>): Promise<Map<Queued, readonly Place[]>> {
    const asking = taken.filter(({ places }) => places.length > 0);
    if (asking.length === 0) return new Map();
    const full = await this.store.occupy(asking.map(({ item: { task: { runId, stepId, attempt } }, places }) => ({ runId, stepId, attempt, places })));
    return new Map(asking.flatMap(({ item }, index) => (full[index] && full[index].length > 0 ? [[item, full[index]] as const] : [])));
  }

  /** Unless another task of its step came meanwhile. */
  private putBack(item: Queued, arrival: number): void {
    this.loadOf(item.task.agent).inFlight--;
    if (this.queue.waits(item.task)) this.settle(item.batch, 1);
    else this.queue.add(item, arrival);
  }

  /** The bus knows how many messages an agent has from all coordinators, each of which holds about as many tasks as this one's do; what this one has sent and was not confirmed may not be among them. */
  private async count(agent: string): Promise<void> {
    const load = this.loadOf(agent);
    if (this.capacity.clock() - load.countedAt < COUNT_MS) return;
    load.countedAt = this.capacity.clock();
    try {
      const messages = await this.bus.held({ stream: 'PULLWRIGHT_TASKS', durable: durableOf(agent) });
      load.inFlight = Math.round(messages * (load.messages > 0 ? load.tasks / load.messages : 1)) + load.sending;
    } catch (error) {
      this.logger.debug(`${agent}: counted without the bus: ${String(error)}`);
    }
  }

  /** Tasks of attempts that are over do not go out any more. Those that another coordinator has ended do, and no result of theirs counts. */
  private forget(events: ReadonlyArray<readonly RunEvent[]>): void {
    for (const group of events) for (const { type, runId, stepId } of group) if (stepId !== undefined && OVER.has(type)) this.drop({ runId, stepId });
  }

  private drop(step: Pick<Task, 'runId' | 'stepId'>): void {
    const item = this.queue.remove(step);
    if (item) this.settle(item.batch, 1);
  }

  private carry(shares: readonly Share[], events: ReadonlyArray<readonly RunEvent[]>): void {
    for (const { tasks } of shares) for (const { agent } of tasks) this.loadOf(agent).sending++;
    const published = this.send(shares, events)
      .then(() => { crashPoint('dispatcher.published'); for (const { batch, settles } of shares) this.settle(batch, settles); })
      .catch((error: unknown) => {
        this.logger.warn(`${shares.reduce((sum, { tasks }) => sum + tasks.length, 0)} tasks and ${events.length} groups of events are left to the sweeper: ${String(error)}`);
        for (const { batch } of shares) this.leave(batch);
      })
      .finally(() => {
        for (const { tasks } of shares) for (const { agent } of tasks) this.loadOf(agent).sending--;
        this.publishing.delete(published);
      });
    this.publishing.add(published);
  }

  private settle(batch: Batch, parts: number): void {
    batch.left -= parts;
    if (batch.left > 0 || batch.entry === undefined || !this.held.delete(batch.entry)) return;
    this.store.published([batch.entry]);
  }

  /** The whole entry is for the sweeper. */
  private leave(batch: Batch): void {
    if (batch.entry !== undefined) this.held.delete(batch.entry);
    for (const item of this.queue.items()) if (item.batch === batch) this.queue.remove(item.task);
  }

  /** Attempts that have stood in line for a while since they were last named here: the time limit of a step is for its agent, not for the line in front of it. */
  longQueued(): Array<Pick<Task, 'runId' | 'stepId' | 'attempt'>> {
    const now = this.capacity.clock();
    const long = [...this.queue.items()].filter(({ since }) => now - since > RENEW_MS);
    for (const item of long) item.since = now;
    return long.map(({ task: { runId, stepId, attempt } }) => ({ runId, stepId, attempt }));
  }

  private loadOf(agent: string): Load {
    let load = this.loads.get(agent);
    if (!load) this.loads.set(agent, load = { inFlight: 0, sending: 0, countedAt: -Infinity, tasks: 0, messages: 0 });
    return load;
  }

  private async send(shares: readonly Share[], events: ReadonlyArray<readonly RunEvent[]>): Promise<void> {
    for (const group of events) for (const { type, runId } of group) if (type === 'run-cancelling') this.bus.notify(subjects.cancel(runId), { runId });
    const told = shareOut('told', events.map((group) => { const { runId, seq } = group.at(-1) as RunEvent; return { id: `${runId}.${seq}`, json: toldJson(group) }; }));
    await this.bus.publishMany([...this.taskMessages(shares), ...told.map(({ id, json }, index) => ({ subject: subjects.told, data: json, id, unconfirmed: index < told.length - 1 }))]);
  }

  private taskMessages(shares: readonly Share[]): Array<{ subject: string; data: string; id: string }> {
    const byAgent = new Map<string, Item[]>();
    for (const { tasks, batch: { suffix } } of shares) {
      for (const task of tasks) {
        const item = { id: `${task.runId}.${task.stepId}.${task.attempt}${suffix}`, json: taskJson(task) };
        const items = byAgent.get(task.agent);
        if (items) items.push(item);
        else byAgent.set(task.agent, [item]);
      }
    }
    return [...byAgent].flatMap(([agent, items]) => {
      const messages = shareOut('tasks', items, this.capacity.sharedBy(agent));
      const load = this.loadOf(agent);
      load.tasks = load.tasks * MEMORY + items.length;
      load.messages = load.messages * MEMORY + messages.length;
      return messages.map(({ id, json }) => ({ subject: subjects.task(agent), data: json, id }));
    });
  }
}

export function dispatchedOf(task: Task, { tenant = DEFAULT_TENANT, priority = DEFAULT_PRIORITY }: Pick<RunState, 'tenant' | 'priority'>): Dispatched { return { task, tenant, priority }; }
