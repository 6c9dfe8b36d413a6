import { homedir } from 'node:os';
import { join } from 'node:path';
import { resolveNatsServer, startEmbeddedNats } from '#embedded';
import type { Site } from './system.js';

/** A nats-server of its own for one contestant, with the store below the site's folder. */
export async function startNats(site: Site): Promise<{ url: string; processes: { nats: number } }> {
  // Where the standalone keeps it too: what was fetched once serves both.
  const binary = await resolveNatsServer(join(homedir(), '.cache', 'pullwright'), () => undefined);
  const server = await startEmbeddedNats(join(site.folder, 'nats'), { binary });
  site.undo(() => server.stop());
  return { url: server.url, processes: { nats: server.pid() } };
}
