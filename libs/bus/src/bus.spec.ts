import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { Failure, MAX_MESSAGE_BYTES, STREAMS, consumers, subjects } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { Bus } from './bus.js';
import type { Delivered } from './message.js';
import { provision } from './provision.js';

const RUN = 'run_01jabcdefghjkmnpqrstvwxyz0';
const OTHER = 'run_01jabcdefghjkmnpqrstvwxyz1';
let nats: TestNats;
let bus: Bus;

beforeEach(async () => {
  nats = await startNats();
  bus = await Bus.open({ servers: nats.url, name: 'test' });
  await provision(bus);
});
afterEach(async () => {
  await bus.close();
  await nats.remove();
});

/** Collects until `count` have come; the promise never settles before. */
function collector<T>(count: number): { items: T[]; add(item: T): void; full: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const items: T[] = [];
  return { items, full: promise, add: (item) => { items.push(item); if (items.length === count) resolve(); } };
}

describe('provision', () => {
  test('creates the table, and a second time changes nothing', async () => {
    const again = await provision(bus);
    expect(again.map(({ name }) => name)).toEqual([...STREAMS.map((stream) => stream.name), ...consumers().map((consumer) => consumer.durable)]);
    expect(new Set(again.map(({ change }) => change))).toEqual(new Set(['unchanged']));
  });

  test('puts back what was changed by hand, and says what it cannot', async () => {
    await bus.manager.consumers.update('PULLWRIGHT_TASKS', 'crawler-crawl', { max_ack_pending: 7 });
    await bus.manager.streams.update('PULLWRIGHT_EVENTS', { max_age: 600_000_000_000 });
    const changed = (await provision(bus)).filter(({ change }) => change !== 'unchanged');
    expect(changed).toEqual([{ name: 'PULLWRIGHT_EVENTS', change: 'updated' }, { name: 'crawler-crawl', change: 'updated' }]);

    await bus.manager.streams.delete('PULLWRIGHT_RESULTS');
    await bus.manager.streams.add({ name: 'PULLWRIGHT_RESULTS', subjects: ['pullwright.result.*'] });
    await expect(provision(bus)).rejects.toMatchObject({ code: 'internal', detail: expect.stringContaining('PULLWRIGHT_RESULTS') as string });
  });
});

describe('publish', () => {
  test('what is said in the same turn shares a message; the same again is dropped, and nothing else with it', async () => {
    const together = async (...items: string[]) => Promise.all(items.map((item) => bus.publishTogether(subjects.result('crawler'), 'results', item, item)));
    await together('a', 'b');
    await together('a', 'b');
    // As after a crash: one of them comes again, with another that has never been told.
    await together('a', 'c');
    const { state } = await bus.manager.streams.info('PULLWRIGHT_RESULTS');
    const stored = await Promise.all(Array.from({ length: state.messages }, async (_, index) => (await bus.manager.streams.getMessage('PULLWRIGHT_RESULTS', { seq: index + 1 }))?.json()));
    expect(stored).toEqual([{ results: ['a', 'b'] }, { results: ['a', 'c'] }]);
  });

  test('is a CloudEvent in binary mode, stored once per id', async () => {
    const observer = await connect({ servers: nats.url });
    const seen = observer.subscribe('pullwright.command.*', { max: 1 });
    await observer.flush();
    await bus.publish(subjects.command('cancel-run'), { runId: RUN }, { id: 'c-1', traceparent: '00-aa-bb-01' });
    await bus.publish(subjects.command('cancel-run'), { runId: RUN }, { id: 'c-1' });
    for await (const message of seen) {
      expect(message.json()).toEqual({ runId: RUN });
      const headers = Object.fromEntries([...(message.headers ?? [])].map(([name, [value]]) => [name, value]));
      expect(headers).toEqual({
        'Nats-Msg-Id': 'c-1', 'ce-id': 'c-1', 'ce-specversion': '1.0', 'ce-source': '/pullwright/test', 'ce-type': 'pullwright.command.cancel-run',
        'ce-time': expect.any(String) as string, 'ce-datacontenttype': 'application/json', traceparent: '00-aa-bb-01',
      });
    }
    expect((await bus.manager.streams.info('PULLWRIGHT_COMMANDS')).state.messages).toBe(1);
    await observer.close();
  });

  test('refuses what passes the size bound with its headers', async () => {
    await expect(bus.publish(subjects.result('crawler'), 'x'.repeat(MAX_MESSAGE_BYTES), { id: 'big' })).rejects.toMatchObject({ code: 'message-too-large' });
    await bus.publish(subjects.result('crawler'), 'x'.repeat(MAX_MESSAGE_BYTES - 500), { id: 'big' });
  });

  test('a subject that no stream takes is a failure, not silence', async () => {
    await expect(bus.publish('pullwright.nowhere', {}, { id: 'n' })).rejects.toMatchObject({ code: 'bus-unavailable' });
  });

  test('five hundred at once arrive in batches, each once', async () => {
    const messages = Array.from({ length: 500 }, (_, i) => ({ subject: subjects.result('crawler'), data: { i }, id: `r-${i}` }));
    await bus.publishMany(messages);
    const got = collector<number>(500);
    let batches = 0;
    const reader = await bus.consume('coordinator-results', { batch: 100 }, async (batch) => {
      batches += 1;
      for (const message of batch) got.add((message.data as { i: number }).i);
      await Promise.all(batch.map((message) => message.ack()));
    });
    await got.full;
    await reader.stop();
    expect([...got.items].sort((a, b) => a - b)).toEqual(messages.map((_, i) => i));
    expect(batches).toBeLessThan(100);
    expect((await bus.manager.streams.info('PULLWRIGHT_RESULTS')).state.messages).toBe(0);
  });
});

