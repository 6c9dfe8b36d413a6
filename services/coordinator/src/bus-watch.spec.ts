import { setTimeout as sleep } from 'node:timers/promises';
import { Coordinator } from './coordinator.js';
import { Stage } from './test/stage.js';

const RUNS = 200;
const PIPELINE = `name: effect
version: 1
steps:
  crawl:   { run: crawler/crawl }
  design:  { run: case-generator/design, needs: [crawl], forEach: crawl.features, with: { feature: each } }
  publish: { run: pr-publisher/close, needs: [design] }
`;

let stage: Stage;
/** External effects by key, as a forge would count them. */
const effects = new Map<string, number>();
beforeAll(async () => { stage = await Stage.open({ effect: PIPELINE }); });
afterAll(async () => { await stage.close(); });
beforeEach(() => {
  effects.clear();
  stage.taken.length = 0;
  stage.behaviour = async (task) => {
    await sleep(5);
    if (task.stepId === 'publish') effects.set(`${task.runId}.${task.attempt}`, (effects.get(`${task.runId}.${task.attempt}`) ?? 0) + 1);
    return {};
  };
});
afterEach(async () => { await stage.stopCoordinators(); });

async function started(count: number): Promise<string[]> {
  const runs = await Promise.all(Array.from({ length: count }, async () => stage.start('effect')));
  await stage.until(async () => (await stage.database.query(`SELECT FROM log WHERE steps LIKE '%"status":"succeeded"%'`)).rowCount as number > count / 2, 'results are coming in');
  return runs;
}

/** All have succeeded, with one attempt of each step: nothing was lost, and nothing counted twice. */
async function finished(runs: readonly string[]): Promise<void> {
  const count = async (what: string) => (await stage.database.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${what}`, [runs])).rows[0]?.n;
  await stage.until(async () => await count(`runs WHERE id = ANY($1) AND status = 'succeeded'`) === runs.length, 'every run has succeeded', 60_000);
  expect(await count(`log WHERE run_id = ANY($1) AND steps LIKE '%"attempt":2%'`)).toBe(0);
  expect(effects.size).toBe(runs.length);
  const events = await Promise.all(runs.map(async (runId) => stage.events(runId)));
  for (const ofRun of events) expect(ofRun.map(({ seq }) => seq)).toEqual(ofRun.map((_, index) => index + 1));
  expect(events.map((ofRun) => ofRun.filter(({ type, stepId }) => type === 'step-succeeded' && stepId === 'publish').length)).toEqual(runs.map(() => 1));
}

describe('a coordinator that may provision', () => {
  beforeEach(async () => { await stage.startCoordinator({ NATS_PROVISION: true }); });

  test('fills a bus again whose store was wiped under many runs', async () => {
    const runs = await started(RUNS);
    await stage.nats.wipe();
    await finished(runs);
  }, 90_000);

  test.each(['PULLWRIGHT_TASKS', 'PULLWRIGHT_RESULTS', 'PULLWRIGHT_EVENTS'])('makes %s again when it was deleted', async (stream) => {
    const runs = await started(RUNS);
    await stage.bus.manager.streams.delete(stream);
    await finished(runs);
  }, 90_000);

  test('makes consumers again that were deleted', async () => {
    const runs = await started(RUNS);
    await stage.bus.manager.consumers.delete('PULLWRIGHT_RESULTS', 'coordinator-results');
    await stage.bus.manager.consumers.delete('PULLWRIGHT_TASKS', 'case-generator-design');
    await finished(runs);
    // What was at work when its consumer went comes again; everything else comes once.
    expect(stage.taken.length).toBeLessThanOrEqual(RUNS * 5 + 4);
  }, 90_000);

  test('makes the streams anew when their files were removed under a running server', async () => {
    const runs = await started(RUNS);
    await stage.nats.removeStore();
    await finished(runs);
  }, 90_000);

  test('two of them, and the loss while both are away', async () => {
    await stage.startCoordinator({ NATS_PROVISION: true });
    const runs = await started(RUNS);
    await stage.stopCoordinators();
    await stage.nats.wipe();
    await Promise.all([stage.startCoordinator({ NATS_PROVISION: true }), stage.startCoordinator({ NATS_PROVISION: true })]);
    await finished(runs);
  }, 90_000);
});

describe('a coordinator that may not', () => {
  test('waits for the operator and says so', async () => {
    const coordinator = (await stage.startCoordinator()).get(Coordinator);
    const runs = await started(20);
    await stage.bus.manager.streams.delete('PULLWRIGHT_TASKS');
    await stage.until(async () => coordinator.ready().then(() => false, (error: unknown) => String(error).includes('missing PULLWRIGHT_TASKS') && String(error).includes('pullwright provision')), 'it is not ready');
    await stage.provision();
    await finished(runs);
    await coordinator.ready();
  }, 90_000);
});

test('a stream that was purged by hand: what steps still wait for is counted and published again', async () => {
  await stage.startCoordinator();
  stage.behaviour = () => 'silent';
  const runId = await stage.start('effect');
  await stage.until(() => stage.taken.length === 1, 'the task was taken, and nothing came of it');
  await stage.database.query(`UPDATE log SET at = now() - interval '1 hour' WHERE run_id = $1`, [runId]);
  stage.behaviour = () => ({});
  await stage.stopCoordinators();
  // What has reached the bus is struck off with a later commit, of which there is none here.
  await stage.database.query('DELETE FROM outbox');
  await stage.startCoordinator();
  await stage.reaches(runId, 'succeeded');
  expect((await stage.steps(runId)).get('crawl')?.attempt).toBe(1);
});
