import { Command } from 'commander';
import { CONTESTANTS } from './contestants.js';
import { flatness } from './finished.js';
import { measure, type Plan } from './measure.js';
import { installPeers } from './packages.js';
import { installRedis } from './redis.js';
import { report, type Result } from './report.js';
import { onSite } from './system.js';
import { standaloneMemoryMb } from './systems/pullwright.js';
import { table } from './table.js';

interface Options { json: boolean; quick: boolean; only?: string; rounds?: string; finished?: string }

interface Scope extends Plan {
  rounds: number;
  finished: number;
  /** No system is begun after the first, so that there is time for the rest; nothing goes on after the second. */
  budgetMs: number;
  limitMs: number;
}
const HOUR_MS = 3_600_000;
const FULL: Scope = { sizes: [2_000, 20_000], singles: 200, singlesLimitMs: 30_000, sizeLimitMs: 300_000, rounds: 3, finished: 1_000_000, budgetMs: 24 * HOUR_MS, limitMs: 24 * HOUR_MS };
const QUICK: Scope = { sizes: [2_000, 5_000], singles: 40, singlesLimitMs: 4_000, sizeLimitMs: 10_000, rounds: 3, finished: 50_000, budgetMs: 5.5 * 60_000, limitMs: 9 * 60_000 };

const options = new Command('bench:orchestration')
  .description('Runs the same job on Pullwright, on what an engineer would use instead, and on the bare servers, and prints the table.')
  .option('--json', 'print the report as JSON', false)
  .option('--quick', `within ten minutes: as many rounds as fit, and ${QUICK.sizes.join(' and ')} runs instead of ${FULL.sizes.join(' and ')}`, false)
  .option('--only <names>', `some of ${Object.keys(CONTESTANTS).join(', ')}; separated by commas`)
  .option('--rounds <n>', 'rounds of all systems, one after the other')
  .option('--finished <n>', `finished runs in the tables for the last part; 0 leaves it out (default: ${FULL.finished}, with --quick ${QUICK.finished})`)
  .parse()
  .opts<Options>();

// Every server of a round wants to hear of the end of this process.
process.setMaxListeners(50);
// Packages of peers print there; the report alone belongs on stdout.
console.log = console.error;
const say = (line: string) => { process.stderr.write(`${line}\n`); };

const names = options.only?.split(',') ?? Object.keys(CONTESTANTS);
const unknown = names.filter((name) => !Object.hasOwn(CONTESTANTS, name));
if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: there are ${Object.keys(CONTESTANTS).join(', ')}`);
const plan = options.quick ? QUICK : FULL;
const rounds = options.rounds === undefined ? plan.rounds : Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a number from 1 on');
const finishedRuns = options.finished === undefined ? plan.finished : Number(options.finished);
if (!Number.isInteger(finishedRuns) || finishedRuns < 0) throw new Error('--finished wants a number from 0 on');

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Twice: servers that are children end with this process, folders stay.
    if (interrupted.signal.aborted) process.exit(process.exitCode ?? 130);
    say('stopping everything …');
    interrupted.abort(new Error('interrupted'));
  });
}
// A library that throws outside of every call must not leave servers and folders behind.
process.once('uncaughtException', (error) => {
  say(`stopping everything: ${error.stack ?? error.message}`);
  process.exitCode = 1;
  interrupted.abort(error);
});

const results: Result[] = names.map((name) => ({ contestant: CONTESTANTS[name] as Result['contestant'], samples: [] }));
if (results.some(({ contestant }) => contestant.kind === 'peer')) await installPeers(say);
if (names.some((name) => name.startsWith('bullmq'))) await installRedis(say);
if (options.quick) say(`quick: the large size is ${plan.sizes.at(-1)} runs instead of ${FULL.sizes.at(-1)}`);

const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(plan.limitMs)]);
const started = performance.now();
const timeIsLeft = () => !signal.aborted && performance.now() - started < plan.budgetMs;
for (let round = 1; round <= rounds && timeIsLeft(); round++) {
  for (const { contestant, samples } of results) {
    if (!timeIsLeft()) break;
    const log = (line: string) => { say(`round ${round}, ${contestant.name}: ${line}`); };
    try {
      samples.push(await measure(contestant, plan, signal, log));
    } catch (error) {
      if (signal.aborted) break;
      // One that fails does not take the others' figures away; the exit code tells.
      samples.push(undefined);
      log(`failed: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}

const found = report(results, plan.sizes);
if (found.pullwright) {
  try {
    found.memoryMb['the whole embedded stack'] = await onSite(signal, say, standaloneMemoryMb);
    if (finishedRuns > 0) Object.assign(found, await flatness(finishedRuns, { ...plan, sizes: plan.sizes.slice(-1) }, found.rounds, signal, say));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
if (interrupted.signal.aborted) process.exit(process.exitCode ?? 130);
if (signal.aborted) say('the time is over; what was not measured is left out');
process.stdout.write(options.json ? `${JSON.stringify(found, null, 2)}\n` : `${table(found)}\n`);
