import { setTimeout as sleep } from 'node:timers/promises';
import { inspect as text } from 'node:util';
import { Logger } from '@nestjs/common';
import { Pool, type PoolClient } from 'pg';
import { Bus, inspect, provision, provisionAnew, stores, type BusCondition, type StreamCondition } from '#bus';
import { agentContract, Failure, PROBES } from '#contracts';
import { SHARED_AT_MOST } from './capacity.js';
import { Dispatcher } from './dispatcher.js';
import { dispatchAgain, quietRuns, rememberedStreams, rememberStreams, takeWatch, type RememberedStream } from './store/streams.store.js';
import { loadRuns } from './store/postgres-store.js';
import { transaction } from './store/transaction.js';

const CHECK_MS = 3_000;
/** The first of so many checks counts the messages on the bus against the steps that wait for them. */
const COUNT_CHECKS = 20;
/** A bus that has confirmed nothing for so many checks in a row, each of which waits for five seconds, while it answered everything else. */
const SILENT_CHECKS = 3;
/** A run that has not moved for so long has nothing on its way between Postgres and the bus. */
const QUIET_SECONDS = 30;
/** The streams whose loss leaves steps waiting. Events are filled up from Postgres by their readers. */
const CARRIERS: ReadonlySet<string> = new Set(['PULLWRIGHT_TASKS', 'PULLWRIGHT_RESULTS']);

/**
 * Notices that the bus has lost what it held, and has it filled again from Postgres:
 *   missing      a stream or consumer is not there: made again when this coordinator may, otherwise readiness and log say what to run
 *   lost         a stream was made later than the one remembered, or its last sequence has gone back: every run that has not ended goes into the outbox again for the tasks that its steps wait for,
 *                in the transaction that remembers the new stream, so that no crash comes between
 *   silent       the server knows its streams, but stores nothing any more, for a while: its files were removed under it. All streams are made anew, when this coordinator may and no command
 *                is left in them, because a command that nobody has carried out is nowhere else
 *   unaccounted  the streams are the same, but hold fewer messages than steps wait for (purged, or the tail lost with a machine): the same for runs that stand still
 * The attempt stays the same. An agent that still works on it takes no second copy, and of two results of one attempt one counts.
 * One coordinator looks at a time, because what it sees must be newer than what it compares with.
 */
export class BusWatch {
  private readonly logger = new Logger('bus-watch');
  private readonly stopping = new AbortController();
  private wake = new AbortController();
  private ended: Promise<void> = Promise.resolve();
  private checks = 0;
  private silentChecks = 0;
  private lastResult = -1;
  private missing: readonly string[] = [];

  constructor(private readonly pool: Pool, private readonly bus: Bus, private readonly dispatcher: Dispatcher, private readonly mayProvision: boolean) {}

  /** Settles when the first look is done, whatever it has found. */
  async start(): Promise<void> {
    this.bus.onReconnect(() => { this.wake.abort(); });
    await this.look();
    this.ended = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.abort();
    await this.ended;
  }

