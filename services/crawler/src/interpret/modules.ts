import type * as N from '@babel/types';
import picomatch from 'picomatch';
import type { Place } from '../markup.js';
import { makeClass } from './classes.js';
import { toText } from './convert.js';
import { hoist, patternNames } from './hoisting.js';
import type { Frame, Machine } from './machine.js';
import { fulfilled } from './promises.js';
import { folderOf, join, looseJson, resolveImport } from './resolution.js';
import { Scope, type Binding } from './scope.js';
import { placeOf, syntaxOf } from './syntax.js';
import { Arr, isObject, Obj, Undecided, Unknown, type Key, type Property, type Value } from './values.js';

/** Modules: loaded once per machine, in the order of their imports, with live bindings between them. */

/** A module's exports; reading one reads the variable behind it. */
export class Namespace extends Obj {
  readonly exports = new Map<string, () => Property | undefined>();
  override own(key: Key): Property | undefined { return (typeof key === 'string' ? this.exports.get(key)?.() : undefined) ?? super.own(key); }
  override keys(): string[] { return [...this.exports.keys(), ...super.keys()]; }
  export(name: string, binding: Binding): void { this.exports.set(name, () => ({ value: binding.value, enumerable: true, writable: false })); }
}

const loadedModules = new WeakMap<Machine, Map<string, Obj>>();
const modulesOf = (machine: Machine): Map<string, Obj> => {
  let modules = loadedModules.get(machine);
  if (!modules) loadedModules.set(machine, modules = new Map<string, Obj>());
  return modules;
};

export function loadModule(machine: Machine, path: string): Obj {
  const modules = modulesOf(machine);
  const known = modules.get(path);
  if (known) return known;
  return machine.during('load', () => {
    if (path.endsWith('.json')) return jsonModule(machine, path, modules);
    const file = syntaxOf(machine.options.repo, path);
    const namespace = new Namespace(machine.intrinsic('Object'));
    modules.set(path, namespace);
    const scope = new Scope(null, true);
    const frame: Frame = { machine, file: path, scope, self: undefined, home: null, newTarget: undefined, maybe: [] };
    const commonJs = isCommonJs(file.program.body) ? defineCommonJs(machine, scope, path) : null;
    const { uncertain } = machine;
    try { runModule(file.program.body, frame, namespace); } finally { machine.uncertain = uncertain; }
    if (!commonJs) return namespace;
    const exported = machine.get(commonJs, 'exports');
    const result = interoperable(machine, exported);
    modules.set(path, result);
    return result;
  });
}

/** What `import` sees of a CommonJS module: its properties, and itself as the default. */
function interoperable(machine: Machine, exported: Value): Obj {
  const namespace = new Namespace(machine.intrinsic('Object'));
  if (isObject(exported)) {
    for (const key of exported.keys()) namespace.exports.set(key, () => ({ value: machine.get(exported, key), enumerable: true, writable: false }));
    if (exported.missing) namespace.missing = exported.missing;
  }
  if (!(isObject(exported) && exported.own('__esModule'))) namespace.put('default', exported, false);
  namespace.put('module.exports', exported, false);
  return namespace;
}

function isCommonJs(body: readonly N.Statement[]): boolean {
  return !body.some((statement) => statement.type === 'ImportDeclaration' || statement.type.startsWith('Export'));
}

function defineCommonJs(machine: Machine, scope: Scope, path: string): Obj {
  const exported = machine.object();
  const module = machine.object({ exports: exported });
  scope.declare('module', module);
  scope.declare('exports', exported);
  scope.declare('__filename', `/${path}`);
  scope.declare('__dirname', `/${folderOf(path)}`);
  scope.declare('require', machine.fn('require', ([specifier], _self, at) => {
    const name = toText(machine, specifier, at);
    if (name instanceof Unknown) return name;
    const namespace = importModule(machine, name, path, at);
    return namespace.own('module.exports')?.value ?? namespace;
  }));
  return module;
}

