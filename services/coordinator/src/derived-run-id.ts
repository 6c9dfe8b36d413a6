import { createHash } from 'node:crypto';
import type { RunId } from '#contracts';

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;

/** A ULID like any other, but made of what it stands for: whoever starts the run of the same `key` at the same time starts the same run. */
export function derivedRunId(key: string, at: number): RunId {
  let time = '';
  for (let left = at; time.length < TIME_DIGITS; left = Math.floor(left / 32)) time = DIGITS.charAt(left % 32) + time;
  return `run_${time}${digits(key)}`;
}

/** Of a run that follows from another: it stands beside that one wherever runs are sorted. */
export function followingRunId(runId: RunId, key: string): RunId {
  return `${runId.slice(0, 'run_'.length + TIME_DIGITS)}${digits(`${runId} ${key}`)}`;
}

function digits(key: string): string {
  return [...createHash('sha256').update(key).digest().subarray(0, 16)].map((byte) => DIGITS.charAt(byte % 32)).join('');
}
