import type { Machine, ModuleModel } from '../../interpret/machine.js';
import { fulfilled, rejected } from '../../interpret/promises.js';
import { Arr, Fn, isObject, type Native, type Obj, Thrown, Undecided, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { firstRow, Memory, rowCopy, rowList } from '../memory.js';
import type { Server } from '../server.js';
import { runSql, type SqlResult } from '../sql.js';
import { backend } from './backend.js';
import { callable, commonJs, functions } from './module.js';
import { mongoose } from './mongoose.js';

/**
 * Databases. They are taken to work: a callback is called without an error, a promise is kept. What they answer is what this browser's own requests have stored
 * (`memory.ts`), and unknown otherwise.
 */
export function databaseModels(server: Server): Array<[string, ModuleModel]> {
  const memory = new Memory(server);
  const one = (name: string, make: (machine: Machine, at: Place) => Obj): [string, ModuleModel] => [name, (machine, at) => {
    machine.need('database', name, at);
    server.databases.push({ kind: 'database', detail: name, at });
    return commonJs(machine, make(machine, at));
  }];
  return [
    one('sqlite3', (machine) => sqlite3(memory, machine)),
    one('better-sqlite3', (machine) => callable(machine, 'Database', () => synchronous(memory, machine))),
    one('node:sqlite', (machine) => machine.object({ DatabaseSync: callable(machine, 'DatabaseSync', () => synchronous(memory, machine)) })),
    one('sqlite', (machine) => machine.object(functions(machine, { open: () => fulfilled(machine, promising(memory, machine)) }))),
    one('pg', (machine) => postgres(memory, machine)),
    one('mysql', (machine) => mysql(memory, machine, false)), one('mysql2', (machine) => mysql(memory, machine, false)), one('mysql2/promise', (machine) => mysql(memory, machine, true)),
    one('mongoose', (machine, at) => mongoose(memory, machine, at)),
    ...['mongodb', 'sequelize', '@prisma/client', 'knex', 'typeorm', 'redis', 'ioredis', 'nedb', 'nedb-promises', 'lowdb', 'monk', 'firebase-admin', '@supabase/supabase-js', 'objection', 'drizzle-orm', '@mikro-orm/core', 'pg-promise', 'postgres', 'mssql', 'oracledb', 'cassandra-driver', 'level']
      .map((name) => one(name, (machine, at) => backend(machine, name, at))),
  ];
}

const failure = (machine: Machine, what: string): Obj => machine.error('Error', `SQLITE_CONSTRAINT: UNIQUE constraint failed: ${what}`).put('code', 'SQLITE_CONSTRAINT').put('errno', 19);

/** Sql text and parameters, given one by one, as a list or as an object. */
function statementOf(args: readonly Value[], machine: Machine): { text: Value; parameters: Value; callback: Fn | undefined } {
  const callback = args.at(-1) instanceof Fn ? args.at(-1) as Fn : undefined;
  const [first, ...rest] = callback ? args.slice(0, -1) : args;
  // pg and mysql also take `{ text, values }` and `{ sql, values }`.
  if (isObject(first) && !(first instanceof Arr)) return { text: machine.get(first, 'text') ?? machine.get(first, 'sql'), parameters: machine.get(first, 'values') ?? rest[0], callback };
  const [only] = rest;
  return { text: first, parameters: rest.length === 1 && isObject(only) ? only : machine.array(rest), callback };
}

/** All rows of a result as a list; of what is no query, an empty one. */
function rowsOf(memory: Memory, machine: Machine, result: SqlResult): Value {
  if ('unknown' in result) return result.unknown;
  if ('selection' in result) {
    const { selection, count } = result;
    if (count !== undefined) return machine.array([machine.object({ [count]: selection.more ?? selection.rows.length })]);
    return rowList(memory, machine, selection);
  }
  if ('row' in result) return machine.array(result.returning ? [rowCopy(machine, result.row)] : []);
  return machine.array([]);
}

function firstOf(machine: Machine, result: SqlResult, none: Value): Value {
  if ('unknown' in result) return result.unknown;
  if ('row' in result) return result.returning ? rowCopy(machine, result.row) : none;
  if (!('selection' in result)) return none;
  return result.count === undefined ? firstRow(machine, result.selection, none) : machine.object({ [result.count]: result.selection.more ?? result.selection.rows.length });
}

const changesOf = (result: SqlResult, at: Place): Value => ('id' in result ? 1 : 'changed' in result ? result.changed.more ?? result.changed.rows.length : 'unknown' in result ? new Unknown('the number of changes', at) : 0);

// ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type Answer = (result: SqlResult, at: Place) => Value;

/** What `run`, `get` and `all` give. An unknown statement that changes the database is decided to have worked. */
function answers(memory: Memory, machine: Machine): Record<'run' | 'get' | 'all', Answer> {
  return {
    run: (result, at) => machine.object({ lastID: 'id' in result ? result.id : new Unknown('an id', at), lastInsertRowid: 'id' in result ? result.id : new Unknown('an id', at), changes: changesOf(result, at) }),
    get: (result) => firstOf(machine, result, undefined),
    all: (result) => rowsOf(memory, machine, result),
  };
}

function sqlite3(memory: Memory, machine: Machine): Obj {
  const database = callable(machine, 'Database', (args, _self, at) => {
    const db = machine.object();
    const kinds = answers(memory, machine);
    const call = (text: Value, parameters: Value, kind: 'run' | 'get' | 'all', callback: Fn | undefined, place: Place): void => {
      const result = runSql(memory, text, parameters, place);
      const self = machine.object({ lastID: 'id' in result ? result.id : new Unknown('an id', place), changes: changesOf(result, place) });
      if (!callback) return;
      const outcome: Value[] = 'failed' in result ? [failure(machine, result.failed)] : kind === 'run' ? [null] : [null, kinds[kind](result, place)];
      machine.later(machine.fn('callback', () => machine.call(callback, outcome, self, place)), [], 0, false, place);
    };
    for (const kind of ['run', 'get', 'all'] as const) {
      db.put(kind, machine.fn(kind, (given, _db, place) => {
        const { text, parameters, callback } = statementOf(given, machine);
        call(text, parameters, kind, callback, place);
        return db;
      }));
    }
    db.put('each', machine.fn('each', (_given, _db, place) => { throw new Undecided('a query row by row', place); }));
    db.put('exec', machine.fn('exec', ([text, callback], _db, place) => {
      script(memory, machine, text, place);
      if (callback instanceof Fn) machine.later(callback, [null], 0, false, place);
      return db;
    }));
    db.put('prepare', machine.fn('prepare', ([text]) => {
      const statement = machine.object();
      for (const kind of ['run', 'get', 'all'] as const) {
        statement.put(kind, machine.fn(kind, (given, _statement, place) => {
          const { parameters, callback } = statementOf([text, ...given], machine);
          call(text, parameters, kind, callback, place);
          return statement;
        }));
      }
      return statement.put('finalize', machine.fn('finalize', ([callback]) => (callback instanceof Fn ? machine.call(callback, []) : undefined)));
    }));
    for (const name of ['serialize', 'parallelize']) db.put(name, machine.fn(name, ([body], _db, place) => (body instanceof Fn ? machine.call(body, [], undefined, place) : undefined)));
    for (const name of ['close', 'on', 'configure', 'loadExtension']) db.put(name, machine.fn(name, () => db));
    const opened = args.findLast((arg) => arg instanceof Fn);
    if (opened) machine.later(opened, [null], 0, false, at);
    return db;
  });
  const exported = machine.object({ Database: database, OPEN_READWRITE: 2, OPEN_CREATE: 4, OPEN_READONLY: 1 });
  return exported.put('verbose', machine.fn('verbose', () => exported));
}

/** Several statements in one text. */
function script(memory: Memory, machine: Machine, text: Value, at: Place): void {
  if (typeof text !== 'string') return;
  for (const statement of text.split(';')) if (statement.trim() !== '') runSql(memory, statement, machine.array([]), at);
}

/** better-sqlite3 and node:sqlite: answers at once, errors thrown. */
function synchronous(memory: Memory, machine: Machine): Obj {
  const kinds = answers(memory, machine);
  const db = machine.object();
  db.put('prepare', machine.fn('prepare', ([text]) => {
    const statement = machine.object();
    for (const kind of ['run', 'get', 'all'] as const) {
      statement.put(kind, machine.fn(kind, (given, _statement, at) => {
        const result = runSql(memory, text, statementOf([text, ...given], machine).parameters, at);
        if ('failed' in result) throw new Thrown(failure(machine, result.failed).put('message', `UNIQUE constraint failed: ${result.failed}`, false).put('code', 'SQLITE_CONSTRAINT_UNIQUE'), at);
        return kinds[kind](result, at);
      }));
    }
    for (const name of ['bind', 'safeIntegers', 'raw', 'expand']) statement.put(name, machine.fn(name, () => statement));
    statement.put('pluck', machine.fn('pluck', (_args, _self, at) => new Unknown('a plucked query', at)));
    statement.put('iterate', machine.get(statement, 'all'));
    return statement;
  }));
  db.put('exec', machine.fn('exec', ([text], _db, at) => { script(memory, machine, text, at); return db; }));
  db.put('pragma', machine.fn('pragma', (_args, _db, at) => new Unknown('a pragma', at)));
  db.put('transaction', machine.fn('transaction', ([body]) => body));
  for (const name of ['close', 'function', 'defaultSafeIntegers']) db.put(name, machine.fn(name, () => db));
  return db;
}

/** The `sqlite` package: the same by promises. */
function promising(memory: Memory, machine: Machine): Obj {
  const kinds = answers(memory, machine);
  const db = machine.object();
  for (const kind of ['run', 'get', 'all'] as const) {
    db.put(kind, machine.fn(kind, (given, _db, at) => {
      const { text, parameters } = statementOf(given, machine);
      const result = runSql(memory, text, parameters, at);
      return 'failed' in result ? rejected(machine, failure(machine, result.failed), at) : fulfilled(machine, kinds[kind](result, at));
    }));
  }
  db.put('exec', machine.fn('exec', ([text], _db, at) => { script(memory, machine, text, at); return fulfilled(machine, undefined); }));
  for (const name of ['close', 'migrate', 'configure']) db.put(name, machine.fn(name, () => fulfilled(machine, undefined)));
  return db;
}

// ── PostgreSQL and MySQL ─────────────────────────────────────────────────────────────────────────────────────────────

function respond(machine: Machine, callback: Fn | undefined, at: Place, failed: Value, values: readonly Value[], promised: Value): Value {
  if (!callback) return failed === undefined ? fulfilled(machine, promised) : rejected(machine, failed, at);
  machine.later(callback, failed === undefined ? [null, ...values] : [failed], 0, false, at);
  return undefined;
}

function postgres(memory: Memory, machine: Machine): Obj {
  const query: Native = (args, _self, at) => {
    const { text, parameters, callback } = statementOf(args, machine);
    const result = runSql(memory, text, parameters, at);
    if ('failed' in result) return respond(machine, callback, at, machine.error('Error', `duplicate key value violates unique constraint`).put('code', '23505'), [], undefined);
    const rows = rowsOf(memory, machine, result);
    const answer = machine.object({ rows, rowCount: 'selection' in result ? machine.get(rows, 'length') : changesOf(result, at), fields: new Unknown('fields', at) });
    return respond(machine, callback, at, undefined, [answer], answer);
  };
  const client = (): Obj => {
    const made: Obj = machine.object(functions(machine, {
      query, on: (_args, self) => self, release: () => undefined, end: () => fulfilled(machine, undefined),
      connect: (args, _self, at) => respond(machine, args.at(-1) instanceof Fn ? args.at(-1) as Fn : undefined, at, undefined, [made, machine.fn('done', () => undefined)], made),
    }));
    return made;
  };
  return machine.object({ Pool: callable(machine, 'Pool', client), Client: callable(machine, 'Client', client), types: machine.object(functions(machine, { setTypeParser: () => undefined })) });
}

function mysql(memory: Memory, machine: Machine, promises: boolean): Obj {
  const make = (byPromise: boolean): Obj => {
    const query: Native = (args, _self, at) => {
      const { text, parameters, callback } = statementOf(args, machine);
      const result = runSql(memory, text, parameters, at);
      if ('failed' in result) return respond(machine, callback, at, machine.error('Error', 'ER_DUP_ENTRY').put('code', 'ER_DUP_ENTRY').put('errno', 1062), [], undefined);
      const rows = 'selection' in result || 'unknown' in result ? rowsOf(memory, machine, result) : machine.object({ insertId: 'id' in result ? result.id : 0, affectedRows: changesOf(result, at) });
      const fields = new Unknown('fields', at);
      if (!callback && !byPromise) return undefined;
      return respond(machine, callback, at, undefined, [rows, fields], machine.array([rows, fields]));
    };
    const made: Obj = machine.object(functions(machine, {
      query, execute: query, on: (_args, self) => self, release: () => undefined, end: () => (byPromise ? fulfilled(machine, undefined) : undefined), destroy: () => undefined, escape: (_args, _self, at) => new Unknown('an escaped value', at),
      connect: (args, _self, at) => (args[0] instanceof Fn ? respond(machine, args[0], at, undefined, [], undefined) : undefined),
      getConnection: ([callback], _self, at) => respond(machine, callback instanceof Fn ? callback : undefined, at, undefined, [made], made),
      promise: () => make(true),
    }));
    return made;
  };
  const created: Native = () => make(promises);
  return machine.object(functions(machine, { createConnection: (args, self, at) => (promises ? fulfilled(machine, created(args, self, at)) : created(args, self, at)), createPool: created }));
}
