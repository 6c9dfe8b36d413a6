import type { Sample } from './measure.js';
import { median, report, type Result } from './report.js';
import type { Contestant } from './system.js';
import { table } from './table.js';

const sample = (small: number, large: number, p50: number): Sample => ({
  rates: [{ runs: 10, completed: 10, runsPerSecond: small }, { runs: 100, completed: 100, runsPerSecond: large }],
  singlesMs: [p50, p50, p50 * 10], cpuMsPerRun: { server: 1, worker: 2 }, memoryMb: { idle: { 'bench-a': 50, coordinator: 60 }, busy: { 'bench-a': 70, coordinator: 90 } },
});
const result = (name: string, kind: Contestant['kind'], ...samples: Result['samples']): Result => ({
  contestant: { name, kind, configuration: `how ${name} is set up`, start: () => Promise.reject(new Error('not started')) }, samples,
});

test('a median is the middle one, or the mean of the middle two', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, Number.NaN]);
});

describe('three rounds', () => {
  // The second round was a slow one for everybody: ratios are taken within a round.
  const results = [
    result('Pullwright', 'product', sample(300, 330, 5), sample(30, 33, 50), sample(300, 330, 5)),
    result('near', 'peer', sample(200, 220, 10), sample(20, 22, 100), undefined),
    result('DBOS, by queue', 'peer', sample(30, 22, 20), sample(3, 2.2, 200), sample(30, 22, 20)),
    result('bare', 'floor', sample(600, 660, 1), sample(60, 66, 10), sample(600, 660, 1)),
    result('never came up', 'peer', undefined, undefined, undefined),
  ];
  const found = report(results, [10, 100]);

  test('each system stands with its medians', () => {
    expect(found.pullwright).toMatchObject({ runsPerSecond: { 10: 300, 100: 330 }, p50Ms: 5, p99Ms: 50, cpuMsPerRun: 3, cpuMsPerRunBy: { server: 1, worker: 2 }, partial: [] });
    expect(Object.keys(found.peers)).toEqual(['near', 'DBOS, by queue']);
    expect(Object.keys(found.floors)).toEqual(['bare']);
    expect(found).toMatchObject({ rounds: 3, leftOut: ['never came up'] });
  });

  test('the best peer is the one that Pullwright is least ahead of, at the worse size', () => {
    expect(found).toMatchObject({ bestPeer: 'near', ratioToBestPeer: 1.5, ratioToDbos: 10, flatness20k: 1.1 });
    expect(found.ratios.bare).toEqual({ 10: 0.5, 100: 0.5 });
    expect(found.p50Ratios).toEqual({ near: 0.5, 'DBOS, by queue': 0.25, bare: 5 });
  });

  test('the table has a row for each, and marks rates of what was not completed', () => {
    const slow = sample(1, 2, 3);
    slow.rates[1] = { runs: 100, completed: 40, runsPerSecond: 2 };
    const lines = table(report([...results, result('slow', 'peer', slow)], [10, 100])).split('\n');
    expect(lines.find((line) => line.startsWith('near'))?.split(/ {2,}/)).toEqual(['near', '110', '121', '55.0', '550.0', '3.00', '1.50', '1.50', '0.50']);
    expect(lines.find((line) => line.startsWith('slow'))).toContain('2*');
    expect(lines).toContain('* not all runs completed in time; the rate is that of those that did');
  });
});
