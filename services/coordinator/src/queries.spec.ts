import { MAX_MESSAGE_BYTES, RunView } from '#contracts';
import { artifact } from './test/simulation.js';
import { Stage, newRunId } from './test/stage.js';

let stage: Stage;
let runId: string;
beforeAll(async () => {
  stage = await Stage.open({});
  await stage.startCoordinator();
  // Lists as long as a message allows.
  stage.behaviour = (task) => (task.stepId === 'crawl' ? { outputs: { map: artifact('map'), features: Array.from({ length: 80 }, (_, index) => artifact(`feature ${index}`)) }, facts: { commit: 'abc', routes: 7, secret: 'dropped' } } : {});
  runId = await stage.start('test-generation', { repository: '/long', params: { depth: 'deep' } });
  await stage.reaches(runId, 'succeeded');
});
afterAll(async () => { await stage.close(); });

/** Every page of a query; each must fit on the bus. */
async function pages<Item>(next: (cursor?: string) => Promise<{ ok: boolean; items?: Item[]; next?: string }>): Promise<Item[][]> {
  const all: Item[][] = [];
  for (let cursor: string | undefined; ;) {
    const reply = await next(cursor);
    expect(reply.ok).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThan(MAX_MESSAGE_BYTES);
    all.push(reply.items ?? []);
    cursor = reply.next;
    if (!cursor) return all;
  }
}

test('a run is found by its id', async () => {
  const reply = await stage.query('get-run', { runId });
  expect(reply).toMatchObject({ ok: true, item: { runId, pipeline: 'test-generation', pipelineVersion: 1, repository: '/long', status: 'succeeded', requestedBy: 'ann', params: { depth: 'deep', approval: false } } });
  if (reply.ok) expect(reply.item.finishedAt).toBe(reply.item.updatedAt);
});

test('runs are listed newest first, by repository and status, page by page', async () => {
  const mine = ['a', 'b', 'c', 'd', 'e'].map((digit) => `run_0${digit.repeat(25)}`);
  for (const id of mine) await stage.start('test-generation', { runId: id, repository: '/paged' });
  for (const id of mine) await stage.reaches(id, 'succeeded');
  const listed = await pages<RunView>(async (cursor) => stage.query('list-runs', { repository: '/paged', limit: 2, cursor }));
  expect(listed.map((items) => items.map((run) => run.runId))).toEqual([[mine[4], mine[3]], [mine[2], mine[1]], [mine[0]]]);
  expect(await stage.query('list-runs', { repository: '/paged', status: 'failed' })).toEqual({ ok: true, items: [] });
});

test('steps are listed in their order, in pages that fit on the bus, without lists that do not', async () => {
  const listed = await pages(async (cursor) => stage.query('list-steps', { runId, limit: 100, cursor }));
  const steps = listed.flat();
  expect(listed.length).toBeGreaterThan(1);
  expect(steps.slice(0, 6).map((step) => step.stepId)).toEqual(['crawl', 'design', 'review', 'write', 'publish', 'design/0']);
  expect(steps).toHaveLength(5 + 80 + 1);
  expect(steps[0]).toMatchObject({ agent: 'crawler/crawl', status: 'succeeded', attempt: 1, facts: { commit: 'abc', routes: 7 } });
  expect(steps[0]?.facts).not.toHaveProperty('secret');
  expect(steps[2]).toMatchObject({ status: 'skipped', roles: ['qa-lead'] });
});

test('artifacts come with their kind, their name and the step that made them, each once', async () => {
  const artifacts = (await pages(async (cursor) => stage.query('list-artifacts', { runId, limit: 100, cursor }))).flat();
  expect(artifacts).toHaveLength(1 + 80 + 80 + 1 + 1);
  expect(artifacts[0]).toMatchObject({ runId, stepId: 'crawl', name: 'features', kind: 'feature@1', artifactId: artifact('feature 0') });
  expect(artifacts.find((one) => one.stepId === 'design/7')).toMatchObject({ name: 'cases', kind: 'test-cases@1' });
  expect(new Set(artifacts.map((one) => `${one.stepId} ${one.name} ${one.artifactId}`)).size).toBe(artifacts.length);
});

test('events are listed from a place on, without gaps', async () => {
  const events = (await pages(async (cursor) => stage.query('list-events', { runId, afterSeq: 5, limit: 100, cursor }))).flat();
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 6));
  expect(events.at(-1)?.type).toBe('run-succeeded');
});

test('pipelines are listed', async () => {
  expect(await stage.query('list-pipelines', {})).toEqual({ ok: true, items: [{ name: 'forge-event', version: 1, steps: ['plan', 'act'] }, { name: 'forge-report', version: 1, steps: ['report'] }, { name: 'test-generation', version: 1, steps: ['crawl', 'design', 'review', 'write', 'publish'] }] });
});

test.each(['get-run', 'list-steps', 'list-artifacts', 'list-events'] as const)('%s of an unknown run says so', async (name) => {
  expect(await stage.query(name, { runId: newRunId() })).toMatchObject({ ok: false, failure: { code: 'unknown-run' } });
});

test.each([['steps', 'list-steps'], ['events', 'list-events'], ['artifacts', 'list-artifacts']] as const)('a cursor for %s that was not made here is refused', async (_, name) => {
  expect(await stage.query(name, { runId, cursor: Buffer.from('1; DROP TABLE runs').toString('base64url') })).toMatchObject({ ok: false, failure: { code: 'bad-request' } });
});
