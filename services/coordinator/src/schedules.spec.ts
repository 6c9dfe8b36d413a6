import { setTimeout as sleep } from 'node:timers/promises';
import { latestOccurrence, requireOccurrence } from './cron.js';
import { Stage } from './test/stage.js';

const at = (text: string) => Date.parse(text);
const latest = (now: string) => new Date(latestOccurrence('*/10 * * * *', 'UTC', at('2020-01-01T00:00:00Z'), at(now))).toISOString();

describe('occurrences', () => {
  test.each([
    ['30 3 * * 1-5', 'UTC', '2026-01-02T04:00:00Z', '2026-01-05T03:30:00Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-01-10T09:00:00Z', '2026-01-11T08:00:00Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-07-10T09:00:00Z', '2026-07-11T07:00:00Z'],
    // An hour that the change of the clocks skips, and one that it repeats.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  ])('%s in %s after %s is at %s', (cron, timeZone, after, next) => {
    expect(new Date(requireOccurrence(cron, timeZone, at(after))).toISOString()).toBe(new Date(next).toISOString());
  });

  test.each([['61 * * * *', 'UTC'], ['* * * * * *', 'UTC'], ['0 0 30 2 *', 'UTC'], ['* * * * *', 'Mars/Olympus']])('%s in %s is refused', (cron, timeZone) => {
    expect(() => requireOccurrence(cron, timeZone, at('2026-01-01T00:00:00Z'))).toThrow(expect.objectContaining({ code: 'bad-request' }));
  });

  test('of those that were missed the latest counts, also after years', () => {
    expect(latest('2020-01-01T00:05:00Z')).toBe('2020-01-01T00:00:00.000Z');
    expect(latest('2020-01-01T00:10:00Z')).toBe('2020-01-01T00:10:00.000Z');
    expect(latest('2026-05-05T05:55:55Z')).toBe('2026-05-05T05:50:00.000Z');
  });
});

describe('schedules', () => {
  let stage: Stage;
  const YEARLY = '0 0 1 1 *';
  const ID = `sch_${'0'.repeat(26)}`;
  beforeAll(async () => { stage = await Stage.open({}); });
  afterAll(async () => { await stage.close(); });
  beforeEach(async () => {
    await stage.database.query('TRUNCATE runs, log, schedules');
    await stage.startCoordinator();
    await stage.startCoordinator();
  });
  afterEach(async () => { await stage.stopCoordinators(); });

  const request = (change: object = {}) => ({ scheduleId: ID, cron: YEARLY, timeZone: 'UTC', pipeline: 'test-generation', repository: '/repo', ref: 'main', params: { depth: 'smoke' }, cache: false, tenant: 'qa', priority: 5, requestedBy: 'ann', ...change });
  const due = async (interval: string) => stage.database.query(`UPDATE schedules SET next_at = date_trunc('year', now()) - $1::interval`, [interval]);
  const runs = async () => (await stage.database.query<{ id: string; idempotency_key: string; params: object; ref: string; cache: boolean; requested_by: string }>('SELECT * FROM runs')).rows;
  const schedule = async () => { const reply = await stage.query('list-schedules', {}); if (!reply.ok) throw new Error(reply.failure.code); return reply.items[0]; };
  const noted = async () => stage.until(async () => (await schedule())?.lastAt !== undefined, 'the occurrence is noted');

  test('one occurrence starts one run, with two coordinators', async () => {
    expect(await stage.query('add-schedule', request())).toMatchObject({ ok: true, item: { cron: YEARLY, nextAt: expect.stringMatching(/-01-01T00:00:00.000Z$/) as string } });
    await due('0');
    await noted();
    await sleep(2_500);
    const started = await runs();
    expect(started).toMatchObject([{ params: { depth: 'smoke', framework: 'playwright', approval: false }, ref: 'main', cache: false, tenant: 'qa', priority: 5, requested_by: 'ann', idempotency_key: `${ID}/${(await schedule())?.lastAt}` }]);
    expect(await schedule()).toMatchObject({ lastRunId: started[0]?.id });
    expect(Date.parse((await schedule())?.nextAt ?? '')).toBeGreaterThan(Date.now());
  }, 20_000);

  test('after years without a coordinator the latest missed occurrence starts one run', async () => {
    await stage.query('add-schedule', request());
    await stage.stopCoordinators();
    await due('5 years');
    await stage.startCoordinator();
    await noted();
    expect(await runs()).toHaveLength(1);
    expect((await schedule())?.lastAt).toBe(`${new Date().getUTCFullYear()}-01-01T00:00:00.000Z`);
  });

  test('a coordinator that dies between the start and the note of it is repeated without harm', async () => {
    await stage.query('add-schedule', request());
    await due('0');
    await noted();
    const [first] = await runs();
    await stage.database.query('UPDATE schedules SET next_at = last_at, last_at = NULL, last_run_id = NULL');
    await noted();
    expect(await runs()).toMatchObject([{ id: first?.id }]);
    expect(await schedule()).toMatchObject({ lastRunId: first?.id });
  });

  test('a start that is refused is noted, and the next occurrence stands', async () => {
    await stage.query('add-schedule', request());
    await stage.database.query(`UPDATE schedules SET pipeline = 'gone'`);
    await due('0');
    await noted();
    expect(await schedule()).toMatchObject({ lastFailure: { code: 'unknown-pipeline' } });
    expect(await runs()).toEqual([]);
  });

  test('what could never start is refused, and what is removed does not start', async () => {
    for (const [change, code] of [[{ cron: '0 0 30 2 *' }, 'bad-request'], [{ timeZone: 'Mars/Olympus' }, 'bad-request'], [{ cron: '@daily' }, 'bad-request'], [{ cron: '0 * * * * *' }, 'bad-request'], [{ pipeline: 'gone' }, 'unknown-pipeline'], [{ params: { depth: 'abysmal' } }, 'bad-request']] as const) {
      expect(await stage.query('add-schedule', request(change))).toMatchObject({ ok: false, failure: { code } });
    }
    await stage.query('add-schedule', request());
    expect(await stage.query('add-schedule', request({ cron: '* * * * *' }))).toMatchObject({ ok: true, item: { cron: YEARLY } });
    expect(await stage.query('remove-schedule', { scheduleId: ID })).toMatchObject({ ok: true });
    expect(await stage.query('remove-schedule', { scheduleId: ID })).toMatchObject({ ok: false, failure: { code: 'unknown-schedule' } });
    expect(await schedule()).toBeUndefined();
  });
});
