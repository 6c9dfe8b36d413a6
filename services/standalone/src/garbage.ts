import { setTimeout as sleep } from 'node:timers/promises';
import { openBlobs, sweepBlobs, type Swept } from '#artifacts';
import { inspect, type Bus } from '#bus';
import type { Config } from '#config';
import { Failure, QUERIES, subjects, type ArtifactId } from '#contracts';

const ANSWER_LIMIT_MS = 30_000;
const SETTLE_LIMIT_MS = 60_000;
const PAGE = 100;

/**
 * Removes what no run and no memo names from the artifact store. The coordinator knows what runs name and has no access to the store; this has the store and no database, and asks.
 * Results that were on the bus when it began are waited for: what they name is not in the database yet. Throws `Failure('bus-unavailable')` when the coordinator does not take or answer them.
 */
export async function collectGarbage(bus: Bus, config: Config): Promise<Swept> {
  await resultsTaken(bus);
  return sweepBlobs(openBlobs(config), references(bus), config.MEMO_DAYS);
}

async function resultsTaken(bus: Bus): Promise<void> {
  const results = async () => (await inspect(bus)).streams.find(({ name }) => name === 'PULLWRIGHT_RESULTS');
  const until = (await results())?.lastSeq ?? 0;
  for (const deadline = Date.now() + SETTLE_LIMIT_MS; Date.now() < deadline; await sleep(500)) {
    const now = await results();
    if (now && (now.messages === 0 || now.firstSeq > until)) return;
  }
  throw new Failure('bus-unavailable', 'results wait for a coordinator; nothing was removed');
}

async function* references(bus: Bus): AsyncGenerator<ArtifactId> {
  for (let cursor: string | undefined; ;) {
    const reply = QUERIES['list-references'].reply.parse(await bus.request(subjects.query('list-references'), { cursor, limit: PAGE }, ANSWER_LIMIT_MS));
    if (!reply.ok) throw new Failure(reply.failure.code, reply.failure.detail);
    for (const ids of reply.items) yield* ids;
    if (reply.next === undefined) return;
    cursor = reply.next;
  }
}
