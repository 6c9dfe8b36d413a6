import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { resolveNatsServer } from './nats-binary.js';
import { startEmbeddedNats } from './nats.js';
import { startEmbeddedPostgres } from './postgres.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullwright-embedded-'));
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('Postgres', () => {
  test('keeps its data over restarts, and a leftover server on the cluster is ended first', async () => {
    const first = await startEmbeddedPostgres(join(folder, 'postgres'), { durable: false });
    await query(first.url, 'CREATE TABLE kept (id int)');
    // Not stopped: as after a kill of the process that had started it.
    const second = await startEmbeddedPostgres(join(folder, 'postgres'), { durable: false });
    await query(second.url, 'SELECT * FROM kept');
    await expect(query(first.url, 'SELECT 1')).rejects.toBeDefined();
    for (const how of ['fast', 'immediate'] as const) {
      await second.restart(how);
      await query(second.url, 'SELECT * FROM kept');
    }
    await second.stop();
  });

  test('asks for the password, which nobody else may read', async () => {
    const postgres = await startEmbeddedPostgres(join(folder, 'postgres'), { durable: false });
    const wrong = new URL(postgres.url);
    wrong.password = 'guessed';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect((await stat(join(folder, 'postgres', 'password'))).mode & 0o077).toBe(0);
    await postgres.stop();
  });

  test('runs below a folder that others may not enter', async () => {
    await mkdir(join(folder, 'home'), { mode: 0o700 });
    const postgres = await startEmbeddedPostgres(join(folder, 'home', 'postgres'), { durable: false });
    await query(postgres.url, 'SELECT 1');
    await postgres.stop();
    await rm(postgres.home, { recursive: true });
  });
});

describe('nats-server', () => {
  test('a leftover server on the same store is ended, a stranger with its old process id is not', async () => {
    const binary = await resolveNatsServer(join(folder, 'cache'), () => undefined);
    const first = await startEmbeddedNats(join(folder, 'nats'), { binary });
    const second = await startEmbeddedNats(join(folder, 'nats'), { binary });
    expect(isRunning(first.pid())).toBe(false);
    await second.stop();

    const stranger = spawn('sleep', ['60']);
    await writeFile(join(folder, 'nats', 'nats-server.pid'), String(stranger.pid));
    const third = await startEmbeddedNats(join(folder, 'nats'), { binary });
    expect(isRunning(stranger.pid as number)).toBe(true);
    stranger.kill();
    await third.stop();
  });

  test('with a user and password, strangers are refused', async () => {
    const binary = await resolveNatsServer(join(folder, 'cache'), () => undefined);
    const nats = await startEmbeddedNats(join(folder, 'nats'), { binary, user: 'pullwright', password: 'p"a$s' });
    const reply = await new Promise<string>((resolve) => {
      const url = new URL(nats.url);
      const socket = connect(Number(url.port), url.hostname);
      let heard = '';
      socket.on('data', (chunk) => { heard += chunk.toString('utf8'); });
      socket.on('close', () => { resolve(heard); });
      socket.write('CONNECT {}\r\nPING\r\n');
    });
    expect(reply).toContain('Authorization Violation');
    await nats.stop();
  });

  test('what cannot start says why', async () => {
    const script = join(folder, 'nats-server');
    await writeFile(script, '#!/bin/sh\necho no such thing >&2\nexit 1\n', { mode: 0o755 });
    await expect(startEmbeddedNats(join(folder, 'nats'), { binary: script })).rejects.toMatchObject({ code: 'internal', detail: expect.stringContaining('no such thing') as string });
  });
});

describe('the nats-server binary', () => {
  const fake = '#!/bin/sh\necho "nats-server: v9.9.9"\n';
  let path: string | undefined;
  let log: string[];
  beforeEach(async () => {
    path = process.env.PATH;
    process.env.PATH = join(folder, 'bin');
    await mkdir(join(folder, 'bin'));
    log = [];
  });
  afterEach(() => { process.env.PATH = path; });
  const resolve = (releases?: string) => resolveNatsServer(join(folder, 'cache'), (line) => { log.push(line); }, releases);

  test('comes from the PATH first', async () => {
    await writeFile(join(folder, 'bin', 'nats-server'), fake, { mode: 0o755 });
    expect(await resolve()).toBe(join(folder, 'bin', 'nats-server'));
    expect(log).toEqual([expect.stringContaining('PATH (v9.9.9')]);
  });

  test('is never taken from a release with another checksum; go install is next, and kept', async () => {
    const mirror = createServer((_request, response) => { response.end('not the release'); });
    await new Promise<void>((listening) => { mirror.listen(0, '127.0.0.1', listening); });
    await writeFile(join(folder, 'bin', 'go'), `#!/bin/sh\nprintf '%s' '${fake}' > "$GOBIN/nats-server"\n`, { mode: 0o755 });
    const binary = await resolve(`http://127.0.0.1:${(mirror.address() as AddressInfo).port}`);
    mirror.close();
    expect(log.map((line) => line.split(':')[1]?.trim())).toEqual(['not from PATH', 'not from cache', expect.stringMatching(/^not from release/), expect.stringMatching(/^go install/)]);
    expect(log[2]).toContain('checksum');
    await rm(join(folder, 'bin', 'go'));
    log = [];
    expect(await resolve()).toBe(binary);
    expect(log.at(-1)).toContain('cache (v9.9.9');
    expect(await readdir(join(binary, '..'))).toEqual(['nats-server']);
  });

  test('that is nowhere names every way and its reason', async () => {
    await expect(resolve('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'internal', detail: expect.stringMatching(/PATH: not there; cache: empty; release .*; go install .*: not installed; apt: not installed/) as string });
  });
});

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
