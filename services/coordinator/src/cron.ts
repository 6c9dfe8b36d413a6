import { Cron } from 'croner';
import { Failure } from '#contracts';

/** When a schedule occurs. Times are milliseconds since 1970; what a change of the clocks skips occurs right after it, and what it repeats occurs once. */

/** Throws `Failure('bad-request')` for a pattern or a time zone that is none, and for a pattern that never occurs. */
export function requireOccurrence(cron: string, timeZone: string, after: number): number {
  try {
    const next = patternOf(cron, timeZone).nextRun(new Date(after));
    if (next) return next.getTime();
  } catch (cause) {
    throw new Failure('bad-request', `cron, timeZone: ${cause instanceof Error ? cause.message : String(cause)}`.slice(0, 300), { cause });
  }
  throw new Failure('bad-request', 'cron: it never occurs');
}

/** Of the occurrences from `due` to `now`, the last: those between have been missed and are not made up for. */
export function latestOccurrence(cron: string, timeZone: string, due: number, now: number): number {
  const pattern = patternOf(cron, timeZone);
  const following = pattern.nextRun(new Date(due));
  if (!following || following.getTime() > now) return due;
  // Whether one at this very second is a previous one is not for the pattern to say.
  return pattern.previousRuns(2, new Date(now + 1_000)).map((occurrence) => occurrence.getTime()).find((occurrence) => occurrence <= now) ?? due;
}

function patternOf(cron: string, timezone: string): Cron { return new Cron(cron, { timezone, mode: '5-part', paused: true }); }
