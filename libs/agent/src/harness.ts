import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactStore } from '#artifacts';
import type { Bus, Delivered } from '#bus';
import { childEnvironment } from '#config';
import { agentContract, agentNames, Failure, Progress, Result, subjects, Task, type AgentContract } from '#contracts';
import type { AgentProcess } from './agent-process.js';
import { ProcessPool } from './process-pool.js';
import { checkFacts, fetchInputs, openOutput, storeOutputs } from './slots.js';

const PROGRESS_INTERVAL_MS = 200;
const PUBLISH_RETRY_MS = 1_000;
const PUBLISH_TRIES = 30;
const LOG_LINE = 2_000;

export interface HarnessOptions { service: string; agentsModuleUrl: string; bus: Bus; store: ArtifactStore; slots: number }

/** `undefined` stands for handed back: no result, the message is for another instance. */
type Outcome = Result | undefined;
interface RunningStep { runId: string; stop: AbortController; outcome: Promise<Outcome> }

/**
 * What surrounds every agent of a service, written once. A task goes
 *   received → inputs fetched → running in a process of its own → outputs stored → result published → acknowledged
 * and every failure on the way becomes a failed result with its code, so that the coordinator decides about retries. Exceptions to that:
 *   no valid task          → the message is terminated; the advisory tells the coordinator
 *   stopping service       → the process is killed and the message handed back
 *   result not publishable → the message is handed back; the task runs again, and the attempt's fence lets one result count
 * The host holds the credentials of store and bus; the process gets the contents of the inputs and an environment of named variables.
 */
export class Harness {
  private readonly logger: Logger;
  /** One for each set of variables that agents may see. */
  private readonly pools = new Map<string, ProcessPool>();
  private readonly running = new Map<string, RunningStep>();
  private stopListening: () => void = () => undefined;

  constructor(private readonly options: HarnessOptions) {
    this.logger = new Logger(options.service);
  }

