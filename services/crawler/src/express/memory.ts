import type { Machine } from '../interpret/machine.js';
import { isObject, Obj, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { OpenList } from './open-list.js';
import type { Server } from './server.js';
import { stateFacts } from './state-facts.js';
import { isNew, strangersOf } from './strangers.js';

/**
 * A database as far as this browser can know it: the rows that its own requests have put there, and those that the program puts there when it starts. All others are
 * unknown, except that nobody else has what is new in this run.
 */
export class Memory {
  readonly tables = new Map<string, Table>();
  readonly #changed: ReadonlySet<string>;
  constructor(readonly server: Server) {
    const { repo, root, entry } = server.start;
    this.#changed = stateFacts(repo, root, entry).changedTables;
  }

  table(name: string): Table {
    const key = name.toLowerCase();
    let table = this.tables.get(key);
    if (!table) this.tables.set(key, table = new Table(key, this, this.#changed.has(key)));
    return table;
  }
}

/** A condition that a row must meet: a column equals a value. `null`: a condition that is not followed. */
export type Condition = { column: string; value: Value } | null;
/** Rows that were asked for. `more`: why there may be others; `null` when these are all. */
export interface Selection { rows: Obj[]; more: Unknown | null }

export class Table {
  private rows: Obj[] = [];
  /** Of the rows the program made when it started. */
  private readonly seeds = new Set<Obj>();
  readonly unique = new Set<string>();
  columns: string[] = [];
  key = 'id';
  constructor(readonly name: string, private readonly memory: Memory, private readonly changes: boolean) {}

  /** Adds a row. Gives the column whose uniqueness it violates, or `Unknown` when somebody else may have the same value. */
  insert(row: Obj, at: Place): { violates: string } | Unknown | undefined {
    const { server } = this.memory;
    const { machine } = server;
    for (const column of this.unique) {
      const value = row.own(column)?.value;
      if (value === undefined || value === null) continue;
      if (value instanceof Unknown) return value;
      if (this.rows.some((other) => equal(other.own(column)?.value, value) === true)) return { violates: column };
      if (server.running && !isNew(value)) return new Unknown(`whether ${this.name} has that ${column} already`, at);
    }
    machine.effect(`a row of ${this.name}`, at, 'refused');
    this.rows = [...this.rows, row];
    if (!server.running) this.seeds.add(row);
    server.wrote = server.running;
    return undefined;
  }

  select(conditions: readonly Condition[], at: Place): Selection {
    const more = new Unknown(`the table ${this.name}`, at);
    if (conditions.includes(null)) return { rows: [], more };
    const { machine } = this.memory.server;
    const matched: Obj[] = [];
    for (const row of this.rows) {
      // What the program made at its start others may have changed since.
      if (this.seeds.has(row) && this.changes) continue;
      let holds = true;
      for (const condition of conditions) {
        if (!condition) continue;
        const value = row.own(condition.column)?.value ?? null;
        machine.compared(condition.value, value, at);
        const same = equal(value, condition.value);
        if (same === undefined) return { rows: [], more };
        holds &&= same;
      }
      if (holds) matched.push(row);
    }
    const asksForNew = conditions.some((condition) => condition && isNew(condition.value));
    const only = matched.length > 0 && conditions.some((condition) => condition && (this.unique.has(condition.column) || condition.column === this.key));
    return { rows: matched, more: asksForNew || only ? null : more };
  }

  /** Changes or (`change: null`) removes rows. */
  change(conditions: readonly Condition[], change: ReadonlyArray<readonly [string, Value]> | null, at: Place): Selection {
    const found = this.select(conditions, at);
    const { server } = this.memory;
    server.machine.effect(`rows of ${this.name}`, at, 'refused');
    server.wrote = server.running;
    if (change === null) this.rows = this.rows.filter((row) => !found.rows.includes(row));
    else {
      const copies = new Map(found.rows.map((row) => [row, this.memory.server.machine.object(Object.fromEntries(row.keys().map((key) => [key, row.own(key)?.value])))]));
      for (const copy of copies.values()) for (const [column, value] of change) copy.put(column, value);
      this.rows = this.rows.map((row) => copies.get(row) ?? row);
    }
    // Rows of our own that a condition may have met are no longer certain.
    if (found.more && conditions.includes(null)) this.rows = [];
    return found;
  }
}

/** As databases compare: numbers and texts of the same spelling are equal. `undefined`: not known. */
function equal(a: Value, b: Value): boolean | undefined {
  if (a instanceof Unknown || b instanceof Unknown) return a === b ? true : undefined;
  if (isObject(a) || isObject(b)) return a === b;
  if (a === null || b === null || a === undefined || b === undefined) return false;
  return String(a) === String(b);
}

/** The rows as a list of the program. */
export function rowList(memory: Memory, machine: Machine, { rows, more }: Selection): Value {
  const copies: Value[] = rows.map((row) => rowCopy(machine, row));
  return more ? new OpenList(machine, copies, more, strangersOf(memory.server)) : machine.array(copies);
}
/** The first row, nothing, or unknown. */
export function firstRow(machine: Machine, { rows, more }: Selection, none: Value): Value {
  if (more) return more;
  return rows[0] ? rowCopy(machine, rows[0]) : none;
}
export const rowCopy = (machine: Machine, row: Obj): Obj => machine.object(Object.fromEntries(row.keys().map((key) => [key, row.own(key)?.value])));
