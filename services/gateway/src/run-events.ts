import type { Bus } from '#bus';
import { Failure, Progress, RunEvents, eventsOf, subjects, type RunEvent } from '#contracts';
import { Bell } from './bell.js';
import type { Coordinator } from './coordinator.js';

/**
 * A run's events as one sequence, told once and in order, whatever the bus does.
 *
 * The stream is read from the front, by run; core NATS only says when to look again, so a lost wake-up costs at most one heartbeat. `seq` counts
 * a run's events without gaps: what is not above the last one told is a duplicate; what is further above is a hole (older than the stream's
 * retention, or lost with the bus), which the coordinator fills before anything later is told. When it is away, the sequence waits at the hole.
 * It ends after the run's last event. A retried run goes on after an end, so an end counts only while nothing follows it.
 */
export type Told = { event: RunEvent } | { progress: Progress } | { heartbeat: true };

const ENDS: ReadonlySet<string> = new Set(['run-succeeded', 'run-failed', 'run-cancelled']);
const PAGE = 100;
/** Progress is worth nothing when it is old: a slow reader gets the latest only. */
const PROGRESS_KEPT = 32;

export async function* runEvents(bus: Bus, coordinator: Coordinator, heartbeatMs: number, runId: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<Told, void> {
  const bell = new Bell(signal);
  const progress: Progress[] = [];
  const unsubscribe = [
    bus.subscribe(subjects.events(runId), () => { heard = true; bell.ring(); }),
    bus.subscribe(subjects.progressOf(runId), (data) => {
      const parsed = Progress.safeParse(data);
      if (!parsed.success) return;
      progress.push(parsed.data);
      if (progress.length > PROGRESS_KEPT) progress.shift();
      bell.ring();
    }),
  ];
  let told = afterSeq;
  let newest = 0;
  let ended = false;
  let from = 1;
  let overdue = true;
  let heard = false;
  const untold = function* (events: RunEvent[]): Generator<Told> {
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
      // Heard of, but not at or after the place that was reached: the stream is another one now, and begins anew.
      let behind = heard;
      heard = false;
      for (let next = await bus.nextEvent(runId, from); next; next = await bus.nextEvent(runId, from)) {
        const group = RunEvents.parse(next.data);
        const hole = group.seq > told + 1 ? await missing(coordinator, runId, told, group.seq) : [];
        if (hole === undefined) break;
        from = next.seq + 1;
        behind = false;
        yield* untold([...hole, ...eventsOf(group)]);
      }
      if (!ended && (overdue || behind)) yield* untold(await missing(coordinator, runId, told, Infinity) ?? []);
      while (progress.length > 0) yield { progress: progress.shift() as Progress };
      if (ended) return;
      overdue = !await bell.rung(heartbeatMs);
      if (overdue) yield { heartbeat: true };
    }
  } finally {
    for (const stop of unsubscribe) stop();
  }
}

/** The events between two numbers, from the coordinator's database; undefined when it is away. */
async function missing(coordinator: Coordinator, runId: string, afterSeq: number, beforeSeq: number): Promise<RunEvent[] | undefined> {
  const found: RunEvent[] = [];
  try {
    for (let cursor: string | undefined, last = afterSeq; last + 1 < beforeSeq;) {
      const { items, next } = await coordinator.ask('list-events', { runId, afterSeq, cursor, limit: PAGE });
      found.push(...items.filter(({ seq }) => seq < beforeSeq));
      if (next === undefined) break;
      cursor = next;
      last = items.at(-1)?.seq ?? last;
    }
  } catch (error) {
    if (error instanceof Failure && error.code === 'bus-unavailable') return undefined;
    throw error;
  }
  return found;
}
