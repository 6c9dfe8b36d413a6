import type { Bus } from '#bus';
import { AgentCapacity, agentContract, subjects, type Result } from '#contracts';

/** An instance that was not heard for so long is gone. */
const LIVE_MS = 6_000;
/** The window of an agent that nobody announces. */
const UNHEARD = 256;
/**
 * So much work lies ready at the agents, as long as one task takes but within these bounds: what comes next has to be decided, committed and published until it is done, or slots stand idle.
 * Whoever has the next turn waits as long.
 */
const AHEAD_MS = { least: 20, most: 100 };
const QUICKEST_MS = 0.25;
/** So many tasks share a message at most. */
export const SHARED_AT_MOST = 80;
/** Weight of one result in the time that a task takes. */
const WEIGHT = 1 / 16;

interface Known { readonly instances: Map<string, { slots: number; at: number }>; provider?: string; taskMs: number | undefined }

/**
 * How many tasks of an agent should be with it at a time: as many as its instances work on at once, and a few ahead. Fewer than that leave slots idle; what is more stands in line there, where
 * nobody can be let pass any more. The quicker an agent is, the more has to lie ahead.
 */
export class Capacity {
  private readonly agents = new Map<string, Known>();

  /** `clock`: milliseconds, for ages only. */
  constructor(private readonly unheard: number = UNHEARD, readonly clock: () => number = () => performance.now()) {}

  /** Returns the way to stop. */
  listen(bus: Pick<Bus, 'subscribe'>): () => void {
    return bus.subscribe(subjects.allCapacities, (data) => {
      const { success, data: announced } = AgentCapacity.safeParse(data);
      if (success) this.heard(announced);
    });
  }

  heard({ agent, instance, slots, provider }: AgentCapacity): void {
    const known = this.known(agent);
    const { instances } = known;
    if (slots > 0) known.provider = provider;
    if (slots === 0) instances.delete(instance);
    else instances.set(instance, { slots, at: this.clock() });
  }

  /** A slower task counts at once and a quicker one little by little: too few ahead costs a moment, too many hold everybody up. */
  took(result: Result): void {
    if (result.status === 'succeeded' && result.reused) return;
    const { durationMs } = result;
    const known = this.known(result.agent);
    known.taskMs = known.taskMs === undefined || durationMs > known.taskMs ? durationMs : known.taskMs + (durationMs - known.taskMs) * WEIGHT;
  }

  /** Whose model the agent asks, as its instances last said. */
  providerOf(agent: string): string | undefined { return this.agents.get(agent)?.provider; }

  windowOf(agent: string): number {
    const { instances, taskMs } = this.known(agent);
    const alive = this.clock() - LIVE_MS;
    let slots = 0;
    for (const [instance, { slots: own, at }] of instances) {
      if (at < alive) instances.delete(instance);
      else slots += own;
    }
    if (slots === 0) return this.unheard;
    return slots + (taskMs === undefined ? slots : Math.max(1, Math.ceil(slots * Math.max(AHEAD_MS.least, Math.min(AHEAD_MS.most, taskMs)) / Math.max(QUICKEST_MS, taskMs))));
  }

  /**
   * How many tasks of an agent may share a message, which one instance takes up as a whole: no more than its smallest instance works on at once, so that none of them stands in line there while another instance
   * idles. Only where the contract says that they run inside the service, and so are quick; where nobody is heard each has a message of its own.
   */
  sharedBy(agent: string): number {
    if (agentContract(agent)?.isolation !== 'inline') return 1;
    const alive = this.clock() - LIVE_MS;
    let smallest = Infinity;
    for (const { slots, at } of this.known(agent).instances.values()) if (at >= alive) smallest = Math.min(smallest, slots);
    return smallest === Infinity ? 1 : Math.max(1, Math.min(smallest, SHARED_AT_MOST));
  }

  private known(agent: string): Known {
    let known = this.agents.get(agent);
    if (!known) this.agents.set(agent, known = { instances: new Map(), taskMs: undefined });
    return known;
  }
}
