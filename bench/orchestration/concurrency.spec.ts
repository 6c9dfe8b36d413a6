import { batched, times } from './concurrency.js';

test('what arrives while a batch is at work makes up the next ones, up to the limit, and each call settles as its batch does', async () => {
  const batches: number[][] = [];
  const gate = Promise.withResolvers<void>();
  const call = batched<number>(3, async (items) => {
    batches.push(items);
    if (batches.length === 1) await gate.promise;
    if (items.includes(5)) throw new Error('five');
  });
  const first = call(0);
  await Promise.resolve();
  const others = [1, 2, 3, 4, 5].map(call);
  gate.resolve();
  await first;
  expect((await Promise.allSettled(others)).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(batches).toEqual([[0], [1, 2, 3], [4, 5]]);
  await call(6);
  expect(batches.at(-1)).toEqual([6]);
});

test('times does it as often as asked and no more than so many at once', async () => {
  let [running, most, done] = [0, 0, 0];
  await times(10, 3, async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => { setImmediate(resolve); });
    running--;
    done++;
  });
  expect([done, most]).toEqual([10, 3]);
});
