import type { CommandReply, Limit } from '#contracts';
import { Stage, newRunId } from './test/stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({});
  await Promise.all([stage.startCoordinator(), stage.startCoordinator()]);
});
afterAll(async () => { await stage.close(); });

const request = (change: object = {}) => ({ runId: newRunId(), pipeline: 'test-generation', repository: '/repo', params: {}, requestedBy: newRunId(), ...change });
const start = async (change: object) => stage.command('start-run', request(change));
/** How many of four. */
const starts = async (repository: string) => admitted(await Promise.all([1, 2, 3, 4].map(async () => start({ repository }))));
const admitted = (replies: CommandReply[]): number => replies.filter(({ ok }) => ok).length;
const runsOf = async (user: string): Promise<number> => Number((await stage.database.query<{ count: string }>('SELECT count(*) FROM runs WHERE requested_by = $1', [user])).rows[0]?.count);

/** Every coordinator has heard of it when this settles. */
async function limit(change: Partial<Limit>): Promise<Limit> {
  const given: Limit = { kind: 'runs-per-user', key: newRunId(), max: 10, windowSeconds: 3_600, ...change };
  expect(await stage.query('set-limit', given)).toEqual({ ok: true, item: given });
  await stage.refreshLimits();
  return given;
}

test('fifty starts at once over two coordinators are as many runs as the window has room for', async () => {
  const { key: user } = await limit({});
  const replies = await Promise.all(Array.from({ length: 50 }, async () => start({ requestedBy: user })));
  expect(admitted(replies)).toBe(10);
  expect(await runsOf(user)).toBe(10);
  for (const reply of replies) expect(reply).toMatchObject(reply.ok
    ? { quotas: [{ kind: 'runs-per-user', max: 10, windowSeconds: 3_600 }] }
    : { failure: { code: 'rate-limited', detail: 'runs-per-user' }, quotas: [{ remaining: 0 }] });
  const waits = replies.flatMap((reply) => reply.ok ? [] : reply.retryAfterSeconds ?? 0);
  expect(Math.min(...waits)).toBeGreaterThan(3_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(3_600);
});

test('the same start again has its place, by its id and by its idempotency key', async () => {
  const { key: requestedBy } = await limit({ max: 2 });
  const idempotency = { key: newRunId(), requestHash: 'h' };
  const first = request({ requestedBy });
  const twice = await Promise.all([stage.command('start-run', first, 'a'), stage.command('start-run', first, 'b'), start({ requestedBy, idempotency }), start({ requestedBy, idempotency })]);
  expect(admitted(twice)).toBe(4);
  expect(admitted([await start({ requestedBy, idempotency }), await stage.command('start-run', first, 'c')])).toBe(2);
  expect(await start({ requestedBy })).toMatchObject({ ok: false, failure: { code: 'rate-limited' } });
  expect(await runsOf(requestedBy)).toBe(2);
});

test('what is refused for another reason is not counted', async () => {
  const { key: requestedBy } = await limit({ max: 1 });
  expect(await start({ requestedBy, pipeline: 'dreams' })).toMatchObject({ ok: false, failure: { code: 'unknown-pipeline' } });
  expect(await start({ requestedBy })).toMatchObject({ ok: true, quotas: [{ remaining: 0 }] });
});

test('everybody has a window of his own under the default, and some another', async () => {
  await limit({ kind: 'runs-per-repository', key: '*', max: 1 });
  await limit({ kind: 'runs-per-repository', key: '/large', max: 3 });
  expect(await Promise.all(['/a', '/b', '/large'].map(starts))).toEqual([1, 1, 3]);
  expect(await stage.query('remove-limit', { kind: 'runs-per-repository', key: '*' })).toMatchObject({ ok: true });
  await stage.refreshLimits();
  expect(await starts('/a')).toBe(4);
  await stage.query('remove-limit', { kind: 'runs-per-repository', key: '/large' });
});

test('limits are listed, and one that cannot be is refused', async () => {
  const set = await limit({ kind: 'concurrency-per-tenant', max: 5, windowSeconds: undefined });
  const listed = await stage.query('list-limits', {});
  if (!listed.ok) throw new Error(listed.failure.code);
  expect(listed.items).toContainEqual(set);
  await expect(stage.query('set-limit', { kind: 'runs-per-user', key: 'ann', max: 5 })).resolves.toMatchObject({ ok: false, failure: { code: 'bad-request', detail: expect.stringContaining('windowSeconds') as string } });
});
