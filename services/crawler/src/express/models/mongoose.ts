import { spelled } from '../../interpret/spelled.js';
import type { Machine } from '../../interpret/machine.js';
import { fulfilled, rejected } from '../../interpret/promises.js';
import { Arr, Fn, isObject, type Native, Obj, Undecided, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { type Condition, firstRow, type Memory, rowList, type Selection, type Table } from '../memory.js';
import { answerLater, callable, functions } from './module.js';
import { backend } from './backend.js';

const self: Native = (_args, me) => me;

/** mongoose: models over the memory. Conditions are equal fields; schemas give unique fields, required ones, defaults and methods. */
export function mongoose(memory: Memory, machine: Machine, at: Place): Obj {
  const models = new Map<string, Fn>();
  const schemas = new WeakMap<Obj, Schema>();
  const schema = callable(machine, 'Schema', ([fields]) => {
    const made: Obj = machine.object({ methods: machine.object(), statics: machine.object() });
    const known: Schema = { fields: isObject(fields) ? fields : machine.object(), methods: machine.get(made, 'methods') as Obj, statics: machine.get(made, 'statics') as Obj, hooks: false };
    schemas.set(made, known);
      for (const [name, fn] of Object.entries(functions(machine, {
      pre: ([when], me) => { if (when === 'save') known.hooks = true; return me; }, post: self, index: self, plugin: (_args, me) => { known.hooks = true; return me; }, set: self,
      add: ([more], me) => { if (isObject(more)) for (const key of more.keys()) known.fields.put(key, machine.get(more, key)); return me; },
      method: ([name, fn], me) => { if (typeof name === 'string') known.methods.put(name, fn); return me; },
      static: ([name, fn], me) => { if (typeof name === 'string') known.statics.put(name, fn); return me; },
      virtual: () => machine.object(functions(machine, { get: self, set: self })),
    }))) made.put(name, fn);
    return made;
  });
  const types = backend(machine, 'mongoose', at);
  schema.put('Types', types);
  const model: Native = ([name, given], _self, place) => {
    if (typeof name !== 'string') throw new Undecided('a model without a name', place);
    let made = models.get(name);
    if (!made) models.set(name, made = makeModel(memory, machine, memory.table(name), (isObject(given) ? schemas.get(given) : undefined) ?? { fields: machine.object(), methods: machine.object(), statics: machine.object(), hooks: true }));
    return made;
  };
  const exported = machine.namespace('mongoose', at, {
    Schema: schema, Types: types, ...functions(machine, { model, connect: (args, _self, place) => answerLater(machine, args, place, () => exported), set: () => undefined, disconnect: () => fulfilled(machine, undefined) }),
    connection: machine.namespace('the connection', at, functions(machine, { on: (_args, self) => self, once: (_args, self) => self })), models: machine.object(), Promise: machine.globals.get('Promise'),
  });
  return exported;
}

interface Schema { fields: Obj; methods: Obj; statics: Obj; /** Something of the program runs before documents are stored. */ hooks: boolean }

const byId = (id: Value): Condition[] => [{ column: '_id', value: id }];

function makeModel(memory: Memory, machine: Machine, table: Table, schema: Schema): Fn {
  table.key = '_id';
  const { server } = memory;
  for (const field of schema.fields.keys()) {
    const rule = schema.fields.own(field)?.value;
    if (isObject(rule) && !(rule instanceof Fn) && machine.get(rule, 'unique') === true) table.unique.add(field);
  }
  const documents = new WeakMap<Obj, boolean>();
  const prototype = machine.object();
  for (const name of schema.methods.keys()) prototype.put(name, machine.get(schema.methods, name), false);

  /** A document of given fields: only those of the schema, with its defaults. */
  const documentOf = (given: Value): Obj => {
    const made = new Obj(prototype);
    const names = schema.fields.keys();
    if (given instanceof Unknown) made.missing = given;
    else if (isObject(given)) for (const key of given.keys()) if (names.length === 0 || names.includes(key) || key === '_id') made.put(key, cast(schema, key, machine.get(given, key)));
    for (const name of names) if (!made.own(name)) made.put(name, defaultOf(schema, name));
    if (!made.own('_id')) made.put('_id', server.fresh('text'));
    made.put('id', made.own('_id')?.value, false);
    return made;
  };
  function defaultOf(from: Schema, name: string): Value {
    const rule = from.fields.own(name)?.value;
    if (rule instanceof Arr) return machine.array([]);
    if (!isObject(rule) || rule instanceof Fn) return undefined;
    const value = machine.get(rule, 'default');
    return value instanceof Fn ? new Unknown(`the default of ${name}`, { file: server.start.entry, line: 1 }) : value;
  }
  function cast(from: Schema, name: string, value: Value): Value {
    const rule = from.fields.own(name)?.value;
    const type = isObject(rule) && !(rule instanceof Fn) ? machine.get(rule, 'type') : rule;
    const option = (key: string): Value => (isObject(rule) && !(rule instanceof Fn) ? machine.get(rule, key) : undefined);
    if (typeof value === 'string') {
      if (type === machine.globals.get('Number')) return Number(value);
      if (type === machine.globals.get('Boolean')) return ['true', '1', 'yes', 'on'].includes(value);
      if (type === machine.globals.get('Date')) return new Unknown(`the date ${name}`, { file: server.start.entry, line: 1 });
      const trimmed = option('trim') === true ? value.trim() : value;
      return option('lowercase') === true ? trimmed.toLowerCase() : option('uppercase') === true ? trimmed.toUpperCase() : trimmed;
    }
    return value;
  }
  /** Constraints of the schema beyond `required` decide whether a document is stored; those that are not followed leave it open. */
  const refusal = (document: Obj, at: Place): Obj | undefined => {
    if (schema.hooks) throw new Undecided(`what happens before a ${table.name} is stored`, at);
    const errors = machine.object();
    for (const name of schema.fields.keys()) {
      const rule = schema.fields.own(name)?.value;
      if (!isObject(rule) || rule instanceof Fn || rule instanceof Arr) continue;
      const required = machine.get(rule, 'required');
      const value = document.own(name)?.value;
      const needed = required instanceof Arr ? required.items[0] : required;
      if ((value === undefined || value === null || value === '') && needed !== undefined && needed !== false) errors.put(name, machine.error('Error', required instanceof Arr && typeof required.items[1] === 'string' ? required.items[1] : typeof required === 'string' ? required : `Path \`${name}\` is required.`));
      else if (value !== undefined && ['minlength', 'maxlength', 'minLength', 'maxLength', 'min', 'max', 'match', 'enum', 'validate'].some((key) => rule.own(key))) throw new Undecided(`the validation of ${name}`, at);
    }
    if (errors.keys().length === 0) return undefined;
    const messages = errors.keys().map((key) => `${key}: ${spelled(machine.get(machine.get(errors, key), 'message'))}`).join(', ');
    return machine.error('Error', `${table.name} validation failed: ${messages}`).put('name', 'ValidationError', false).put('errors', errors);
  };
  const store = (document: Obj, at: Place): Value => {
    const refused = refusal(document, at);
    if (refused) return rejected(machine, refused, at);
    if (documents.get(document)) { table.change([{ column: '_id', value: document.own('_id')?.value }], document.keys().map((key) => [key, document.own(key)?.value] as const), at); return fulfilled(machine, document); }
    const conflict = table.insert(plain(document), at);
    if (conflict instanceof Unknown) throw new Undecided(conflict.reason, at);
    if (conflict) return rejected(machine, machine.error('Error', `E11000 duplicate key error collection: ${table.name} index: ${conflict.violates}_1`).put('code', 11000).put('name', 'MongoServerError', false).put('keyPattern', machine.object({ [conflict.violates]: 1 })), at);
    documents.set(document, true);
    return fulfilled(machine, document);
  };
  const plain = (document: Obj): Obj => { const row = machine.object(); for (const key of document.keys()) row.put(key, document.own(key)?.value); row.missing = document.missing; return row; };
  const revived = (row: Value): Value => {
    if (!isObject(row)) return row;
    const made = new Obj(prototype);
    for (const key of row.keys()) made.put(key, row.own(key)?.value);
    made.put('id', row.own('_id')?.value, false);
    documents.set(made, true);
    return made;
  };
  for (const [name, fn] of Object.entries(functions(machine, {
    save: (args, self, at) => {
      const saved = isObject(self) ? store(self, at) : fulfilled(machine, undefined);
      const callback = args.at(-1);
      return callback instanceof Fn ? machine.call(machine.get(saved, 'then'), [machine.fn('then', ([value]) => machine.call(callback, [null, value])), callback], saved, at) : saved;
    },
    toObject: (_args, self) => (isObject(self) ? plain(self) : self), toJSON: (_args, self) => (isObject(self) ? plain(self) : self),
    populate: (_args, self) => fulfilled(machine, self), validate: () => fulfilled(machine, undefined), markModified: () => undefined,
    deleteOne: (_args, self, at) => { if (isObject(self)) table.change([{ column: '_id', value: self.own('_id')?.value }], null, at); return fulfilled(machine, self); },
    remove: (_args, self, at) => { if (isObject(self)) table.change([{ column: '_id', value: self.own('_id')?.value }], null, at); return fulfilled(machine, self); },
  }))) prototype.put(name, fn, false);

  const conditions = (filter: Value): Condition[] => {
    if (filter === undefined || filter === null) return [];
    if (!isObject(filter) || filter.missing) return [null];
    return filter.keys().map((key): Condition => {
      const value = machine.get(filter, key);
      return key.startsWith('$') || (isObject(value) && !(value instanceof Unknown)) ? null : { column: key, value: cast(schema, key, value) };
    });
  };
  const first = (selection: Selection): Value => revived(firstRow(machine, selection, null));
  const all = (selection: Selection): Value => {
    const list = rowList(memory, machine, selection);
    if (list instanceof Arr) list.items = list.items.map(revived);
    return list;
  };
  const changes = (update: Value): Array<readonly [string, Value]> | undefined => {
    if (!isObject(update) || update.missing) return undefined;
    const set = machine.get(update, '$set');
    const source = isObject(set) ? set : update;
    const keys = source.keys();
    return keys.some((key) => key.startsWith('$')) ? undefined : keys.map((key) => [key, cast(schema, key, machine.get(source, key))] as const);
  };
  const edit = (filter: Condition[], update: Value, at: Place): Selection => {
    const change = changes(update);
    if (!change) throw new Undecided(`a change of ${table.name} that is not followed`, at);
    const before = table.change(filter, change, at);
    return before.more ? before : table.select(filter, at);
  };
  const model = callable(machine, table.name, ([given]) => documentOf(given), functions(machine, {
    create: ([given, callback], _self, at) => {
      if (given instanceof Arr) throw new Undecided('several documents at once', at);
      const saved = store(documentOf(given), at);
      return callback instanceof Fn ? machine.call(machine.get(saved, 'then'), [machine.fn('then', ([value]) => machine.call(callback, [null, value])), callback], saved, at) : saved;
    },
    find: (args, _self, at) => query(machine, args, at, () => all(table.select(conditions(args[0] instanceof Fn ? undefined : args[0]), at))),
    findOne: (args, _self, at) => query(machine, args, at, () => first(table.select(conditions(args[0]), at))),
    findById: (args, _self, at) => query(machine, args, at, () => first(table.select(byId(args[0]), at))),
    exists: (args, _self, at) => query(machine, args, at, () => first(table.select(conditions(args[0]), at))),
    countDocuments: (args, _self, at) => query(machine, args, at, () => { const { rows, more } = table.select(conditions(args[0]), at); return more ?? rows.length; }),
    findByIdAndUpdate: (args, _self, at) => query(machine, args, at, () => first(edit(byId(args[0]), args[1], at))),
    findOneAndUpdate: (args, _self, at) => query(machine, args, at, () => first(edit(conditions(args[0]), args[1], at))),
    updateOne: (args, _self, at) => query(machine, args, at, () => { edit(conditions(args[0]), args[1], at); return new Unknown('the number of changes', at); }),
    findByIdAndDelete: (args, _self, at) => query(machine, args, at, () => first(table.change(byId(args[0]), null, at))),
    findByIdAndRemove: (args, _self, at) => query(machine, args, at, () => first(table.change(byId(args[0]), null, at))),
    findOneAndDelete: (args, _self, at) => query(machine, args, at, () => first(table.change(conditions(args[0]), null, at))),
    deleteOne: (args, _self, at) => query(machine, args, at, () => { table.change(conditions(args[0]), null, at); return new Unknown('the number of changes', at); }),
  }));
  model.put('prototype', prototype, false);
  for (const name of schema.statics.keys()) model.put(name, machine.get(schema.statics, name));
  model.missing = new Unknown(`a query of ${table.name}`, { file: server.start.entry, line: 1 });
  return model;
}

/** A query: chained refinements that keep or lose what is known, and a promise when it is waited for. */
function query(machine: Machine, args: readonly Value[], at: Place, produce: () => Value): Value {
  const callback = args.at(-1);
  if (callback instanceof Fn) return answerLater(machine, args, at, produce);
  let result: { value: Value } | undefined;
  let vague: string | undefined;
  const settle = (): Value => { result ??= { value: produce() }; return vague !== undefined && result.value !== null ? new Unknown(vague, at) : result.value; };
  const self: Obj = machine.object();
  const keep: Native = () => self;
  for (const name of ['lean', 'exec', 'populate', 'select', 'sort', 'collation', 'orFail']) self.put(name, machine.fn(name, keep));
  for (const name of ['skip', 'limit', 'where', 'or', 'distinct', 'equals', 'in']) self.put(name, machine.fn(name, () => { vague = `a query with ${name}`; return self; }));
  const promise = (): Obj => fulfilled(machine, settle());
  self.put('then', machine.fn('then', (given, _me, place) => { const made = promise(); return machine.call(machine.get(made, 'then'), given, made, place); }));
  self.put('catch', machine.fn('catch', () => promise()));
  return self;
}
