import { AckPolicy, DeliverPolicy, JetStreamApiError, RetentionPolicy, StorageType, type ConsumerConfig, type StreamConfig } from '@nats-io/jetstream';
import { consumers, Failure, STREAMS, type ConsumerDefinition, type StreamDefinition } from '#contracts';
import type { Bus } from './bus.js';

const NANOS = 1_000_000;
const STREAM_NOT_FOUND = 10_059;
const CONSUMER_NOT_FOUND = 10_014;

export interface Provisioned { name: string; change: 'created' | 'updated' | 'unchanged' }

/**
 * Makes the bus what the table in contracts says: streams first, then consumers. Does nothing where nothing differs, updates what NATS lets be updated, and throws
 * `Failure('internal')` that names the stream or consumer to delete where it does not. Deletes nothing, not even what is no longer in the table.
 */
export async function provision(bus: Bus): Promise<Provisioned[]> {
  const done: Provisioned[] = [];
  for (const stream of STREAMS) done.push({ name: stream.name, change: await provisionStream(bus, stream) });
  for (const consumer of consumers()) done.push({ name: consumer.durable, change: await provisionConsumer(bus, consumer) });
  return done;
}

/** Deletes every stream of the table and makes it again. What they held is gone. */
export async function provisionAnew(bus: Bus): Promise<void> {
  for (const { name } of STREAMS) await refused(`stream ${name}`, bus.manager.streams.delete(name));
  await provision(bus);
}

async function provisionStream({ manager }: Bus, definition: StreamDefinition): Promise<Provisioned['change']> {
  const wanted = {
    name: definition.name, subjects: definition.subjects, storage: StorageType.File,
    retention: definition.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    max_age: definition.maxAgeMs * NANOS, duplicate_window: definition.duplicateWindowMs * NANOS,
  } satisfies Partial<StreamConfig>;
  const found = await absentAs(STREAM_NOT_FOUND, manager.streams.info(wanted.name));
  if (!found) {
    await refused(`stream ${wanted.name}`, manager.streams.add(wanted));
    return 'created';
  }
  if (same(wanted, found.config)) return 'unchanged';
  await refused(`stream ${wanted.name}`, manager.streams.update(wanted.name, wanted));
  return 'updated';
}

async function provisionConsumer({ manager }: Bus, definition: ConsumerDefinition): Promise<Provisioned['change']> {
  const wanted = {
    durable_name: definition.durable, filter_subject: definition.filterSubject,
    ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All,
    ack_wait: definition.ackWaitMs * NANOS, max_ack_pending: definition.maxAckPending,
    // Retries are the coordinator's: it counts attempts; the server never gives up on a message by itself.
    max_deliver: -1,
  } satisfies Partial<ConsumerConfig>;
  const found = await absentAs(CONSUMER_NOT_FOUND, manager.consumers.info(definition.stream, definition.durable));
  if (!found) {
    await refused(`consumer ${definition.durable}`, manager.consumers.add(definition.stream, wanted));
    return 'created';
  }
  if (same(wanted, found.config)) return 'unchanged';
  const { filter_subject, ack_wait, max_ack_pending, max_deliver } = wanted;
  await refused(`consumer ${definition.durable}`, manager.consumers.update(definition.stream, definition.durable, { filter_subject, ack_wait, max_ack_pending, max_deliver }));
  return 'updated';
}

function same(wanted: object, actual: object): boolean {
  return Object.entries(wanted).every(([key, value]) => JSON.stringify((actual as Record<string, unknown>)[key]) === JSON.stringify(value));
}

async function absentAs<T>(code: number, query: Promise<T>): Promise<T | undefined> {
  return query.catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === code) return undefined;
    throw new Failure('bus-unavailable', 'JetStream does not answer', { cause: error });
  });
}

async function refused(what: string, change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!(error instanceof JetStreamApiError)) throw new Failure('bus-unavailable', 'JetStream does not answer', { cause: error });
    throw new Failure('internal', `NATS refuses to change ${what}: ${error.message}. Delete it, then provision again; the coordinator publishes what was lost`, { cause: error });
  });
}
