import { Injectable, Logger } from '@nestjs/common';
import { Pool } from 'pg';
import { inspect } from 'node:util';
import { itemsIn, type Bus, type Delivered } from '#bus';
import { durableOf, Failure, subjects, Task, type CommandReply, type Fact, type Params, type Result } from '#contracts';
import { followingRunId } from '../derived-run-id.js';
import type { Signal } from '../engine/decide.js';
import { Pipelines } from '../pipelines.js';
import { Saga } from '../saga.js';
import { addReported, runsOf, startedToday } from '../store/reports.store.js';
import { SagaStore } from '../store/saga-store.js';
import { REPORT_PIPELINE, TEST_PIPELINE } from './events.js';
import { knownRuns, reportOf, waitingStep, type KnownRun } from './state.js';

export const COMMAND_AGENT = 'coordinator/command';
const SLOTS = 8;
/** Of a repository's runs, so many of the newest are looked through for the one that somebody speaks of. */
const LOOKED_THROUGH = 50;
/** What an event at a forge starts lets people go first who wait before a screen. */
const PRIORITY = 2;

/** What has come of it: `run` is the run that was started, stopped, approved or told of. */
interface Done { outcome: string; run?: string }

/**
 * The agent `coordinator/command`: carries out what the step `plan` of the same run has decided. It works on facts alone, and each of its effects has an identity that follows from its own run,
 * so that the same task again has no other effect: the run that it starts and the report that it asks for are named after it, and a run that is stopped or approved already stays so.
 * A refusal, because of a limit for example, is an outcome that is told; only what may be otherwise in a moment fails the step.
 */
@Injectable()
export class ForgeCommands {
  private readonly logger = new Logger('forge-commands');

  constructor(private readonly pool: Pool, private readonly store: SagaStore, private readonly pipelines: Pipelines, private readonly saga: Saga) {}

  async serve(bus: Bus): Promise<{ stop(): Promise<void> }> {
    const reader = await bus.work(durableOf(COMMAND_AGENT), { slots: SLOTS }, async (message) => this.take(bus, message));
    return { stop: async () => reader.stop(0) };
  }

  private async take(bus: Bus, message: Delivered): Promise<void> {
    const tasks = itemsIn(message.data, 'tasks').flatMap((item) => { const { success, data: task } = Task.safeParse(item); return success && task.agent === COMMAND_AGENT ? task : []; });
    if (tasks.length === 0) { message.term(); return; }
    await Promise.all(tasks.map(async (task) => this.perform(bus, task)));
    message.ackLater();
  }

  private async perform(bus: Bus, task: Task): Promise<void> {
    const { runId, stepId, attempt, agent } = task;
    const started = performance.now();
    const base = { runId, stepId, attempt, agent };
    const result = await this.carryOut(task).then(
      ({ outcome, run = '' }): Result => ({ ...base, durationMs: Math.round(performance.now() - started), status: 'succeeded', outputs: {}, facts: { outcome, run } }),
      (error: unknown): Result => {
        this.logger.error(`${runId} ${stepId}: ${inspect(error)}`);
        return { ...base, durationMs: Math.round(performance.now() - started), status: 'failed', failure: { code: error instanceof Failure ? error.code : 'internal' } };
      });
    await bus.publish(subjects.result('coordinator'), result, { id: `${runId}.${stepId}.${attempt}.result` });
  }

  private async carryOut(task: Task): Promise<Done> {
    if (task.params['event'] === 'installation' && task.params['action'] === 'removed') return this.stop(task, undefined);
    const plan = (await this.store.load([task.runId])).get(task.runId)?.run.steps.get('plan')?.facts;
    if (plan === undefined) throw new Failure('internal', 'the step plan has no facts');
    const done = await this.decided(task, plan);
    if (plan['decision'] !== 'nothing' && (Number(task.params['pullRequest']) > 0 || plan['decision'] === 'file')) await this.answer(task, plan, done);
    return done;
  }

  private async decided(task: Task, plan: Readonly<Record<string, Fact>>): Promise<Done> {
    switch (plan['decision']) {
      case 'start': return this.start(task, plan);
      case 'stop': return this.stop(task, branchOf(task, plan), plan['isDefault'] === true);
      case 'approve': return this.approve(task, plan);
      case 'explain': return { outcome: String(plan['why']), run: (await this.newest(task, plan))?.runId };
      case 'file':
      case 'nothing': return { outcome: String(plan['why']) };
      default: throw new Failure('internal', `the decision ${String(plan['decision'])} is unknown`);
    }
  }