  /** Throws `Failure('bus-unavailable')` that says what is not there and what to run. */
  ready(): void {
    if (this.missing.length > 0) throw new Failure('bus-unavailable', this.complaint());
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await sleep(CHECK_MS, undefined, { signal: this.wake.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      this.wake = new AbortController();
      await this.look();
    }
  }

  private async look(): Promise<void> {
    try {
      if (await this.check() > 0) await this.dispatcher.sweep();
    } catch (error) {
      // Either side may be away for a while. Whoever cannot work without it says so itself.
      this.logger.debug(text(error));
    }
  }

  /** How many runs have to be dispatched again. */
  private async check(): Promise<number> {
    return transaction(this.pool, async (sql) => (await takeWatch(sql) ? this.compare(sql) : 0));
  }

  private async compare(sql: PoolClient): Promise<number> {
    const { streams } = await this.provisioned();
    const lost = lostStreams(await rememberedStreams(sql), streams);
    await rememberStreams(sql, streams);
    const counting = this.checks++ % COUNT_CHECKS === 0;
    if (lost.some((name) => CARRIERS.has(name))) {
      const runs = await dispatchAgain(sql);
      this.logger.warn(`the bus has lost ${lost.join(', ')}: the tasks of ${runs} runs are published again`);
      return runs;
    }
    if (lost.length > 0) this.logger.warn(`the bus has lost ${lost.join(', ')}`);
    // While results are on their way nothing is concluded: one message may carry several.
    const waiting = (name: string) => streams.find((stream) => stream.name === name)?.messages ?? 0;
    if (!counting || this.missing.length > 0 || waiting('PULLWRIGHT_RESULTS') > 0 || await this.messagesExpected(sql) <= waiting('PULLWRIGHT_TASKS')) return 0;
    const runs = await dispatchAgain(sql, QUIET_SECONDS);
    this.logger.warn(`steps wait for messages that the bus does not have: the tasks of ${runs} runs are published again`);
    return runs;
  }

  /** At least so many messages must be with the agents or on the way to them, if nothing was lost. */
  private async messagesExpected(sql: PoolClient): Promise<number> {
    const runs = await loadRuns(sql, await quietRuns(sql, QUIET_SECONDS));
    const agents = [...runs.values()].flatMap(({ run }) => [...run.steps.values()].flatMap(({ status, agent }) => (status === 'dispatched' && agent !== undefined ? agent : [])));
    const shared = agents.filter((agent) => agentContract(agent)?.isolation === 'inline').length;
    return agents.length - shared + Math.ceil(shared / SHARED_AT_MOST);
  }

  private async provisioned(): Promise<BusCondition> {
    const found = await inspect(this.bus);
    if (found.missing.length > 0 && this.mayProvision) {
      this.logger.warn(`missing on the bus, made again: ${found.missing.join(', ')}`);
      await provision(this.bus);
      return this.noted(await inspect(this.bus));
    }
    if (found.missing.length === 0 && this.mayProvision && await this.isSilent(found)) {
      this.logger.error('the bus stores nothing any more: its streams are made anew');
      await provisionAnew(this.bus);
      return this.noted(await inspect(this.bus));
    }
    return this.noted(found);
  }

  /** Asked by probes, and only while tasks wait and no result comes. */
  private async isSilent({ streams }: BusCondition): Promise<boolean> {
    const of = (name: string) => streams.find((stream) => stream.name === name);
    const { lastSeq = 0 } = of('PULLWRIGHT_RESULTS') ?? {};
    const stands = lastSeq === this.lastResult && (of('PULLWRIGHT_TASKS')?.messages ?? 0) > 0;
    this.lastResult = lastSeq;
    if (!stands && this.silentChecks === 0) return false;
    const answers = await Promise.all(PROBES.map(async (probe) => stores(this.bus, probe)));
    this.silentChecks = answers.every(Boolean) ? 0 : this.silentChecks + 1;
    // The probe is no result.
    this.lastResult = (await inspect(this.bus)).streams.find(({ name }) => name === 'PULLWRIGHT_RESULTS')?.lastSeq ?? lastSeq;
    return this.silentChecks >= SILENT_CHECKS && of('PULLWRIGHT_COMMANDS')?.messages === 0;
  }

  private noted(condition: BusCondition): BusCondition {
    const news = condition.missing.length > 0 && String(condition.missing) !== String(this.missing);
    this.missing = condition.missing;
    if (news) this.logger.error(this.complaint());
    return condition;
  }

  private complaint(): string { return `missing ${this.missing.join(', ')}; run \`pullwright provision\``; }
}

function lostStreams(remembered: readonly RememberedStream[], found: readonly StreamCondition[]): string[] {
  const before = new Map(remembered.map((stream) => [stream.name, stream]));
  return found.filter(({ name, created, lastSeq }) => { const known = before.get(name); return known !== undefined && (known.created !== created || lastSeq < known.lastSeq); }).map(({ name }) => name);
}
