import { Arr, isObject, type Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Machine } from '../interpret/machine.js';
import type { Place } from '../markup.js';
import type { Condition, Memory, Selection } from './memory.js';

/** What a statement gave. `rows`: of a SELECT or RETURNING; `id`: of the row inserted; `failed`: a constraint it violates. */
export type SqlResult = { selection: Selection; columns: readonly string[] | null; count?: string } | { id: Value; row: Obj; returning: boolean } | { changed: Selection } | { failed: string } | { nothing: true } | { unknown: Unknown };

/** Runs one statement on the memory: INSERT of values, SELECT, UPDATE and DELETE by equal columns, CREATE TABLE. Anything else is unknown. */
export function runSql(memory: Memory, text: Value, parameters: Value, at: Place): SqlResult {
  const { server: { machine } } = memory;
  if (typeof text !== 'string') return { unknown: text instanceof Unknown ? text : new Unknown('a statement', at) };
  if (text.length > 10_000) return { unknown: new Unknown('a long statement', at) };
  const words = tokens(text);
  const [first = ''] = words;
  const reader = new Reader(machine, words, parameters, at);
  switch (first.toLowerCase()) {
    case 'create': return create(memory, reader);
    case 'insert': return insert(memory, reader, at);
    case 'select': return select(memory, reader, at);
    case 'update': return update(memory, reader, at);
    case 'delete': return remove(memory, reader, at);
    case 'pragma': case 'begin': case 'commit': case 'rollback': case 'drop': case 'alter': case 'set': case 'use': return { nothing: true };
    default: return { unknown: new Unknown(`the statement ${first}`, at) };
  }
}