describe('consume', () => {
  test('hands a batch over again when the handler throws, and a foreign payload as undefined', async () => {
    await bus.publish(subjects.result('crawler'), { n: 1 }, { id: 'once' });
    const seen = collector<Delivered>(2);
    const reader = await bus.consume('coordinator-results', { batch: 10 }, async ([message]) => {
      seen.add(message as Delivered);
      if (seen.items.length === 1) throw new Failure('internal', 'the first try of a test');
      await message?.ack();
    });
    await seen.full;
    expect(seen.items.map((message) => message.deliveries)).toEqual([1, 2]);
    await reader.stop();

    const raw = await connect({ servers: nats.url });
    raw.publish('pullwright.result.crawler', 'no json {');
    await raw.drain();
    const odd = collector<Delivered>(1);
    const second = await bus.consume('coordinator-results', { batch: 10 }, async ([message]) => {
      message?.term();
      odd.add(message as Delivered);
    });
    await odd.full;
    expect(odd.items[0]?.data).toBeUndefined();
    await second.stop();
  });

  test('takes the next batch while the last one is at work, and never more batches at once than it was told to', async () => {
    const release = Promise.withResolvers<void>();
    const both = collector<number>(2);
    const all = collector<unknown>(40);
    const reader = await bus.consume('coordinator-results', { batch: 10, concurrency: 2 }, async (batch) => {
      both.add(batch.length);
      await release.promise;
      for (const message of batch) {
        message.ackLater();
        all.add(message.data);
      }
    });
    await publishResults(1);
    await publishResults(39, 1);
    await both.full;
    await bus.health();
    expect(both.items.length).toBe(2);
    release.resolve();
    await all.full;
    expect(Math.max(...both.items)).toBeLessThanOrEqual(10);
    await reader.stop();
    await untilNone('PULLWRIGHT_RESULTS');
  });

  test('waits for a batch to fill when it is told to, and not longer', async () => {
    const sizes = collector<number>(2);
    const reader = await bus.consume('coordinator-results', { batch: 3, maxWaitMs: 1_000 }, async (batch) => {
      for (const message of batch) message.ackLater();
      sizes.add(batch.length);
    });
    for (let n = 0; n < 4; n++) await publishResults(1, n);
    await sizes.full;
    expect(sizes.items).toEqual([3, 1]);
    await reader.stop();
  });

  test('what has arrived and was not looked at goes back at once when the reader stops', async () => {
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const reader = await bus.consume('coordinator-results', { batch: 5 }, async (batch) => {
      started.resolve();
      await release.promise;
      for (const message of batch) message.ackLater();
    });
    await publishResults(20);
    await started.promise;
    const stopped = reader.stop();
    const others = collector<number>(15);
    const other = await bus.consume('coordinator-results', { batch: 20 }, async (batch) => {
      for (const message of batch) {
        message.ackLater();
        others.add(message.deliveries);
      }
    });
    // Sooner than the ack wait: nothing was left to it.
    await Promise.race([others.full, sleep(4_000).then(() => { throw new Error('not handed back'); })]);
    release.resolve();
    await stopped;
    await other.stop();
  });

  test('a terminated message becomes an advisory for the coordinator', async () => {
    const advisories = collector<Delivered>(1);
    const reader = await bus.consume('coordinator-advisories', { batch: 10 }, async ([message]) => { await message?.ack(); advisories.add(message as Delivered); });
    const results = await bus.consume('coordinator-results', { batch: 10 }, async ([message]) => { message?.term(); });
    await bus.publish(subjects.result('crawler'), {}, { id: 'dead' });
    await advisories.full;
    expect(advisories.items[0]?.data).toMatchObject({ stream: 'PULLWRIGHT_RESULTS', consumer: 'coordinator-results' });
    await Promise.all([reader.stop(), results.stop()]);
  });

  test('goes on after the server was killed, and after the consumer was deleted and provisioned again', async () => {
    const first = collector<string>(1);
    const second = collector<string>(2);
    const third = collector<string>(3);
    const reader = await bus.consume('coordinator-results', { batch: 10 }, async (batch) => {
      await Promise.all(batch.map((message) => message.ack()));
      for (const { id } of batch) for (const collect of [first, second, third]) collect.add(id);
    });
    await bus.publish(subjects.result('crawler'), {}, { id: 'a' });
    await first.full;
    await nats.kill();
    await nats.restart();
    await publishWhenBack('b');
    await second.full;
    await bus.manager.consumers.delete('PULLWRIGHT_RESULTS', 'coordinator-results');
    await provision(bus);
    await bus.publish(subjects.result('crawler'), {}, { id: 'c' });
    await third.full;
    expect(third.items).toEqual(['a', 'b', 'c']);
    await reader.stop();
  });
});

