import { posix } from 'node:path';
import { parse } from 'yaml';
import type { Repo } from '../framework.js';
import type { Machine, ModuleModel, ModuleModels } from '../interpret/machine.js';
import { fulfilled } from '../interpret/promises.js';
import { isObject, Undecided, Unknown, type Fn, type Native, type Obj, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';

/** Where programs find the repository while they are interpreted. Pages that are made of its own files are decided by the source. */
const MOUNT = '/repository';
const MAX_FRONT_MATTER = 20_000;

const both = (name: string, model: ModuleModel): Array<[string, ModuleModel]> => [[name, model], [`node:${name}`, model]];

/** `fs` to read with, `path`, and `gray-matter`, which splits a Markdown file into its front matter and its text. */
export function fileModels(repo: Repo, root: string): ModuleModels {
  return new Map<string, ModuleModel>([
    ...both('fs', (machine, at) => asModule(fileSystem(machine, repo, at))),
    ...both('fs/promises', (machine, at) => asModule(machine.get(fileSystem(machine, repo, at), 'promises') as Obj)),
    ...both('path', (machine, at) => asModule(paths(machine, root, at))),
    ['gray-matter', (machine, at) => asModule(machine.namespace('gray-matter', at), machine.fn('matter', ([input], _self, place) => frontMatter(machine, input, place)))],
  ]);
}

/** `process.cwd()` is the folder of the application, as for `next build`. */
export function placeProcess(machine: Machine, root: string): void {
  const process = machine.globals.get('process');
  if (isObject(process)) process.put('cwd', machine.fn('cwd', () => posix.join(MOUNT, root)));
}

const asModule = (namespace: Obj, main: Value = namespace): Obj => namespace.put('default', main, false).put('module.exports', main, false);

function paths(machine: Machine, root: string, at: Place): Obj {
  const pure = (name: string, f: (...parts: string[]) => string): Fn => machine.fn(name, (args, _self, place) => {
    const known = args.filter((arg) => typeof arg === 'string');
    return known.length === args.length ? f(...known) : args.find((arg) => arg instanceof Unknown) ?? new Unknown('a path', place);
  });
  return machine.namespace('path', at, {
    join: pure('join', (...parts) => posix.join(...parts)), resolve: pure('resolve', (...parts) => posix.resolve(posix.join(MOUNT, root), ...parts)),
    normalize: pure('normalize', (path = '') => posix.normalize(path)), relative: pure('relative', (from = '', to = '') => posix.relative(from, to)), dirname: pure('dirname', (path = '') => posix.dirname(path)),
    basename: pure('basename', (path = '', suffix) => posix.basename(path, suffix)), extname: pure('extname', (path = '') => posix.extname(path)), sep: '/',
  });
}

/** The repository's own path; `null` for what is not in it, or not known. */
function inRepository(value: Value): string | null {
  const path = typeof value === 'string' ? posix.normalize(value) : '';
  if (path === MOUNT) return '';
  return path.startsWith(`${MOUNT}/`) ? path.slice(MOUNT.length + 1).replace(/\/$/, '') : null;
}

const write: Native = (_args, _self, place) => { throw new Undecided('a file is written', place); };

function fileSystem(machine: Machine, repo: Repo, at: Place): Obj {
  const read: Native = ([name, options], _self, place) => {
    const path = inRepository(name);
    const text = path === null ? null : repo.text(path);
    if (text === null) return new Unknown(path === null ? 'a file' : `the file ${path}`, place);
    return options === undefined ? machine.namespace(`the bytes of ${path ?? ''}`, place, { toString: machine.fn('toString', () => text) }) : text;
  };
  const list: Native = ([name, options], _self, place) => {
    const path = inRepository(name);
    if (path === null || options !== undefined) return new Unknown('the files of a folder', place);
    const prefix = path === '' ? '' : `${path}/`;
    const names = new Set(repo.paths.flatMap((known) => (known.startsWith(prefix) ? known.slice(prefix.length).split('/', 1) : [])));
    return names.size > 0 ? machine.array([...names].toSorted()) : new Unknown(`the files of ${path}`, place);
  };
  // A file that is not in the repository may still be there when the application runs.
  const exists: Native = ([name], _self, place) => {
    const path = inRepository(name);
    return (path !== null && repo.paths.some((known) => known === path || known.startsWith(`${path}/`))) || new Unknown('whether a file exists', place);
  };
  const natives: Record<string, Native> = { readFile: read, readdir: list, writeFile: write, appendFile: write, unlink: write, rm: write, mkdir: write };
  const fs = machine.namespace('fs', at, { existsSync: machine.fn('existsSync', exists) });
  const promises = machine.namespace('fs/promises', at);
  for (const [name, native] of Object.entries(natives)) {
    fs.put(`${name}Sync`, machine.fn(`${name}Sync`, native));
    promises.put(name, machine.fn(name, (args, self, place) => { const result = native(args, self, place); return result instanceof Unknown ? result : fulfilled(machine, result); }));
  }
  return fs.put('promises', promises);
}

function frontMatter(machine: Machine, input: Value, at: Place): Value {
  const text = isObject(input) ? machine.call(machine.get(input, 'toString', at), [], input, at) : input;
  if (typeof text !== 'string') return text instanceof Unknown ? text : new Unknown('a file with front matter', at);
  const lines = text.split('\n');
  const end = lines[0]?.trimEnd() === '---' ? lines.findIndex((line, i) => i > 0 && line.trimEnd() === '---') : -1;
  const yaml = end < 0 ? '' : lines.slice(1, end).join('\n');
  if (yaml.length > MAX_FRONT_MATTER) throw new Undecided('front matter that is too long', at, true);
  return machine.object({ data: end < 0 ? machine.object() : dataOf(machine, yaml, at), content: end < 0 ? text : lines.slice(end + 1).join('\n'), excerpt: '', isEmpty: false });
}

function dataOf(machine: Machine, yaml: string, at: Place): Value {
  let data: unknown;
  try { data = parse(yaml, { customTags: ['timestamp'], maxAliasCount: 20 }); } catch { return new Unknown('front matter that is no YAML', at); }
  return valueOf(machine, data, at) ?? machine.object();
}

/** Dates become `Date` objects, whose text depends on the time zone. */
function valueOf(machine: Machine, data: unknown, at: Place): Value {
  if (data instanceof Date) return new Unknown('a date of the front matter', at);
  if (Array.isArray(data)) return machine.array(data.map((item) => valueOf(machine, item, at)));
  if (typeof data !== 'object' || data === null) return machine.fromHost(data);
  const obj = machine.object();
  for (const [key, value] of Object.entries(data)) obj.put(key, valueOf(machine, value, at));
  return obj;
}