function jsonModule(machine: Machine, path: string, modules: Map<string, Obj>): Obj {
  const data = looseJson(machine.options.repo.text(path));
  const value = data === undefined ? new Unknown(path, { file: path, line: 1 }) : machine.fromHost(data);
  const namespace = machine.object({ default: value });
  if (isObject(value) && !(value instanceof Arr)) for (const key of value.keys()) namespace.put(key, machine.get(value, key));
  namespace.put('module.exports', value, false);
  modules.set(path, namespace);
  return namespace;
}

const ASSET = /\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wav|pdf|txt|md|mdx|glb|gltf|wasm|csv)$/i;
const STYLE = /\.(?:css|scss|sass|less|styl|pcss)$/i;

export function importModule(machine: Machine, specifier: string, from: string, at: Place): Obj {
  const { repo, root, models } = machine.options;
  const modules = modulesOf(machine);
  const model = models.get(specifier) ?? models.get(`${specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')}/*`);
  if (model) {
    let namespace = modules.get(`model:${specifier}`);
    if (!namespace) modules.set(`model:${specifier}`, namespace = model(machine, at));
    return namespace;
  }
  const query = /\?(.*)$/.exec(specifier)?.[1] ?? '';
  const resolved = resolveImport(repo, root, specifier, from);
  if ('external' in resolved) {
    return machine.namespace(specifier, at);
  }
  const { file } = resolved;
  if (STYLE.test(file)) return styleModule(machine, file, modules);
  if (query === 'raw') return machine.object({ default: repo.text(file) ?? new Unknown(file, at) });
  if (ASSET.test(file) || query === 'url' || query === 'react') return assetModule(machine, file, at);
  return loadModule(machine, file);
}

/** CSS modules: each class name stands for itself, so that style look-ups find it. */
function styleModule(machine: Machine, file: string, modules: Map<string, Obj>): Obj {
  if (!machine.styles.includes(file)) machine.styles.push(file);
  let namespace = modules.get(file);
  if (!namespace) {
    const names = new ClassNames(machine.intrinsic('Object'));
    namespace = machine.object({ default: names });
    modules.set(file, namespace);
  }
  return namespace;
}
class ClassNames extends Obj {
  override own(key: Key): Property | undefined { return typeof key === 'string' && /^[A-Za-z_-][\w-]{0,100}$/.test(key) ? { value: key, enumerable: true, writable: false } : super.own(key); }
}

/** The address of an asset depends on the build; for a vector graphic, `ReactComponent` draws it. */
function assetModule(machine: Machine, file: string, at: Place): Obj {
  const address = new Unknown(`the address of ${file.split('/').at(-1) ?? file}`, at);
  return machine.object({ default: address, ReactComponent: new Unknown(`the drawing ${file.split('/').at(-1) ?? file}`, at) });
}

