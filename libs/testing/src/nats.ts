import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveNatsServer, startEmbeddedNats, type EmbeddedNats } from '#embedded';

export interface TestNats extends EmbeddedNats {
  /** Kills the server, deletes its store and starts it empty on the same port: the loss of the whole bus. */
  wipe(): Promise<void>;
  /** Deletes the store under the running server, which goes on with what it has in memory until it needs a file. */
  removeStore(): Promise<void>;
  /** Stops the server and deletes its store; call it in afterAll. */
  remove(): Promise<void>;
}

/** Fetched binaries outlive a test run; they are the only thing that does. */
const CACHE = join(tmpdir(), 'pullwright-test-cache');

/** A real nats-server with JetStream and an empty store, on a free port. `binary` picks a certain server. */
export async function startNats(options: { binary?: string; user?: string; password?: string } = {}): Promise<TestNats> {
  const binary = options.binary ?? await resolveNatsServer(CACHE, () => undefined);
  const dir = await mkdtemp(join(tmpdir(), 'pullwright-nats-'));
  const nats = await startEmbeddedNats(dir, { ...options, binary });
  return {
    ...nats,
    wipe: async () => {
      await nats.kill();
      await rm(join(dir, 'jetstream'), { recursive: true, force: true });
      await nats.restart();
    },
    // The server may make a file in a folder that is just being emptied.
    removeStore: () => rm(join(dir, 'jetstream'), { recursive: true, force: true, maxRetries: 5 }),
    remove: async () => {
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
