import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveNatsServer, startEmbeddedNats, type EmbeddedNats } from '#embedded';

export interface TestNats extends EmbeddedNats {
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
    remove: async () => {
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
