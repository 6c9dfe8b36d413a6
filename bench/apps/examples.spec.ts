import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NETWORK_ENVIRONMENT, childEnvironment } from '#config';
import { freePort } from '#embedded';
import { pathWithThisNode } from './application.js';
import { ENGINES } from './engine.js';
import { isGood, measure } from './measure.js';
import { table } from './table.js';

const run = promisify(execFile);
const EXAMPLES = join(import.meta.dirname, '../../examples');

/** Installs what the lock file says, once: the mark in `node_modules` holds the lock file's hash. */
async function install(folder: string): Promise<void> {
  const lock = await readFile(join(folder, 'package-lock.json')).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return null; throw error; });
  if (lock === null) return;
  const hash = createHash('sha256').update(lock).digest('hex');
  const mark = join(folder, 'node_modules/.pullwright-installed');
  if (await readFile(mark, 'utf8').catch(() => '') === hash) return;
  // Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, which is what npm writes where a registry does not carry them.
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund'], { cwd: folder, env: { ...childEnvironment(NETWORK_ENVIRONMENT), PATH: pathWithThisNode() }, maxBuffer: 16 * 1024 * 1024 });
  await writeFile(mark, hash);
}

it.each(readdirSync(EXAMPLES))('%s: every generated test passes three times and fails on constant pages', async (name) => {
  const app = join(EXAMPLES, name);
  await install(app);
  const port = await freePort();
  const report = await measure(
    { name, app, start: 'npm start', baseUrl: `http://127.0.0.1:${port}`, env: { PORT: String(port), NEXT_TELEMETRY_DISABLED: '1' }, readyPath: '/', repeat: 3, keep: false },
    ENGINES.direct,
  );
  const text = table([report]);
  process.stdout.write(`${text}\n`);
  if (!isGood(report)) throw new Error(text);
  expect(report.routes.covered.length).toBeGreaterThan(1);
}, 600_000);