/** Names, numbers, quoted texts (with their quotes), placeholders and single signs. Comments are dropped. */
function tokens(text: string): string[] {
  return [...text.matchAll(/--[^\n]*|'(?:[^']|'')*'|"[^"]*"|`[^`]*`|\$\d+|[:@$][A-Za-z_]\w*|\w+(?:\.\w+)*|<=|>=|<>|!=|\|\||[^\s\w]/g)].map((match) => match[0]).filter((word) => !word.startsWith('--'));
}
const bare = (word: string): string => word.replace(/^["'`[]|["'`\]]$/g, '').split('.').at(-1)!.replace(/["`]/g, '');

class Reader {
  index = 1;
  private placeholders = 0;
  constructor(private readonly machine: Machine, private readonly words: readonly string[], private readonly parameters: Value, private readonly at: Place) {}

  get word(): string | undefined { return this.words[this.index]; }
  is(...words: string[]): boolean { return words.every((word, offset) => this.words[this.index + offset]?.toLowerCase() === word); }
  take(...words: string[]): boolean {
    if (!this.is(...words)) return false;
    this.index += words.length;
    return true;
  }
  name(): string { return bare(this.words[this.index++] ?? ''); }
  get ended(): boolean { return this.word === undefined || (this.word === ';' && this.index === this.words.length - 1); }

  /** A literal or a placeholder. `undefined`: something else. */
  value(): Value | { none: true } {
    const word = this.words[this.index++] ?? '';
    if (word === '?') return this.#parameter(this.placeholders++);
    if (/^\$\d+$/.test(word)) return this.#parameter(Number(word.slice(1)) - 1);
    if (/^[:@$][A-Za-z_]/.test(word)) {
      if (!isObject(this.parameters)) return new Unknown('a parameter', this.at);
      const holder = this.parameters instanceof Arr ? this.parameters.items[0] : this.parameters;
      return isObject(holder) ? this.machine.get(holder, word.slice(1)) ?? this.machine.get(holder, word) : new Unknown('a parameter', this.at);
    }
    if (word.startsWith("'")) return word.slice(1, -1).replaceAll("''", "'");
    if (/^\d+(?:\.\d+)?$/.test(word)) return Number(word);
    if (/^null$/i.test(word)) return null;
    if (/^(?:true|false)$/i.test(word)) return word.toLowerCase() === 'true';
    if (/^(?:current_timestamp|now|datetime|date)$/i.test(word)) {
      if (this.word === '(') while (this.word !== undefined && this.words[this.index++] !== ')') { /* up to the end of the call */ }
      return new Unknown('the time', this.at);
    }
    return { none: true };
  }

  #parameter(index: number): Value {
    if (this.parameters instanceof Unknown) return this.parameters;
    if (this.parameters instanceof Arr) {
      const [only] = this.parameters.items;
      return this.parameters.items.length === 1 && only instanceof Arr ? only.items[index] ?? null : this.parameters.items[index] ?? null;
    }
    return new Unknown('a parameter', this.at);
  }

  /** `WHERE a = ? AND b = ?`. Any other condition is one that is not followed. */
  where(): Condition[] {
    const conditions: Condition[] = [];
    if (!this.take('where')) return conditions;
    do {
      const column = this.name();
      if (!this.take('=')) { this.#skip(); return [...conditions, null]; }
      const value = this.value();
      if (isNone(value)) { this.#skip(); return [...conditions, null]; }
      conditions.push({ column, value });
    } while (this.take('and'));
    if (this.is('or')) { this.#skip(); return [null]; }
    return conditions;
  }
  #skip(): void { while (this.word !== undefined && !this.is('order') && !this.is('limit') && !this.is('returning')) this.index++; }
}

const isNone = (value: Value | { none: true }): value is { none: true } => typeof value === 'object' && value !== null && 'none' in value;

function create(memory: Memory, reader: Reader): SqlResult {
  if (!reader.take('table')) {
    const unique = reader.take('unique');
    if (!reader.take('index')) return { nothing: true };
    reader.take('if', 'not', 'exists');
    reader.name();
    if (!unique || !reader.take('on')) return { nothing: true };
    const table = memory.table(reader.name());
    if (reader.take('(')) { const column = reader.name(); if (reader.word === ')') table.unique.add(column); }
    return { nothing: true };
  }
  reader.take('if', 'not', 'exists');
  const table = memory.table(reader.name());
  if (!reader.take('(')) return { nothing: true };
  let depth = 0;
  let column = '';
  let fresh = true;
  for (; reader.word !== undefined && !(depth === 0 && reader.word === ')'); reader.index++) {
    if (reader.word === '(') depth++;
    else if (reader.word === ')') depth--;
    else if (depth > 0) continue;
    else if (reader.word === ',') fresh = true;
    else if (fresh) {
      fresh = false;
      column = reader.is('unique') || reader.is('primary') || reader.is('foreign') || reader.is('constraint') || reader.is('check') ? '' : bare(reader.word);
      if (column) table.columns.push(column);
    } else if (column && reader.is('unique')) table.unique.add(column);
    else if (column && reader.is('primary')) table.key = column;
  }
  return { nothing: true };
}

function insert(memory: Memory, reader: Reader, at: Place): SqlResult {
  const { server } = memory;
  const ignores = reader.take('or', 'ignore') || reader.take('ignore');
  const replaces = reader.take('or', 'replace');
  if (!reader.take('into')) return { unknown: new Unknown('an insertion', at) };
  const table = memory.table(reader.name());
  const columns: string[] = [];
  if (reader.take('(')) while (!reader.take(')')) { columns.push(reader.name()); reader.take(','); if (reader.ended) break; } else columns.push(...table.columns);
  if (replaces || !reader.take('values') || !reader.take('(')) return { unknown: new Unknown('an insertion', at) };
  let last: { id: Value; row: Obj } | undefined;
  do {
    const row = server.machine.object();
    for (const column of columns) {
      const value = reader.value();
      if (isNone(value)) return { unknown: new Unknown('an insertion', at) };
      row.put(column, value);
      reader.take(',');
    }
    reader.take(')');
    for (const column of table.columns) if (!row.own(column) && column !== table.key) row.put(column, columns.includes(column) ? null : server.running ? new Unknown(`the default of ${column}`, at) : null);
    const id = row.own(table.key)?.value ?? server.fresh('number');
    row.put(table.key, id);
    const refused = table.insert(row, at);
    if (refused instanceof Unknown) throw new Undecided(refused.reason, at);
    if (refused && !ignores) return { failed: `${table.name}.${refused.violates}` };
    last = { id, row };
    reader.take(',');
  } while (reader.take('('));
  return { ...last, returning: reader.is('returning') };
}

function select(memory: Memory, reader: Reader, at: Place): SqlResult {
  const unknown: SqlResult = { unknown: new Unknown('what the database holds', at) };
  const columns: string[] = [];
  let count: string | undefined;
  if (reader.take('count', '(')) {
    reader.name();
    if (!reader.take(')')) return unknown;
    count = 'count';
    if (reader.take('as')) count = reader.name(); else if (!reader.is('from')) return unknown; else count = 'COUNT(*)';
  } else if (!reader.take('*')) {
    do {
      columns.push(reader.name());
      if (reader.is('as') || reader.is('(')) return unknown;
    } while (reader.take(','));
  }
  if (!reader.take('from')) return unknown;
  const table = memory.table(reader.name());
  if (!reader.ended && !reader.is('where') && !reader.is('order') && !reader.is('limit')) return unknown;
  const selection = table.select(reader.where(), at);
  if (reader.take('order', 'by')) {
    const column = reader.name();
    const descending = reader.take('desc');
    reader.take('asc');
    const byAge = column === table.key || /created|date|time/i.test(column);
    if (selection.rows.length > 1 && !byAge) return unknown;
    if (descending) selection.rows.reverse();
  }
  if (reader.take('limit')) {
    const limit = reader.value();
    if (typeof limit !== 'number' || !reader.ended) return unknown;
    if (selection.more && limit > 1) return unknown;
    selection.rows.length = Math.min(selection.rows.length, limit);
  }
  return reader.ended ? { selection, columns: columns.length > 0 ? columns : null, ...(count !== undefined && { count }) } : unknown;
}

function update(memory: Memory, reader: Reader, at: Place): SqlResult {
  const table = memory.table(reader.name());
  if (!reader.take('set')) return { unknown: new Unknown('a change of the database', at) };
  const changes: Array<readonly [string, Value]> = [];
  do {
    const column = reader.name();
    if (!reader.take('=')) return { unknown: new Unknown('a change of the database', at) };
    const value = reader.value();
    if (isNone(value)) {
      // `SET n = n + 1` and the like: what it becomes is not followed.
      changes.push([column, new Unknown(`a computed ${column}`, at)]);
      while (reader.word !== undefined && !reader.is('where') && reader.word !== ',') reader.index++;
    } else changes.push([column, value]);
  } while (reader.take(','));
  return { changed: table.change(reader.where(), changes, at) };
}

function remove(memory: Memory, reader: Reader, at: Place): SqlResult {
  if (!reader.take('from')) return { unknown: new Unknown('a deletion', at) };
  const table = memory.table(reader.name());
  return { changed: table.change(reader.where(), null, at) };
}
