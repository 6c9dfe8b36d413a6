import { setTimeout as sleep } from 'node:timers/promises';
import { serverSentEvents } from '../../services/cli/src/server-sent-events.js';
import type { Random } from './random.js';

const AGAIN_MS = 300;

/** What a client of the event stream has seen of one run: every `seq` in the order of arrival, over all its connections. */
export interface Followed { runId: string; seqs: number[]; connections: number; ended: boolean }

/**
 * Follows a run as a browser does: comes back with Last-Event-ID whenever the stream breaks off, and breaks it off itself after a few events. Ends with the run, or when `until` aborts.
 * The server promises each event once and in order; nothing is repaired here.
 */
export async function follow(base: () => string, runId: string, random: Random, until: AbortSignal): Promise<Followed> {
  const followed: Followed = { runId, seqs: [], connections: 0, ended: false };
  while (!until.aborted && !followed.ended) {
    const leave = new AbortController();
    let left = random.between(1, 12);
    try {
      followed.connections += 1;
      const response = await fetch(`${base()}/api/v1/runs/${runId}/events`, {
        headers: { accept: 'text/event-stream', 'last-event-id': String(followed.seqs.at(-1) ?? 0) }, signal: AbortSignal.any([until, leave.signal]),
      });
      if (response.status === 204) followed.ended = true;
      if (response.status !== 200 || !response.body) { await response.body?.cancel(); await sleep(AGAIN_MS); continue; }
      for await (const { event, data } of serverSentEvents(response.body)) {
        if (event !== 'message') continue;
        const { seq } = JSON.parse(data) as { seq: number };
        followed.seqs.push(seq);
        if (--left === 0) { leave.abort(); break; }
      }
    } catch {
      // Broken off, by this side or by a fault: the next connection goes on.
      await sleep(AGAIN_MS);
    }
  }
  return followed;
}
