import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '#config';
import { spawnServer } from '#embedded';

export interface TestS3 {
  endpoint: string;
  bucket: string;
  region: string;
  accessKey: string;
  secretKey: string;
  /** The folder with the stored files: for tests that damage them. */
  directory: string;
  /** Ends the server as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and files, after kill(). */
  restart(): Promise<void>;
  /** Whoever asks it waits, until resume(). */
  pause(): void;
  resume(): void;
  /** Stops the server and deletes its files. */
  stop(): Promise<void>;
}

/** A real S3 server process on a free port, with one empty bucket. */
export async function startS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'pullwright-s3-'));
  const bucket = 'pullwright-test';
  // The build does not copy it: from there it is found among the sources.
  const script = fileURLToPath(new URL('./s3-process.mjs', import.meta.url)).replace(/[/\\]dist(?=[/\\]libs[/\\])/, '');
  const launch = async (wanted: number) => {
    const started = spawnServer(process.execPath, [script, directory, bucket, String(wanted)], { env: childEnvironment() });
    for (const deadline = Date.now() + 15_000;; await sleep(20)) {
      const listening = Number(/^(\d+)\n/m.exec(started.output())?.[1] ?? 0);
      if (listening !== 0) return { started, listening };
      if (started.hasExited() || Date.now() > deadline) throw new Error(`the S3 server did not start: ${started.output()}`);
    }
  };
  let { started: server, listening: port } = await launch(0);
  return {
    endpoint: `http://127.0.0.1:${port}`, bucket, region: 'us-east-1', accessKey: 'S3RVER', secretKey: 'S3RVER', directory,
    kill: () => server.kill(),
    restart: async () => { ({ started: server, listening: port } = await launch(port)); },
    pause: () => { process.kill(server.pid, 'SIGSTOP'); },
    resume: () => { process.kill(server.pid, 'SIGCONT'); },
    stop: async () => {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
