import type { RunEvent } from '#contracts';
import type { Violation } from '../evidence.js';

interface Held { runId: string; from: number; to: number }

/** Who has had the lock of each repository and when, gathered run by run: two at once is a violation. */
export class Locks {
  private readonly held = new Map<string, Held[]>();

  /** `steps`: keys of the pipeline's steps that take the lock. */
  add(runId: string, repository: string, steps: readonly string[], events: readonly RunEvent[]): void {
    const since = new Map<string, number>();
    for (const { type, stepId = '', at } of events) {
      if (!steps.includes(stepId)) continue;
      if (type === 'step-dispatched') since.set(stepId, since.get(stepId) ?? Date.parse(at));
      const from = since.get(stepId);
      if (from === undefined || !['step-succeeded', 'step-failed', 'step-cancelled'].includes(type)) continue;
      since.delete(stepId);
      this.held.set(repository, [...this.held.get(repository) ?? [], { runId, from, to: Date.parse(at) }]);
    }
  }

  violations(): Violation[] {
    return [...this.held].flatMap(([repository, held]) => {
      const sorted = held.sort((a, b) => a.from - b.from || a.to - b.to);
      return sorted.flatMap((one, index) => {
        const before = sorted[index - 1];
        return before && before.to > one.from ? [{ invariant: 'one at a time', runId: one.runId, detail: `${repository} was locked by ${before.runId} until ${before.to - one.from} ms later` }] : [];
      });
    });
  }
}
