import { randomBytes } from 'node:crypto';
import type { RunId } from '#contracts';

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new ULID: 48 bits of time, so that ids sort by it, and 80 random bits. */
export function newRunId(now: number = Date.now()): RunId {
  let bits = (BigInt(now) << 80n) | BigInt(`0x${randomBytes(10).toString('hex')}`);
  let digits = '';
  for (let i = 0; i < 26; i++) {
    digits = DIGITS.charAt(Number(bits & 31n)) + digits;
    bits >>= 5n;
  }
  return `run_${digits}`;
}
