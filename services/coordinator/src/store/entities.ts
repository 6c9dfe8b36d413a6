import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { ArtifactMap, Fact, FailureFact, Params, Pipeline, RunEvent, RunStatus, StepStatus } from '#contracts';

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
@Index('runs_with_unpublished_events', ['updatedAt'], { where: 'published_seq < seq' })
export class RunEntity {
  @PrimaryColumn({ type: 'text' }) id: string;
  @Column({ type: 'text', name: 'pipeline_hash' }) pipelineHash: string;
  @ManyToOne(() => PipelineEntity, { nullable: false })
  @JoinColumn({ name: 'pipeline_hash', foreignKeyConstraintName: 'runs_pipeline' })
  pipeline: PipelineEntity;
  @Column({ type: 'text' }) repository: string;
  @Column({ type: 'text', nullable: true }) ref: string | null;
  @Column({ type: 'jsonb' }) params: Params;
  @Column({ type: 'text' }) status: RunStatus;
  @Column({ type: 'text', nullable: true }) ending: 'failed' | 'cancelled' | null;
  @Column({ type: 'jsonb', nullable: true }) failure: FailureFact | null;
  @Column({ type: 'text', name: 'last_retry', nullable: true }) lastRetry: string | null;
  @Column({ type: 'text', name: 'requested_by' }) requestedBy: string;
  @Index('runs_idempotency_key', { unique: true })
  @Column({ type: 'text', name: 'idempotency_key', nullable: true }) idempotencyKey: string | null;
  @Column({ type: 'text', name: 'request_hash', nullable: true }) requestHash: string | null;
  /** Of the last event; `published_seq`: up to here they are on the bus. */
  @Column({ type: 'integer' }) seq: number;
  @Column({ type: 'integer', name: 'published_seq' }) publishedSeq: number;
  @Column({ ...when, name: 'created_at' }) createdAt: Date;
  @Column({ ...when, name: 'updated_at' }) updatedAt: Date;
  @Column({ ...when, name: 'finished_at', nullable: true }) finishedAt: Date | null;
}

@Entity('steps')
@Index('steps_with_timers', ['wakeAt'], { where: 'wake_at IS NOT NULL' })
@Index('steps_unpublished', ['changedAt'], { where: `status = 'dispatched' AND published_attempt < attempt` })
export class StepEntity {
  @PrimaryColumn({ type: 'text', name: 'run_id' }) runId: string;
  @PrimaryColumn({ type: 'text' }) id: string;
  @ManyToOne(() => RunEntity, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'run_id', foreignKeyConstraintName: 'steps_run' })
  run: RunEntity;
  @Column({ type: 'integer' }) position: number;
  @Column({ type: 'text', nullable: true }) agent: string | null;
  @Column({ type: 'text' }) status: StepStatus;
  @Column({ type: 'integer' }) attempt: number;
  @Column({ type: 'integer' }) tries: number;
  /** The last attempt whose task is on the bus: this table is the outbox of tasks. */
  @Column({ type: 'integer', name: 'published_attempt', default: 0 }) publishedAttempt: number;
  @Column({ type: 'jsonb' }) inputs: ArtifactMap;
  @Column({ type: 'jsonb' }) outputs: ArtifactMap;
  @Column({ type: 'jsonb' }) facts: Record<string, Fact>;
  @Column({ type: 'jsonb', nullable: true }) failure: FailureFact | null;
  @Column({ type: 'integer', nullable: true }) elements: number | null;
  @Column({ type: 'boolean' }) locked: boolean;
  @Column({ ...when, name: 'wake_at', nullable: true }) wakeAt: Date | null;
  @Column({ ...when, name: 'started_at', nullable: true }) startedAt: Date | null;
  @Column({ ...when, name: 'finished_at', nullable: true }) finishedAt: Date | null;
  @Column({ ...when, name: 'changed_at' }) changedAt: Date;
}

/** Append-only. */
@Entity('events')
export class EventEntity {
  @PrimaryColumn({ type: 'text', name: 'run_id' }) runId: string;
  @PrimaryColumn({ type: 'integer' }) seq: number;
  @ManyToOne(() => RunEntity, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'run_id', foreignKeyConstraintName: 'events_run' })
  run: RunEntity;
  @Column({ type: 'jsonb' }) event: RunEvent;
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

/** One row that the readiness probe writes. */
@Entity('health')
export class HealthEntity {
  @PrimaryColumn({ type: 'integer' }) id: number;
  @Column({ ...when, name: 'checked_at' }) checkedAt: Date;
}

export const ENTITIES = [PipelineEntity, RunEntity, StepEntity, EventEntity, LockEntity, HealthEntity];
