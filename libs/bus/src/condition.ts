import { randomUUID } from 'node:crypto';
import { JetStreamError, type Lister } from '@nats-io/jetstream';
import { consumers, Failure, STREAMS, type PROBES } from '#contracts';
import type { Bus } from './bus.js';

export interface StreamCondition {
  name: string;
  /** When the stream was made, as the server writes it: another text is another stream of the same name. */
  created: string;
  firstSeq: number;
  lastSeq: number;
  messages: number;
}
export interface BusCondition {
  /** Of the table in contracts, those that are there. */
  streams: StreamCondition[];
  /** Streams and consumers of the table that are not there. */
  missing: string[];
}

/** What is there of the streams and consumers that the table in contracts asks for. Throws `Failure('bus-unavailable')` when JetStream does not answer. */
export async function inspect({ manager }: Bus): Promise<BusCondition> {
  try {
    const found = new Map((await all(manager.streams.list())).map(({ config, created, state }) => [config.name, { name: config.name, created, firstSeq: state.first_seq, lastSeq: state.last_seq, messages: state.messages }]));
    const wanted = consumers();
    const durables = new Set<string>();
    for (const stream of new Set(wanted.map((consumer) => consumer.stream))) {
      if (found.has(stream)) for (const { name } of await all(manager.consumers.list(stream))) durables.add(name);
    }
    return {
      streams: STREAMS.flatMap(({ name }) => found.get(name) ?? []),
      missing: [...STREAMS.map(({ name }) => name).filter((name) => !found.has(name)), ...wanted.map(({ durable }) => durable).filter((durable) => !durables.has(durable))],
    };
  } catch (cause) {
    throw new Failure('bus-unavailable', 'JetStream does not answer', { cause });
  }
}

/**
 * Whether the stream of a probe's subject stores. When the files of JetStream were removed under a running server, it still knows its streams, and confirms nothing any more as soon as it needs a
 * new file. The probe is taken out again; readers of results may have seen it.
 */
export async function stores(bus: Bus, probe: (typeof PROBES)[number]): Promise<boolean> {
  try {
    await bus.publish(probe.subject, {}, { id: randomUUID() });
    await bus.manager.streams.purge(probe.stream, { filter: probe.subject });
    return true;
  } catch (error) {
    if (error instanceof Failure || error instanceof JetStreamError) return false;
    throw error;
  }
}

async function all<T>(lister: Lister<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of lister) items.push(item);
  return items;
}
