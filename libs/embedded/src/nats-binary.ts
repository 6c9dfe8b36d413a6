import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { NETWORK_ENVIRONMENT, childEnvironment } from '#config';
import { Failure } from '#contracts';

const run = promisify(execFile);
const DOWNLOAD_LIMIT_MS = 60_000;
const BUILD_LIMIT_MS = 15 * 60_000;

/** The pinned server. */
const VERSION = '2.14.5';
/**
 * SHA-256 of the release archives `nats-server-v<version>-<platform>.tar.gz`, as the official Docker images verify them (nats-io/nats-docker, 2.14.x).
 * Those images exist for Linux only. A platform without a verified checksum here is not downloaded: it builds with Go, whose checksum database vouches for the source.
 */
const CHECKSUMS: Partial<Record<string, string>> = {
  'linux-amd64': '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355',
  'linux-arm64': '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c',
};

const RELEASES = 'https://github.com/nats-io/nats-server/releases/download';

/** Answers with the path of a binary, which it has put at `cached` if it had to fetch it. */
type Way = (cached: string) => Promise<string>;

/**
 * The path of a nats-server binary: from the PATH, the cache, the pinned release, `go install`, or apt, whichever works first.
 * `log` hears one line for each way that failed and why, and one for the way that worked. What is fetched is kept in `<cacheDir>/nats-server/<version>/`.
 * `releases` is where releases are downloaded from; a mirror is held to the same checksums.
 * Throws `Failure('internal')` that names every way and its reason when none works.
 */
export async function resolveNatsServer(cacheDir: string, log: (line: string) => void, releases = RELEASES): Promise<string> {
  const folder = resolve(cacheDir, 'nats-server', VERSION);
  const cached = join(folder, 'nats-server');
  const ways: Array<[string, Way]> = [
    ['PATH', fromPath],
    ['cache', fromCache],
    [`release ${VERSION}`, (target) => download(target, releases)],
    [`go install v${VERSION}`, goInstall],
    ['apt', fromApt],
  ];
  const reasons: string[] = [];
  for (const [name, way] of ways) {
    try {
      const binary = await way(cached);
      const { stdout } = await run(binary, ['--version'], { env: childEnvironment() });
      log(`nats-server: ${name} (${stdout.trim().replace(/^nats-server:\s*/, '')}, ${binary})`);
      return binary;
    } catch (error) {
      const reason = `${name}: ${firstLine(error)}`;
      reasons.push(reason);
      log(`nats-server: not from ${reason}`);
    }
  }
  throw new Failure('internal', `no nats-server; set NATS_URL or install one. Tried ${reasons.join('; ')}`.slice(0, 500));
}

const fromPath: Way = async () => {
  for (const folder of (childEnvironment().PATH ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, 'nats-server');
    if (await executable(candidate)) return candidate;
  }
  throw new Error('not there');
};

const fromCache: Way = async (cached) => {
  if (!(await executable(cached))) throw new Error('empty');
  return cached;
};

async function download(cached: string, releases: string): Promise<string> {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = CHECKSUMS[platform];
  if (expected === undefined) throw new Error(`no verified checksum for ${platform}`);
  const name = `nats-server-v${VERSION}-${platform}`;
  const response = await fetch(`${releases}/v${VERSION}/${name}.tar.gz`, { signal: AbortSignal.timeout(DOWNLOAD_LIMIT_MS) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const archive = Buffer.from(await response.arrayBuffer());
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`the checksum is ${actual}, expected ${expected}`);
  return install(cached, async (folder) => {
    await writeFile(join(folder, 'release.tar.gz'), archive);
    await run('tar', ['-xzf', 'release.tar.gz', `${name}/nats-server`], { cwd: folder, env: childEnvironment() });
    return join(folder, name, 'nats-server');
  });
}

const goInstall: Way = (cached) => install(cached, async (folder) => {
  const env = { ...childEnvironment(NETWORK_ENVIRONMENT), GOBIN: folder, CGO_ENABLED: '0' };
  await run('go', ['install', `github.com/nats-io/nats-server/v2@v${VERSION}`], { env, timeout: BUILD_LIMIT_MS });
  return join(folder, 'nats-server');
});

/** Takes the distribution's package apart rather than installing it: needs no root and starts no system service. */
const fromApt: Way = (cached) => install(cached, async (folder) => {
  await run('apt-get', ['download', 'nats-server'], { cwd: folder, env: childEnvironment(), timeout: DOWNLOAD_LIMIT_MS });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get downloaded nothing');
  await run('dpkg', ['-x', archive, '.'], { cwd: folder, env: childEnvironment() });
  return join(folder, 'usr/sbin/nats-server');
});

/** Runs `fetchInto` in a folder of its own and moves the binary into the cache in one step, so that a broken try never leaves half a server. */
async function install(cached: string, fetchInto: (folder: string) => Promise<string>): Promise<string> {
  const parent = resolve(cached, '..');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, '.fetch-'));
  try {
    const binary = await fetchInto(folder);
    await chmod(binary, 0o755);
    await rename(binary, cached);
    return cached;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(() => true, () => false);
}

function firstLine(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  if (code === 'ENOENT') return 'not installed';
  return `${message.split('\n').slice(0, 2).join(' ')}${cause?.code ? ` (${cause.code})` : ''}`.slice(0, 200);
}
