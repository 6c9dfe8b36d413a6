import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { CONCURRENCY_LIMITS, EVERYBODY, WINDOW_LIMITS, type Limit, type LimitKind, type StartRun, type Task } from '#contracts';
import type { Place, Window } from './admission.js';
import { EVENT_PIPELINE, REPORT_PIPELINE } from './forge/events.js';
import { SagaStore } from './store/saga-store.js';

const REFRESH_MS = 1_000;
/** Old starts are forgotten every so many refreshes. */
const FORGET_REFRESHES = 60;
/** So much longer than its window a start is remembered: a copy of its command may still be on the way. */
const COPIES_SECONDS = 600;

const UNCOUNTED: readonly string[] = [EVENT_PIPELINE, REPORT_PIPELINE];
const NOWHERE: readonly Place[] = [];

/** The limits as the table has them, at most a second ago, so that nobody has to ask for them. */
@Injectable()
export class Limits {
  private readonly logger = new Logger('limits');
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();
  private limits = new Map<LimitKind, Map<string, Limit>>();

  constructor(private readonly store: SagaStore) {}

  /** Settles when the limits are known. */
  async start(): Promise<void> {
    await this.refresh();
    this.ended = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  async refresh(): Promise<void> {
    const limits = new Map<LimitKind, Map<string, Limit>>();
    for (const limit of await this.store.limits()) limits.set(limit.kind, (limits.get(limit.kind) ?? new Map<string, Limit>()).set(limit.key, limit));
    this.limits = limits;
  }

  /** How many at a time, or in a window; `undefined` when nothing limits it. */
  of(kind: LimitKind, key: string): Limit | undefined {
    const limits = this.limits.get(kind);
    return limits?.get(key) ?? limits?.get(EVERYBODY);
  }

  /** The windows that a start is counted in; usually none. */
  windowsOf({ requestedBy, repository, pipeline }: Pick<StartRun, 'requestedBy' | 'repository' | 'pipeline'>): Window[] {
    // To hear an event and to tell how a run stands is no run of anybody: the one that an event starts counts.
    if (this.limits.size === 0 || UNCOUNTED.includes(pipeline)) return [];
    const keys = { 'runs-per-user': requestedBy, 'runs-per-repository': repository };
    return WINDOW_LIMITS.flatMap((kind) => {
      const { max, windowSeconds } = this.of(kind, keys[kind]) ?? {};
      return max === undefined || windowSeconds === undefined ? [] : { kind, key: keys[kind], max, windowSeconds };
    });
  }

  /** Where a task needs a place; usually nowhere. `provider`: whose model its agent asks, if any. */
  placesOf({ repository, agent }: Pick<Task, 'repository' | 'agent'>, tenant: string, provider: string | undefined): readonly Place[] {
    if (this.limits.size === 0) return NOWHERE;
    const keys = { 'concurrency-per-repository': repository, 'concurrency-per-tenant': tenant, 'concurrency-per-service': agent.slice(0, agent.indexOf('/')), 'concurrency-per-provider': provider };
    return CONCURRENCY_LIMITS.flatMap((kind) => {
      const key = keys[kind];
      const limit = key === undefined ? undefined : this.of(kind, key);
      return key !== undefined && limit ? { kind, key, max: limit.max } : [];
    });
  }

  private async run(): Promise<void> {
    for (let round = 1; !this.stopping.signal.aborted; round++) {
      await sleep(REFRESH_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      try {
        await this.refresh();
        if (round % FORGET_REFRESHES === 0) await this.store.forgetStarts(this.longestWindow() + COPIES_SECONDS);
      } catch (error) {
        this.logger.warn(`the limits stay as they were: ${inspect(error)}`);
      }
    }
  }

  private longestWindow(): number {
    return Math.max(0, ...WINDOW_LIMITS.flatMap((kind) => [...this.limits.get(kind)?.values() ?? []].map(({ windowSeconds = 0 }) => windowSeconds)));
  }
}