  private async start(task: Task, plan: Readonly<Record<string, Fact>>): Promise<Done> {
    const runId = followingRunId(task.runId, 'start');
    const cause = String(task.params['event']);
    const limit = Number(plan['runsPerDay']);
    // Whoever asks by hand is not counted. Two pushes in the same moment may both be the last.
    if (cause === 'push' && limit >= 0 && await startedToday(this.pool, task.repository, cause) >= limit && !(await this.store.load([runId])).has(runId)) return { outcome: 'runs-per-day' };
    const params: Params = { depth: plan['depth'] as string, approval: plan['approval'] === true, again: plan['again'] === true };
    const reply = await this.apply({ runId, start: { runId, pipeline: TEST_PIPELINE, repository: task.repository, ref: branchOf(task, plan), params, requestedBy: by(task), priority: PRIORITY } });
    if (!reply.ok) return { outcome: reply.failure.code };
    await addReported(this.pool, { runId, repository: task.repository, cause, commit: String(plan['commit']), pullRequest: cause === 'push' ? null : Number(task.params['pullRequest']) || null });
    return { outcome: 'started', run: runId };
  }

  /** Of a branch, or of the whole repository when none is named. */
  private async stop(task: Task, branch: string | undefined, isDefault = false): Promise<Done> {
    const open = (await runsOf(this.pool, task.repository, TEST_PIPELINE, { open: true, limit: LOOKED_THROUGH })).filter(({ ref }) => branch === undefined || (ref ?? (isDefault ? branch : undefined)) === branch);
    let stopped: string | undefined;
    for (const { runId } of open) if ((await this.signal(runId, { type: 'cancel', by: by(task) })).ok) stopped ??= runId;
    return stopped === undefined ? { outcome: 'nothing-runs' } : { outcome: 'stopped', run: stopped };
  }

  private async approve(task: Task, plan: Readonly<Record<string, Fact>>): Promise<Done> {
    const newest = await this.newest(task, plan, true);
    const known = newest && (await knownRuns(this.store, this.pipelines, [newest.runId])).get(newest.runId);
    const step = known && waitingStep(known);
    const [role] = step && known.gates.get(step.stepId) || [];
    if (!known || !step || role === undefined) return { outcome: 'nothing-waits', run: newest?.runId };
    const reply = await this.signal(known.run.runId, { type: 'approval', by: by(task), stepId: step.stepId, decision: 'approve', role });
    return { outcome: reply.ok ? 'approved' : reply.failure.code, run: known.run.runId };
  }

  private async newest(task: Task, plan: Readonly<Record<string, Fact>>, open = false): Promise<{ runId: string } | undefined> {
    const branch = branchOf(task, plan);
    return (await runsOf(this.pool, task.repository, TEST_PIPELINE, { open, limit: LOOKED_THROUGH })).find(({ ref }) => (ref ?? (plan['isDefault'] === true ? branch : undefined)) === branch);
  }

  /** Tells whoever asked what has come of it. */
  private async answer(task: Task, plan: Readonly<Record<string, Fact>>, { outcome, run }: Done): Promise<void> {
    const known: KnownRun | undefined = run === undefined ? undefined : (await knownRuns(this.store, this.pipelines, [run])).get(run);
    const runId = followingRunId(task.runId, 'answer');
    const params: Params = {
      ...known && reportOf(known), about: plan['decision'] === 'file' ? 'file' : 'answer', commit: plan['commit'] as string, pullRequest: Number(task.params['pullRequest']), by: String(task.params['sender']),
      word: String(task.params['word']), outcome,
    };
    await this.apply({ runId, start: { runId, pipeline: REPORT_PIPELINE, repository: task.repository, params, requestedBy: by(task) } });
  }

  private async signal(runId: string, signal: Signal): Promise<CommandReply> { return this.apply({ runId, signal }); }

  private async apply(intent: Parameters<Saga['apply']>[0][number]): Promise<CommandReply> {
    const [answer] = await this.saga.apply([intent]);
    if (answer?.status !== 'fulfilled') throw new Failure('database-unavailable', undefined, { cause: answer?.reason });
    return answer.value;
  }
}

const by = ({ params }: Task): string => `${String(params['forge'])}:${String(params['sender'])}`;

/** Names that are no short words are not facts; then it is one that the event names itself. */
function branchOf({ params }: Task, { branch }: Readonly<Record<string, Fact>>): string {
  return String(branch || params['base'] || params['ref']);
}
