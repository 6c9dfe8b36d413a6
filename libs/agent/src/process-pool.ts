import { Failure } from '#contracts';
import { AgentProcess, type AgentProcessOptions } from './agent-process.js';

const REFILL_DELAY_MS = 50;

/**
 * Processes that have imported their agents and wait, so that a task does not pay for the start. Each is taken once and never comes back.
 * One is kept ready from the start; from the first task on as many as there are slots.
 */
export class ProcessPool {
  private readonly idle: AgentProcess[] = [];
  private target = 1;
  private closed = false;

  constructor(private readonly options: AgentProcessOptions, private readonly slots: number) {}

  /** Starts the first process and answers with the names of the agents that its module has. */
  async start(): Promise<string[]> {
    this.refill();
    return (this.idle[0] as AgentProcess).ready;
  }

  take(): AgentProcess {
    if (this.closed) throw new Failure('internal', 'the pool is closed');
    this.target = this.slots;
    // One that died while it waited is no use to anybody.
    let taken = this.idle.shift();
    while (taken && !taken.isAlive) taken = this.idle.shift();
    taken ??= new AgentProcess(this.options);
    // The start of a successor must not compete with the task for its first milliseconds, which are all that a small one takes.
    setTimeout(() => { this.refill(); }, REFILL_DELAY_MS).unref();
    return taken;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.idle.splice(0).map((waiting) => waiting.kill()));
  }

  private refill(): void {
    while (!this.closed && this.idle.length < this.target) this.idle.push(new AgentProcess(this.options));
  }
}
