import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFECTS, type DefectName } from './defects.js';
import { simulate, type SimulationReport } from './simulate.js';

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('not a number');
  return value;
};

const options = new Command('simulation')
  .description('The real coordinator over a simulated bus, clock, database and agents, decided by a seed, and a check of what must hold all the same.')
  .option('--seed <n>', 'the first world; the others follow it', number, Math.floor(Math.random() * 1_000_000_000))
  .option('--runs <n>', 'how many runs', number, 100_000)
  .option('--minutes <m>', 'goes on for so long instead', number)
  .option('--threads <n>', 'at once; all cores when not given', number)
  .addOption(new Option('--break <defect>', 'with a coordinator that is broken on purpose, to see it found').choices(Object.keys(DEFECTS)))
  .option('--json', 'print the report as JSON', false)
  .parse()
  .opts<{ seed: number; runs: number; minutes?: number; threads?: number; break?: DefectName; json: boolean }>();

const started = performance.now();
let told = 0;
const report = await simulate({
  ...options, defect: options.break,
  onProgress: (runs) => { if (runs - told >= 10_000) { told = runs; process.stderr.write(`${runs} runs\n`); } },
});
const seconds = (performance.now() - started) / 1_000;
process.stdout.write(options.json ? `${JSON.stringify({ seed: options.seed, seconds, ...report }, null, 2)}\n` : page(report));
process.exitCode = report.violations.length > 0 ? 1 : 0;

function page({ runs, worlds, brokenWorlds, ended, injected, violations, traceHash }: SimulationReport): string {
  const width = Math.max(...Object.keys(injected).map((fault) => fault.length));
  return [
    `seed ${options.seed}: ${runs} runs in ${worlds} worlds (${Object.entries(ended).map(([status, count]) => `${count} ${status}`).join(', ')}), ${seconds.toFixed(1)} s, trace ${traceHash}`,
    ...Object.entries(injected).map(([fault, times]) => `  ${fault.padEnd(width)} ${String(times).padStart(9)}`),
    ...violations.map((violation) => [
      `VIOLATION of "${violation.invariant}" in world ${violation.seed}${violation.runId ? ` by ${violation.runId}` : ''}: ${violation.detail}`,
      ...violation.trace.map((line) => `    ${line}`),
      `  To replay: ${violation.replay}`,
    ].join('\n')),
    brokenWorlds === 0 ? 'Everything holds.' : `${brokenWorlds} worlds are broken.`,
  ].map((line) => `${line}\n`).join('');
}
