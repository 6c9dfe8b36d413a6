import { MAX_MESSAGE_BYTES, StartReplies, subjects } from '#contracts';
import { Stage, newRunId } from './test/stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({});
  await stage.startCoordinator();
});
afterAll(async () => { await stage.close(); });

const request = (change: object = {}) => ({ runId: newRunId(), pipeline: 'test-generation', repository: '/repo', params: {}, requestedBy: 'ann', ...change });
const count = async (): Promise<number> => Number((await stage.database.query<{ count: string }>('SELECT count(*) FROM runs')).rows[0]?.count);

describe('start-run', () => {
  test('twice with one id is one run', async () => {
    const command = request();
    const before = await count();
    expect(await stage.command('start-run', command)).toEqual({ ok: true, runId: command.runId, repeated: false });
    expect(await stage.command('start-run', command)).toEqual({ ok: true, runId: command.runId, repeated: true });
    expect(await count()).toBe(before + 1);
  });

  test('twice with one idempotency key answers with the first run, also when both come at once', async () => {
    const idempotency = { key: newRunId(), requestHash: 'h1' };
    const before = await count();
    const [one, two] = await Promise.all([stage.command('start-run', request({ idempotency })), stage.command('start-run', request({ idempotency }))]);
    if (!one.ok || !two.ok) throw new Error('refused');
    expect(one.runId).toBe(two.runId);
    expect([one, two].filter((reply) => reply.repeated)).toHaveLength(1);
    expect(await stage.command('start-run', request({ idempotency }))).toEqual({ ok: true, runId: one.runId, repeated: true });
    expect(await count()).toBe(before + 1);
  });

  test('with the key of another request is refused', async () => {
    const idempotency = { key: newRunId(), requestHash: 'h1' };
    await stage.command('start-run', request({ idempotency }));
    expect(await stage.command('start-run', request({ idempotency: { ...idempotency, requestHash: 'h2' } }))).toEqual({ ok: false, failure: { code: 'idempotency-mismatch' } });
  });

  test.each([
    ['an unknown pipeline', { pipeline: 'dreams' }, 'unknown-pipeline', 'dreams'],
    ['an unknown parameter', { params: { speed: 3 } }, 'bad-request', 'params.speed'],
    ['a parameter out of bounds', { params: { depth: 'bottomless' } }, 'bad-request', 'params.depth'],
    ['no run id', { runId: 'me' }, 'bad-request', 'runId'],
    ['credentials in the address', { repository: 'https://me:secret@example.org/a.git' }, 'bad-request', 'repository'],
  ])('with %s is refused and leaves nothing', async (_, change, code, detail) => {
    const before = await count();
    const reply = await stage.command('start-run', request(change));
    expect(reply).toMatchObject({ ok: false, failure: { code, detail: expect.stringContaining(detail) as string } });
    expect(JSON.stringify(reply)).not.toContain('secret');
    expect(await count()).toBe(before);
  });

  test('a refused command in a batch does not touch the others', async () => {
    const replies = await Promise.all([request(), request({ pipeline: 'dreams' }), request()].map(async (command) => stage.command('start-run', command)));
    expect(replies.map((reply) => reply.ok)).toEqual([true, false, true]);
  });
});

const together = async (starts: unknown, id = newRunId()): Promise<StartReplies['replies']> => StartReplies.parse(await stage.bus.command(subjects.command('start-runs'), { starts }, { id }, 10_000)).replies;

describe('start-runs', () => {
  test('starts each as one of its own; what is refused or no start does not touch the others', async () => {
    const [one, two, refused] = [request(), request(), request({ pipeline: 'dreams' })];
    const before = await count();
    expect(await together([one, refused, { runId: 'me' }, 7, two])).toEqual([
      { ok: true, runId: one.runId, repeated: false },
      { ok: false, failure: { code: 'unknown-pipeline', detail: expect.stringContaining('dreams') as string } },
      { ok: false, failure: { code: 'bad-request', detail: expect.stringContaining('runId') as string } },
      { ok: false, failure: { code: 'bad-request', detail: expect.any(String) as string } },
      { ok: true, runId: two.runId, repeated: false },
    ]);
    expect(await count()).toBe(before + 2);
  });

  test('that come again are the same runs', async () => {
    const starts = [request(), request({ idempotency: { key: newRunId(), requestHash: 'h1' } })];
    const first = await together(starts);
    const before = await count();
    const other = request({ idempotency: starts[1]?.['idempotency' as keyof object] });
    expect(await together([...starts, other])).toEqual([...first, first[1]].map((reply) => ({ ...reply, repeated: true })));
    expect(await count()).toBe(before);
  });

  test('are answered on the bus also when every one of them has much to say', async () => {
    const replies = await together(Array.from({ length: 50 }, () => ({})));
    expect(replies.map((reply) => !reply.ok && reply.failure.code)).toEqual(Array.from({ length: 50 }, () => 'bad-request'));
    expect(JSON.stringify({ replies }).length).toBeLessThan(MAX_MESSAGE_BYTES);
  });

  test.each([['a list of nothing', []], ['no list', 'all']])('of %s are refused', async (_, starts) => {
    expect(await together(starts)).toMatchObject([{ ok: false, failure: { code: 'bad-request' } }]);
  });
});

describe('commands to a run', () => {
  test.each([
    ['cancel-run', {}], ['retry-run', {}], ['decide-approval', { stepId: 'review', decision: 'approve', role: 'qa-lead' }],
  ] as const)('%s of an unknown run is refused', async (name, more) => {
    expect(await stage.command(name, { runId: newRunId(), requestedBy: 'ann', ...more })).toEqual({ ok: false, failure: { code: 'unknown-run' } });
  });

  test('a retry names a step that exists', async () => {
    const runId = await stage.start('test-generation');
    await stage.reaches(runId, 'succeeded');
    expect(await stage.command('retry-run', { runId, requestedBy: 'ann' })).toMatchObject({ ok: false, failure: { code: 'wrong-state' } });
    expect(await stage.command('retry-run', { runId, requestedBy: 'ann', fromStep: 'nowhere' })).toMatchObject({ ok: false, failure: { code: 'bad-request' } });
    expect(await stage.command('retry-run', { runId, requestedBy: 'ann', fromStep: 'design/1' })).toMatchObject({ ok: true });
    await stage.reaches(runId, 'succeeded');
    const attempts = Object.fromEntries([...await stage.steps(runId)].map(([id, step]) => [id, step.attempt]));
    expect(attempts).toMatchObject({ crawl: 1, 'design/0': 1, 'design/1': 2, 'design/2': 1, write: 2, publish: 2 });
  });
});
