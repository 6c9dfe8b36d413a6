import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from '#config';
import { resolveNatsServer, startEmbeddedNats, startEmbeddedPostgres } from '#embedded';

/** NATS and Postgres: those that the environment names, or embedded ones with their data in the home folder. */
export interface Server { url: string; stop(): Promise<void> }

/** An embedded one lets in nobody who has not got its password: whoever may publish tasks may have any repository of this user published to. */
export async function startNats(home: string): Promise<Server & { user?: string; password?: string }> {
  const { NATS_URL } = childEnvironment(['NATS_URL']);
  if (NATS_URL) return given('NATS', 'NATS_URL', NATS_URL);
  const log = new Logger('nats');
  const binary = await resolveNatsServer(cacheFolder(home), (line) => log.log(line));
  const account = { user: 'standalone', password: randomBytes(24).toString('base64url') };
  return { ...await startEmbeddedNats(join(home, 'nats'), { binary, ...account }), ...account };
}

export async function startPostgres(home: string): Promise<Server> {
  const { DATABASE_URL } = childEnvironment(['DATABASE_URL']);
  return DATABASE_URL ? given('Postgres', 'DATABASE_URL', DATABASE_URL) : startEmbeddedPostgres(join(home, 'postgres'));
}

/** Somebody else's: it is not ours to stop. The address may hold a password, so only its option is logged. */
function given(what: string, option: string, url: string): Server {
  new Logger('standalone').log(`${what}: the one at ${option}`);
  return { url, stop: async () => undefined };
}

/** What was fetched once serves every clone of this user; an account without a home keeps it in the clone's. */
export function cacheFolder(home: string): string {
  const shared = join(homedir(), '.cache', 'pullwright');
  try {
    mkdirSync(shared, { recursive: true });
    accessSync(shared, constants.W_OK);
    return shared;
  } catch {
    return home;
  }
}
