import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { SagaStore } from './store/saga-store.js';

const BEAT_MS = 1_000;

/** Tells the other coordinators that this one lives, so that they leave its part of the outbox to it. */
@Injectable()
export class Presence {
  private readonly logger = new Logger('presence');
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly store: SagaStore) {}

  async start(): Promise<void> {
    await this.store.beat();
    this.ended = this.run();
  }

  /** After everything else: what is still in the outbox then is for others. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
    await this.store.retire();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await sleep(BEAT_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      await this.store.beat().catch((error: unknown) => { this.logger.warn(`the others may think that this coordinator is gone: ${String(error)}`); });
    }
  }
}
