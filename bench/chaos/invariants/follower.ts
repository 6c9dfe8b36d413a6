import type { Violation } from '../evidence.js';
import type { Followed } from '../follower.js';

/** A client of the event stream sees 1, 2, 3 … over all its connections, up to the end of the run. `seq`: of the last event there is. */
export function checkFollowed({ runId, seqs, ended, connections }: Followed, hasRunEnded: boolean): Violation[] {
  const at = seqs.findIndex((seq, index) => seq !== index + 1);
  const gap = at < 0 ? [] : [{ invariant: 'events for clients', runId, detail: `event ${at + 1} over ${connections} connections was ${seqs[at]}: ${seqs.slice(Math.max(0, at - 3), at + 4).join(' ')}` }];
  return hasRunEnded && !ended ? [...gap, { invariant: 'events for clients', runId, detail: `the stream did not end with the run; the last event was ${seqs.at(-1) ?? 0}` }] : gap;
}
