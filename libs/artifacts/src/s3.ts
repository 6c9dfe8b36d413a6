import { Client } from 'minio';
import { Failure } from '#contracts';
import type { BlobStore } from './blobs.js';

const ANSWER_LIMIT_MS = 30_000;
const ABSENT = new Set(['NoSuchKey', 'NotFound']);

export interface S3Options { endpoint: string; bucket: string; region: string; accessKey?: string; secretKey?: string }

/** Blobs as objects of one bucket, which must exist. Only the plain S3 API is used: put, get, head, delete, list. */
export function s3Blobs({ endpoint, bucket, region, accessKey, secretKey }: S3Options): BlobStore {
  const address = new URL(endpoint);
  const client = new Client({
    endPoint: address.hostname, useSSL: address.protocol === 'https:', region, pathStyle: true,
    ...(address.port && { port: Number(address.port) }), ...(accessKey && { accessKey }), ...(secretKey && { secretKey }),
    // Every request here may be sent twice. A hiccup such as 503 SlowDown is waited out; an outage is the coordinator's, whose back-off people can see.
    retryOptions: { maximumRetryCount: 3, baseDelayMs: 100, maximumDelayMs: 1_000 },
  });
  return {
    write: (key, bytes) => guarded(async () => { await client.putObject(bucket, key, bytes, bytes.byteLength, { 'Content-Type': 'application/octet-stream' }); }),
    read: (key, limit) => guarded(async () => {
      const object = await absent(client.getObject(bucket, key));
      if (!object) return undefined;
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of object) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).byteLength;
        if (size > limit) throw new Failure('artifact-corrupt', `more than ${limit} bytes`);
      }
      return Buffer.concat(chunks);
    }),
    stat: (key) => guarded(async () => { const found = await absent(client.statObject(bucket, key)); return found && { bytes: found.size, writtenAt: found.lastModified.getTime() }; }),
    list: (prefix) => list(client, bucket, prefix),
    remove: (key) => guarded(() => client.removeObject(bucket, key)),
  };
}

async function* list(client: Client, bucket: string, prefix: string): ReturnType<BlobStore['list']> {
  try {
    for await (const { name, size, lastModified } of client.listObjectsV2(bucket, prefix, true) as AsyncIterable<{ name?: string; size: number; lastModified?: Date }>) {
      if (name !== undefined && lastModified) yield { key: name, bytes: size, writtenAt: lastModified.getTime() };
    }
  } catch (cause) {
    throw new Failure('store-unavailable', (cause as { code?: string }).code, { cause });
  }
}

async function absent<T>(access: Promise<T>): Promise<T | undefined> {
  return access.catch((error: { code?: string }) => {
    if (error.code !== undefined && ABSENT.has(error.code)) return undefined;
    throw error;
  });
}

/** The client has no time limit of its own: a store that accepts and never answers would hold a step for ever. */
async function guarded<T>(action: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => { timer = setTimeout(() => { reject(new Failure('store-unavailable', `no answer in ${ANSWER_LIMIT_MS} ms`)); }, ANSWER_LIMIT_MS); });
  try {
    return await Promise.race([action(), tooLate]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code, name } = error as { code?: string; name?: string };
    throw new Failure('store-unavailable', code ?? name, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
