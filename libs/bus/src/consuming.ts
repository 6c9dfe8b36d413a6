import { Logger } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { consumers, Failure, type ConsumerDefinition } from '#contracts';
import { JetStreamMessage, type Delivered } from './message.js';
import { Pull } from './pull.js';

/**
 * Reading a durable consumer: many at once (`consumeBatches`) or one per slot (`workSlots`). A message that holds several things (sharing.ts) counts as so many. `Pull` finds the consumer, and finds it again within seconds
 * when it, its stream or the connection was lost. No reader takes more than it was told to: a message is asked for when there is room for it.
 * Every message is settled in the end: one that the handler left or threw over is handed back.
 */
const logger = new Logger('bus');
/** A handler that threw gets its messages again after this, doubled by each delivery up to the most. */
const REDELIVERY_MS = { first: 500, most: 30_000 };

export interface Source { connection: NatsConnection; inboxPrefix: string }
export interface BatchOptions {
  /** So much one call of the handler gets at most, or one message. */
  batch: number;
  /** Calls at once, 1 by default. One more batch is fetched ahead while they run. */
  concurrency?: number;
  /** How long the first message of a batch waits for more of them; by default it does not: those that have arrived are taken together. */
  maxWaitMs?: number;
}

/** Calls `handler` with what has arrived. `stop` hands back what no handler has seen and waits for those at work. */
export function consumeBatches(source: Source, durable: string, { batch, concurrency = 1, maxWaitMs = 0 }: BatchOptions, handler: (messages: Delivered[]) => Promise<void>): { stop(): Promise<void> } {
  const running = new Set<Promise<void>>();
  let arrived: JetStreamMessage[] = [];
  let weight = 0;
  let taking: NodeJS.Immediate | undefined;
  let waiting: NodeJS.Timeout | undefined;
  const pull = new Pull(source.connection, source.inboxPrefix, definition(durable), batch * (concurrency + 1), (message) => {
    const delivered = new JetStreamMessage(message, source.connection);
    arrived.push(delivered);
    weight += delivered.weight;
    takeSoon();
    return delivered.weight;
  });

  /** Not at once: the messages of one read of the socket arrive one after the other, and belong together. */
  function takeSoon(): void {
    if (arrived.length === 0 || running.size >= concurrency) return;
    if (maxWaitMs === 0 || weight >= batch) taking ??= setImmediate(take);
    else waiting ??= setTimeout(take, maxWaitMs);
  }

  function take(): void {
    taking = undefined;
    clearTimeout(waiting);
    waiting = undefined;
    while (arrived.length > 0 && running.size < concurrency) {
      let [count, held] = [0, 0];
      do held += (arrived[count++] as JetStreamMessage).weight; while (count < arrived.length && held + (arrived[count] as JetStreamMessage).weight <= batch);
      const taken = arrived.slice(0, count);
      arrived = arrived.slice(count);
      weight -= held;
      const run = handOver(taken, handler).then(() => {
        running.delete(run);
        pull.done(held);
        takeSoon();
      });
      running.add(run);
    }
  }

  return {
    stop: async () => {
      await pull.stop();
      if (taking) clearImmediate(taking);
      clearTimeout(waiting);
      for (const message of arrived.splice(0)) message.nak();
      await Promise.all(running);
    },
  };
}

/**
 * Calls `handler` with one message at a time in each of `slots` slots; a slot takes its next message only when it is done with the last. A message that holds several tasks takes as many slots; where
 * fewer are left it comes all the same, and the handler itself sees to it that no more is worked on than there are slots.
 * While a handler runs, its message's ack wait is renewed every third of it. `stop(graceMs)` takes no more, waits up to `graceMs`,
 * then aborts `signal`; handlers are expected to end soon after, and what they have not settled is handed back.
 */
export function workSlots(source: Source, durable: string, slots: number, handler: (message: Delivered, signal: AbortSignal) => Promise<void>): { stop(graceMs: number): Promise<void> } {
  const consumer = definition(durable);
  const handBack = new AbortController();
  const running = new Set<JetStreamMessage>();
  let idle: (() => void) | undefined;
  const pull = new Pull(source.connection, source.inboxPrefix, consumer, slots, (message) => {
    const delivered = new JetStreamMessage(message, source.connection);
    void work(delivered);
    return delivered.weight;
  });
  const heartbeat = setInterval(() => { for (const message of running) message.working(); }, consumer.ackWaitMs / 3);

  async function work(message: JetStreamMessage): Promise<void> {
    running.add(message);
    await handOver([message], ([only]) => handler(only as Delivered, handBack.signal));
    running.delete(message);
    pull.done(message.weight);
    if (running.size === 0) idle?.();
  }

  return {
    stop: async (graceMs) => {
      const timer = setTimeout(() => { handBack.abort(); }, graceMs);
      await pull.stop();
      if (running.size > 0) await new Promise<void>((resolve) => { idle = resolve; });
      clearTimeout(timer);
      clearInterval(heartbeat);
    },
  };
}

/** Never rejects. */
async function handOver(messages: JetStreamMessage[], handler: (messages: Delivered[]) => Promise<void>): Promise<void> {
  try {
    await handler(messages);
  } catch (error) {
    const open = messages.filter((message) => !message.settled);
    logger.error(`${messages[0]?.subject ?? ''}: handing back ${open.length} of ${messages.length} messages`, error instanceof Error ? error.stack : String(error));
  }
  for (const message of messages) if (!message.settled) message.nak(Math.min(REDELIVERY_MS.most, REDELIVERY_MS.first * 2 ** Math.min(message.deliveries - 1, 10)));
}

function definition(durable: string): ConsumerDefinition {
  const found = consumers().find((consumer) => consumer.durable === durable);
  if (!found) throw new Failure('internal', `no consumer ${durable} in contracts; is its agent in AGENTS_FILE of this process?`);
  return found;
}
