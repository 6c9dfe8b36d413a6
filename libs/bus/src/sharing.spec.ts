import { MAX_MESSAGE_BYTES } from '#contracts';
import { itemsIn, SHARED_BYTES, shareOut, weightOf } from './sharing.js';

const items = (count: number, text = '') => Array.from({ length: count }, (_, n) => ({ id: `i-${n}`, json: JSON.stringify({ n, text }) }));
const held = (name: string, messages: ReadonlyArray<{ json: string }>) => messages.flatMap(({ json }) => itemsIn(JSON.parse(json), name) as Array<{ n: number }>).map(({ n }) => n);

test('all items are in as few messages as the bound allows, in order', () => {
  const messages = shareOut('tasks', items(100, 'ü'.repeat(150)));
  expect(held('tasks', messages)).toEqual(items(100).map((_, n) => n));
  expect(messages.every(({ json }) => Buffer.byteLength(json) <= SHARED_BYTES + 16)).toBe(true);
  expect(messages.length).toBe(Math.ceil(100 / Math.floor(SHARED_BYTES / (Buffer.byteLength(items(100, 'ü'.repeat(150))[99]?.json as string) + 1))));
});

test('no more than were asked for are in one', () => {
  expect(shareOut('tasks', items(10), 4).map((message) => message.items.length)).toEqual([4, 4, 2]);
  expect(shareOut('tasks', [], 4)).toEqual([]);
});

test('one that is too large has a message of its own, for the bus to refuse', () => {
  const [small, large, other] = [items(1)[0], { id: 'large', json: JSON.stringify('x'.repeat(MAX_MESSAGE_BYTES)) }, { id: 'other', json: '1' }] as const;
  expect(shareOut('tasks', [small as { id: string; json: string }, large, other]).map((message) => message.items.map(({ id }) => id))).toEqual([['i-0'], ['large'], ['other']]);
});

const idsOf = (count: number) => shareOut('tasks', items(count)).map(({ id }) => id);

test('the same items and only they have the same id; one alone has its own', () => {
  expect(idsOf(3)).toEqual(idsOf(3));
  expect(idsOf(3)).not.toEqual(idsOf(4));
  expect(idsOf(1)).toEqual(['i-0']);
});

test.each([
  [{ tasks: [1, 2, 3] }, [1, 2, 3], 3],
  [{ tasks: [] }, [], 1],
  [{ tasks: [1, 2], more: 1 }, [1, 2], 1],
  [{ tasks: 'two' }, [{ tasks: 'two' }], 1],
  [{ runId: 'run_1' }, [{ runId: 'run_1' }], 1],
  [undefined, [undefined], 1],
  [null, [null], 1],
  ['text', ['text'], 1],
])('%j holds %j', (data, expected, weight) => {
  expect([itemsIn(data, 'tasks'), weightOf(data)]).toEqual([expected, weight]);
});
