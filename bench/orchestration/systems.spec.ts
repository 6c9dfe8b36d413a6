import { quantile, measure } from './measure.js';
import { onSite, type Contestant } from './system.js';
import { jetStream, postgresBatched } from './systems/floors.js';

/** The contract of a system, on those that need no package of a peer. */
describe.each<[string, Contestant]>([['Postgres', postgresBatched], ['JetStream', jetStream]])('%s', (_, contestant) => {
  test('completes exactly what is handed in, at once and one by one', async () => {
    const lines: string[] = [];
    const sample = await measure(contestant, { sizes: [20], singles: 3, singlesLimitMs: 10_000, sizeLimitMs: 10_000 }, AbortSignal.timeout(60_000), (line) => { lines.push(line); });
    expect(sample.rates).toEqual([{ runs: 20, completed: 20, runsPerSecond: expect.any(Number) as number }]);
    expect(sample.singlesMs).toHaveLength(3);
    expect(Object.values(sample.cpuMsPerRun).every((ms) => ms >= 0)).toBe(true);
    expect(lines.filter((line) => line.includes('taken away'))).toEqual([]);
  });
});

test('what was begun is undone in reverse when the rest fails', async () => {
  const undone: string[] = [];
  await expect(onSite(new AbortController().signal, () => undefined, async (site) => {
    site.undo(async () => { undone.push('first'); });
    site.undo(async () => { undone.push('second'); throw new Error('stuck'); });
    throw new Error('did not start');
  })).rejects.toThrow('did not start');
  expect(undone).toEqual(['second', 'first']);
});

test('a part that ends on its own ends the measurement', async () => {
  const contestant: Contestant = {
    name: 'broken', kind: 'peer', configuration: '',
    start: async (site) => {
      setTimeout(() => { site.fail(new Error('worker 3 ended')); }, 50);
      return { processes: {}, submit: async () => undefined, completed: async () => 0, single: () => new Promise(() => undefined) };
    },
  };
  await expect(measure(contestant, { sizes: [1], singles: 1, singlesLimitMs: 1_000, sizeLimitMs: 1_000 }, new AbortController().signal, () => undefined)).rejects.toThrow('worker 3 ended');
});

test('quantiles are by nearest rank', () => {
  expect([quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.99), quantile([], 0.5)]).toEqual([2, 4, Number.NaN]);
});
