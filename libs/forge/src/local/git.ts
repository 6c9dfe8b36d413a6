import { spawn } from 'node:child_process';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Failure } from '#contracts';
import { childEnvironment } from '#config';
import { printable } from '../printable.js';

/**
 * The one place that runs git. The repository is hostile: its own config must not make git run a program, reach the network, or write outside its object and ref store.
 *
 * - Plumbing only, an argument array, no shell. A caller puts `--end-of-options` before anything a user wrote.
 * - System and global config are off; the repository's config stays (its object format is in there), with each setting that starts a program overruled:
 *   hooks (reference-transaction runs on update-ref), fsmonitor, and through GIT_ALLOW_PROTOCOL every transport, which a partial clone would start to fetch a missing blob
 *   (`ext::` and core.sshCommand are programs). Filters, textconv, diff drivers and signing are never reached by the commands used here.
 * - GIT_DIR is given, so git does not search for a repository and does not ask who owns it. Replace refs and grafts are off: a commit is what its id says.
 * - Alternates stay readable, as clones made with `--shared` need them; nothing is ever written there.
 */
const OVERRULED = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.quotePath=false', 'core.untrackedCache=false', 'protocol.allow=never', 'gc.auto=0', 'maintenance.auto=false'];

export const IDENTITY = { name: 'Pullwright', email: 'bot@pullwright.invalid' } as const;

/** Milliseconds after which a git command is killed: far above what 100,000 files need, below the time limit of a step. */
const TIME_LIMIT = 300_000;
/** Output above this many bytes is a repository built to exhaust memory. */
const MAX_OUTPUT = 256 * 1024 * 1024;

export interface GitResult { code: number; stdout: Buffer; /** First line, printable characters only. */ complaint: string }

function environment(gitDir: string): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = childEnvironment();
  return {
    PATH, HOME: '/nonexistent', LC_ALL: 'C', GIT_DIR: gitDir,
    GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0',
    GIT_ALLOW_PROTOCOL: '', GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1', GIT_GRAFT_FILE: '/dev/null',
    GIT_AUTHOR_NAME: IDENTITY.name, GIT_AUTHOR_EMAIL: IDENTITY.email, GIT_COMMITTER_NAME: IDENTITY.name, GIT_COMMITTER_EMAIL: IDENTITY.email,
  };
}

/** Starts git with pipes on all three streams. The caller owns the process. */
export function startGit(gitDir: string, args: readonly string[]) {
  // Killed in the middle, a reference transaction leaves its lock files, and no later one gets through. In a process group of its own it outlives the milliseconds after us; when its input ends early it gives up and unlocks.
  const detached = args[0] === 'update-ref';
  return spawn('git', [...OVERRULED.flatMap((setting) => ['-c', setting]), ...args], { cwd: gitDir, env: environment(gitDir), stdio: ['pipe', 'pipe', 'pipe'], shell: false, detached });
}

/** Runs git to its end, whatever its exit code. Throws `repository-too-large` when it prints without bound, `repository-unreadable` when it hangs or cannot start. */
export function tryGit(gitDir: string, args: readonly string[], input: Buffer | string = ''): Promise<GitResult> {
  return new Promise((settle, fail) => {
    const child = startGit(gitDir, args);
    const chunks: Buffer[] = [];
    let bytes = 0;
    let complaint = '';
    const stop = (reason: Failure) => { child.kill('SIGKILL'); fail(reason); };
    const timer = setTimeout(() => stop(new Failure('repository-unreadable', `git ${args[0]} did not end within ${TIME_LIMIT / 1000} s`)), TIME_LIMIT);
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT) stop(new Failure('repository-too-large', `git ${args[0]} printed more than ${MAX_OUTPUT} bytes`));
    });
    child.stderr.on('data', (chunk: Buffer) => { if (complaint.length < 1000) complaint += chunk.toString('utf8'); });
    child.once('error', (cause) => { clearTimeout(timer); fail(new Failure('repository-unreadable', 'git could not be started', { cause })); });
    child.once('close', (code) => { clearTimeout(timer); settle({ code: code ?? -1, stdout: Buffer.concat(chunks), complaint: printable(complaint) }); });
    // git may end without reading its input; its exit code says why.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') fail(error); });
    child.stdin.end(input);
  });
}

/** Runs git and returns what it printed. Throws `repository-unreadable` when it fails. */
export async function git(gitDir: string, args: readonly string[], input: Buffer | string = ''): Promise<Buffer> {
  const { code, stdout, complaint } = await tryGit(gitDir, args, input);
  if (code !== 0) throw new Failure('repository-unreadable', `git ${args[0]}: ${complaint || `exit code ${code}`}`);
  return stdout;
}

/**
 * The git directory of a checkout, a linked worktree or a bare repository at exactly this path; folders above are not searched.
 * Throws `repository-not-found` with the path, `repository-unreadable` with git's words.
 */
export async function gitDirectory(repository: string): Promise<string> {
  const missing = () => new Failure('repository-not-found', printable(repository));
  const path = await realpath(resolve(repository)).catch(() => { throw missing(); });
  const dotGit = join(path, '.git');
  const kind = await stat(dotGit).catch(() => undefined);
  let found = path;
  if (kind?.isDirectory()) found = await realpath(dotGit);
  else if (kind?.isFile()) {
    const target = /^gitdir: ([^\n]{1,4096})\n?$/.exec((await readFile(dotGit, 'utf8')).slice(0, 5000))?.[1];
    if (target === undefined) throw missing();
    found = await realpath(resolve(dirname(dotGit), target)).catch(() => { throw missing(); });
  }
  const [head, objects] = await Promise.all(['HEAD', 'objects'].map((name) => stat(join(found, name)).catch(() => undefined)));
  if (!head?.isFile()) throw missing();
  const { code, complaint } = await tryGit(found, ['rev-parse', '--git-dir']);
  // A repository that git refuses (its config does not parse, its HEAD is no ref) is there all the same.
  if (code !== 0) throw objects?.isDirectory() ? new Failure('repository-unreadable', complaint) : missing();
  return found;
}
