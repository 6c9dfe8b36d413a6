import { AgentContract, registerAgents } from '#contracts';
import { Capacity } from './capacity.js';

let now = 0;
let capacity: Capacity;
beforeEach(() => {
  now = 0;
  capacity = new Capacity(256, () => now);
});

const announce = (instance: string, slots: number): void => { capacity.heard({ agent: 'crawler/crawl', instance, slots }); };
const took = (durationMs: number, change: object = {}): void => {
  capacity.took({ runId: 'run_0', stepId: 'a', attempt: 1, agent: 'crawler/crawl', durationMs, status: 'succeeded', outputs: {}, facts: {}, ...change });
};
const window = (): number => capacity.windowOf('crawler/crawl');

test('is the slots of all instances that are heard, and as many ahead', () => {
  announce('one', 4);
  expect(window()).toBe(8);
  announce('two', 60);
  announce('one', 36);
  expect(window()).toBe(192);
});

test('forgets an instance that says so, and one that is silent', () => {
  announce('one', 40);
  announce('two', 40);
  announce('one', 0);
  expect(window()).toBe(80);
  now = 5_000;
  announce('three', 80);
  now = 7_000;
  expect(window()).toBe(160);
  now = 20_000;
  expect(window()).toBe(256);
});

test('holds one task ready for each slot while they are quick, one in all when they take minutes, many when they take no time', () => {
  announce('one', 4);
  took(20);
  expect(window()).toBe(8);
  took(80);
  expect(window()).toBe(8);
  took(200);
  expect(window()).toBe(6);
  took(60_000);
  expect(window()).toBe(5);
});

test('believes a slow task at once, quick ones in time, and those that were reused not at all', () => {
  announce('one', 10);
  took(1_000);
  for (let n = 0; n < 100; n++) took(1, { reused: { savedMs: 999 } });
  expect(window()).toBe(11);
  for (let n = 0; n < 200; n++) took(1);
  expect(window()).toBe(10 + 200);
});

test('lets as many tasks of an inline agent share a message as its smallest instance has slots', () => {
  const agent = 'capacity-sample/inline';
  registerAgents({ [agent]: AgentContract.parse({ isolation: 'inline' }) });
  const shared = (): number => capacity.sharedBy(agent);
  const heard = (instance: string, slots: number): void => { capacity.heard({ agent, instance, slots }); };
  expect(shared()).toBe(1);
  heard('large', 500);
  expect(shared()).toBe(80);
  heard('small', 16);
  expect(shared()).toBe(16);
  now = 20_000;
  expect(shared()).toBe(1);
  expect(capacity.sharedBy('crawler/crawl')).toBe(1);
});
