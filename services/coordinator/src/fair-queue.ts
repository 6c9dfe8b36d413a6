import type { Task } from '#contracts';

/** A task that waits for room. `T` is what its owner keeps beside it. */
export interface Waiting { readonly task: Task; readonly tenant: string; readonly priority: number }

/** Every so many places the one that has waited longest is next, whatever its priority, so that no priority starves another. */
const LONGEST_EACH = 10;

/** Those of one agent. */
interface Line<T> {
  size: number;
  taken: number;
  /** By priority and tenant, in the order of arrival. A tenant that was served goes behind the others of its priority. */
  readonly levels: Map<number, Map<string, Place<T>>>;
}

/** Those of one tenant: each with the number of its arrival. `last`: the highest that there was. */
interface Place<T> { items: Map<T, number>; last: number }

const keyOf = ({ runId, stepId }: Pick<Task, 'runId' | 'stepId'>): string => `${runId} ${stepId}`;

/** Who is next for an agent: the highest priority (5 before 1), among its tenants each in turn, and of one tenant the one that came first. Of a step at most one task waits. */
export class FairQueue<T extends Waiting> {
  private readonly lines = new Map<string, Line<T>>();
  private readonly byStep = new Map<string, T>();
  private arrivals = 0;

  get size(): number { return this.byStep.size; }
  agents(): string[] { return [...this.lines.keys()]; }
  has(agent: string): boolean { return this.lines.has(agent); }
  waits(step: Pick<Task, 'runId' | 'stepId'>): boolean { return this.byStep.has(keyOf(step)); }
  items(): Iterable<T> { return this.byStep.values(); }

  /** No other of its step may wait. `arrival`: given for one that goes back to where it stood. */
  add(item: T, arrival = ++this.arrivals): void {
    const { task } = item;
    this.byStep.set(keyOf(task), item);
    const line = this.lines.get(task.agent) ?? { size: 0, taken: 0, levels: new Map<number, Map<string, Place<T>>>() };
    this.lines.set(task.agent, line);
    const tenants = line.levels.get(item.priority) ?? new Map<string, Place<T>>();
    line.levels.set(item.priority, tenants);
    const place = tenants.get(item.tenant) ?? { items: new Map<T, number>(), last: 0 };
    tenants.set(item.tenant, place);
    place.items.set(item, arrival);
    if (arrival < place.last) place.items = new Map([...place.items].sort(([, a], [, b]) => a - b));
    else place.last = arrival;
    line.size++;
  }

  /** What waited, if anything did. */
  remove(step: Pick<Task, 'runId' | 'stepId'>): T | undefined {
    const item = this.byStep.get(keyOf(step));
    if (item) this.delete(item);
    return item;
  }

  /** Takes out the next of those that pass. */
  next(agent: string, passes: (item: T) => boolean): { item: T; arrival: number } | undefined {
    const line = this.lines.get(agent);
    if (!line) return undefined;
    const found = line.taken % LONGEST_EACH === LONGEST_EACH - 1 ? longestWaiting(line, passes) : inTurn(line, passes);
    if (!found) return undefined;
    line.taken++;
    this.delete(found.item);
    const tenants = line.levels.get(found.item.priority);
    const rest = tenants?.get(found.item.tenant);
    if (tenants && rest) { tenants.delete(found.item.tenant); tenants.set(found.item.tenant, rest); }
    return found;
  }

  private delete(item: T): void {
    const { task, priority, tenant } = item;
    this.byStep.delete(keyOf(task));
    const line = this.lines.get(task.agent);
    const tenants = line?.levels.get(priority);
    const place = tenants?.get(tenant);
    if (!line || !tenants || !place?.items.delete(item)) return;
    if (place.items.size === 0) tenants.delete(tenant);
    if (tenants.size === 0) line.levels.delete(priority);
    if (--line.size === 0) this.lines.delete(task.agent);
  }
}

function inTurn<T extends Waiting>({ levels }: Line<T>, passes: (item: T) => boolean): { item: T; arrival: number } | undefined {
  for (const priority of [...levels.keys()].sort((a, b) => b - a)) for (const { items } of levels.get(priority)?.values() ?? []) {
    const found = firstOf(items, passes);
    if (found) return found;
  }
  return undefined;
}

function longestWaiting<T extends Waiting>({ levels }: Line<T>, passes: (item: T) => boolean): { item: T; arrival: number } | undefined {
  let longest: { item: T; arrival: number } | undefined;
  for (const tenants of levels.values()) for (const { items } of tenants.values()) {
    const found = firstOf(items, passes);
    if (found && (!longest || found.arrival < longest.arrival)) longest = found;
  }
  return longest;
}

function firstOf<T>(items: ReadonlyMap<T, number>, passes: (item: T) => boolean): { item: T; arrival: number } | undefined {
  for (const [item, arrival] of items) if (passes(item)) return { item, arrival };
  return undefined;
}