  /** Starts the processes. Throws `Failure('agent-unknown')` unless the module has exactly the agents that the contract lists for this service; nothing runs on then. */
  async start(): Promise<void> {
    const { service, agentsModuleUrl, bus, slots } = this.options;
    const expected = agentsOf(service);
    for (const agent of expected) {
      const { environment } = contractOf(agent);
      this.pools.set(String(environment), this.pools.get(String(environment)) ?? new ProcessPool({ agentsModuleUrl, environment: childEnvironment(environment) }, slots));
    }
    try {
      for (const found of await Promise.all([...this.pools.values()].map((pool) => pool.start()))) {
        const missing = expected.filter((agent) => !found.includes(agent));
        const extra = found.filter((agent) => !expected.includes(agent));
        if (missing.length > 0 || extra.length > 0) throw new Failure('agent-unknown', `${service}: missing ${missing.join(', ') || 'none'}; not in the contract ${extra.join(', ') || 'none'}`);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.stopListening = bus.subscribe(subjects.allCancels, (_data, subject) => { this.cancel(subject.slice(subject.lastIndexOf('.') + 1)); });
  }

  /** Ends the waiting processes; running ones end when their message is handed back. */
  async stop(): Promise<void> {
    this.stopListening();
    await Promise.all([...this.pools.values()].map((pool) => pool.close()));
  }

  /** Settles the message. Aborting `handBack` kills the step and gives the message to another instance. */
  async handle(agent: string, message: Delivered, handBack: AbortSignal): Promise<void> {
    const task = Task.safeParse(message.data);
    if (!task.success || task.data.agent !== agent) {
      this.logger.error(`${message.subject} ${message.id}: not a task of this step, terminated`);
      message.term();
      return;
    }
    const id = `${task.data.runId}.${task.data.stepId}.${task.data.attempt}`;
    // Delivered again while its first run still works here, for example after a lost connection: one run, and either delivery's ack settles the message.
    const outcome = await (this.running.get(id) ?? this.begin(id, agent, task.data, handBack)).outcome;
    if (outcome) await message.ack();
    else message.nak();
  }

  private begin(id: string, agent: string, task: Task, handBack: AbortSignal): RunningStep {
    const stop = new AbortController();
    const outcome = this.work(agent, task, stop, handBack)
      .then(async (result) => { if (result) await this.publish(id, result, handBack); return result; })
      .finally(() => this.running.delete(id));
    const step = { runId: task.runId, stop, outcome };
    this.running.set(id, step);
    return step;
  }

  private cancel(runId: string): void {
    for (const step of this.running.values()) if (step.runId === runId) step.stop.abort(new Failure('cancelled'));
  }

  private async work(agent: string, task: Task, stop: AbortController, handBack: AbortSignal): Promise<Outcome> {
    const { runId, stepId, attempt } = task;
    const contract = contractOf(agent);
    const started = performance.now();
    const base = () => ({ runId, stepId, attempt, agent, durationMs: Math.round(performance.now() - started) });
    try {
      const inputs = await fetchInputs(this.options.store, contract, task.inputs);
      const { outputs, facts } = openOutput(await this.runInProcess(agent, task, inputs, stop, AbortSignal.any([stop.signal, handBack])));
      const checked = checkFacts(contract, facts);
      const ids = await storeOutputs(this.options.store, contract, outputs);
      return Result.parse({ ...base(), status: 'succeeded', outputs: ids, facts: checked });
    } catch (error) {
      if (handBack.aborted) return undefined;
      const failure = error instanceof Failure ? error : new Failure('internal', undefined, { cause: error });
      this.logger.warn(`${runId} ${stepId} attempt ${attempt}: ${failure.code}${failure.detail ? ` (${failure.detail})` : ''}`);
      if (failure.code === 'internal') this.logger.error(String(error), error instanceof Error ? error.stack : undefined);
      return { ...base(), status: 'failed', failure: { code: failure.code, ...(failure.detail && { detail: failure.detail.slice(0, 500) }) } };
    }
  }

  private async runInProcess(agent: string, task: Task, inputs: Record<string, unknown>, stop: AbortController, signal: AbortSignal): Promise<unknown> {
    const agentProcess = (this.pools.get(String(contractOf(agent).environment)) as ProcessPool).take();
    const timer = setTimeout(() => { stop.abort(new Failure('agent-timeout', `${task.timeLimitMs} ms`)); }, task.timeLimitMs);
    try {
      return await agentProcess.run({ agent, task, inputs }, {
        progress: this.reporter(task),
        log: (line) => { this.logger.log(`${task.runId} ${task.stepId}: ${line.slice(0, LOG_LINE)}`); },
      }, signal);
    } finally {
      clearTimeout(timer);
      this.logOutput(task, agentProcess);
    }
  }

  /** Passes progress on, at most a few times a second, except that a new phase and an end are always told. */
  private reporter({ runId, stepId, attempt }: Task): (phase: string, done: number, total?: number) => void {
    let [lastPhase, lastDone, lastAt] = ['', -1, 0];
    return (phase, done, total) => {
      const progress = Progress.safeParse({ runId, stepId, attempt, phase, done, total });
      if (!progress.success) return;
      const isNews = phase !== lastPhase || (done === total && done !== lastDone);
      if (!isNews && performance.now() - lastAt < PROGRESS_INTERVAL_MS) return;
      [lastPhase, lastDone, lastAt] = [phase, done, performance.now()];
      this.options.bus.notify(subjects.progress(runId, stepId), progress.data);
    };
  }

  private logOutput({ runId, stepId }: Task, { output }: AgentProcess): void {
    if (output.trim()) this.logger.warn(`${runId} ${stepId} wrote: ${output.trim().slice(-LOG_LINE)}`);
  }

  /** The work is done and may have been expensive: a bus that is away for a while does not throw it away. */
  private async publish(id: string, result: Result, handBack: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.options.bus.publish(subjects.result(this.options.service), result, { id: `${id}.result` });
        return;
      } catch (error) {
        if (error instanceof Failure && error.code === 'message-too-large' && result.status === 'succeeded') {
          const { outputs: _outputs, facts: _facts, ...base } = result;
          await this.publish(id, { ...base, status: 'failed', failure: { code: error.code, detail: error.detail } }, handBack);
          return;
        }
        if (tries === PUBLISH_TRIES || handBack.aborted) throw error;
        await sleep(PUBLISH_RETRY_MS);
      }
    }
  }
}

/** The agents of a service, by the contract. */
export function agentsOf(service: string): string[] {
  const agents = agentNames(service);
  if (agents.length === 0) throw new Failure('agent-unknown', `no agent of a service ${service}`);
  return agents;
}

function contractOf(agent: string): AgentContract {
  return agentContract(agent) as AgentContract;
}
