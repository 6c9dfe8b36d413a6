import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { RUN_STATUSES, type Params } from '#contracts';
import { Api } from './api.js';
import { follow, type Followed } from './follower.js';
import { randomOf, type Random } from './random.js';

const POLL_MS = 400;
const PACE_MS = 60;
const REPOSITORIES = 3;
const ENDED: readonly (typeof RUN_STATUSES)[number][] = ['succeeded', 'failed', 'cancelled'];

/** What a person will do with a run. */
interface Plan {
  cancelAfterMs?: number;
  /** `nothing`: the approval expires. `both`: two people at once, one approves and one rejects. */
  decision: 'approve' | 'reject' | 'nothing' | 'both';
  retry: boolean;
  follow: boolean;
  keyed: boolean;
}

/** A run as the callers of the API know it. */
export interface RunRecord {
  number: number;
  runId: string;
  pipeline: string;
  plan: Plan;
  /** What the answer said: `started` is carried out and must not be lost; `stored` waits on the bus. */
  accepted: 'started' | 'stored';
  startedAt: number;
  /** Set when a cancel was answered with 202 `started`. */
  cancelled: boolean;
  /** Answers to decisions: 202 is one that counts, or the same once more. */
  decisions: Array<{ decision: 'approve' | 'reject'; status: number; answer: string; at: number }>;
  retries: number;
  /** By the last look into the database. */
  status: string;
}

export interface LoadOptions { seed: number; inFlight: number; mostRuns: number; database: Pool; gateway: () => string }

/**
 * Keeps a number of runs going over REST, through several pipelines, with people who cancel, decide, retry and watch. What is done with run number n is decided by the seed and n alone.
 * Only `stop` ends it: then nothing new is started, and those that are at work are still looked after until `close`.
 */
export class Load {
  readonly records: RunRecord[] = [];
  readonly followed: Array<Promise<Followed>> = [];
  /** Requests that nobody answered for good before the end: nothing is known about them. */
  unanswered = 0;
  private readonly api: Api;
  private readonly stopped = new AbortController();
  private readonly closed = new AbortController();
  private readonly work = new Set<Promise<unknown>>();
  private readonly asked = new Set<string>();
  private starting = 0;
  private count = 0;

  constructor(private readonly options: LoadOptions) { this.api = new Api(options.gateway); }

  get open(): RunRecord[] { return this.records.filter((record) => !ENDED.includes(record.status as never) && !this.waitsForGood(record)); }

  begin(): void {
    this.keep(this.feed());
    this.keep(this.look());
  }

  /** Starts no more runs. */
  async stop(): Promise<void> {
    this.stopped.abort();
    while (this.starting > 0) await sleep(50);
  }

  /** Looks after nothing any more. */
  end(): void {
    this.stopped.abort();
    this.closed.abort();
  }

  /** Ends, and waits for the requests on their way. */
  async close(): Promise<void> {
    this.end();
    await Promise.all(this.work);
  }

  private keep(work: Promise<unknown>): void {
    this.work.add(work);
    void work.finally(() => this.work.delete(work));
  }

  private async feed(): Promise<void> {
    while (!this.stopped.signal.aborted && this.count < this.options.mostRuns) {
      if (this.open.length + this.starting < this.options.inFlight) this.keep(this.start(++this.count));
      await sleep(PACE_MS);
    }
  }

  private async start(number: number): Promise<void> {
    const random = randomOf(this.options.seed, `run ${number}`);
    const { pipeline, params, repository, plan } = planned(number, random);
    this.starting += 1;
    try {
      const body = { repository, pipeline, params };
      const until = this.closed.signal;
      const answer = plan.keyed ? await this.api.postUntilAnswered('runs', body, `${this.options.seed}-${number}-${randomUUID()}`, until) : await this.api.post('runs', body);
      if (answer?.status !== 202 || answer.body.runId === undefined) { this.unanswered += 1; return; }
      const record: RunRecord = {
        number, runId: answer.body.runId, pipeline, plan, accepted: answer.body.status === 'started' ? 'started' : 'stored', startedAt: Date.now(), cancelled: false, decisions: [], retries: 0, status: 'running',
      };
      this.records.push(record);
      if (plan.follow) this.followed.push(follow(this.options.gateway, record.runId, random, this.closed.signal));
      if (plan.cancelAfterMs !== undefined) this.keep(this.cancel(record, plan.cancelAfterMs));
    } finally {
      this.starting -= 1;
    }
  }

