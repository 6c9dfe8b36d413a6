import { Logger } from '@nestjs/common';
import { itemsIn, type Bus, type Delivered } from '#bus';
import { Result, subjects } from '#contracts';
import type { Dispatcher } from './dispatcher.js';
import type { Saga } from './saga.js';

const logger = new Logger('results');
const AGAIN_MS = 1_000;

/**
 * Takes the services' answers. A result that no longer counts (another attempt, an ended or unknown run) is acknowledged like any other. What is no `Result` is dropped, and its message, when
 * nothing in it was one, terminated: it would never become one. The step is dispatched again when its time limit has passed.
 */
export async function takeResults(bus: Pick<Bus, 'consume'>, saga: Saga, dispatcher: Dispatcher): Promise<{ stop(): Promise<void> }> {
  return bus.consume('coordinator-results', { batch: 512, concurrency: 2 }, async (messages) => {
    const read = messages.map((message) => ({ message, results: resultsIn(message) }));
    const arrived = read.flatMap(({ results }) => results);
    dispatcher.answered(arrived);
    const answers = (await saga.apply(arrived.map((result) => ({ runId: result.runId, signal: { type: 'result', result } })))).values();
    // A place that a limit counts is free when the step has moved on.
    dispatcher.pump();
    for (const { message, results } of read) {
      const failed = results.map(() => answers.next().value?.status).includes('rejected');
      if (results.length === 0 && message.subject !== subjects.result('probe')) message.term();
      else if (failed) message.nak(AGAIN_MS);
      else message.ackLater();
    }
  });
}

function resultsIn(message: Delivered): Result[] {
  // It was worth something by being stored.
  if (message.subject === subjects.result('probe')) return [];
  return itemsIn(message.data, 'results').flatMap((item) => {
    const parsed = Result.safeParse(item);
    if (parsed.success) return parsed.data;
    logger.error(`${message.subject} ${message.id}: no result, dropped: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
    return [];
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
