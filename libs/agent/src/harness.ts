import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { ArtifactStore } from '#artifacts';
import { itemsIn, type Bus, type Delivered } from '#bus';
import { childEnvironment, crashPoint } from '#config';
import { agentContract, agentNames, Failure, Progress, subjects, Task, type AgentContract, type Result } from '#contracts';
import { grantAccess, type ForgeAccess, type ForgeSettings } from '#forge';
import type { AgentHandler, AgentHandlers } from './agent.js';
import type { AgentProcess, RunListeners } from './agent-process.js';
import { runInline } from './inline.js';
import { Lanes } from './lanes.js';
import { asGiven, Memory } from './memory.js';
import { ProcessPool } from './process-pool.js';
import { checkFacts, fetchInputs, openOutput, storeOutputs } from './slots.js';
import { StepStop } from './step-stop.js';

const PROGRESS_INTERVAL_MS = 200;
const PUBLISH_RETRY_MS = 1_000;
const PUBLISH_TRIES = 30;
const LOG_LINE = 2_000;
/** A longer timer would go off at once. */
const TIMER_LIMIT_MS = 2 ** 31 - 1;

export interface HarnessOptions { service: string; agentsModuleUrl: string; bus: Bus; store: ArtifactStore; slots: number; memoDays: number; forges: ForgeSettings }

/** `undefined` stands for handed back: no result, the message is for another instance. */
type Outcome = Result | undefined;
interface RunningStep { runId: string; isUndo: boolean; stop: StepStop; handBack: AbortSignal; outcome: Promise<Outcome> }
interface ServedAgent { contract: AgentContract; lanes: Lanes; run: (task: Task, inputs: Record<string, unknown>, access: ForgeAccess | undefined, stop: StepStop) => Promise<unknown> }

/**
 * What surrounds every agent of a service, written once. A task goes
 *   received → [made before of the same: reused →] inputs fetched → running, in a process of its own or inline → outputs stored → result published → acknowledged
 * and every failure on the way becomes a failed result with its code, so that the coordinator decides about retries. Exceptions to that:
 *   no valid task          → it is dropped, and its message terminated when there is no other in it; the advisory tells the coordinator
 *   stopping service       → the process is killed, an inline handler is told, and the message handed back
 *   result not publishable → the message is handed back; the task runs again, and the attempt's fence lets one result count
 * A message may hold many tasks of one agent. Each goes its own way, as many at once as the agent has slots, and is answered when it is done; the message is acknowledged when all of them are, and handed
 * back when one of them was.
 * Nobody waits for the acknowledgement: when it is lost, the task comes again with the same attempt, and one result of an attempt counts.
 * The host holds the credentials of store, bus and forges; the process gets the contents of the inputs, an environment of named variables and, where the contract says `forge`, an access to the run's repository
 * alone. That comes as a message: a process that waits has no task yet, and what is in an environment can be read by others of the same user.
 */
export class Harness {
  private readonly logger: Logger;
  private readonly memory: Memory;
  private readonly served = new Map<string, ServedAgent>();
  /** One for each set of variables that agents may see. */
  private readonly pools = new Map<string, ProcessPool>();
  private readonly running = new Map<string, RunningStep>();
  private readonly watched = new WeakSet<AbortSignal>();
  private stopListening: () => void = () => undefined;

  constructor(private readonly options: HarnessOptions) {
    this.logger = new Logger(options.service);
    this.memory = new Memory({ store: options.store, agentsModuleUrl: options.agentsModuleUrl, maxAgeDays: options.memoDays, forges: options.forges });
  }

