import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A repository on disk that a test owns, driven with git as its people would. */
export interface Scratch {
  path: string;
  git(...args: string[]): string;
  gitWith(input: string | Buffer, ...args: string[]): string;
  /** Writes files, commits them, answers with the commit. */
  commit(files: Record<string, string | Buffer>, message?: string): string;
  remove(): void;
}

export function scratch(...initArgs: string[]): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'pullwright-forge-'));
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin', HOME: path, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org', GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.org',
  };
  const gitWith = (input: string | Buffer, ...args: string[]) => execFileSync('git', args, { cwd: path, env, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 1e9 }).trimEnd();
  const git = (...args: string[]) => gitWith('', ...args);
  git('init', '--quiet', '--initial-branch=main', ...initArgs);
  return {
    path, git, gitWith,
    commit(files, message = 'Change') {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), content);
      }
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    remove() { rmSync(path, { recursive: true, force: true }); },
  };
}
