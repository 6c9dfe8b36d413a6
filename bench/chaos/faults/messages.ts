import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { subjects } from '#contracts';
import type { Fault } from '../fault.js';
import { publishRaw } from '../raw-nats.js';

const LISTEN_MS = 1_500;

/** Hears what is published for a while, and publishes each of it `times` more, in another order and under other ids, so that the bus does not drop the copies. */
const again = (name: string, subject: string, times: number, laterMs: number): Fault => ({
  name,
  inject: async ({ bus }, random) => {
    const heard: Array<{ data: unknown; subject: string }> = [];
    const stop = bus.subscribe(subject, (data, of) => { heard.push({ data, subject: of }); });
    await sleep(LISTEN_MS);
    stop();
    await sleep(laterMs);
    const copies = random.shuffled(Array.from({ length: times }, () => heard).flat());
    for (const copy of copies) await bus.publish(copy.subject, copy.data, { id: randomUUID() });
    return { did: `${copies.length} copies` };
  },
});

const poison: Fault = {
  name: 'poison messages',
  inject: async ({ nats }, random) => {
    const targets = [subjects.result('worker'), subjects.task('worker/work'), subjects.task('worker/undo'), subjects.task('apart/work'), subjects.command('start-run'), 'pullwright.command.nonsense'];
    const contents = [
      '{"runId":', 'null', '[]', '"text"', '{}', '{"runId":"run_00000000000000000000000000","stepId":"first","attempt":1,"agent":"worker/work","durationMs":1,"status":"succeeded","outputs":{},"facts":{}}',
      '{"runId":"../../etc","stepId":"x y","attempt":-1}', '{"__proto__":{"status":"succeeded"},"status":"vNext"}', '\u0000\ufffd',
    ];
    const headers = ['NATS-MSG-ID: same\r\nCE-ID: wrong-case\r\nce-replyto: pullwright.command.start-run', 'ce-id: ', 'Nats-Expected-Stream: PULLWRIGHT_EVENTS'];
    let sent = 0;
    for (const target of targets) {
      for (const content of contents) {
        await publishRaw(nats.url, target, Buffer.from(content), random.next() < 0.3 ? random.pick(headers) : undefined);
        sent += 1;
      }
    }
    return { did: `${sent} messages` };
  },
};

const oversize: Fault = {
  name: 'oversize messages',
  inject: async ({ nats, bus }, random) => {
    let heard: unknown;
    const stop = bus.subscribe(subjects.result('worker'), (data) => { heard = data; });
    await sleep(LISTEN_MS);
    stop();
    const padded = Buffer.from(JSON.stringify({ ...heard as object, facts: { padding: 'x'.repeat(random.between(100_000, 900_000)) } }));
    const said = [await publishRaw(nats.url, subjects.result('worker'), padded), await publishRaw(nats.url, subjects.task('worker/work'), padded), await publishRaw(nats.url, subjects.result('worker'), Buffer.alloc(1024 * 1024 + 1, 'x'))];
    return { did: `${padded.length} bytes twice and 1 MiB + 1: ${said.join(', ')}` };
  },
};

/** What a bus that delivers at least once, and whoever else may write to it, can do with messages. */
export const messageFaults: readonly Fault[] = [
  again('duplicated results', 'pullwright.result.*', 3, 0), again('late results', 'pullwright.result.*', 1, 8_000), again('duplicated tasks', 'pullwright.task.*.*', 1, 0),
  again('duplicated commands', 'pullwright.command.*', 2, 500), poison, oversize,
];
