import { Command } from 'commander';
import { basename, resolve } from 'node:path';
import { ENGINES } from './engine.js';
import { isGood, measure } from './measure.js';
import { table } from './table.js';

interface Options { app: string; start: string; baseUrl: string; env: Record<string, string>; readyPath: string; repeat: number; engine: string; json: boolean; keep: boolean }

const variable = (pair: string, all: Record<string, string>): Record<string, string> => {
  const at = pair.indexOf('=');
  if (at < 1) throw new Error(`--env ${pair} is not NAME=value`);
  return { ...all, [pair.slice(0, at)]: pair.slice(at + 1) };
};

const options = new Command('bench/apps')
  .description('Makes tests for one application, runs them against it and against constant pages, and prints the table.')
  .requiredOption('--app <path>', 'checkout: a repository, or a folder inside one; its dependencies are installed')
  .requiredOption('--start <command>', 'starts it, in that folder; split at white space, no shell')
  .requiredOption('--base-url <url>', 'where it then listens')
  .option('--env <NAME=value>', 'environment of the application, repeatable', variable, {})
  .option('--ready-path <path>', 'answers when the application is ready; also the home page', '/')
  .option('--repeat <n>', 'times each test must pass', (text) => Number.parseInt(text, 10), 3)
  .option('--engine <name>', `how the tests are made: ${Object.keys(ENGINES).join(', ')}`, 'cli')
  .option('--json', 'print the report as JSON', false)
  .option('--keep', 'keep the clone with the generated tests', false)
  .parse()
  .opts<Options>();

const engine = Object.hasOwn(ENGINES, options.engine) ? ENGINES[options.engine as keyof typeof ENGINES] : undefined;
if (engine === undefined) throw new Error(`--engine ${options.engine}: there are ${Object.keys(ENGINES).join(', ')}`);
const report = await measure({ ...options, name: basename(resolve(options.app)) }, engine);
process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `${table([report])}\n`);
process.exitCode = isGood(report) ? 0 : 1;
