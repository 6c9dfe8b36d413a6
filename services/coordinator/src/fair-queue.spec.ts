import type { Task } from '#contracts';
import { FairQueue, type Waiting } from './fair-queue.js';

let runs = 0;
const waiting = (tenant: string, change: { priority?: number; agent?: string; repository?: string } = {}): Waiting => {
  const { priority = 3, agent = 'crawler/crawl', repository = '/repo' } = change;
  const task: Task = { runId: `run_${String(++runs).padStart(26, '0')}`, stepId: 'a', attempt: 1, agent, inputs: {}, params: {}, repository, timeLimitMs: 1_000 };
  return { task, tenant, priority };
};
const filled = (...items: Waiting[]): FairQueue<Waiting> => {
  const queue = new FairQueue<Waiting>();
  for (const item of items) queue.add(item);
  return queue;
};
const all = () => true;
function order(queue: FairQueue<Waiting>, count = Infinity, passes: (item: Waiting) => boolean = all, agent = 'crawler/crawl'): Waiting[] {
  const taken: Waiting[] = [];
  for (let next = queue.next(agent, passes); next && taken.push(next.item) < count; next = queue.next(agent, passes));
  return taken;
}

test('tenants have their turns one after the other, each in the order of arrival', () => {
  const [a1, a2, a3, b1, c1, b2] = [waiting('a'), waiting('a'), waiting('a'), waiting('b'), waiting('c'), waiting('b')];
  expect(order(filled(a1, a2, a3, b1, c1, b2))).toEqual([a1, b1, c1, a2, b2, a3]);
});

test('one that comes to a long line of another tenant is among the next two', () => {
  const queue = filled(...Array.from({ length: 5_000 }, () => waiting('a')));
  order(queue, 100);
  const late = waiting('b');
  queue.add(late);
  expect(order(queue, 2)).toContain(late);
});

test('a higher priority goes first; every tenth place is for whoever has waited longest', () => {
  const low = waiting('a', { priority: 1 });
  const high = Array.from({ length: 30 }, () => waiting('b', { priority: 5 }));
  const taken = order(filled(low, ...high));
  expect(taken.slice(0, 9)).toEqual(high.slice(0, 9));
  expect(taken[9]).toBe(low);
  expect(taken.slice(10)).toEqual(high.slice(9));
});

test('who may not go is passed over and keeps his place', () => {
  const [first, second, third] = [waiting('a', { repository: '/full' }), waiting('a'), waiting('a')];
  const queue = filled(first, second, third);
  expect(order(queue, 1, ({ task }) => task.repository !== '/full')).toEqual([second]);
  expect(order(queue)).toEqual([first, third]);
});

test('who was taken and cannot go after all stands where it stood', () => {
  const items = Array.from({ length: 4 }, () => waiting('a'));
  const queue = filled(...items);
  const taken = [queue.next('crawler/crawl', all), queue.next('crawler/crawl', all)];
  for (const back of taken.reverse()) if (back) queue.add(back.item, back.arrival);
  expect(order(queue)).toEqual(items);
});

test('nobody is lost or passed by his own, however often some are taken and go back', () => {
  const queue = filled(...Array.from({ length: 60 }, (_, index) => waiting('a', { repository: `/${index % 3}` })));
  const left = new Set(queue.items());
  const served: Waiting[] = [];
  let turn = 0;
  while (left.size > 0) {
    const blocked = `/${turn++ % 4}`;
    const taken = Array.from({ length: 5 }, () => queue.next('crawler/crawl', ({ task }) => task.repository !== blocked)).filter((next) => next !== undefined);
    for (const [index, next] of taken.entries()) {
      if ((index + turn) % 3 > 0) queue.add(next.item, next.arrival);
      else { served.push(next.item); left.delete(next.item); }
    }
    expect(queue.size).toBe(left.size);
    expect(turn).toBeLessThan(1_000);
  }
  expect(new Set(served).size).toBe(60);
});

test('agents have lines of their own, and what is removed is gone', () => {
  const [crawl, write, gone] = [waiting('a'), waiting('a', { agent: 'engineer/write' }), waiting('a', { agent: 'engineer/write' })];
  const queue = filled(crawl, gone, write);
  expect(queue.remove(gone.task)).toBe(gone);
  expect(queue.remove(gone.task)).toBeUndefined();
  expect([queue.size, queue.agents()]).toEqual([2, ['crawler/crawl', 'engineer/write']]);
  expect(order(queue, 9, all, 'engineer/write')).toEqual([write]);
  expect([queue.has('engineer/write'), queue.has('crawler/crawl'), queue.waits(crawl.task)]).toEqual([false, true, true]);
});
