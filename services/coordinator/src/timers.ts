import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { Dispatcher } from './dispatcher.js';
import { Saga } from './saga.js';
import { SagaStore } from './store/saga-store.js';

const TICK_MS = 250;
/** The sweeper looks every this many ticks. */
const SWEEP_TICKS = 8;
const AT_ONCE = 500;

/**
 * The clock of the coordinator: time limits, back-off and expiries lie in the database, with the first of each run as its `check_at`, and are due by the database's time, so they outlive every process and need no
 * agreement between several. Every coordinator looks; whoever comes second finds the run changed. Every few ticks the sweeper runs as well.
 */
@Injectable()
export class Timers {
  private readonly logger = new Logger('timers');
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly store: SagaStore, private readonly saga: Saga, private readonly dispatcher: Dispatcher) {}

  start(): void { this.ended = this.run(); }

  /** Settles when the round at work is done. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async run(): Promise<void> {
    for (let tick = 0; !this.stopping.signal.aborted; tick++) {
      try {
        this.dispatcher.pump();
        while (await this.fire() === AT_ONCE && !this.stopping.signal.aborted);
        if (tick % SWEEP_TICKS === 0) await this.sweep();
      } catch (error) {
        this.logger.error('a round failed; the next one tries again', inspect(error));
      }
      await sleep(TICK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** Lets runs know whose timers are due; how many of them could be told. Results that arrive meanwhile gather for the batch after the next, so that a storm of timers does not hold them up. */
  async fire(): Promise<number> {
    const due = await this.store.dueRuns(AT_ONCE);
    const answers = await this.saga.apply(due.map((runId) => ({ runId, due: true })));
    return answers.filter((answer) => answer.status === 'fulfilled' && answer.value.ok).length;
  }

  /** Publishes what was left behind, gives tasks that stand in line more time, and wakes whom a lock has overlooked. */
  async sweep(): Promise<void> {
    await this.dispatcher.sweep();
    await this.saga.apply(this.dispatcher.longQueued().map(({ runId, ...step }) => ({ runId, signal: { type: 'queued', ...step } })));
    const holders = await this.store.overlookedHolders(AT_ONCE);
    await this.saga.apply(holders.map(({ runId, stepId }) => ({ runId, turn: stepId })));
  }
}
