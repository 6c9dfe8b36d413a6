import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandReply } from '#contracts';
import { migrate, openDatabase } from './store/database.js';
import { stepsOf } from './store/log.js';
import { newRunId, Stage } from './test/stage.js';

/** What time does to runs, on the database's clock. To move the clock, a test moves what lies in the database the other way. */

const PIPELINES = {
  gate: `name: gate
version: 1
steps:
  review: { approve: { roles: [qa-lead] } }
  after: { run: crawler/crawl, needs: [review] }
`,
  chain: `name: chain
version: 1
steps:
${Array.from({ length: 10 }, (_, n) => `  s${n}: { run: crawler/crawl, needs: [${n > 0 ? `s${n - 1}` : ''}] }`).join('\n')}
`,
};

const DAY_MS = 86_400_000;

let stage: Stage;
beforeAll(async () => { stage = await Stage.open(PIPELINES); });
afterAll(async () => { await stage.close(); });
beforeEach(() => { stage.behaviour = () => ({}); stage.taken.length = 0; });
afterEach(async () => { await stage.stopCoordinators(); });

const decide = (runId: string, decision: 'approve' | 'reject' = 'approve'): Promise<CommandReply> => stage.command('decide-approval', { runId, stepId: 'review', decision, role: 'qa-lead', requestedBy: 'ann' });
const told = async (runId: string): Promise<string[]> => (await stage.events(runId)).map(({ type }) => type).filter((type) => type.startsWith('approval-'));

async function waiting(): Promise<string> {
  const runId = await stage.start('gate');
  await stage.reaches(runId, 'waiting');
  return runId;
}

describe('an approval of seven days', () => {
  test('holds nothing, and outlives coordinators and migrations', async () => {
    await stage.startCoordinator();
    const runId = await waiting();
    const { rows: [row] } = await stage.database.query<{ steps: string }>('SELECT steps FROM log WHERE run_id = $1', [runId]);
    const review = stepsOf(row?.steps ?? '').get('review');
    expect((review?.wakeAt ?? 0) - (review?.startedAt ?? 0)).toBe(7 * DAY_MS);
    expect((await stage.database.query('SELECT FROM locks')).rowCount).toBe(0);
    await stage.stopCoordinators();
    const database = await openDatabase(stage.postgres.url);
    // Back to the tables before there was a log, and forward again.
    for (let undone = 0; undone < 2; undone++) await database.undoLastMigration();
    expect((await stage.database.query<{ status: string }>(`SELECT status FROM steps WHERE run_id = $1 AND id = 'review'`, [runId])).rows).toEqual([{ status: 'waiting' }]);
    await database.destroy();
    expect(await migrate(stage.postgres.url)).toHaveLength(2);
    await stage.startCoordinator();
    expect(await decide(runId)).toMatchObject({ ok: true, repeated: false });
    await stage.reaches(runId, 'succeeded');
  });

  test('can be given after six days, and not after seven, although nobody was there when they ended', async () => {
    await stage.startCoordinator();
    const [early, late] = [await waiting(), await waiting()];
    await stage.pass(6 * DAY_MS);
    expect(await decide(early)).toMatchObject({ ok: true });
    await stage.reaches(early, 'succeeded');
    await stage.stopCoordinators();
    await stage.pass(DAY_MS);
    await stage.startCoordinator();
    expect(await decide(late)).toMatchObject({ ok: false, failure: { code: 'wrong-state' } });
    await stage.reaches(late, 'failed');
    expect(await told(late)).toEqual(['approval-requested', 'approval-expired']);
    expect((await stage.run(late)).failure).toEqual({ code: 'approval-expired' });
  });

  test('is decided once: repeated it is the same, and the other way round it is refused', async () => {
    await stage.startCoordinator();
    await stage.startCoordinator();
    const runId = await waiting();
    const replies = await Promise.all(Array.from({ length: 20 }, async (_, n) => decide(runId, n % 2 === 0 ? 'approve' : 'reject')));
    await stage.reaches(runId, 'succeeded', 'failed');
    expect(replies.filter((reply) => reply.ok && !reply.repeated)).toHaveLength(1);
    expect(replies.filter((reply) => !reply.ok)).toHaveLength(10);
    expect(await told(runId)).toEqual(['approval-requested', 'approval-decided']);
  });

  test('against its expiry, over two coordinators: one of the two, and the answer says which', async () => {
    await stage.startCoordinator();
    await stage.startCoordinator();
    const runs = await Promise.all(Array.from({ length: 60 }, waiting));
    await Promise.all(runs.map(async (runId, n) => stage.pass(7 * DAY_MS - n * 10, [runId])));
    const replies = await Promise.all(runs.map(async (runId, n) => { await sleep((runs.length - n) * 10); return decide(runId); }));
    for (const [n, runId] of runs.entries()) {
      await stage.reaches(runId, replies[n]?.ok ? 'succeeded' : 'failed');
      expect(await told(runId)).toEqual(['approval-requested', replies[n]?.ok ? 'approval-decided' : 'approval-expired']);
    }
    expect(new Set(replies.map(({ ok }) => ok))).toEqual(new Set([true, false]));
  });
});

test('twenty thousand timers due at once: results are committed between them', async () => {
  await stage.startCoordinator();
  const gate = Promise.withResolvers<void>();
  stage.behaviour = async (task) => { if (task.stepId === 's0') await gate.promise; return {}; };
  const runId = await stage.start('chain');
  await stage.until(() => stage.taken.length === 1, 'the first step at work');
  const { rows: [pinned] } = await stage.database.query<{ hash: string }>(`SELECT hash FROM pipelines WHERE name = 'gate'`);
  const storm = Array.from({ length: 20_000 }, newRunId);
  const review = { stepId: 'review', position: 0, status: 'waiting', attempt: 0, tries: 0, startedAt: Date.now(), wakeAt: Date.now() };
  await stage.database.query(
    `WITH r AS (INSERT INTO runs (id, pipeline_hash, repository, params, status, requested_by, created_at, check_at) SELECT id, $2, '/storm', '{}', 'waiting', 'ann', now(), now() FROM unnest($1::text[]) AS id)
     INSERT INTO log (run_id, seq, last, at, events, steps) SELECT id, 1, 3, now(), '[]', $3 FROM unnest($1::text[]) AS id`, [storm, pinned?.hash, JSON.stringify([review])]);
  gate.resolve();
  await stage.reaches(runId, 'succeeded');
  const waits = async () => (await stage.database.query<{ waits: boolean }>(`SELECT EXISTS (SELECT FROM runs WHERE status = 'waiting' AND repository = '/storm') AS waits`)).rows[0]?.waits;
  await stage.until(async () => await waits() === false, 'every timer has fired', 120_000);
  expect((await stage.database.query<{ n: number }>(`SELECT count(*)::integer AS n FROM runs WHERE repository = '/storm' AND status = 'failed'`)).rows[0]?.n).toBe(storm.length);
  const { rows: [order] } = await stage.database.query<{ between: boolean }>(
    `SELECT (SELECT finished_at FROM runs WHERE id = $1) < max(finished_at) AS between FROM runs WHERE repository = '/storm'`, [runId]);
  expect(order?.between).toBe(true);
}, 150_000);
