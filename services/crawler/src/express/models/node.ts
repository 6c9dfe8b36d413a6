import { posix } from 'node:path';
import { spelled } from '../../interpret/spelled.js';
import type { Machine, ModuleModel } from '../../interpret/machine.js';
import { Fn, isObject, type Native, type Obj, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import type { Server } from '../server.js';
import { stateFacts } from '../state-facts.js';
import { answerLater, callable, commonJs, functions } from './module.js';
import { httpServer } from './express.js';

/** Modules of Node, as far as servers of pages use them. The repository is mounted at `/`; what is not there is unknown. */
export function nodeModels(server: Server): Array<[string, ModuleModel]> {
  const models: Record<string, (machine: Machine, at: Place) => Obj> = {
    path: (machine) => pathModule(server, machine),
    fs: (machine, at) => fileSystem(server, machine, at),
    'fs/promises': (machine, at) => machine.get(fileSystem(server, machine, at), 'promises') as Obj,
    http: (machine, at) => http(server, machine, at),
    https: (machine, at) => http(server, machine, at),
    events: (machine) => eventEmitter(machine),
    url: (machine, at) => {
      const url = machine.namespace('url', at, functions(machine, {
        fileURLToPath: ([address]) => (typeof address === 'string' ? address.replace(/^file:\/\//, '') : isObject(address) ? machine.get(address, 'pathname') : address),
      }));
      url.put('URL', machine.globals.get('URL')).put('URLSearchParams', machine.globals.get('URLSearchParams'));
      return url;
    },
    util: (machine, at) => machine.namespace('util', at, functions(machine, { promisify: ([fn]) => promisified(machine, fn), inspect: ([value], _self, place) => (typeof value === 'string' ? value : new Unknown('util.inspect', place)) })),
  };
  return Object.entries(models).flatMap(([name, make]): Array<[string, ModuleModel]> => {
    const model: ModuleModel = (machine, at) => commonJs(machine, make(machine, at));
    return [[name, model], [`node:${name}`, model]];
  });
}

function promisified(machine: Machine, fn: Value): Fn {
  return machine.fn('promisified', (args, self, at) => {
    let failure: Value;
    let result: Value = new Unknown('a callback', at);
    machine.call(fn, [...args, machine.fn('callback', ([error, value]) => { failure = error; result = value; return undefined; })], self, at);
    machine.settle(() => !(result instanceof Unknown));
    return answerLater(machine, [], at, () => {
      if (failure !== undefined && failure !== null && !(failure instanceof Unknown)) machine.call(machine.fn('throw', () => failure), []);
      return result;
    });
  });
}

function strings(args: readonly Value[]): string[] | Unknown {
  const unknown = args.find((arg) => arg instanceof Unknown);
  return unknown instanceof Unknown ? unknown : args.map(spelled);
}

const pure = (f: (...parts: string[]) => string): Native => (args) => { const parts = strings(args); return parts instanceof Unknown ? parts : f(...parts); };

function pathModule(server: Server, machine: Machine): Obj {
  return machine.object({
    ...functions(machine, {
      join: pure((...parts) => posix.join(...parts)), resolve: pure((...parts) => posix.resolve(`/${server.start.root}`, ...parts)), normalize: pure((path) => posix.normalize(path)), relative: pure((from, to) => posix.relative(from, to)),
      dirname: pure((path) => posix.dirname(path)), basename: pure((path, suffix) => posix.basename(path, suffix)), extname: pure((path) => posix.extname(path)), isAbsolute: ([path]) => typeof path === 'string' && path.startsWith('/'),
      parse: ([path]) => (typeof path === 'string' ? machine.fromHost(posix.parse(path)) : path),
    }),
    sep: '/', delimiter: ':',
  });
}

function http(server: Server, machine: Machine, at: Place): Obj {
  return machine.namespace('http', at, functions(machine, { createServer: (args, _self, place) => httpServer(server, place, args.find((arg) => arg instanceof Fn)) }));
}

/** Emitters of the program: listeners run at once, in order. */
function eventEmitter(machine: Machine): Obj {
  const listeners = new WeakMap<Obj, Map<string, Value[]>>();
  const of = (self: Value): Map<string, Value[]> => {
    if (!isObject(self)) return new Map();
    let map = listeners.get(self);
    if (!map) listeners.set(self, map = new Map());
    return map;
  };
  const emitter = callable(machine, 'EventEmitter', () => {
    const self = machine.object();
    self.proto = prototype;
    return self;
  });
  const add: Native = ([name, listener], self) => { of(self).set(spelled(name), [...of(self).get(spelled(name)) ?? [], listener]); return self; };
  const prototype = machine.object(functions(machine, {
    on: add, once: add, addListener: add, off: (_args, self) => self, removeListener: (_args, self) => self, setMaxListeners: (_args, self) => self,
    emit: ([name, ...args], self, at) => { const all = of(self).get(spelled(name)) ?? []; for (const listener of all) machine.call(listener, args, self, at); return all.length > 0; },
  }));
  emitter.put('prototype', prototype, false).put('EventEmitter', emitter);
  return emitter;
}

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Files of the repository are read as they are at the commit, unless the application writes files at all: then they are unknown, for another user may have written. */
function fileSystem(server: Server, machine: Machine, at: Place): Obj {
  const { repo, root, entry } = server.start;
  const changes = stateFacts(repo, root, entry).writesFiles;
  const pathOf = (value: Value): string | null => (typeof value === 'string' ? server.repositoryPath(value.replace(/^file:\/\//, '')) : isObject(value) && typeof machine.get(value, 'pathname') === 'string' ? server.repositoryPath(spelled(machine.get(value, 'pathname'))) : null);
  const read: Native = ([name, options], _self, place) => {
    const path = pathOf(name);
    const text = path === null ? null : repo.text(path);
    if (path === null || text === null || (changes && /\.(?:json|txt|csv|db|ya?ml|log)$/.test(path))) return new Unknown(path === null ? 'a file' : `the file ${path}`, place);
    return options === undefined ? new Unknown(`the bytes of ${path}`, place) : text;
  };
  const exists: Native = ([name], _self, place) => {
    const path = pathOf(name);
    if (path === null) return new Unknown('whether a file exists', place);
    return repo.paths.some((known) => known === path || known.startsWith(`${path}/`)) || new Unknown(`whether ${path} exists`, place);
  };
  const list: Native = ([name], _self, place) => {
    const path = pathOf(name);
    if (path === null) return new Unknown('a folder', place);
    const prefix = path === '' ? '' : `${path}/`;
    return machine.array([...new Set(repo.paths.filter((known) => known.startsWith(prefix)).map((known) => known.slice(prefix.length).split('/')[0]!))]);
  };
  const write: Native = (_args, _self, place) => {
    machine.effect('a file', place);
    server.wrote = true;
    return undefined;
  };
  const sync: Record<string, Native> = { readFile: read, exists, readdir: list, writeFile: write, appendFile: write, unlink: write, mkdir: () => undefined, access: () => undefined };
  const entries: Record<string, Native> = {};
  const promises: Record<string, Native> = {};
  for (const [name, native] of Object.entries(sync)) {
    entries[`${name}Sync`] = native;
    const later: Native = (args, self, place) => answerLater(machine, args, place, () => native(args[1] instanceof Fn ? [args[0], undefined] : args, self, place));
    entries[name] = later;
    promises[name] = later;
  }
  return machine.namespace('fs', at, { ...functions(machine, entries), promises: machine.namespace('fs/promises', at, functions(machine, promises)) });
}
