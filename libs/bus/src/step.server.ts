import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { agentContract, durableOf, Failure, subjects, type AgentCapacity } from '#contracts';
import type { Bus } from './bus.js';
import type { Delivered } from './message.js';

/** What a step's handler gets beside the task's data: the message, which it settles itself, and the signal to hand it back. */
export class StepContext extends BaseRpcContext<[Delivered, AbortSignal]> {
  get message(): Delivered { return this.args[0]; }
  get signal(): AbortSignal { return this.args[1]; }
}

export interface StepServerOptions {
  /** Steps of each kind that this process works on at once. */
  slots: number;
  /** Whose models the agents ask that ask one. */
  provider?: string;
  /** How long close() lets running steps finish before they are handed back. */
  graceMs: number;
}

const ANNOUNCE_MS = 2_000;
/** An agent that is given this variable asks a model. */
const PROVIDER_VARIABLE = 'MODEL_PROVIDER';

/**
 * The transport between JetStream and Nest: a handler whose pattern is an agent's name (`crawler/crawl`) gets the tasks of that step.
 * A pattern that is no agent, or that two handlers claim, fails the boot. The coordinators hear how many tasks it works on at once, so that they need not hand over many more.
 */
export class StepServer extends Server implements CustomTransportStrategy {
  private readers: Array<{ stop(graceMs: number): Promise<void> }> = [];
  private readonly instance = crypto.randomUUID();
  private announcing: NodeJS.Timeout | undefined;

  constructor(private readonly bus: Bus, private readonly options: StepServerOptions) { super(); }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      for (const [agent, handler] of this.messageHandlers) {
        if (!agentContract(agent)) throw new Failure('agent-unknown', agent);
        if (handler.next) throw new Failure('internal', `two handlers for ${agent}`);
        this.readers.push(await this.bus.work(durableOf(agent), { slots: this.options.slots }, async (message, signal) => {
          const result: unknown = await handler(message.data, new StepContext([message, signal]));
          if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
        }));
      }
      this.announce(this.options.slots);
      this.announcing = setInterval(() => { this.announce(this.options.slots); }, ANNOUNCE_MS);
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    if (this.announcing) this.announce(0);
    clearInterval(this.announcing);
    this.announcing = undefined;
    await Promise.all(this.readers.map((reader) => reader.stop(this.options.graceMs)));
    this.readers = [];
  }

  private announce(slots: number): void {
    for (const agent of this.messageHandlers.keys()) {
      const provider = agentContract(agent)?.environment.includes(PROVIDER_VARIABLE) ? this.options.provider : undefined;
      this.bus.notify(subjects.capacity(agent), { agent, instance: this.instance, slots, provider } satisfies AgentCapacity);
    }
  }

  on(): never { throw new Failure('internal', 'this transport has no events of its own'); }
  unwrap(): never { throw new Failure('internal', 'the bus is injected, not unwrapped'); }
}
