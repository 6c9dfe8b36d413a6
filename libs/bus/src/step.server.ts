import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { agentContract, durableOf, Failure } from '#contracts';
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
  /** How long close() lets running steps finish before they are handed back. */
  graceMs: number;
}

/**
 * The transport between JetStream and Nest: a handler whose pattern is an agent's name (`crawler/crawl`) gets the tasks of that step.
 * A pattern that is no agent, or that two handlers claim, fails the boot.
 */
export class StepServer extends Server implements CustomTransportStrategy {
  private readers: Array<{ stop(graceMs: number): Promise<void> }> = [];

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
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.stop(this.options.graceMs)));
    this.readers = [];
  }

  on(): never { throw new Failure('internal', 'this transport has no events of its own'); }
  unwrap(): never { throw new Failure('internal', 'the bus is injected, not unwrapped'); }
}
