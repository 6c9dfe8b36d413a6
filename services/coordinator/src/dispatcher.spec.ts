import { itemsIn } from '#bus';
import { AgentContract, registerAgents, subjects, Task } from '#contracts';
import { Capacity } from './capacity.js';
import { Stage } from './test/stage.js';

const [QUICK, APART] = ['dispatcher-sample/quick', 'dispatcher-sample/apart'];
const PIPELINES = {
  quick: `{ name: quick, version: 1, steps: { a: { run: ${QUICK}, retry: { attempts: 1 } } } }`,
  apart: `{ name: apart, version: 1, steps: { a: { run: ${APART}, retry: { attempts: 1 } } } }`,
};
const SLOTS = 8;

let stage: Stage;
/** Ids of the runs in each message of tasks, in the order of publishing. */
let messages: string[][];
let stopListening: () => void;
let announcing: NodeJS.Timeout;

beforeAll(async () => {
  registerAgents({ [QUICK]: AgentContract.parse({ isolation: 'inline' }), [APART]: AgentContract.parse({}) });
  stage = await Stage.open(PIPELINES);
  const coordinator = await stage.startCoordinator();
  const say = () => { for (const agent of [QUICK, APART]) for (const [instance, slots] of [['small', SLOTS], ['large', 500]] as const) stage.bus.notify(subjects.capacity(agent), { agent, instance, slots }); };
  announcing = setInterval(say, 500);
  for (const agent of [QUICK, APART]) stopListening = stage.bus.subscribe(subjects.task(agent), (data) => { messages.push(itemsIn(data, 'tasks').map((item) => Task.parse(item).runId)); });
  messages = [];
  // How long a task takes is known from the first one on.
  for (const pipeline of ['quick', 'apart']) await stage.reaches(await stage.start(pipeline), 'succeeded');
  const capacity = coordinator.get(Capacity);
  say();
  await stage.until(() => capacity.sharedBy(QUICK) === SLOTS, 'the smallest instance is known');
});
afterAll(async () => {
  clearInterval(announcing);
  stopListening();
  await stage.close();
});
beforeEach(() => {
  messages = [];
  stage.taken.length = 0;
  stage.behaviour = () => ({});
});

/** Starts that arrive together, and so begin with few commits. */
async function started(pipeline: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, async () => stage.start(pipeline)));
}
const ended = async (runs: readonly string[]): Promise<void> => { await Promise.all(runs.map(async (runId) => stage.reaches(runId, 'succeeded'))); };

test('tasks of one commit for an inline agent share messages, no more in one than its smallest instance has slots', async () => {
  const runs = await started('quick', 100);
  await ended(runs);
  expect(messages.flat().toSorted()).toEqual(runs.toSorted());
  expect(messages.length).toBeLessThan(60);
  expect(Math.max(...messages.map((message) => message.length))).toBeLessThanOrEqual(SLOTS);
});

test('an agent with processes has a message for each', async () => {
  const runs = await started('apart', 40);
  await ended(runs);
  expect(messages.map((message) => message.length)).toEqual(runs.map(() => 1));
});

test('a shared message that is delivered again after some of it was answered counts once', async () => {
  const answered = new Set<string>();
  const crashed = new Set<string>();
  // Every message breaks off once: its first task is answered by then, the others are not.
  stage.behaviour = async (task) => {
    const own = messages.find((message) => message.includes(task.runId)) ?? [];
    if (own.length > 1 && own[0] !== task.runId && !crashed.has(own[0] as string)) {
      await stage.until(() => answered.has(own[0] as string), 'the first task of the message');
      crashed.add(own[0] as string);
      throw new Error('on purpose');
    }
    if (own[0] === task.runId) setTimeout(() => answered.add(task.runId), 50);
    return {};
  };
  const runs = await started('quick', 30);
  await ended(runs);
  await stage.until(async () => (await stage.bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages === 0, 'all acknowledged');
  expect(crashed.size).toBeGreaterThan(0);
  expect(stage.taken.length).toBeGreaterThan(runs.length);
  for (const runId of runs) {
    const log = await stage.events(runId);
    expect(log.map(({ type, attempt }) => `${type} ${attempt ?? ''}`.trim())).toEqual(['run-started', 'step-dispatched 1', 'step-succeeded 1', 'run-succeeded']);
  }
});

test('with one that is not heard each task has a message of its own again', async () => {
  const capacity = stage.coordinators[0]?.get(Capacity) as Capacity;
  clearInterval(announcing);
  for (const instance of ['small', 'large']) stage.bus.notify(subjects.capacity(QUICK), { agent: QUICK, instance, slots: 0 });
  await stage.until(() => capacity.sharedBy(QUICK) === 1, 'nobody is there');
  const runs = await started('quick', 20);
  await ended(runs);
  expect(messages.map((message) => message.length)).toEqual(runs.map(() => 1));
});
