import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { Pool } from 'pg';
import { nextRuns, removeEvents, removeRuns, takeBroom } from './store/retention.store.js';
import { transaction } from './store/transaction.js';

const PASS_EVERY_MS = 3_600_000;
/** After a start the runs come first. */
const FIRST_PASS_MS = 60_000;
/** Runs that one transaction looks at, and so removes at most: short enough that no commit waits for it noticeably. */
const BATCH = 200;
const PAUSE_MS = 20;

/**
 * Removes ended runs that are older than the policy, with their steps and events, in small transactions along the runs' key. One coordinator at a time; a pass that finds another one at work ends.
 * What they have made goes later, when the store is swept (`pullwright gc`) and no run names it any more.
 */
export class Retention {
  private readonly logger = new Logger('retention');
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  /** In days; 0 keeps for ever. */
  constructor(private readonly pool: Pool, private readonly days: { runs: number; events: number }) {}

  start(): void { this.ended = this.run(); }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  /** Every run is looked at once; how many went. */
  async pass(): Promise<number> {
    let removed = 0;
    for (let after: string | undefined = ''; after !== undefined && !this.stopping.signal.aborted;) {
      const batch = await this.batch(after);
      removed += batch.removed;
      after = batch.last;
      await sleep(PAUSE_MS);
    }
    if (removed > 0) this.logger.log(`${removed} runs have gone`);
    return removed;
  }

  private async run(): Promise<void> {
    for (let wait = FIRST_PASS_MS; ; wait = PASS_EVERY_MS) {
      await sleep(wait, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      await this.pass().catch((error: unknown) => { this.logger.error('a pass failed; the next one goes on', inspect(error)); });
    }
  }

  /** `last`: where the next batch begins; none when this was the last, or another coordinator is at it. */
  private async batch(after: string): Promise<{ removed: number; last?: string }> {
    return transaction(this.pool, async (sql) => {
      const runs = await takeBroom(sql) ? await nextRuns(sql, after, this.days, BATCH) : [];
      const [over, tooLong] = [runs.filter(({ runIsOver }) => runIsOver), runs.filter(({ runIsOver, eventsAreOver }) => !runIsOver && eventsAreOver)].map((some) => some.map(({ id }) => id)) as [string[], string[]];
      const removed = over.length > 0 ? await removeRuns(sql, over) : 0;
      if (tooLong.length > 0) await removeEvents(sql, tooLong);
      return { removed, last: runs.length === BATCH ? runs.at(-1)?.id : undefined };
    });
  }
}
