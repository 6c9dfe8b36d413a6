import { AbstractLogger } from 'typeorm';
import { Dispatcher } from './dispatcher.js';
import { Pipelines } from './pipelines.js';
import { Saga, type Intent } from './saga.js';
import { openDatabase } from './store/database.js';
import { pinPipelines } from './store/runs.store.js';
import { outputsOf } from './test/simulation.js';
import { Stage, newRunId } from './test/stage.js';

class Counter extends AbstractLogger {
  statements: string[] = [];
  override logQuery(query: string): void { this.statements.push(query.trim().split(/\s+/).slice(0, 3).join(' ')); }
  protected override writeLog(): void { /* Only statements are counted. */ }
}

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
  const counter = new Counter();
  const database = await openDatabase(stage.postgres.url);
  database.setOptions({ logging: ['query'], logger: counter });
  const pipelines = await Pipelines.load();
  await pinPipelines(database, pipelines.all().map(({ hash, compiled }) => ({ hash, definition: compiled.definition })));
  const saga = new Saga(database, pipelines, new Dispatcher(database, stage.bus, pipelines));

  const statementsOf = async (intents: Intent[]): Promise<string[]> => {
    counter.statements = [];
    const answers = await saga.apply(intents);
    for (const answer of answers) expect(answer).toMatchObject({ status: 'fulfilled', value: { ok: true, repeated: false } });
    return counter.statements;
  };
  const [one, many] = [starts(1), starts(200)];
  const started = await statementsOf(one);
  expect(await statementsOf(many)).toEqual(started);
  const fannedOut = await statementsOf(crawled(one));
  expect(await statementsOf(crawled(many))).toEqual(fannedOut);
  expect(fannedOut).toHaveLength('begin, lock runs, load steps, update runs, upsert steps, insert events, commit, mark tasks, mark events'.split(', ').length);

  await database.destroy();
  await stage.close();
});