test('a total loss of the store is survived: provisioned again, every reader goes on', async () => {
  const seen = collector<string>(2);
  const reader = await bus.consume('coordinator-results', { batch: 10 }, async (batch) => {
    await Promise.all(batch.map((message) => message.ack()));
    for (const { id } of batch) seen.add(id);
  });
  const worker = await bus.work('crawler-crawl', { slots: 1 }, async (message) => { await message.ack(); seen.add(message.id); });
  await nats.wipe();
  for (;;) {
    try {
      await provision(bus);
      break;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await sleep(50);
    }
  }
  await publishTask(7);
  await bus.publish(subjects.result('crawler'), {}, { id: 'after' });
  await seen.full;
  expect([...seen.items].sort()).toEqual(['after', 't-7']);
  await Promise.all([reader.stop(), worker.stop(0)]);
});

describe('work', () => {
  test('never has more in work than slots, and leaves the rest to others', async () => {
    for (let n = 0; n < 6; n++) await publishTask(n);
    const release = Promise.withResolvers<void>();
    const started = collector<number>(2);
    const finished = collector<number>(6);
    const worker = await bus.work('crawler-crawl', { slots: 2 }, async (message) => {
      started.add((message.data as { n: number }).n);
      await release.promise;
      await message.ack();
      finished.add((message.data as { n: number }).n);
    });
    await started.full;
    const { num_ack_pending, num_pending } = await bus.manager.consumers.info('PULLWRIGHT_TASKS', 'crawler-crawl');
    expect({ num_ack_pending, num_pending }).toEqual({ num_ack_pending: 2, num_pending: 4 });
    release.resolve();
    await finished.full;
    await worker.stop(0);
  });

  test.each([3, 64, 1024])('%i slots do everything once, and are never more', async (slots) => {
    const total = 1_500;
    await bus.publishMany(Array.from({ length: total }, (_, n) => ({ subject: subjects.task('crawler/crawl'), data: { n }, id: `many-${n}` })));
    const finished = collector<number>(total);
    let running = 0;
    let most = 0;
    const worker = await bus.work('crawler-crawl', { slots }, async (message) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      message.ackLater();
      finished.add((message.data as { n: number }).n);
    });
    await finished.full;
    await worker.stop(0);
    expect(most).toBeLessThanOrEqual(slots);
    expect(new Set(finished.items).size).toBe(total);
    await untilNone('PULLWRIGHT_TASKS');
  });

  test('a reader that stops leaves nothing to the ack wait', async () => {
    await bus.publishMany(Array.from({ length: 300 }, (_, n) => ({ subject: subjects.task('crawler/crawl'), data: { n }, id: `stop-${n}` })));
    const some = collector<number>(50);
    const worker = await bus.work('crawler-crawl', { slots: 32 }, async (message) => {
      await new Promise(setImmediate);
      message.ackLater();
      some.add(1);
    });
    await some.full;
    await worker.stop(0);
    await bus.health();
    const left = await bus.manager.consumers.info('PULLWRIGHT_TASKS', 'crawler-crawl');
    expect(left.num_pending + left.num_redelivered).toBeGreaterThan(0);
    const rest = collector<unknown>(300 - some.items.length);
    const other = await bus.work('crawler-crawl', { slots: 32 }, async (message) => { message.ackLater(); rest.add(message.data); });
    // The ack wait is 15 seconds.
    await Promise.race([rest.full, sleep(8_000).then(() => { throw new Error(`${rest.items.length} of ${300 - some.items.length}`); })]);
    await other.stop(0);
  });

  test('a handler that takes longer than the ack wait keeps its message', async () => {
    await publishTask(1);
    const seen: number[] = [];
    const done = Promise.withResolvers<void>();
    const worker = await bus.work('crawler-crawl', { slots: 4 }, async (message) => {
      seen.push(message.deliveries);
      await sleep(17_000);
      await message.ack();
      done.resolve();
    });
    await done.promise;
    expect(seen).toEqual([1]);
    await worker.stop(0);
  });

  test('stop waits for the handler, then tells it to hand back', async () => {
    await publishTask(1);
    const started = Promise.withResolvers<void>();
    const worker = await bus.work('crawler-crawl', { slots: 1 }, async (_message, signal) => {
      started.resolve();
      await once(signal, 'abort');
    });
    await started.promise;
    await worker.stop(50);
    const again = collector<Delivered>(1);
    const other = await bus.work('crawler-crawl', { slots: 1 }, async (message) => { await message.ack(); again.add(message); });
    await again.full;
    expect(again.items[0]?.deliveries).toBe(2);
    await other.stop(0);
  });
});

