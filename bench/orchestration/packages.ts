import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NETWORK_ENVIRONMENT, childEnvironment } from '#config';
import { Failure } from '#contracts';

const INSTALL_LIMIT_MS = 5 * 60_000;
/** Beside the sources, also for the build: the peers' packages are no part of the product. */
const FOLDER = new URL(extname(fileURLToPath(import.meta.url)) === '.ts' ? 'peers/' : '../../../bench/orchestration/peers/', import.meta.url);

/**
 * Installs the peers' packages in the versions of its lock file, unless they are there.
 * Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms. Throws `Failure('internal')` with what npm said.
 */
export async function installPeers(log: (line: string) => void): Promise<void> {
  if (modifiedAt('node_modules/.package-lock.json') > modifiedAt('package-lock.json')) return;
  log('installing the peers’ packages (npm install) …');
  await promisify(execFile)('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: fileURLToPath(FOLDER), env: childEnvironment(NETWORK_ENVIRONMENT), timeout: INSTALL_LIMIT_MS,
  }).catch((error: unknown) => { throw new Failure('internal', `the peers’ packages could not be installed: ${String(error).slice(0, 300)}`, { cause: error }); });
}

/**
 * A peer's package. The caller says what it uses of it and takes it for that: the compiler must pass where the peers are not installed.
 * Throws Node's `MODULE_NOT_FOUND` there.
 */
export const peer = (name: string): unknown => createRequire(new URL('package.json', FOLDER))(name);

function modifiedAt(path: string): number {
  return statSync(new URL(path, FOLDER), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
