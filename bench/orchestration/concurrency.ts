/**
 * Turns calls for one item into calls for many: what arrives while a batch is at work makes up the next one, so that nothing waits without need.
 * Each call settles as its batch does.
 */
export function batched<T>(limit: number, flush: (items: T[]) => Promise<unknown>): (item: T) => Promise<void> {
  let waiting: Array<{ item: T; settled: PromiseWithResolvers<void> }> = [];
  let busy = false;
  const run = async () => {
    busy = true;
    // Whoever calls in this same turn still gets in.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, limit);
      waiting = waiting.slice(limit);
      await flush(batch.map(({ item }) => item)).then(
        () => { for (const { settled } of batch) settled.resolve(); },
        (error: unknown) => { for (const { settled } of batch) settled.reject(error); },
      );
    }
    busy = false;
  };
  return async (item) => {
    const settled = Promise.withResolvers<void>();
    waiting.push({ item, settled });
    if (!busy) void run();
    return settled.promise;
  };
}

/** Does the same `count` times, `atOnce` at a time. */
export async function times(count: number, atOnce: number, action: () => Promise<unknown>): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: atOnce }, async () => { while (left-- > 0) await action(); }));
}
