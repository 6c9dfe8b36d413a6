import { HttpException } from '@nestjs/common';
import type { Request } from 'express';
import { RequestFailure } from './problem.js';

/** What GitHub sends at most. */
export const WEBHOOK_BYTES = 25 * 1024 * 1024;
/** Of all bodies that are being read at once: whoever cannot sign can still send. */
const HELD_BYTES = 6 * WEBHOOK_BYTES;
/** So much of a body that is too large is read and dropped, so that its sender gets to read the answer. */
const DROPPED_BYTES = WEBHOOK_BYTES;

let held = 0;

/**
 * The bytes of a request as they came. Throws 413 as soon as there are more than `limit`, 415 for a compressed body, and `Failure('bus-unavailable')` (503, come again) while others hold too much memory.
 * Never holds more than `limit` of one request.
 */
export async function rawBody(request: Request, limit: number = WEBHOOK_BYTES): Promise<Buffer> {
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity') throw new HttpException('compressed', 415);
  if (Number(request.headers['content-length'] ?? 0) > limit) { drop(request); throw new HttpException('too large', 413); }
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      held += chunk.length;
      if (size > limit) { drop(request); throw new HttpException('too large', 413); }
      if (held > HELD_BYTES) { drop(request); throw new RequestFailure('bus-unavailable', { detail: 'too many large bodies at once' }); }
      chunks.push(chunk);
    }
  } catch (error) {
    if (request.readableAborted) throw new HttpException('the sender went away', 400);
    throw error;
  } finally {
    held -= size;
  }
  return Buffer.concat(chunks, size);
}

function drop(request: Request): void {
  let dropped = 0;
  request.on('data', (chunk: Buffer) => { dropped += chunk.length; if (dropped > DROPPED_BYTES) request.destroy(); });
  // Whoever goes away while being dropped is not missed.
  request.on('error', () => undefined);
  request.resume();
}
