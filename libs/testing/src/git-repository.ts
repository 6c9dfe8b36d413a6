import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childEnvironment } from '#config';

const run = promisify(execFile);

export interface TestRepository {
  path: string;
  /** The commit that HEAD points to after the last commit(). */
  head(): Promise<string>;
  /** Writes the files (`undefined` deletes one), commits all of them, answers with the commit. */
  commit(files: Record<string, string | Buffer | undefined>, message?: string): Promise<string>;
  git(...args: string[]): Promise<string>;
  /** The same with bytes on standard input. */
  gitWith(input: string | Buffer, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** A temporary git repository on branch `main` with one commit of these files; with no files it stays without a commit. Same files, same commit id. */
export async function gitRepository(files: Record<string, string | Buffer> = {}): Promise<TestRepository> {
  const path = await mkdtemp(join(tmpdir(), 'pullwright-repository-'));
  const env = {
    ...childEnvironment(), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Test', GIT_AUTHOR_EMAIL: 'test@example.com', GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
    GIT_COMMITTER_NAME: 'Test', GIT_COMMITTER_EMAIL: 'test@example.com', GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  };
  const gitWith = async (input: string | Buffer, ...args: string[]) => {
    const running = run('git', args, { cwd: path, env, maxBuffer: 64 * 1024 * 1024 });
    // git may end before it has read its input; its exit code says whether that was wrong.
    running.child.stdin?.on('error', () => undefined).end(input);
    return (await running).stdout.trim();
  };
  const git = (...args: string[]) => gitWith('', ...args);
  const commit: TestRepository['commit'] = async (changes, message = 'Change') => {
    for (const [name, content] of Object.entries(changes)) {
      const file = join(path, name);
      if (content === undefined) {
        await rm(file, { force: true });
      } else {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
    }
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '--message', message);
    return git('rev-parse', 'HEAD');
  };
  await git('init', '--quiet', '--initial-branch=main');
  if (Object.keys(files).length > 0) await commit(files, 'Start');
  return { path, git, gitWith, commit, head: () => git('rev-parse', 'HEAD'), remove: () => rm(path, { recursive: true, force: true }) };
}

/** The files of one of the sample applications in `examples/`, by their path in it; what was installed there is not part of it. */
export async function exampleFiles(name: string): Promise<Record<string, Buffer>> {
  const folder = fileURLToPath(new URL(`../../../examples/${name}/`, import.meta.url));
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !/node_modules|\.next|dist/.test(relative(folder, entry.parentPath)));
  return Object.fromEntries(await Promise.all(entries.map(async ({ parentPath, name: file }) => [relative(folder, join(parentPath, file)), await readFile(join(parentPath, file))] as const)));
}