  private async cancel(record: RunRecord, afterMs: number): Promise<void> {
    await sleep(afterMs);
    const answer = await this.api.post(`runs/${record.runId}/cancel`, {});
    record.cancelled = answer.status === 202 && answer.body.status === 'started';
  }

  /** Looks which runs have ended and which wait for somebody, as often as the database lets it. */
  private async look(): Promise<void> {
    while (!this.closed.signal.aborted) {
      await sleep(POLL_MS);
      const open = new Map(this.records.filter(({ status, plan, retries }) => !ENDED.includes(status as never) || (status === 'failed' && plan.retry && retries === 0)).map((record) => [record.runId, record]));
      const rows = await this.statuses([...open.keys()]).catch(() => undefined);
      for (const { id, status, waiting } of rows ?? []) {
        const record = open.get(id) as RunRecord;
        record.status = status;
        if (status === 'waiting' && waiting !== null && !this.asked.has(id)) this.keep(this.decide(record, waiting));
        if (status === 'failed' && record.plan.retry && record.retries === 0 && !this.stopped.signal.aborted) this.keep(this.retry(record));
      }
    }
  }

  private async statuses(ids: readonly string[]): Promise<Array<{ id: string; status: string; waiting: string | null }>> {
    const { rows } = await this.options.database.query<{ id: string; status: string; waiting: string | null }>(
      `SELECT id, status, (
         SELECT step ->> 'stepId' FROM (
           SELECT DISTINCT ON (step ->> 'stepId') step FROM log CROSS JOIN LATERAL json_array_elements(steps::json) AS step WHERE run_id = runs.id ORDER BY step ->> 'stepId', seq DESC
         ) AS latest WHERE step ->> 'status' = 'waiting' LIMIT 1) AS waiting
       FROM runs WHERE id = ANY($1)`, [ids]);
    return rows;
  }

  private async decide(record: RunRecord, stepId: string): Promise<void> {
    const { decision } = record.plan;
    if (decision === 'nothing') return;
    this.asked.add(record.runId);
    const send = async (one: 'approve' | 'reject') => {
      const { status, body } = await this.api.post(`runs/${record.runId}/approvals/${stepId}`, { decision: one, role: 'lead' });
      record.decisions.push({ decision: one, status, answer: body.status ?? body.code ?? '', at: Date.now() });
      // Nobody knows whether it was carried out; a person looks again and decides again.
      if (status === 0 || status >= 500) this.asked.delete(record.runId);
    };
    await Promise.all(decision === 'both' ? [send('approve'), send('reject')] : [send(decision)]);
  }

  private async retry(record: RunRecord): Promise<void> {
    record.retries += 1;
    const answer = await this.api.post(`runs/${record.runId}/retry`, {});
    if (answer.status === 202) record.status = 'running';
    this.asked.delete(record.runId);
  }

  /** Nobody will decide, and the approval does not expire for days. */
  private waitsForGood({ status, plan, pipeline }: RunRecord): boolean { return status === 'waiting' && pipeline === 'chaos-patience' && plan.decision === 'nothing'; }
}

function planned(number: number, random: Random): { pipeline: string; params: Params; repository: string; plan: Plan } {
  const pipeline = random.pick(['chaos-chain', 'chaos-chain', 'chaos-fan', 'chaos-undo', 'chaos-undo', 'chaos-lock', 'chaos-approval', random.pick(['chaos-approval', 'chaos-patience'])]);
  const params: Record<string, Params> = {
    'chaos-chain': { apart: random.next() < 0.15 }, 'chaos-fan': { width: random.between(1, 8) }, 'chaos-undo': { fails: random.pick(['never', 'once', 'always']) },
  };
  return {
    pipeline, params: params[pipeline] ?? {}, repository: pipeline === 'chaos-lock' ? `/chaos/shared-${random.between(1, REPOSITORIES)}` : `/chaos/own-${number}`,
    plan: {
      ...(random.next() < 0.1 && { cancelAfterMs: random.between(0, 1_500) }), decision: random.pick(['approve', 'approve', 'reject', 'nothing', 'both']),
      retry: random.next() < 0.5, follow: random.next() < 0.15, keyed: random.next() < 0.75,
    },
  };
}