/** `import.meta.glob`: the modules of the repository whose paths match, by the paths the bundler would give them. */
export function globModules(machine: Machine, patterns: readonly string[], eager: boolean, from: string, at: Place): Obj {
  const { repo, root } = machine.options;
  const result = machine.object();
  const absolute = (pattern: string): string => (pattern.startsWith('/') ? join(root, pattern) : join(folderOf(from), pattern));
  // Plain globs only: nested groups of a hostile pattern could backtrack without end.
  const matchers = patterns.filter((pattern) => /^[\w@./*{},-]{1,120}$/.test(pattern)).map((pattern) => picomatch(absolute(pattern)));
  for (const path of repo.paths) {
    if (path === from || !matchers.some((matches) => matches(path))) continue;
    const key = patterns[0]?.startsWith('/') ? `/${root ? path.slice(root.length + 1) : path}` : relative(folderOf(from), path);
    const load = (): Value => importModule(machine, `/${root ? path.slice(root.length + 1) : path}`, from, at);
    result.put(key, eager ? load() : machine.fn('load', () => fulfilled(machine, load())));
  }
  return result;
}
function relative(folder: string, path: string): string {
  const from = folder === '' ? [] : folder.split('/');
  const to = path.split('/');
  while (from.length > 0 && from[0] === to[0]) { from.shift(); to.shift(); }
  return from.length === 0 ? `./${to.join('/')}` : `${'../'.repeat(from.length)}${to.join('/')}`;
}

// ── The body of a module ─────────────────────────────────────────────────────────────────────────────────────────

function runModule(body: readonly N.Statement[], frame: Frame, namespace: Namespace): void {
  hoist(body, frame);
  announceExports(body, frame, namespace);
  for (const statement of body) if (statement.type === 'ImportDeclaration') importInto(statement, frame);
  for (const statement of body) if ((statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportAllDeclaration') && statement.source) reExport(statement, frame, namespace);
  for (const statement of body) moduleStatement(statement, frame, namespace);
}

/** Hoisted functions are visible to modules that import this one in a circle. */
function announceExports(body: readonly N.Statement[], frame: Frame, namespace: Namespace): void {
  for (const statement of body) {
    if (statement.type === 'ExportNamedDeclaration' && !statement.source) {
      for (const name of declaredNames(statement.declaration)) exportName(name, name, frame, namespace);
      for (const specifier of statement.specifiers) {
        if (specifier.type === 'ExportSpecifier' && specifier.local.type === 'Identifier') exportName(moduleName(specifier.exported), specifier.local.name, frame, namespace);
      }
    }
    if (statement.type === 'ExportDefaultDeclaration') {
      const { declaration } = statement;
      if (declaration.type === 'FunctionDeclaration') exportName('default', declaration.id?.name ?? '*default*', frame, namespace);
    }
  }
}
function declaredNames(declaration: N.Declaration | null | undefined): string[] {
  if (!declaration) return [];
  if (declaration.type === 'VariableDeclaration') return declaration.declarations.flatMap(({ id }) => patternNames(id));
  if (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration' || declaration.type === 'TSEnumDeclaration') return declaration.id ? [declaration.id.name] : [];
  if (declaration.type === 'TSModuleDeclaration' && declaration.id.type === 'Identifier') return [declaration.id.name];
  return [];
}
function exportName(name: string, local: string, frame: Frame, namespace: Namespace): void {
  namespace.exports.set(name, () => {
    const binding = frame.scope.own(local);
    return binding ? { value: binding.value, enumerable: true, writable: false } : undefined;
  });
}
const moduleName = (node: N.Identifier | N.StringLiteral): string => (node.type === 'Identifier' ? node.name : node.value);

function importInto(statement: N.ImportDeclaration, frame: Frame): void {
  if (statement.importKind === 'type' || statement.importKind === 'typeof') return;
  const at = placeOf(statement, frame.file);
  const specifiers = statement.specifiers.filter((specifier) => !(specifier.type === 'ImportSpecifier' && specifier.importKind === 'type'));
  if (statement.specifiers.length > 0 && specifiers.length === 0) return;
  const namespace = guardedImport(statement.source.value, frame, at);
  for (const specifier of specifiers) {
    if (specifier.type === 'ImportNamespaceSpecifier') { frame.scope.declare(specifier.local.name, namespace, true); continue; }
    const name = specifier.type === 'ImportDefaultSpecifier' ? 'default' : moduleName(specifier.imported);
    frame.scope.link(specifier.local.name, new ImportedBinding(frame.machine, namespace, name, at));
  }
}

/** A module that cannot be followed is unknown to those who import it; the rest of the program still runs. */
function guardedImport(specifier: string, frame: Frame, at: Place): Obj {
  const { machine } = frame;
  const loaded = machine.attempt(() => importModule(machine, specifier, frame.file, at));
  if (loaded.ok) return loaded.value;
  if (loaded.thrown || loaded.undecided.limit) throw loaded.thrown ?? loaded.undecided;
  noteOnce(machine, specifier, loaded.undecided.reason, at);
  return machine.namespace(specifier, at);
}

/** Each page load meets the same import again; it is left out once. */
const noted = new WeakMap<object, Set<string>>();
function noteOnce(machine: Machine, specifier: string, reason: string, at: Place): void {
  const { repo } = machine.options;
  const before = noted.get(repo) ?? new Set<string>();
  noted.set(repo, before);
  const key = `${at.file}:${at.line}:${specifier}`;
  if (before.has(key)) return;
  before.add(key);
  repo.leaveOut('unresolved-import', specifier, reason, at);
}

/** A variable that lives in another module. */
class ImportedBinding implements Binding {
  readonly born = 0;
  readonly dead = false;
  readonly constant = true;
  constructor(private readonly machine: Machine, private readonly namespace: Obj, private readonly name: string, private readonly at: Place) {}
  get value(): Value {
    if (!this.namespace.own(this.name) && this.name === 'default' && this.namespace.missing) return new Unknown(this.namespace.missing.reason, this.at);
    if (!this.namespace.own(this.name) && this.namespace.missing) return new Unknown(`${this.name} of ${this.namespace.missing.reason}`, this.at);
    return this.machine.get(this.namespace, this.name, this.at);
  }
}

function reExport(statement: N.ExportNamedDeclaration | N.ExportAllDeclaration, frame: Frame, namespace: Namespace): void {
  if (statement.exportKind === 'type' || !statement.source) return;
  const at = placeOf(statement, frame.file);
  const source = guardedImport(statement.source.value, frame, at);
  const forward = (exported: string, imported: string): void => {
    const binding = new ImportedBinding(frame.machine, source, imported, at);
    namespace.exports.set(exported, () => ({ value: binding.value, enumerable: true, writable: false }));
  };
  if (statement.type === 'ExportAllDeclaration') {
    for (const key of source.keys()) if (key !== 'default' && !namespace.exports.has(key)) forward(key, key);
    if (source.missing) namespace.missing ??= source.missing;
    return;
  }
  for (const specifier of statement.specifiers) {
    if (specifier.type === 'ExportNamespaceSpecifier') namespace.put(moduleName(specifier.exported), source);
    else if (specifier.type === 'ExportSpecifier') forward(moduleName(specifier.exported), specifier.local.type === 'Identifier' ? specifier.local.name : String((specifier.local as { value?: unknown }).value));
    else if (specifier.type === 'ExportDefaultSpecifier') forward(specifier.exported.name, 'default');
  }
}

function moduleStatement(statement: N.Statement, frame: Frame, namespace: Namespace): void {
  const { machine } = frame;
  switch (statement.type) {
    case 'ImportDeclaration': case 'ExportAllDeclaration': return;
    case 'ExportNamedDeclaration':
      if (statement.declaration && !statement.source) machine.execute(statement.declaration, frame);
      return;
    case 'ExportDefaultDeclaration': {
      const { declaration } = statement;
      if (declaration.type === 'FunctionDeclaration' || declaration.type === 'TSDeclareFunction') return;
      if (declaration.type === 'ClassDeclaration' && declaration.id) { machine.execute(declaration, frame); exportName('default', declaration.id.name, frame, namespace); return; }
      const value = declaration.type === 'ClassDeclaration' ? makeClass(declaration, frame, 'default') : machine.evaluate(declaration, frame);
      namespace.export('default', frame.scope.declare('*default*', value, true));
      return;
    }
    case 'TSExportAssignment': namespace.export('default', frame.scope.declare('*default*', machine.evaluate(statement.expression, frame))); return;
    case 'ExpressionStatement': case 'IfStatement': case 'ForStatement': case 'ForOfStatement': case 'TryStatement': {
      const completion = machine.execute(statement, frame);
      if (completion) throw new Undecided('a module that returns', placeOf(statement, frame.file));
      return;
    }
    default: machine.execute(statement, frame);
  }
}
