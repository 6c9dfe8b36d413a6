import { Logger } from '@nestjs/common';
import type { Bus } from '#bus';
import { Result } from '#contracts';
import type { Saga } from './saga.js';

const logger = new Logger('results');
const AGAIN_MS = 1_000;

/**
 * Takes the services' answers. A result that no longer counts (another attempt, an ended or unknown run) is acknowledged like any other. One that is no `Result` is terminated:
 * it would never become one. Its step is dispatched again when its time limit has passed.
 */
export async function takeResults(bus: Pick<Bus, 'consume'>, saga: Saga): Promise<{ stop(): Promise<void> }> {
  return bus.consume('coordinator-results', { batch: 512, concurrency: 2 }, async (messages) => {
    const results = messages.map((message) => ({ message, parsed: Result.safeParse(message.data) }));
    for (const { message, parsed } of results) {
      if (parsed.success) continue;
      logger.error(`${message.subject} ${message.id} is no result and is dropped: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
      message.term();
    }
    const sound = results.flatMap(({ message, parsed }) => (parsed.success ? [{ message, result: parsed.data }] : []));
    const answers = await saga.apply(sound.map(({ result }) => ({ runId: result.runId, signal: { type: 'result', result } })));
    sound.forEach(({ message }, index) => {
      if (answers[index]?.status === 'fulfilled') message.ackLater();
      else message.nak(AGAIN_MS);
    });
  });
}

/**
 * NATS tells here when a message was terminated or delivered too often. It does not say what was in it, so nothing can be decided from it: the log has it for people, and the step
 * behind it is dispatched again when its time limit has passed.
 */
export async function logDeadLetters(bus: Bus): Promise<{ stop(): Promise<void> }> {
  return bus.consume('coordinator-advisories', { batch: 64 }, async (messages) => {
    for (const message of messages) {
      const { stream, consumer, stream_seq: seq, deliveries } = (message.data ?? {}) as Record<string, unknown>;
      logger.warn(`dead letter: ${String(stream)} ${String(consumer)}, message ${String(seq)} after ${String(deliveries)} deliveries (${message.subject})`);
    }
    await Promise.all(messages.map((message) => message.ack()));
  });
}
