import type { Bus, Delivered } from '#bus';
import { Failure, type CommandReply, type StartReplies } from '#contracts';
import type { Life, SimulatedBus } from './bus.js';

const NEVER = new Promise<never>(() => undefined);

/** The bus as a coordinator sees it. */
export class BusConnection implements Pick<Bus, 'notify' | 'publishMany' | 'consume' | 'reply' | 'held'> {
  constructor(private readonly bus: SimulatedBus, private readonly life: Life) {}

  notify(subject: string): void {
    if (this.life.alive && !this.bus.world.strikes('message-lost')) this.bus.cancelled(subject.slice(subject.lastIndexOf('.') + 1));
  }

  reply(replyTo: string, data: unknown): void {
    if (!this.life.alive) return;
    this.life.replied.add(replyTo);
    if (!this.bus.world.strikes('message-lost')) this.bus.reply(replyTo, (typeof data === 'string' ? JSON.parse(data) : data) as CommandReply | StartReplies);
  }

  async consume(durable: string, _options: object, handler: (messages: Delivered[]) => Promise<void>): Promise<{ stop(): Promise<void> }> {
    this.life.handlers.set(durable, handler);
    return { stop: async () => undefined };
  }

  async publishMany(messages: ReadonlyArray<{ subject: string; data: unknown; id: string }>): Promise<void> {
    const { life, bus: { world } } = this;
    if (!life.alive) return NEVER;
    if (this.bus.isAway || world.strikes('publish-refused')) return this.fail();
    const partly = world.strikes('publish-partly');
    const crash = !partly && world.strikes('crash-in-publish');
    for (const { subject, data, id } of messages) if (!(partly || crash) || world.random.chance(0.5)) this.bus.store(subject, data, id);
    if (partly || world.strikes('publish-unconfirmed')) return this.fail();
    if (crash || world.strikes('crash-after-publish')) { life.crash(); return NEVER; }
    return world.random.chance(0.7) && life.frozenUntil <= world.now ? undefined : life.later(world.random.between(1, 10), (resolve) => { resolve(undefined); });
  }

  async held({ durable }: { durable: string }): Promise<number> {
    if (!this.life.alive) return NEVER;
    return this.bus.isAway ? this.fail() : this.bus.tasksOf(durable);
  }

  private async fail(): Promise<never> {
    return this.life.later(this.bus.world.random.between(1, 5_000), (_resolve, reject) => { reject(new Failure('bus-unavailable')); });
  }
}
