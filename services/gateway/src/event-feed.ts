import { Injectable, Logger } from '@nestjs/common';
import { Bus, itemsIn } from '#bus';
import { RunEvents, subjects } from '#contracts';

type Listener = (group: RunEvents) => void;

/** What the coordinators tell of all runs, given to those who follow one. The bus is listened to only while somebody follows. What came before, or is lost on the way, is in the coordinator's database (run-events.ts). */
@Injectable()
export class EventFeed {
  private readonly logger = new Logger('events');
  private readonly listeners = new Map<string, Set<Listener>>();
  private leave: () => void = () => undefined;

  constructor(private readonly bus: Bus) {}

  /** From now on. `listener` must not throw. Returns the way to stop. */
  follow(runId: string, listener: Listener): () => void {
    if (this.listeners.size === 0) this.leave = this.bus.subscribe(subjects.told, (data) => { this.heard(data); });
    const own = this.listeners.get(runId) ?? new Set<Listener>();
    this.listeners.set(runId, own);
    own.add(listener);
    return () => {
      if (!own.delete(listener) || own.size > 0) return;
      this.listeners.delete(runId);
      if (this.listeners.size === 0) this.leave();
    };
  }

  private heard(data: unknown): void {
    for (const item of itemsIn(data, 'told')) {
      const followed = this.listeners.get((item as { runId?: string } | undefined)?.runId ?? '');
      if (!followed) continue;
      const { success, data: group, error } = RunEvents.safeParse(item);
      if (success) for (const listener of followed) listener(group);
      else this.logger.error(`${subjects.told}: no events, dropped: ${error.message}`);
    }
  }
}
