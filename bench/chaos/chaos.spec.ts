import { Logger } from '@nestjs/common';
import { chaos } from './chaos.js';
import { chosen } from './faults.js';

/** The short version of the suite: the build's processes, half a minute of trouble of each sort. `npm run chaos` is the long one. */
test('nothing is lost and nothing happens twice while processes, servers and messages go wrong', async () => {
  Logger.overrideLogger(false);
  const faults = chosen(['coordinator@saga.after-commit', 'worker@handler.after-effect', 'kill -9 coordinator', 'SIGTERM worker', 'kill -9 nats-server', 'duplicated results', 'poison messages']);
  const report = await chaos({ seed: 3, minutes: 0.5, faults, runs: 150, inFlight: 12, store: 'disk', drainMs: 60_000, replay: 'jest', signal: new AbortController().signal, log: () => undefined });
  expect(report.violations).toEqual([]);
  expect({ lost: report.lost, duplicated: report.duplicated }).toEqual({ lost: 0, duplicated: 0 });
  // It was not quiet because nothing happened.
  expect(report.injected).toBeGreaterThanOrEqual(3);
  expect(report.runs).toBeGreaterThan(20);
  expect(report.ended).toMatchObject({ succeeded: expect.any(Number) as number, failed: expect.any(Number) as number });
}, 300_000);
