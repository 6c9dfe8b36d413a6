import type { Task } from '#contracts';

/** A task that waits for room. `T` is what its owner keeps beside it. */
export interface Waiting { readonly task: Task; readonly tenant: string; readonly priority: number }

/** Every so many places the one that has waited longest is next, whatever its priority, so that no priority starves another. */
const LONGEST_EACH = 10;
/** What has gone is cut off when it is so much, and half of all. */
const CUT = 512;

/** `arrival`: the number of its arrival, by which those of one tenant stand. */
interface Entry<T> { readonly item: T; readonly arrival: number; waits: boolean }
/** Those of one tenant; before `head` nobody waits. */
interface Row<T> { entries: Array<Entry<T>>; head: number; size: number }
/** Those of one agent, by priority and tenant. A tenant that was served goes behind the others of its priority. */
interface Line<T> { size: number; taken: number; readonly levels: Map<number, Map<string, Row<T>>> }

const keyOf = ({ runId, stepId }: Pick<Task, 'runId' | 'stepId'>): string => `${runId} ${stepId}`;

/** Who is next for an agent: the highest priority (5 before 1), among its tenants each in turn, and of one tenant the one that came first. Of a step at most one task waits. */
export class FairQueue<T extends Waiting> {
  private readonly lines = new Map<string, Line<T>>();
  private readonly byStep = new Map<string, Entry<T>>();
  private arrivals = 0;

  get size(): number { return this.byStep.size; }
  agents(): string[] { return [...this.lines.keys()]; }
  has(agent: string): boolean { return this.lines.has(agent); }
  waits(step: Pick<Task, 'runId' | 'stepId'>): boolean { return this.byStep.has(keyOf(step)); }
  *items(): Iterable<T> { for (const { item } of this.byStep.values()) yield item; }

  /** No other of its step may wait. `arrival`: given for one that goes back to where it stood. */
  add(item: T, arrival = ++this.arrivals): void {
    const entry = { item, arrival, waits: true };
    this.byStep.set(keyOf(item.task), entry);
    const line = this.lines.get(item.task.agent) ?? { size: 0, taken: 0, levels: new Map<number, Map<string, Row<T>>>() };
    this.lines.set(item.task.agent, line);
    const tenants = line.levels.get(item.priority) ?? new Map<string, Row<T>>();
    line.levels.set(item.priority, tenants);
    const row = tenants.get(item.tenant) ?? { entries: [], head: 0, size: 0 };
    tenants.set(item.tenant, row);
    insert(row, entry);
    row.size++;
    line.size++;
  }

  /** What waited, if anything did. */
  remove(step: Pick<Task, 'runId' | 'stepId'>): T | undefined {
    const entry = this.byStep.get(keyOf(step));
    if (entry) this.delete(entry);
    return entry?.item;
  }

  /** Takes out the next of those that pass. */
  next(agent: string, passes: (item: T) => boolean): { item: T; arrival: number } | undefined {
    const line = this.lines.get(agent);
    if (!line) return undefined;
    const entry = line.taken % LONGEST_EACH === LONGEST_EACH - 1 ? longestWaiting(line, passes) : inTurn(line, passes);
    if (!entry) return undefined;
    line.taken++;
    this.delete(entry);
    const tenants = line.levels.get(entry.item.priority);
    const rest = tenants?.get(entry.item.tenant);
    if (tenants && rest && tenants.size > 1) { tenants.delete(entry.item.tenant); tenants.set(entry.item.tenant, rest); }
    return entry;
  }

  private delete(entry: Entry<T>): void {
    const { task, priority, tenant } = entry.item;
    entry.waits = false;
    this.byStep.delete(keyOf(task));
    const line = this.lines.get(task.agent);
    const tenants = line?.levels.get(priority);
    const row = tenants?.get(tenant);
    if (!line || !tenants || !row) return;
    if (--row.size === 0) tenants.delete(tenant);
    if (tenants.size === 0) line.levels.delete(priority);
    if (--line.size === 0) this.lines.delete(task.agent);
  }
}

/** From the head on all stand by arrival, whether they still wait or not. Nearly always it is at the end, or right before the head. */
function insert<T>(row: Row<T>, entry: Entry<T>): void {
  const { entries } = row;
  let place = entries.length;
  if ((entries.at(-1)?.arrival ?? 0) > entry.arrival) for (place = row.head; (entries[place]?.arrival ?? Infinity) < entry.arrival; place++);
  if (place === row.head && row.head > 0) entries[--row.head] = entry;
  else entries.splice(place, 0, entry);
}

function inTurn<T extends Waiting>({ levels }: Line<T>, passes: (item: T) => boolean): Entry<T> | undefined {
  for (const priority of [...levels.keys()].sort((a, b) => b - a)) for (const row of levels.get(priority)?.values() ?? []) {
    const found = firstOf(row, passes);
    if (found) return found;
  }
  return undefined;
}

function longestWaiting<T extends Waiting>({ levels }: Line<T>, passes: (item: T) => boolean): Entry<T> | undefined {
  let longest: Entry<T> | undefined;
  for (const tenants of levels.values()) for (const row of tenants.values()) {
    const found = firstOf(row, passes);
    if (found && (!longest || found.arrival < longest.arrival)) longest = found;
  }
  return longest;
}

function firstOf<T>(row: Row<T>, passes: (item: T) => boolean): Entry<T> | undefined {
  while (row.head < row.entries.length && !row.entries[row.head]?.waits) row.head++;
  if (row.head > CUT && row.head * 2 > row.entries.length) {
    row.entries = row.entries.slice(row.head);
    row.head = 0;
  }
  for (let place = row.head; place < row.entries.length; place++) {
    const entry = row.entries[place];
    if (entry?.waits && passes(entry.item)) return entry;
  }
  return undefined;
}