describe('request and reply', () => {
  test('an answer, a failure with its code, and nobody there', async () => {
    const stop = bus.respond(subjects.allQueries, async (name, data) => {
      if (name === 'get-run') return { ok: true, item: data };
      throw new Failure('unknown-run', 'x');
    });
    await expect(bus.request(subjects.query('get-run'), { runId: RUN }, 2_000)).resolves.toEqual({ ok: true, item: { runId: RUN } });
    await expect(bus.request(subjects.query('list-runs'), {}, 2_000)).resolves.toEqual({ ok: false, failure: { code: 'unknown-run', detail: 'x' } });
    await stop();
    await expect(bus.request(subjects.query('get-run'), {}, 2_000)).rejects.toMatchObject({ code: 'bus-unavailable' });
  });

  test('a command is answered when the coordinator is there, and stored when it is not', async () => {
    await expect(bus.command(subjects.command('cancel-run'), { runId: RUN }, { id: 'c-1' }, 100)).resolves.toBeUndefined();
    const reader = await bus.consume('coordinator-commands', { batch: 10 }, async (batch) => {
      for (const message of batch) {
        if (message.replyTo) bus.reply(message.replyTo, { ok: true, runId: (message.data as { runId: string }).runId });
        await message.ack();
      }
    });
    await expect(bus.command(subjects.command('cancel-run'), { runId: OTHER }, { id: 'c-2' }, 5_000)).resolves.toEqual({ ok: true, runId: OTHER });
    await reader.stop();
    expect((await bus.manager.streams.info('PULLWRIGHT_COMMANDS')).state.messages).toBe(0);
  });

  test('a reply goes to inboxes only', async () => {
    const heard: unknown[] = [];
    const stop = bus.subscribe('pullwright.cancel.*', (data) => { heard.push(data); });
    bus.reply(subjects.cancel(RUN), { hostile: true });
    bus.notify(subjects.cancel(RUN), { real: true });
    await bus.health();
    expect(heard).toEqual([{ real: true }]);
    stop();
  });
});

test('health says what is missing', async () => {
  await expect(bus.health()).resolves.toBeUndefined();
  await bus.manager.streams.delete('PULLWRIGHT_EVENTS');
  await expect(bus.health()).rejects.toMatchObject({ code: 'bus-unavailable', detail: expect.stringContaining('PULLWRIGHT_EVENTS') as string });
});

async function publishResults(count: number, from = 0): Promise<void> {
  await bus.publishMany(Array.from({ length: count }, (_, i) => ({ subject: subjects.result('crawler'), data: { n: from + i }, id: `result-${from + i}` })));
}

/** An ack that nobody waits for is on its way for a moment. */
async function untilNone(stream: string): Promise<void> {
  for (let tries = 0; (await bus.manager.streams.info(stream)).state.messages > 0; tries++) {
    if (tries === 100) throw new Error(`${stream} still has messages`);
    await sleep(20);
  }
}

async function publishTask(n: number): Promise<void> {
  await bus.publish(subjects.task('crawler/crawl'), { n }, { id: `t-${n}` });
}

/** Right after a restart a publish may still fail: its caller tries again, as the dispatcher does. */
async function publishWhenBack(id: string): Promise<void> {
  for (;;) {
    try {
      return await bus.publish(subjects.result('crawler'), {}, { id });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await sleep(50);
    }
  }
}
