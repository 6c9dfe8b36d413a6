import { Logger } from '@nestjs/common';
import { Command, Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chaos } from './chaos.js';
import { chosen } from './faults.js';
import { json, page, summary, table } from './report.js';
import { rootFolder } from './stage.js';

interface Options { seed: number; minutes: number; only: string[]; runs: number; inFlight: number; drain: number; store: 'disk' | 's3'; report: boolean; json: boolean }

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
  .addOption(new Option('--store <kind>', 'where the artifacts are').choices(['disk', 's3']).default('disk'))
  .option('--report', 'write docs/chaos-report.md', false)
  .option('--json', 'print the report as JSON', false)
  .parse()
  .opts<Options>();

Logger.overrideLogger(false);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { stop.abort(); });
const log = (line: string) => { process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`); };
const replay = `npm run chaos -- --seed ${options.seed} --minutes ${options.minutes}${options.only.length > 0 ? ` --only ${JSON.stringify(options.only.join(','))}` : ''}${options.runs === Infinity ? '' : ` --runs ${options.runs}`} --in-flight ${options.inFlight} --store ${options.store}`;
log(`seed ${options.seed}`);
const report = await chaos({ ...options, faults: chosen(options.only), drainMs: options.drain * 1_000, replay, signal: stop.signal, log });
process.stdout.write(options.json ? `${JSON.stringify(json(report), null, 2)}\n` : `${table(report)}\n\n${summary(report)}\n`);
if (options.report) await writeFile(join(rootFolder(), 'docs/chaos-report.md'), page(report));
process.exit(report.violations.length > 0 ? 1 : 0);
