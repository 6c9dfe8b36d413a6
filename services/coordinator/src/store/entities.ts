import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { ConcurrencyLimit, FailureFact, LimitKind, Params, Pipeline, RunStatus, WindowLimit } from '#contracts';

/** The tables, for reading (queries.ts) and for the test that the migrations make exactly these. Writing is set-based SQL in runs.store.ts. */

const when = { type: 'timestamptz', precision: 3 } as const;

/** A definition as some run has pinned it. The content is the key, so it never changes. */
@Entity('pipelines')
export class PipelineEntity {
  @PrimaryColumn({ type: 'text' }) hash: string;
  @Column({ type: 'text' }) name: string;
  @Column({ type: 'integer' }) version: number;
  /** `json`, not `jsonb`: the order of the steps is part of what people wrote. */
  @Column({ type: 'json' }) definition: Pipeline;
}

@Entity('runs')
@Index('runs_by_repository', ['repository', 'id'])
@Index('runs_by_status', ['status', 'id'])
export class RunEntity {
  @PrimaryColumn({ type: 'text' }) id: string;
  @Column({ type: 'text', name: 'pipeline_hash' }) pipelineHash: string;
  @ManyToOne(() => PipelineEntity, { nullable: false })
  @JoinColumn({ name: 'pipeline_hash', foreignKeyConstraintName: 'runs_pipeline' })
  pipeline: PipelineEntity;
  @Column({ type: 'text' }) repository: string;
  @Column({ type: 'text', nullable: true }) ref: string | null;
  @Column({ type: 'json' }) params: Params;
  /** Whether its steps may reuse what earlier ones made; null says yes. */
  @Column({ type: 'boolean', nullable: true }) cache: boolean | null;
  /** Null: the default one's. */
  @Column({ type: 'text', nullable: true }) tenant: string | null;
  /** Null: the usual one. */
  @Column({ type: 'integer', nullable: true }) priority: number | null;
  @Column({ type: 'text' }) status: RunStatus;
  @Column({ type: 'text', nullable: true }) ending: 'failed' | 'cancelled' | null;
  @Column({ type: 'json', nullable: true }) failure: FailureFact | null;
  @Column({ type: 'text', name: 'last_retry', nullable: true }) lastRetry: string | null;
  @Column({ type: 'text', name: 'requested_by' }) requestedBy: string;
  @Index('runs_idempotency_key', { unique: true, where: 'idempotency_key IS NOT NULL' })
  @Column({ type: 'text', name: 'idempotency_key', nullable: true }) idempotencyKey: string | null;
  @Column({ type: 'text', name: 'request_hash', nullable: true }) requestHash: string | null;
  @Column({ ...when, name: 'created_at' }) createdAt: Date;
  @Column({ ...when, name: 'finished_at', nullable: true }) finishedAt: Date | null;
  /** Of a run that has not ended: when to look at the timers of its steps at the latest. */
  @Index('runs_to_check', { where: 'check_at IS NOT NULL' })
  @Column({ ...when, name: 'check_at', nullable: true }) checkAt: Date | null;
}

/**
 * Append-only, and what a run is: a row has what one commit has done to it, the events in order and the steps as they were left. `seq` is the first event's number, `last` the last one's, so that of two
 * who go on from the same event one can write; that is what fences. What one row has no room for goes on in the next. No foreign key: a check per row would cost more than the row, and a run is removed with all it has.
 */
@Entity('log')
export class LogEntity {
  @PrimaryColumn({ type: 'text', name: 'run_id' }) runId: string;
  @PrimaryColumn({ type: 'integer' }) seq: number;
  @Column({ type: 'integer' }) last: number;
  @Column({ ...when }) at: Date;
  /** A list as JSON, as `RunEvents` has it; null once they are older than the policy. Text, because nobody looks into it here. */
  @Column({ type: 'text', nullable: true }) events: string | null;
  /** A list of `StepState` as JSON, without what is empty. */
  @Column({ type: 'text' }) steps: string;
}

/** What a commit has dispatched and told, by name, until the bus has all of it. What the messages say is in `log`. */
@Entity('outbox')
export class OutboxEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' }) id: string;
  @Column({ ...when, default: () => 'clock_timestamp()' }) at: Date;
  /** The bus has had these tasks before: they need other message ids to be stored again. */
  @Column({ type: 'boolean', default: false }) again: boolean;
  /** The coordinator that publishes it; others only when that one is not heard of. */
  @Column({ type: 'text', nullable: true }) owner: string | null;
  /** JSON: run and `seq` of each row of the log in turn; after a loss of the bus, runs. */
  @Column({ type: 'text' }) rows: string;
}

/**
 * The queue in front of every lock. Whoever has the lowest ticket of a name holds it; there is no other mark that could go stale.
 * Tickets of one name are drawn under an advisory lock, so they are committed in their order.
 */
@Entity('locks')
@Index('locks_queue', ['name', 'ticket'], { unique: true })
@Index('locks_step', ['runId', 'stepId'], { unique: true })
export class LockEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' }) ticket: string;
  @Column({ type: 'text' }) name: string;
  @Column({ type: 'text', name: 'run_id' }) runId: string;
  @Column({ type: 'text', name: 'step_id' }) stepId: string;
}

