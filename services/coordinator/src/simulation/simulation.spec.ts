import { DEFECTS, type DefectName } from './defects.js';
import { BLOWS, FAULTS } from './faults.js';
import { explain, hashOf, simulateWorlds } from './simulate.js';

const RUNS = 30;

test('whatever goes wrong, what must hold holds', async () => {
  const reports = await simulateWorlds({ seed: 1, worlds: 40, runs: RUNS });
  expect(reports.flatMap(({ seed, broken }) => broken.map((each) => ({ seed, ...each })))).toEqual([]);
  expect(reports.reduce((sum, { runs }) => sum + runs, 0)).toBeGreaterThanOrEqual(40 * RUNS);
  const injected = new Set(reports.flatMap((report) => [...report.injected.keys()]));
  expect([...Object.keys(FAULTS), ...Object.keys(BLOWS)].filter((fault) => !injected.has(fault as keyof typeof FAULTS))).toEqual([]);
});

test('a seed decides everything that happens', async () => {
  const [once, again] = [await simulateWorlds({ seed: 7, worlds: 4, runs: RUNS }), await simulateWorlds({ seed: 7, worlds: 4, runs: RUNS })];
  expect(again.map(({ traceHash }) => traceHash)).toEqual(once.map(({ traceHash }) => traceHash));
  expect(hashOf(again)).toBe(hashOf(once));
  expect(new Set(once.map(({ traceHash }) => traceHash)).size).toBe(4);
});

describe('the checker finds a coordinator that is broken on purpose:', () => {
  test.each(Object.entries(DEFECTS))('%s', async (name, { breaks }) => {
    const defect = name as DefectName;
    for (let seed = 1; ; seed++) {
      expect(seed).toBeLessThan(40);
      const [report] = await simulateWorlds({ seed, worlds: 1, runs: RUNS, defect });
      if (!report?.broken.some(({ invariant }) => invariant === breaks)) continue;
      const violation = (await explain(report, RUNS, defect)).find(({ invariant }) => invariant === breaks);
      expect(violation?.replay).toContain(`--seed ${seed} `);
      expect(violation?.replay).toContain(`--break ${name}`);
      expect(violation?.trace.length).toBeGreaterThan(0);
      return;
    }
  });
});
