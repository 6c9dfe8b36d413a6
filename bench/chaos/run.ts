import { Logger } from '@nestjs/common';
import { Command, Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { simulate, type SimulationReport } from '../../services/coordinator/src/simulation/simulate.js';
import { chaos, Interrupted } from './chaos.js';
import { chosen } from './faults.js';
import { json, page, summary, table } from './report.js';
import { rootFolder } from './stage.js';

interface Options { seed: number; minutes: number; only: string[]; runs: number; inFlight: number; drain: number; store: 'disk' | 's3'; report: boolean; simulation: boolean; json: boolean }

/** Simulated runs before the real ones. */
const FIRST_RUNS = 5_000;

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is not a number`);
  return value;
};
const randomSeed = Math.floor(Math.random() * 1_000_000);
const log = (line: string) => { process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`); };
const print = (text: string) => { process.stdout.write(`${text}\n`); };

/** Real processes, after a short simulation. */
async function processes(options: Options): Promise<boolean> {
  const { seed, minutes, only, runs, inFlight, store } = options;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { stop.abort(); });
  const faults = chosen(only);
  log(`seed ${seed}`);
  let simulation: SimulationReport | undefined;
  if (options.simulation && only.length === 0) {
    simulation = await simulate({ seed, runs: FIRST_RUNS });
    log(`simulation: ${simulation.runs} runs, ${simulation.violations.length} violations`);
  }
  const replay = `npm run chaos -- --seed ${seed} --minutes ${minutes}${only.length > 0 ? ` --only ${JSON.stringify(only.join(','))}` : ''}${runs === Infinity ? '' : ` --runs ${runs}`} --in-flight ${inFlight} --store ${store}`;
  const report = await chaos({ seed, minutes, faults, runs, inFlight, store, drainMs: options.drain * 1_000, replay, signal: stop.signal, log });
  if (options.report) await writeFile(join(rootFolder(), 'docs/chaos-report.md'), page(report));
  const found = simulation?.violations ?? [];
  if (options.json) print(JSON.stringify({ ...json(report), ...(simulation && { simulation }) }, null, 2));
  else print([...found.map(({ invariant, detail, replay: again }) => `VIOLATION of "${invariant}" in the simulation: ${detail}. To replay: ${again}`), table(report), '', summary(report)].join('\n'));
  return report.violations.length + found.length === 0;
}

Logger.overrideLogger(false);
const program = new Command('chaos').description('What must hold while things go wrong, and whether it does.');
program.command('processes', { isDefault: true })
  .description('Real processes under load while one thing after the other goes wrong, and a check of what must hold all the same.')
  .option('--seed <n>', 'decides the runs, the faults and their order', number, randomSeed)
  .option('--minutes <m>', 'how long faults are injected', number, 5)
  .option('--only <faults>', 'those whose name begins with one of these, separated by commas', (text) => text.split(',').filter(Boolean), [] as string[])
  .option('--runs <n>', 'no more runs than this are started', number, Infinity)
  .option('--in-flight <n>', 'runs that are kept going at once', number, 40)
  .option('--drain <seconds>', 'what runs have to end, after the last fault', number, 120)
  .addOption(new Option('--store <kind>', 'where the artifacts are').choices(['disk', 's3']).default('disk'))
  .option('--report', 'write docs/chaos-report.md', false)
  .option('--no-simulation', 'without the short simulation before')
  .option('--json', 'print the report as JSON', false)
  .action(async (options: Options) => {
    try {
      process.exit(await processes(options) ? 0 : 1);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      log('interrupted; everything was taken away');
      process.exit(130);
    }
  });
program.command('simulation', 'the coordinator’s own code over a simulated bus, clock, database and workers', { executableFile: fileURLToPath(new URL('../../services/coordinator/src/simulation/main.js', import.meta.url)) });
await program.parseAsync();
