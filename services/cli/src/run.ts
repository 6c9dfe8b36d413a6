import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, loadConfig } from '#config';
import { repositoryAddress } from '#contracts';
import type { Api } from './api.js';
import { withApi } from './connection.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { outcomeJson, outcomeOf, printOutcome } from './outcome.js';
import { printJson, say } from './terminal.js';
import { rememberTime } from './times.js';
import { watch } from './watch.js';

export interface RunOptions { ref?: string; depth?: string; framework?: string; pipeline?: string; approval?: boolean; cache?: boolean; json?: boolean; out?: string; again?: boolean }

/** Starts a run on a repository, tells it until it ends, shows what it made. Ctrl-C cancels it. */
export async function run(path: string, options: RunOptions): Promise<ExitCode> {
  const repository = await repositoryAt(path);
  return withApi(async (api) => {
    const { ref, depth, framework, pipeline, approval, cache, again } = options;
    const { runId } = await api.startRun({ repository, ref, depth, framework, pipeline, approval, cache, ...(again && { params: { again } }) });
    say(`Run ${runId} on ${repository}`);
    return followToEnd(api, runId, options);
  });
}

/** Starts a new run with the parameters of an earlier one, on its repository at its ref. */
export async function rerun(earlier: string, options: Pick<RunOptions, 'json' | 'out' | 'cache'>): Promise<ExitCode> {
  return withApi(async (api) => {
    const { runId } = await api.rerun(earlier, { cache: options.cache });
    say(`Run ${runId}, as ${earlier}`);
    return followToEnd(api, runId, options);
  });
}

async function followToEnd(api: Api, runId: string, options: Pick<RunOptions, 'json' | 'out'>): Promise<ExitCode> {
  const { run: ended, interrupted } = await watch(api, runId);
  const outcome = await outcomeOf(api, ended);
  if (options.out !== undefined && outcome.bundle) await writeFiles(resolve(options.out), outcome.bundle.files);
  const time = await rememberTime(ended.status === 'succeeded');
  if (options.json) printJson({ ...outcomeJson(outcome), seconds: time.seconds, cold: time.cold });
  else printOutcome(outcome);
  say(time.text);
  if (interrupted) return EXIT.interrupted;
  if (ended.status === 'succeeded') return EXIT.ok;
  say(`Next: ./pullwright show ${runId}`);
  return EXIT.runFailed;
}

/** The folder's repository, or an address in the form in which runs name it. */
export async function repositoryAt(path: string): Promise<string> {
  const address = repositoryAddress(path);
  if (address && 'problem' in address) throw new Exit(EXIT.usage, `${path} is no address of a repository; ${address.problem}`);
  if (address) return address.canonical;
  const folder = resolve(path);
  if (loadConfig().PULLWRIGHT_URL !== undefined) return folder;
  // Only looks: the same question is asked again, hardened, by the crawler. Here it saves starting the services for a wrong path.
  const git = promisify(execFile)('git', ['-C', folder, 'rev-parse', '--git-dir'], { env: { ...childEnvironment(), GIT_OPTIONAL_LOCKS: '0' } });
  await git.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Exit(EXIT.failure, 'git is needed; install it with your package manager');
    // Git may refuse one that is there, for its config or its owner: the crawler knows more.
    if (existsSync(join(folder, '.git'))) return;
    throw new Exit(EXIT.usage, `there is no git repository at ${folder}; check the path, or make one with: git init`);
  });
  return folder;
}

/** Writes the generated files below `folder`, and nothing outside it whatever the bundle says. */
async function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [path, bytes] of files) {
    const target = resolve(folder, path);
    if (!target.startsWith(folder + sep)) throw new Exit(EXIT.failure, `the bundle names a file outside its folder: ${JSON.stringify(path)}`);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
  say(`Wrote ${files.size} files to ${join(folder, sep)}`);
}
