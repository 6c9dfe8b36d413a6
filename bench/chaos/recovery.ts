import type { RunEvent } from '#contracts';

/** One time that a fault was injected: from its beginning until it was lifted and everything was up again. */
export interface Injection { fault: string; number: number; from: number; to: number; did: string }

/** A run's steps forward in time, and when it had no reason to take one: before it was accepted, after its end, while it waited for a person or for a lock. */
interface Track { runId: string; moves: Array<{ at: number; restsAfter: boolean }> }

/** A run did nothing for so long after its event `seq`. */
export interface Standstill { runId: string; seq: number; ms: number; at: string }

const RESTS = new Set(['run-waiting', 'run-succeeded', 'run-failed', 'run-cancelled', 'step-blocked']);

/**
 * How long faults held runs up. The recovery from an injection is the longest time that a run stood still which had something to do while the fault lasted: from its beginning, or from the run's
 * last event when that is later, to the run's next event. What an earlier fault still holds up counts as well.
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

  /** The runs at work when it began, and the recovery; `undefined` when none was at work. */
  of({ from, to }: Pick<Injection, 'from' | 'to'>): { atWork: string[]; recoveryMs: number | undefined } {
    const atWork: string[] = [];
    let longest: number | undefined;
    for (const { runId, moves } of this.tracks) {
      moves.forEach(({ at, restsAfter }, index) => {
        const next = moves[index + 1]?.at;
        if (restsAfter || at > to || (next ?? Infinity) <= from) return;
        if (at <= from) atWork.push(runId);
        if (next !== undefined) longest = Math.max(longest ?? 0, next - Math.max(at, from));
      });
    }
    return { atWork, recoveryMs: longest };
  }
}
