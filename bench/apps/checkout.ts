import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '#config';

const run = promisify(execFile);

const git = async (cwd: string, ...args: string[]) => (await run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd, env: childEnvironment(), maxBuffer: 64 * 1024 * 1024 })).stdout;

/**
 * A fresh clone of the application, to crawl and to lay the generated tests into, so that they find the repository's own fixtures and page objects. A folder inside a larger repository
 * becomes a repository of its own, of the files git tracks there. The dependencies of the tests are ours: `node_modules` is a link.
 */
export async function cloneApplication(app: string): Promise<string> {
  const source = await realpath(resolve(app));
  const clone = join(await mkdtemp(join(await realpath(tmpdir()), 'pullwright-bench-')), 'app');
  const root = await realpath((await git(source, 'rev-parse', '--show-toplevel')).trim());
  if (root === source) await git(source, 'clone', '--quiet', '--no-hardlinks', source, clone);
  else await repositoryOfFolder(source, clone);
  const ours = dirname(dirname(dirname(createRequire(import.meta.url).resolve('@playwright/test/package.json'))));
  // Some repositories hold their dependencies.
  await rm(join(clone, 'node_modules'), { recursive: true, force: true });
  await symlink(ours, join(clone, 'node_modules'));
  return clone;
}

async function repositoryOfFolder(folder: string, clone: string): Promise<void> {
  const tracked = (await git(folder, 'ls-files', '-z')).split('\0').filter((path) => path !== '');
  for (const path of tracked) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await copyFile(join(folder, path), join(clone, path));
  }
  await git(clone, 'init', '--quiet', '--initial-branch=main');
  await git(clone, 'add', '--all');
  await git(clone, 'commit', '--quiet', '--message=Application');
}

/** Lays generated files into a checkout. */
export async function layFiles(checkout: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(checkout, path)), { recursive: true });
    await writeFile(join(checkout, path), content);
  }
}