/** What the bus looked like when a coordinator last looked: how its loss is noticed. */
@Entity('streams')
export class StreamEntity {
  @PrimaryColumn({ type: 'text' }) name: string;
  /** As the server writes it. */
  @Column({ type: 'text' }) created: string;
  @Column({ type: 'bigint', name: 'last_seq' }) lastSeq: string;
}

/** Read by every coordinator each second, and changed by a request (queries.ts). */
@Entity('limits')
export class LimitEntity {
  @PrimaryColumn({ type: 'text' }) kind: LimitKind;
  @PrimaryColumn({ type: 'text' }) key: string;
  @Column({ type: 'integer' }) max: number;
  @Column({ type: 'integer', name: 'window_seconds', nullable: true }) windowSeconds: number | null;
}

/** Starts that a window counts, or has counted a while ago. Written under an advisory lock for each window. */
@Entity('windows')
@Index('windows_by_time', ['kind', 'key', 'at'])
export class WindowEntity {
  @PrimaryColumn({ type: 'text' }) kind: WindowLimit;
  @PrimaryColumn({ type: 'text' }) key: string;
  /** The id of the run, or what stands for its idempotency key. */
  @PrimaryColumn({ type: 'text' }) start: string;
  @Column({ ...when }) at: Date;
}

/** What starts by the clock. */
@Entity('schedules')
@Index('schedules_by_next', ['nextAt'])
export class ScheduleEntity {
  @PrimaryColumn({ type: 'text' }) id: string;
  @Column({ type: 'text' }) cron: string;
  @Column({ type: 'text', name: 'time_zone' }) timeZone: string;
  @Column({ type: 'text' }) pipeline: string;
  @Column({ type: 'text' }) repository: string;
  @Column({ type: 'text', nullable: true }) ref: string | null;
  @Column({ type: 'json' }) params: Params;
  @Column({ type: 'boolean', nullable: true }) cache: boolean | null;
  @Column({ type: 'text', nullable: true }) tenant: string | null;
  @Column({ type: 'integer', nullable: true }) priority: number | null;
  @Column({ type: 'text', name: 'requested_by' }) requestedBy: string;
  @Column({ ...when, name: 'created_at' }) createdAt: Date;
  /** The occurrence that comes next; whoever starts its run moves it on. */
  @Column({ ...when, name: 'next_at' }) nextAt: Date;
  @Column({ ...when, name: 'last_at', nullable: true }) lastAt: Date | null;
  @Column({ type: 'text', name: 'last_run_id', nullable: true }) lastRunId: string | null;
  @Column({ type: 'json', name: 'last_failure', nullable: true }) lastFailure: FailureFact | null;
}

/** Coordinators that live say so each second. */
@Entity('coordinators')
export class CoordinatorEntity {
  @PrimaryColumn({ type: 'text' }) id: string;
  @Column({ ...when, name: 'seen_at' }) seenAt: Date;
}

/** Tasks that a limit on how many at a time has let through. A row counts while its step is dispatched with that attempt. */
@Entity('places')
export class PlaceEntity {
  @PrimaryColumn({ type: 'text' }) kind: ConcurrencyLimit;
  @PrimaryColumn({ type: 'text' }) key: string;
  @PrimaryColumn({ type: 'text', name: 'run_id' }) runId: string;
  @PrimaryColumn({ type: 'text', name: 'step_id' }) stepId: string;
  @PrimaryColumn({ type: 'integer' }) attempt: number;
}

/** Runs that people at a forge are told of: what they were told last, and when to look again; null once they know the end. */
@Entity('reports')
@Index('reports_by_repository', ['repository', 'createdAt'])
export class ReportEntity {
  @PrimaryColumn({ type: 'text', name: 'run_id' }) runId: string;
  @Column({ type: 'text' }) repository: string;
  @Column({ type: 'text' }) cause: string;
  @Column({ type: 'text' }) commit: string;
  @Column({ type: 'integer', name: 'pull_request', nullable: true }) pullRequest: number | null;
  @Column({ type: 'text', nullable: true }) told: string | null;
  @Column({ type: 'text', name: 'told_by', nullable: true }) toldBy: string | null;
  @Column({ type: 'integer' }) looks: number;
  @Index('reports_to_look', { where: 'look_at IS NOT NULL' })
  @Column({ ...when, name: 'look_at', nullable: true }) lookAt: Date | null;
  @Column({ ...when, name: 'created_at' }) createdAt: Date;
}

/** One row that the readiness probe writes. */
@Entity('health')
export class HealthEntity {
  @PrimaryColumn({ type: 'integer' }) id: number;
  @Column({ ...when, name: 'checked_at' }) checkedAt: Date;
}

export const ENTITIES = [PipelineEntity, RunEntity, LogEntity, OutboxEntity, LockEntity, StreamEntity, LimitEntity, WindowEntity, CoordinatorEntity, PlaceEntity, HealthEntity, ScheduleEntity, ReportEntity];
