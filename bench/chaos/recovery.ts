import type { RunEvent } from '#contracts';
import type { Injection } from './report.js';

/** A run's steps forward in time, and when it had no reason to take one: before it was accepted, after its end, while it waited for a person or for a lock. */
interface Track { runId: string; moves: Array<{ at: number; restsAfter: boolean }> }

/** A run did nothing for so long after its event `seq`. */
export interface Standstill { runId: string; seq: number; ms: number; at: string }

const RESTS = new Set(['run-waiting', 'run-succeeded', 'run-failed', 'run-cancelled', 'step-blocked']);

/**
 * How long faults held runs up. The recovery from an injection is the time from its beginning until the last of the runs that were at work then has moved again, that is, has its first event after it.
 * What an earlier fault still holds up counts as well, and so does the time that the fault lasts.
 */
export class Recovery {
  private readonly tracks: Track[] = [];

  add(runId: string, events: readonly RunEvent[]): void {
    this.tracks.push({ runId, moves: events.map(({ at, type }) => ({ at: Date.parse(at), restsAfter: RESTS.has(type) })) });
  }

  /** The longest times that a run which had something to do stood still, longest first. */
  standstills(count: number): Standstill[] {
    const all = this.tracks.flatMap(({ runId, moves }) => moves.slice(1).flatMap(({ at }, index) => {
      const before = moves[index] as { at: number; restsAfter: boolean };
      return before.restsAfter ? [] : [{ runId, seq: index + 1, ms: at - before.at, at: new Date(before.at).toISOString() }];
    }));
    return all.sort((a, b) => b.ms - a.ms).slice(0, count);
  }

  /** The runs at work when it began, and the longest time until one of them moved; `undefined` when none was at work. */
  of({ from }: Pick<Injection, 'from'>): { atWork: string[]; recoveryMs: number | undefined } {
    const atWork: string[] = [];
    let longest: number | undefined;
    for (const { runId, moves } of this.tracks) {
      const next = moves.findIndex(({ at }) => at > from);
      const before = moves[(next < 0 ? moves.length : next) - 1];
      if (!before || before.restsAfter) continue;
      atWork.push(runId);
      if (next >= 0) longest = Math.max(longest ?? 0, (moves[next] as { at: number }).at - from);
    }
    return { atWork, recoveryMs: longest };
  }
}
