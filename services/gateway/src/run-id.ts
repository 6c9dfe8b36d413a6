import { randomFillSync } from 'node:crypto';
import type { RunId } from '#contracts';

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** Random bytes for many ids: asking the system for a few of them each time would cost more than all the rest. */
const random = new Uint8Array(RANDOM_DIGITS * 256);
let used = random.length;

/** A new ULID: 48 bits of time, so that ids sort by it, and 80 random bits. */
export function newRunId(now: number = Date.now()): RunId {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  let time = '';
  for (let left = now, i = 0; i < TIME_DIGITS; i++, left = Math.floor(left / 32)) time = DIGITS.charAt(left % 32) + time;
  let rest = '';
  for (let i = 0; i < RANDOM_DIGITS; i++) rest += DIGITS.charAt((random[used++] as number) % 32);
  return `run_${time}${rest}`;
}
