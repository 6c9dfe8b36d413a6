import type { Bus } from '#bus';
import { Failure, Progress, eventsOf, subjects, type RunEvent, type RunEvents } from '#contracts';
import { Bell } from './bell.js';
import type { Coordinator } from './coordinator.js';
import type { EventFeed } from './event-feed.js';

/**
 * A run's events as one sequence, told once and in order, whatever the bus does.
 *   behind → what the database has is told → live → told as it is heard → … → ended
 * `seq` counts a run's events without gaps: what is not above the last one told is a duplicate; what is further above is a hole, as is whatever a slow reader could not be kept, and then the sequence is
 * behind again: events are committed before they are told, so the database has all that was ever heard of. When the coordinator is away it waits there. A heartbeat without news looks into the
 * database too, so that a lost message costs no more than that.
 * It ends after the run's last event. A retried run goes on after an end, so an end counts only while nothing follows it.
 */
export type Told = { event: RunEvent } | { progress: Progress } | { heartbeat: true };

const ENDS: ReadonlySet<string> = new Set(['run-succeeded', 'run-failed', 'run-cancelled']);
const PAGE = 100;
/** Progress is worth nothing when it is old: a slow reader gets the latest only. */
const PROGRESS_KEPT = 32;
/** Groups of events that wait for a slow reader. */
const EVENTS_KEPT = 256;

interface Sources { bus: Bus; feed: EventFeed; coordinator: Coordinator; heartbeatMs: number }

export async function* runEvents({ bus, feed, coordinator, heartbeatMs }: Sources, runId: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<Told, void> {
  const bell = new Bell(signal);
  const heard: RunEvents[] = [];
  const progress: Progress[] = [];
  let behind = true;
  const unsubscribe = [
    feed.follow(runId, (group) => {
      if (heard.push(group) > EVENTS_KEPT) heard.shift();
      bell.ring();
    }),
    bus.subscribe(subjects.progressOf(runId), (data) => {
      const parsed = Progress.safeParse(data);
      if (!parsed.success) return;
      if (progress.push(parsed.data) > PROGRESS_KEPT) progress.shift();
      bell.ring();
    }),
  ];
  let told = afterSeq;
  let newest = 0;
  let ended = false;
  const untold = function* (events: readonly RunEvent[]): Generator<Told> {
    for (const event of events) {
      if (event.seq >= newest) ended = ENDS.has(event.type);
      newest = Math.max(newest, event.seq);
      if (event.seq <= told) continue;
      told = event.seq;
      yield { event };
    }
  };
  try {
    while (!signal.aborted) {
      const stored: RunEvent[] | undefined = behind ? await storedEvents(coordinator, runId, told) : [];
      behind = stored === undefined;
      yield* untold(stored ?? []);
      while (!behind && heard.length > 0) {
        const group = heard.shift() as RunEvents;
        behind = group.seq > told + 1;
        if (!behind) yield* untold(eventsOf(group));
      }
      if (behind && stored !== undefined) continue;
      while (progress.length > 0) yield { progress: progress.shift() as Progress };
      if (ended && !behind) return;
      if (await bell.rung(heartbeatMs)) continue;
      behind = true;
      yield { heartbeat: true };
    }
  } finally {
    for (const stop of unsubscribe) stop();
  }
}

/** The events after a number, from the coordinator's database; undefined when it is away. */
async function storedEvents(coordinator: Coordinator, runId: string, afterSeq: number): Promise<RunEvent[] | undefined> {
  const found: RunEvent[] = [];
  try {
    let cursor: string | undefined;
    do {
      const { items, next } = await coordinator.ask('list-events', { runId, afterSeq, cursor, limit: PAGE });
      found.push(...items);
      cursor = next;
    } while (cursor !== undefined);
  } catch (error) {
    if (error instanceof Failure && error.code === 'bus-unavailable') return undefined;
    throw error;
  }
  return found;
}
