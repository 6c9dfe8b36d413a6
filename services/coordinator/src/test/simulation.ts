import { agentContract, FAILURES, type ArtifactMap, type FailureCode, type Result, type RunEvent, type Task } from '#contracts';
import { decide, type Signal } from '../engine/decide.js';
import type { Decision } from '../engine/draft.js';
import { parsePipeline, resolveParams, type CompiledPipeline } from '../engine/pipeline.js';
import { hasEnded, type RunState } from '../engine/run-state.js';

/** Plays a run through `decide` alone: a clock that is set by hand, agents that answer from a script, locks that are free. */

export const RUN_ID = 'run_00000000000000000000000000';

export function pipelineOf(steps: string, params = ''): CompiledPipeline {
  return parsePipeline(`name: sample\nversion: 1\n${params ? `params:\n  ${params}\n` : ''}steps:\n${steps.split('\n').map((line) => `  ${line.trim()}`).filter((line) => line.trim()).join('\n')}\n`, 'sample.yaml');
}

/** A content address that differs for different names. */
export function artifact(name: string): string {
  return `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}`;
}

export function outputsOf(task: Pick<Task, 'agent' | 'stepId'>, items: number): ArtifactMap {
  const slots = Object.entries(agentContract(task.agent)?.outputs ?? {});
  return Object.fromEntries(slots.map(([name, slot]) => [name, slot.many ? Array.from({ length: items }, (_, index) => artifact(`${task.stepId}.${name}.${index}`)) : artifact(`${task.stepId}.${name}`)]));
}

export function succeeded(task: Pick<Task, 'agent' | 'stepId' | 'attempt'>, { items = 2, facts = {} }: { items?: number; facts?: Record<string, number> } = {}): Result {
  return { runId: RUN_ID, stepId: task.stepId, attempt: task.attempt, agent: task.agent, durationMs: 1, status: 'succeeded', outputs: outputsOf(task, items), facts };
}

export function failed(task: Pick<Task, 'agent' | 'stepId' | 'attempt'>, code: FailureCode): Result {
  return { runId: RUN_ID, stepId: task.stepId, attempt: task.attempt, agent: task.agent, durationMs: 1, status: 'failed', failure: { code } };
}

/** What an agent does with the n-th try of a step (from 0). */
export type Script = (stepId: string, tries: number) => 'ok' | FailureCode;

export class Simulation {
  run: RunState;
  at = 1_000_000;
  readonly events: RunEvent[] = [];
  readonly tasks: Task[] = [];
  /** Signals on their way, oldest first. */
  readonly inbox: Signal[] = [];
  private readonly tries = new Map<string, number>();

  constructor(readonly pipeline: CompiledPipeline, readonly script: Script = () => 'ok', params: Record<string, string | number | boolean> = {}, private readonly items = 3) {
    this.run = { runId: RUN_ID, repository: '/repo', params: resolveParams(pipeline.definition, params), status: 'running', seq: 0, updatedAt: this.at, steps: new Map() };
  }

  /** Decides, grants locks at once unless told not to, and lets the agents answer into the inbox. */
  signal(signal: Signal, { grant = true } = {}): Decision {
    const decision = decide(this.pipeline, this.run, signal, this.at);
    this.run = decision.run;
    this.events.push(...decision.events);
    this.tasks.push(...decision.commands);
    for (const task of decision.commands) this.inbox.push({ type: 'result', result: this.answer(task) });
    for (const event of decision.events) {
      if (event.type === 'approval-requested') this.inbox.push({ type: 'approval', by: 'ann', stepId: event.stepId ?? '', decision: 'approve', role: event.roles?.[0] ?? '' });
    }
    if (grant) for (const stepId of decision.locks.claim) this.signal({ type: 'lock', stepId, granted: true });
    return decision;
  }

  /** Sets the clock to the next timer with this status and fires it. */
  fire(status: 'dispatched' | 'backing-off' | 'waiting'): boolean {
    const next = [...this.run.steps.values()].filter((step) => step.status === status && step.wakeAt !== undefined).sort((a, b) => (a.wakeAt ?? 0) - (b.wakeAt ?? 0))[0];
    if (!next) return false;
    this.at = Math.max(this.at, next.wakeAt ?? 0);
    this.signal({ type: 'timer', stepId: next.stepId });
    return true;
  }

  /** Delivers everything in order until the run has ended. Throws when it is stuck. */
  finish(): this {
    while (!hasEnded(this.run)) {
      const next = this.inbox.shift();
      if (next) this.signal(next);
      else if (!this.fire('backing-off')) throw new Error(`stuck: ${this.run.status} ${JSON.stringify(this.statuses())}`);
    }
    return this;
  }

  statuses(): Record<string, string> {
    return Object.fromEntries([...this.run.steps.values()].map((step) => [step.stepId, step.status]));
  }

  /** What must not depend on the order of messages. */
  outcome(): unknown {
    const steps = [...this.run.steps.values()].map(({ stepId, status, inputs, outputs, facts }) => [stepId, { status, inputs, outputs, facts }] as const);
    return { status: this.run.status, failure: this.run.failure?.code, steps: Object.fromEntries(steps) };
  }

  private answer(task: Task): Result {
    const tries = this.tries.get(task.stepId) ?? 0;
    this.tries.set(task.stepId, tries + 1);
    const what = this.script(task.stepId, tries);
    return what === 'ok' ? succeeded(task, { items: this.items, facts: { features: 2, cases: 3 } }) : failed(task, what);
  }
}

export const RETRYABLE = (Object.keys(FAILURES) as FailureCode[]).filter((code) => FAILURES[code].retryable);