  /** Imports the inline agents and starts the processes of the others. Throws `Failure('agent-unknown')` unless the module has exactly the agents that the contract lists for this service; nothing runs on then. */
  async start(): Promise<void> {
    const { service, agentsModuleUrl, bus, slots } = this.options;
    const expected = agentsOf(service);
    const contracts = new Map(expected.map((agent) => [agent, agentContract(agent) as AgentContract]));
    const inline = [...contracts.values()].some(({ isolation }) => isolation === 'inline') ? await importAgents(agentsModuleUrl) : undefined;
    for (const [agent, contract] of contracts) {
      if (contract.isolation === 'inline') {
        this.served.set(agent, { contract, lanes: new Lanes(slots), run: (task, inputs, access, stop) => runInline(inline?.[agent] as AgentHandler, task, inputs, access, this.listeners(task), stop) });
        continue;
      }
      const key = String(contract.environment);
      const pool = this.pools.get(key) ?? new ProcessPool({ agentsModuleUrl, environment: childEnvironment(contract.environment) }, slots);
      this.pools.set(key, pool);
      this.served.set(agent, { contract, lanes: new Lanes(slots), run: (task, inputs, access, stop) => this.runInProcess(pool, task, inputs, access, stop) });
    }
    try {
      for (const found of [...inline ? [Object.keys(inline)] : [], ...await Promise.all([...this.pools.values()].map((pool) => pool.start()))]) {
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

  /** Settles the message. Aborting `handBack` stops the step and gives the message to another instance. */
  async handle(agent: string, message: Delivered, handBack: AbortSignal): Promise<void> {
    const tasks = this.tasksIn(agent, message);
    if (tasks.length === 0) {
      message.term();
      return;
    }
    if (handBack.aborted) {
      message.nak();
      return;
    }
    crashPoint('agent.task-received');
    const outcomes = await Promise.allSettled(tasks.map((task) => {
      const id = `${task.runId}.${task.stepId}.${task.attempt}`;
      // Delivered again while its first run still works here, for example after a lost connection: one run, and either delivery's ack settles the message.
      return (this.running.get(id) ?? this.begin(id, agent, task, handBack)).outcome;
    }));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    if (outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value)) message.ackLater();
    else message.nak();
  }

  private tasksIn(agent: string, message: Delivered): Task[] {
    return itemsIn(message.data, 'tasks').flatMap((item) => {
      const { success, data: task } = Task.safeParse(item);
      if (success && task.agent === agent) return task;
      this.logger.error(`${message.subject} ${message.id}: not a task of this step, dropped`);
      return [];
    });
  }

  private begin(id: string, agent: string, task: Task, handBack: AbortSignal): RunningStep {
    this.watch(handBack);
    const stop = new StepStop();
    const outcome = this.carryOut(id, agent, task, stop, handBack);
    const step = { runId: task.runId, isUndo: task.stepId.endsWith('~undo'), stop, handBack, outcome };
    this.running.set(id, step);
    return step;
  }

  private async carryOut(id: string, agent: string, task: Task, stop: StepStop, handBack: AbortSignal): Promise<Outcome> {
    const { lanes } = this.served.get(agent) as ServedAgent;
    try {
      const turn = lanes.enter();
      if (turn) await turn;
      let result: Outcome;
      try {
        if (!handBack.aborted) result = await this.work(agent, task, stop, handBack);
      } finally {
        lanes.leave();
      }
      if (result) await this.publish(id, result, handBack);
      crashPoint('agent.result-published');
      return result;
    } finally {
      this.running.delete(id);
    }
  }

  /** One listener for all steps that are handed back together, which are all that one reader has. */
  private watch(handBack: AbortSignal): void {
    if (this.watched.has(handBack)) return;
    this.watched.add(handBack);
    handBack.addEventListener('abort', () => {
      for (const step of this.running.values()) if (step.handBack === handBack) step.stop.stop(new Failure('cancelled', 'handed back'));
    }, { once: true });
  }

  /** Not the undos of a cancelled run: the news may be late, and they are what has to be done then. */
  private cancel(runId: string): void {
    for (const step of this.running.values()) if (step.runId === runId && !step.isUndo) step.stop.stop(new Failure('cancelled'));
  }

  private async work(agent: string, task: Task, stop: StepStop, handBack: AbortSignal): Promise<Outcome> {
    const { runId, stepId, attempt } = task;
    const { contract, run } = this.served.get(agent) as ServedAgent;
    const started = performance.now();
    const duration = () => Math.round(performance.now() - started);
    let timer: NodeJS.Timeout | undefined;
    try {
      const key = contract.memo && await this.memory.keyOf(task, contract);
      const known = key !== undefined && task.cache !== false ? await this.memory.recall(key) : undefined;
      if (known) return { runId, stepId, attempt, agent, durationMs: duration(), status: 'succeeded', outputs: known.outputs, facts: known.facts, reused: { savedMs: Math.max(0, known.durationMs - duration()) } };
      const access = contract.forge && await grantAccess(this.options.forges, task.repository, contract.forge, task.timeLimitMs);
      const inputs = await fetchInputs(this.options.store, contract, task.inputs);
      timer = setTimeout(() => { stop.stop(new Failure('agent-timeout', `${task.timeLimitMs} ms`)); }, Math.min(task.timeLimitMs, TIMER_LIMIT_MS));
      const { outputs, facts, provisional } = openOutput(await run(asGiven(task, contract), inputs, access, stop));
      clearTimeout(timer);
      const checked = checkFacts(contract, facts);
      crashPoint('agent.handler-done');
      const ids = await storeOutputs(this.options.store, contract, outputs);
      crashPoint('agent.outputs-stored');
      if (key !== undefined && !provisional) await this.memory.remember(key, task, contract, { outputs: ids, facts: checked, durationMs: duration() });
      return { runId, stepId, attempt, agent, durationMs: duration(), status: 'succeeded', outputs: ids, facts: checked };
    } catch (error) {
      clearTimeout(timer);
      if (handBack.aborted) return undefined;
      const failure = error instanceof Failure ? error : new Failure('internal', undefined, { cause: error });
      this.logger.warn(`${runId} ${stepId} attempt ${attempt}: ${failure.code}${failure.detail ? ` (${failure.detail})` : ''}`);
      if (failure.code === 'internal') this.logger.error(inspect(failure.cause ?? failure));
      return { runId, stepId, attempt, agent, durationMs: duration(), status: 'failed', failure: { code: failure.code, ...(failure.detail && { detail: failure.detail.slice(0, 500) }) } };
    }
  }

  private async runInProcess(pool: ProcessPool, task: Task, inputs: Record<string, unknown>, access: ForgeAccess | undefined, stop: StepStop): Promise<unknown> {
    const agentProcess = pool.take();
    try {
      return await agentProcess.run({ agent: task.agent, task, inputs, access }, this.listeners(task), stop.signal);
    } finally {
      this.logOutput(task, agentProcess);
    }
  }

  private listeners(task: Task): RunListeners {
    return { progress: this.reporter(task), log: (line) => { this.logger.log(`${task.runId} ${task.stepId}: ${line.slice(0, LOG_LINE)}`); } };
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
        await this.options.bus.publishTogether(subjects.result(this.options.service), 'results', result, `${id}.result`);
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

async function importAgents(agentsModuleUrl: string): Promise<AgentHandlers> {
  try {
    const { agents } = await import(agentsModuleUrl) as { agents: AgentHandlers };
    return agents;
  } catch (cause) {
    throw new Failure('agent-crashed', `${agentsModuleUrl} cannot be loaded`, { cause });
  }
}
