import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '#contracts';
import { FromChild, type ToChild } from './child-protocol.js';

const HEAP_MB = 2_048;
const READY_LIMIT_MS = 60_000;
/** After `abort` a handler has this long to put things down, then its process group is killed. */
const ABORT_GRACE_MS = 500;
const PIPE_GRACE_MS = 300;
const STDERR_TAIL = 4_000;

/** The child runs from what the host runs from: the build, or sources (tests), which need types stripped and imports resolved. */
const FROM = extname(fileURLToPath(import.meta.url));
const SOURCE_ARGUMENTS = FROM === '.ts'
  ? ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--conditions=pullwright-source', `--import=${new URL('from-source.mjs', import.meta.url).href}`]
  : [];

export interface AgentProcessOptions {
  /** URL of the module that exports `agents`. */
  agentsModuleUrl: string;
  /** The whole environment of the process, except TMPDIR, which is a folder of its own. */
  environment: Record<string, string>;
}
export interface RunListeners {
  progress: (phase: string, done: number, total?: number) => void;
  log: (message: string) => void;
}

/**
 * A single-use process.  starting → ready → running → gone.  It goes when it has answered, crashed, or was killed; kill() is for any state.
 * It has its own process group, working directory and temporary folder; all of them end with it.
 */
export class AgentProcess {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private stderr = '';
  private listeners: RunListeners | undefined;
  /** The names of the agents in the module. Rejects with `Failure('agent-crashed')` when the module cannot be loaded. */
  readonly ready: Promise<string[]>;
  /** Settles with what ended it, in words. */
  private readonly ended: Promise<string>;
  private readonly answer: Promise<Extract<FromChild, { type: 'done' | 'failed' }>>;

  constructor({ agentsModuleUrl, environment }: AgentProcessOptions) {
    this.folder = mkdtempSync(join(tmpdir(), 'pullwright-agent-'));
    this.child = fork(fileURLToPath(new URL(`child${FROM}`, import.meta.url)), [agentsModuleUrl, this.folder], {
      cwd: this.folder, env: { ...environment, TMPDIR: this.folder }, execArgv: [`--max-old-space-size=${HEAP_MB}`, ...SOURCE_ARGUMENTS],
      serialization: 'advanced', detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const keep = (chunk: Buffer) => { this.stderr = (this.stderr + chunk.toString('utf8')).slice(-STDERR_TAIL); };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    const ended = new Promise<string>((resolve) => {
      this.child.once('error', (error) => { resolve(error.message); });
      // After `close` stderr is complete; but something that left the process group may keep the pipe open for ever.
      this.child.once('exit', (code, signal) => {
        const how = signal ? `signal ${signal}` : `exit code ${code}`;
        this.child.once('close', () => { resolve(how); });
        setTimeout(resolve, PIPE_GRACE_MS, how).unref();
      });
    });
    this.ended = ended.then((how) => {
      // A process of the group may still be dying in there.
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
      return how;
    });
    const ready = Promise.withResolvers<string[]>();
    const answer = Promise.withResolvers<Extract<FromChild, { type: 'done' | 'failed' }>>();
    this.ready = ready.promise;
    this.answer = answer.promise;
    this.child.on('message', (received) => {
      const { data: message } = FromChild.safeParse(received);
      if (message === undefined) void this.kill();
      else if (message.type === 'ready') ready.resolve(message.agents);
      else if (message.type === 'progress') this.listeners?.progress(message.phase, message.done, message.total);
      else if (message.type === 'log') this.listeners?.log(message.message);
      else answer.resolve(message);
    });
    const timer = setTimeout(() => { ready.reject(new Failure('agent-crashed', `not ready in ${READY_LIMIT_MS} ms`)); void this.kill(); }, READY_LIMIT_MS);
    void this.ready.then(() => { clearTimeout(timer); }, () => { clearTimeout(timer); });
    void this.ended.then((how) => {
      const crash = new Failure('agent-crashed', how, { cause: this.stderr });
      ready.reject(crash);
      answer.reject(crash);
    });
    // Rejections are for whoever waits; an idle process that dies has nobody waiting.
    this.answer.catch(() => undefined);
    this.ready.catch(() => undefined);
  }

  get isAlive(): boolean { return this.child.connected && this.child.exitCode === null && this.child.signalCode === null; }
  /** The last of what the process wrote to stdout and stderr: for the log only. */
  get output(): string { return this.stderr; }

  /**
   * Runs one task and answers with what its handler returned, unchecked. Throws the `Failure` that the handler threw, `agent-crashed` with the exit code or signal, or the reason of `signal` when that aborts first.
   * Whatever happens, the process group is dead when it settles.
   */
  async run(request: Omit<Extract<ToChild, { type: 'run' }>, 'type'>, listeners: RunListeners, signal: AbortSignal): Promise<unknown> {
    this.listeners = listeners;
    const aborted = Promise.withResolvers<never>();
    const abort = () => {
      this.send({ type: 'abort' });
      setTimeout(() => { void this.kill(); }, ABORT_GRACE_MS).unref();
      aborted.reject(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.ready, aborted.promise]);
      this.send({ type: 'run', ...request });
      const answer = await Promise.race([this.answer, aborted.promise]);
      if (answer.type === 'failed') throw new Failure(answer.code, answer.detail);
      return answer.output;
    } finally {
      signal.removeEventListener('abort', abort);
      // An aborted handler has its grace; any other is done.
      await (signal.aborted ? this.ended : this.kill());
    }
  }

  /** Kills the whole group, so that a git or compiler that the agent started does not live on; settles when nothing of it is left. */
  async kill(): Promise<void> {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await this.ended;
  }

  private send(message: ToChild): void {
    // A process that died a moment ago cannot be sent to; `ended` reports it.
    if (this.child.connected) this.child.send(message, () => undefined);
  }
}
