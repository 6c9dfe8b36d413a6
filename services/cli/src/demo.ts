import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '#config';
import { CLONE, homeFolder } from './clone.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { run } from './run.js';
import { say } from './terminal.js';

const NOT_COPIED: ReadonlySet<string> = new Set(['node_modules', 'dist', '.next', 'test-results', 'playwright-report']);

/** Runs on a bundled application, in a git repository of its own in the home folder. */
export async function demo(name: string, options: { depth?: string; json?: boolean; out?: string }): Promise<ExitCode> {
  const examples = (await readdir(join(CLONE, 'examples'), { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  if (!examples.includes(name)) throw new Exit(EXIT.usage, `there is no example ${JSON.stringify(name)}; there are ${examples.join(', ')}`);
  const repository = join(homeFolder(), 'demo', name);
  await copyAsRepository(join(CLONE, 'examples', name), repository);
  say(`The sample application is a git repository of its own: ${repository}`);
  return run(repository, options);
}

/** Same source, same commit: identity and dates are fixed, so a second demo finds its own pull request unchanged. Branches that are there stay. */
async function copyAsRepository(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(target)) if (entry !== '.git') await rm(join(target, entry), { recursive: true, force: true });
  await cp(source, target, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  await git(target, 'init', '--quiet', '--initial-branch=main');
  await git(target, 'add', '--all');
  // Fails when something is staged: --quiet implies --exit-code.
  const changed = await git(target, 'diff', '--cached', '--quiet').then(() => false, () => true);
  if (changed) await git(target, 'commit', '--quiet', '--no-verify', '--no-gpg-sign', '--message', `Sample application ${basename(target)}`);
}

async function git(folder: string, ...args: string[]): Promise<void> {
  const who = { NAME: 'Pullwright Demo', EMAIL: 'demo@pullwright.dev', DATE: '2026-01-01T00:00:00Z' };
  const identity = Object.fromEntries(Object.entries(who).flatMap(([key, value]) => [[`GIT_AUTHOR_${key}`, value], [`GIT_COMMITTER_${key}`, value]]));
  await promisify(execFile)('git', ['-C', folder, ...args], { env: { ...childEnvironment(), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', ...identity } });
}
