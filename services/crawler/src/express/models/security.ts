import { spelled } from '../../interpret/spelled.js';
import type { ModuleModel } from '../../interpret/machine.js';
import { Fn, isObject, type Native, Obj, Unknown, type Value } from '../../interpret/values.js';
import type { Server } from '../server.js';
import { answerLater, callable, commonJs, functions } from './module.js';

/**
 * Hashes, random bytes and ids. What they look like is never shown as known (`Server.fresh`); what a program can tell of them holds: the same text with the same salt gives
 * the same hash, another text another, and a random value equals nothing else.
 */
export function securityModels(server: Server): Array<[string, ModuleModel]> {
  const password = (machine: typeof server.machine): Obj => {
    const hash = (plain: Value): Value => (plain instanceof Unknown ? plain : server.hashed(spelled(plain)));
    const compare = (plain: Value, hashed: Value, at: { file: string; line: number }): Value => {
      if (plain instanceof Unknown) return plain;
      if (hashed instanceof Unknown) return new Unknown(`whether the password fits ${hashed.reason}`, at);
      return typeof hashed === 'string' && server.sameHash(server.hashed(spelled(plain)), hashed, at);
    };
    const natives: Record<string, Native> = {
      genSalt: (args, _self, at) => answerLater(machine, args, at, () => server.fresh('text')),
      genSaltSync: () => server.fresh('text'),
      hash: (args, _self, at) => answerLater(machine, args, at, () => hash(args[0])),
      hashSync: ([plain]) => hash(plain),
      compare: (args, _self, at) => answerLater(machine, args, at, () => compare(args[0], args[1], at)),
      compareSync: ([plain, hashed], _self, at) => compare(plain, hashed, at),
      // argon2: the hash first.
      verify: (args, _self, at) => answerLater(machine, args, at, () => compare(args[1], args[0], at)),
    };
    return machine.object(functions(machine, natives));
  };
  const models: Array<[string, ModuleModel]> = ['bcrypt', 'bcryptjs', 'argon2', 'bcrypt-nodejs', '@node-rs/bcrypt'].map((name) => [name, (machine) => commonJs(machine, password(machine))]);
  for (const name of ['crypto', 'node:crypto']) models.push([name, (machine, at) => commonJs(machine, crypto(server, machine.namespace('crypto', at)))]);
  const id: ModuleModel = (machine) => {
    const make = callable(machine, 'uuid', () => server.fresh('text'), functions(machine, Object.fromEntries(['v1', 'v4', 'v7', 'nanoid', 'ulid', 'generate', 'createId'].map((name) => [name, (): Value => server.fresh('text')]))));
    make.put('customAlphabet', machine.fn('customAlphabet', () => machine.fn('nanoid', () => server.fresh('text'))));
    return commonJs(machine, make);
  };
  for (const name of ['uuid', 'uuid/v4', 'nanoid', 'shortid', 'ulid', '@paralleldrive/cuid2', 'cuid', 'uniqid']) models.push([name, id]);
  return models;
}

/** Text that is hashed: of bytes that were made here, their stand-in. */
const textOf = (value: Value): string | Unknown => (value instanceof Unknown ? value : isObject(value) ? spelled(value.own('hash')?.value) : spelled(value));

function crypto(server: Server, namespace: Obj): Obj {
  const { machine } = server;
  const bytes = (known: string): Obj => machine.object().put('hash', known, false).put('toString', machine.fn('toString', () => known), false);
  const derived = (...parts: Value[]): Value => {
    const texts = parts.map(textOf);
    const unknown = texts.find((text) => text instanceof Unknown);
    return unknown instanceof Unknown ? unknown : bytes(server.hashed(texts.map(spelled).join('\u0000'), spelled(texts[0])));
  };
  const digest = (args: Value[]): Obj => {
    const parts: Value[] = [...args];
    const self = machine.object();
    return self.put('update', machine.fn('update', ([part]) => { parts.push(part); return self; })).put('digest', machine.fn('digest', ([encoding]) => {
      const result = derived(...parts);
      return encoding === undefined || !isObject(result) ? result : result.own('hash')?.value;
    }));
  };
  const random: Native = (args, _self, at) => (args.at(-1) instanceof Fn ? answerLater(machine, args, at, () => bytes(server.fresh('text'))) : bytes(server.fresh('text')));
  const natives: Record<string, Native> = {
    randomBytes: random, randomUUID: () => server.fresh('text'), randomInt: (_args, _self, at) => new Unknown('a random number', at),
    pbkdf2: (args, _self, at) => answerLater(machine, args, at, () => derived(args[0], args[1], args[4])),
    pbkdf2Sync: (args) => derived(args[0], args[1], args[4]),
    scrypt: (args, _self, at) => answerLater(machine, args, at, () => derived(args[0], args[1])),
    scryptSync: (args) => derived(args[0], args[1]),
    createHash: (args) => digest(args), createHmac: (args) => digest(args),
    timingSafeEqual: ([a, b], _self, at) => {
      const [left, right] = [textOf(a), textOf(b)];
      return left instanceof Unknown ? left : right instanceof Unknown ? right : server.sameHash(left, right, at);
    },
  };
  for (const [name, fn] of Object.entries(functions(machine, natives))) namespace.put(name, fn);
  return namespace;
}
