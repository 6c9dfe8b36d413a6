import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#contracts';
import { freePort, spawnServer, type ServerProcess } from '#embedded';

const READY_LIMIT_MS = 60_000;

export interface ServiceOptions {
  name: string;
  /** Compiled program below the repository's root, and its arguments. */
  program: readonly string[];
  root: string;
  environment: Record<string, string>;
  /** Told when the process has ended without anybody having asked for it. */
  died(name: string, output: string): void;
}

/** How a process is started this time: `crashAt` as in PULLWRIGHT_CRASH_AT, `preload` a module that is imported before anything else. */
export interface Start { crashAt?: string; preload?: string }

/**
 * One instance of a service as a process, which can be killed and started again on the same port. Between `end` and `start` it is away.
 * A process that ends although nobody asked for it is reported, and then stays away until somebody starts it.
 */
export class Service {
  private process: ServerProcess | undefined;
  private expected = false;
  private port = 0;

  constructor(private readonly options: ServiceOptions) {}

  get name(): string { return this.options.name; }
  get url(): string { return `http://127.0.0.1:${this.port}`; }
  get isRunning(): boolean { return this.process !== undefined && !this.process.hasExited(); }
  /** Settles when the process that runs now has ended. */
  get exited(): Promise<void> { return this.process?.exited ?? Promise.resolve(); }

  /** Starts it and waits until it is ready; one that dies at its crash point before that is not waited for. */
  async start({ crashAt, preload }: Start = {}): Promise<void> {
    if (this.isRunning) return;
    if (this.port === 0) this.port = await freePort();
    const { root, program, environment, name } = this.options;
    const [script, ...args] = program as [string, ...string[]];
    this.expected = crashAt !== undefined;
    const started = spawnServer(process.execPath, [...(preload ? [`--import=${preload}`] : []), join(root, script), ...args], {
      cwd: root, env: { ...environment, PORT: String(this.port), HEALTH_PORT: String(this.port), ...(crashAt && { PULLWRIGHT_CRASH_AT: crashAt }) },
    });
    this.process = started;
    void started.exited.then(() => { if (!this.expected && this.process === started) this.options.died(name, started.output()); });
    for (const deadline = Date.now() + READY_LIMIT_MS; !(await this.isReady()); await sleep(100)) {
      if (started.hasExited()) {
        if (this.expected) return;
        throw new Failure('internal', `${name} ended while it started: ${started.output().slice(-1_000)}`);
      }
      if (Date.now() > deadline) throw new Failure('internal', `${name} is not ready: ${started.output().slice(-1_000)}`);
    }
  }

  /** SIGKILL, or SIGTERM and then as long as a service may take. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.expected = true;
    if (!this.process || this.process.hasExited()) return;
    if (signal === 'SIGKILL') await this.process.kill();
    else {
      process.kill(this.process.pid, 'SIGTERM');
      const limit = setTimeout(() => { void this.process?.kill(); }, 30_000);
      await this.process.exited;
      clearTimeout(limit);
    }
  }

  /** The process stops where it is, its connections stay open, and it hears nothing until it goes on. */
  pause(): void { this.signal('SIGSTOP'); }
  resume(): void { this.signal('SIGCONT'); }

  private signal(signal: NodeJS.Signals): void {
    if (this.process && !this.process.hasExited()) process.kill(this.process.pid, signal);
  }

  private async isReady(): Promise<boolean> {
    return fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(5_000) }).then((answer) => answer.ok, () => false);
  }
}
