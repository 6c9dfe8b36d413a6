import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { ConsumerMessages, JetStreamClient } from '@nats-io/jetstream';
import { consumers, Failure, type ConsumerDefinition } from '#contracts';
import { delivered, type Delivered } from './message.js';

/**
 * Reading a durable consumer. A reader goes round:  find the consumer → pull a bounded batch → hand over → pull …  and, when it is lost, → wait → find.
 * It is lost when the consumer or stream is deleted or not there yet, or the server is silent: the pull fails and the round starts again, so that
 * what is provisioned anew is picked up within seconds. A lost connection is mended by the client itself. Only stop() ends a reader.
 * Each pull is a `fetch`, which asks for its messages exactly once: the client's `consume` asks again for every message of a burst and so takes more
 * than it was told to. Messages are read by iterating, never by callback: a callback is not awaited and would lift the limit of work at once.
 */
const logger = new Logger('bus');
/** One pull waits this long for messages; a vanished consumer or silent server is noticed within it. */
const PULL_EXPIRES_MS = 3_000;
const RETRY_MS = { first: 100, most: 5_000 };
/** A handler that threw gets its messages again after this, doubled by each delivery up to the most. */
const REDELIVERY_MS = { first: 500, most: 30_000 };

interface Reader { stop(): Promise<void> }

/** Calls `handler` with what has arrived, at most `batch` messages, one batch at a time. After the first message it waits up to `maxWaitMs` (default 0) for the batch to fill. */
export function consumeBatches(js: JetStreamClient, durable: string, options: { batch: number; maxWaitMs?: number }, handler: (messages: Delivered[]) => Promise<void>): Reader {
  return read(js, durable, options.batch, async (pulled) => {
    const arrived = pulled[Symbol.asyncIterator]();
    for (let next = await arrived.next(); !next.done; next = await arrived.next()) {
      const batch = [next.value];
      for (const deadline = Date.now() + (options.maxWaitMs ?? 0); batch.length < options.batch;) {
        if (pulled.getPending() > 0) {
          const further = await arrived.next();
          if (further.done) break;
          batch.push(further.value);
        } else if (Date.now() < deadline) {
          await sleep(1);
        } else {
          break;
        }
      }
      await handOver(batch.map(delivered), handler);
    }
  });
}

/**
 * Calls `handler` with one message at a time in each of `slots` slots; a slot pulls its next message only when it is done with the last.
 * While a handler runs, its message's ack wait is renewed every third of it. `stop(graceMs)` pulls no more, waits up to `graceMs`,
 * then aborts `signal`; handlers are expected to end soon after, and what they have not settled is handed back.
 */
export function workSlots(js: JetStreamClient, durable: string, slots: number, handler: (message: Delivered, signal: AbortSignal) => Promise<void>): { stop(graceMs: number): Promise<void> } {
  const { ackWaitMs } = definition(durable);
  const handBack = new AbortController();
  const readers = Array.from({ length: slots }, () => read(js, durable, 1, async (pulled) => {
    for await (const message of pulled) {
      const heartbeat = setInterval(() => { message.working(); }, ackWaitMs / 3);
      try {
        await handOver([delivered(message)], ([only]) => handler(only as Delivered, handBack.signal));
      } finally {
        clearInterval(heartbeat);
      }
    }
  }));
  return {
    stop: async (graceMs) => {
      const timer = setTimeout(() => { handBack.abort(); }, graceMs);
      await Promise.all(readers.map((reader) => reader.stop()));
      clearTimeout(timer);
    },
  };
}

/** Runs the handler and sees to it that every message is settled: one that the handler left or threw over is handed back. */
async function handOver(messages: Delivered[], handler: (messages: Delivered[]) => Promise<void>): Promise<void> {
  const open = new Set<Delivered>(messages);
  const watched = messages.map((message): Delivered => {
    const settle = () => open.delete(message);
    return {
      ...message,
      ack: async () => { await message.ack(); settle(); },
      nak: (delayMs) => { settle(); message.nak(delayMs); },
      term: () => { settle(); message.term(); },
    };
  });
  try {
    await handler(watched);
  } catch (error) {
    logger.error(`${messages[0]?.subject ?? ''}: handing back ${open.size} of ${messages.length} messages`, error instanceof Error ? error.stack : String(error));
  }
  for (const message of open) message.nak(Math.min(REDELIVERY_MS.most, REDELIVERY_MS.first * 2 ** Math.min(message.deliveries - 1, 10)));
}

function read(js: JetStreamClient, durable: string, maxMessages: number, pump: (pulled: ConsumerMessages) => Promise<void>): Reader {
  const { stream } = definition(durable);
  const stopping = new AbortController();
  let pulled: ConsumerMessages | undefined;
  const rounds = async () => {
    for (let wait = RETRY_MS.first; !stopping.signal.aborted; wait = Math.min(RETRY_MS.most, wait * 2)) {
      try {
        const consumer = await js.consumers.get(stream, durable);
        while (!stopping.signal.aborted) {
          pulled = await consumer.fetch({ max_messages: maxMessages, expires: PULL_EXPIRES_MS });
          if (stopping.signal.aborted) pulled.stop();
          await pump(pulled);
          wait = RETRY_MS.first;
        }
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn(`${durable}: ${String(error)}; looking for it again`);
      }
      await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined); // stopped while it waited
    }
  };
  const ended = rounds();
  return {
    stop: async () => {
      stopping.abort();
      pulled?.stop();
      await ended;
    },
  };
}

function definition(durable: string): ConsumerDefinition {
  const found = consumers().find((consumer) => consumer.durable === durable);
  if (!found) throw new Failure('internal', `no consumer ${durable} in contracts; is its agent in AGENTS_FILE of this process?`);
  return found;
}

