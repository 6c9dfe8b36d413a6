import { Command } from 'commander';
import { Logger } from '@nestjs/common';
import { chaos } from './chaos.js';
import { chosen } from './faults.js';
import { json, summary, table } from './report.js';

interface Options { seed: number; minutes: number; only: string[]; runs: number; inFlight: number; drain: number; json: boolean }

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is not a number`);
  return value;
};

const options = new Command('chaos')
  .description('Real processes under load while one thing after the other goes wrong, and a check of what must hold all the same.')
  .option('--seed <n>', 'decides the runs, the faults and their order', number, Math.floor(Math.random() * 1_000_000))
  .option('--minutes <m>', 'how long faults are injected', number, 5)
  .option('--only <faults>', 'those whose name begins with one of these, separated by commas', (text) => text.split(',').filter(Boolean), [] as string[])
  .option('--runs <n>', 'no more runs than this are started', number, Infinity)
  .option('--in-flight <n>', 'runs that are kept going at once', number, 40)
  .option('--drain <seconds>', 'what runs have to end, after the last fault', number, 120)
  .option('--json', 'print the report as JSON', false)
  .parse()
  .opts<Options>();

Logger.overrideLogger(false);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { stop.abort(); });
const log = (line: string) => { process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`); };
const replay = `npm run chaos -- --seed ${options.seed} --minutes ${options.minutes}${options.only.length > 0 ? ` --only ${JSON.stringify(options.only.join(','))}` : ''}${options.runs === Infinity ? '' : ` --runs ${options.runs}`} --in-flight ${options.inFlight}`;
log(`seed ${options.seed}`);
const report = await chaos({ ...options, faults: chosen(options.only), drainMs: options.drain * 1_000, replay, signal: stop.signal, log });
process.stdout.write(options.json ? `${JSON.stringify(json(report), null, 2)}\n` : `${table(report)}\n\n${summary(report)}\n`);
process.exit(report.violations.length > 0 ? 1 : 0);
