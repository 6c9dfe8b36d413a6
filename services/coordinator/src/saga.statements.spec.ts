import { jest } from '@jest/globals';
import { Pool } from 'pg';
import { Capacity } from './capacity.js';
import { Dispatcher } from './dispatcher.js';
import { Limits } from './limits.js';
import { Pipelines } from './pipelines.js';
import { Saga, type Intent } from './saga.js';
import { openDatabase, pinPipelines } from './store/database.js';
import { PostgresStore } from './store/postgres-store.js';
import { outputsOf } from './test/simulation.js';
import { Stage, newRunId } from './test/stage.js';

const starts = (count: number): Intent[] => Array.from({ length: count }, () => {
  const runId = newRunId();
  return { runId, start: { runId, pipeline: 'test-generation', repository: `/${runId}`, params: {}, requestedBy: 'ann' } };
});
const crawled = (intents: Intent[]): Intent[] => intents.map(({ runId }) => {
  const task = { runId, stepId: 'crawl', attempt: 1, agent: 'crawler/crawl' };
  return { runId, signal: { type: 'result', result: { ...task, durationMs: 1, status: 'succeeded', outputs: outputsOf(task, 5), facts: {} } } };
});

test('the number of statements does not grow with the batch', async () => {
  const stage = await Stage.open({});
  const database = await openDatabase(stage.postgres.url);
  const pool = new Pool({ connectionString: stage.postgres.url });
  const query = jest.spyOn(pool, 'query');
  const pipelines = await Pipelines.load();
  await pinPipelines(database, pipelines.all().map(({ hash, compiled }) => ({ hash, definition: compiled.definition })));
  const store = new PostgresStore(pool);
  const limits = new Limits(store);
  const saga = new Saga(store, pipelines, new Dispatcher(store, stage.bus, pipelines, limits, new Capacity()), limits);

  const statementsOf = async (intents: Intent[]): Promise<string[]> => {
    query.mockClear();
    const answers = await saga.apply(intents);
    for (const answer of answers) expect(answer).toMatchObject({ status: 'fulfilled', value: { ok: true, repeated: false } });
    // The time is asked for only when the database has not been heard of for a moment.
    return query.mock.calls.map(([config]) => (config as unknown as { name: string }).name).filter((name) => name !== 'now');
  };
  const [one, many] = [starts(1), starts(200)];
  const started = await statementsOf(one);
  expect(await statementsOf(many)).toEqual(started);
  const fannedOut = await statementsOf(crawled(one));
  expect(await statementsOf(crawled(many))).toEqual(fannedOut);
  expect(fannedOut).toEqual(['commit']);

  await saga.idle();
  await Promise.all([database.destroy(), pool.end()]);
  await stage.close();
});
