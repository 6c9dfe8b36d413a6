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
  /** Stops the server and deletes its files. */
  stop(): Promise<void>;
}

/** A real S3 server process on a free port, with one empty bucket. */
export async function startS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'pullwright-s3-'));
  const bucket = 'pullwright-test';
  const script = fileURLToPath(new URL('./s3-process.mjs', import.meta.url));
  const server = spawnServer(process.execPath, [script, directory, bucket], { env: childEnvironment() });
  let port = 0;
  for (const deadline = Date.now() + 15_000; port === 0; await sleep(20)) {
    port = Number(/^(\d+)\n/m.exec(server.output())?.[1] ?? 0);
    if (port === 0 && (server.hasExited() || Date.now() > deadline)) throw new Error(`the S3 server did not start: ${server.output()}`);
  }
  return {
    endpoint: `http://127.0.0.1:${port}`, bucket, region: 'us-east-1', accessKey: 'S3RVER', secretKey: 'S3RVER', directory,
    kill: () => server.kill(),
    stop: async () => {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
