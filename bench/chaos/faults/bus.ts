import { rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { consumers, STREAMS } from '#contracts';
import type { Fault } from '../fault.js';

const WORK = STREAMS.map(({ name }) => name).filter((name) => name !== 'PULLWRIGHT_HEALTH');

/** The bus: its server, its store, its streams and consumers. After a loss somebody provisions again, as an operator would. */
export const busFaults: readonly Fault[] = [
  {
    name: 'kill -9 nats-server',
    inject: async ({ nats }, random) => {
      const ms = random.between(0, 4_000);
      await nats.kill();
      await sleep(ms);
      await nats.restart();
      return { did: `away for ${ms} ms` };
    },
  },
  {
    name: 'wipe of the JetStream store',
    inject: async ({ nats, natsStore, provision }) => {
      await nats.kill();
      await rm(natsStore, { recursive: true, force: true });
      await nats.restart();
      await provision();
      return { did: 'killed, deleted, started, provisioned' };
    },
  },
  {
    name: 'deletion of a stream',
    inject: async ({ bus, provision }, random) => {
      const stream = random.pick(WORK);
      await bus.manager.streams.delete(stream);
      await sleep(random.between(0, 2_000));
      await provision();
      return { did: stream };
    },
  },
  {
    name: 'deletion of a consumer',
    inject: async ({ bus, provision }, random) => {
      const { stream, durable } = random.pick(consumers().filter(({ service }) => ['coordinator', 'worker', 'apart'].includes(service)));
      await bus.manager.consumers.delete(stream, durable);
      await sleep(random.between(0, 2_000));
      await provision();
      return { did: durable };
    },
  },
  {
    name: 'disk full under JetStream',
    inject: async ({ nats, natsStore, hasSmallDisk, provision }, random) => {
      if (!hasSmallDisk) return { skipped: 'only root can mount a small file system' };
      const home = dirname(natsStore);
      const filler = join(home, 'filler');
      const { bavail, bsize } = await statfs(home);
      // The last write takes what is left, whatever the size of a page.
      await writeFile(filler, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOSPC') throw error; });
      const ms = random.between(3_000, 6_000);
      await sleep(ms);
      await rm(filler, { force: true });
      // A server that could not write has switched JetStream off until it is started again.
      await nats.stop();
      await nats.restart();
      await provision();
      return { did: `for ${ms} ms, then room was made and the server started again` };
    },
  },
];
