import { posix } from 'node:path';
import { spelled } from '../interpret/spelled.js';
import { Arr, Fn, isObject, Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { renderEjs } from '../templates/ejs.js';
import { type HandlebarsEnvironment, renderHandlebars } from '../templates/handlebars.js';
import type { Piece } from '../templates/output.js';
import { renderPug } from '../templates/pug.js';
import { Rendered } from '../templates/rendering.js';
import type { HbsRegistry, Server } from './server.js';

/** An engine as a value of the program: what packages give to `app.engine`. */
export type Engine =
  | { kind: 'ejs' } | { kind: 'pug' }
  /** express-handlebars. Folders are paths of the program; unset ones follow the views. */
  | { kind: 'handlebars'; layout: Value; layouts: Value; partials: Value; extension: string; helpers: Value }
  /** hbs, with what was registered on it. */
  | { kind: 'hbs'; registry: HbsRegistry };

const engines = new WeakMap<Obj, Engine>();
/** Marks a function of the program as an engine. */
export function asEngine(fn: Fn, engine: Engine): Fn {
  engines.set(fn, engine);
  return fn;
}

/** Settings of an application: `app.set` and `app.engine`. */
export interface Settings { values: Map<string, Value>; engines: Map<string, Value>; defaultEngine?: Engine; ejsLayouts: boolean }
export const settingsOf = new WeakMap<Fn, Settings>();

/** The page that `res.render(view, given)` sends. Locals of the answer and the application are below what is given. */
export function renderView(server: Server, app: Fn, res: Obj | null, view: string, given: Value, at: Place): Piece[] {
  const { machine } = server;
  const settings = settingsOf.get(app) ?? { values: new Map<string, Value>(), engines: new Map<string, Value>(), ejsLayouts: false };
  const folders = viewFolders(server, settings);
  const configured = settings.values.get('view engine');
  const extension = posix.extname(view) || (typeof configured === 'string' ? `.${configured.replace(/^\./, '')}` : '');
  if (extension === '') return machine.throwError('Error', 'No default engine was specified and no extension was provided.', at);
  const engine = engineFor(server, settings, extension, at);
  const path = find(server, folders, posix.extname(view) ? view : view + extension);
  if (path === undefined) return machine.throwError('Error', `Failed to lookup view "${view}" in views directory`, at);
  machine.branch(at);
  const locals = machine.object();
  for (const source of [machine.get(app, 'locals'), res ? machine.get(res, 'locals') : undefined, given]) mix(server, locals, source);
  const rendering = { machine, repo: server.start.repo, views: folders };
  switch (engine.kind) {
    case 'ejs': return settings.ejsLayouts ? inEjsLayout(server, settings, path, locals, folders) : renderEjs(path, locals, rendering);
    case 'pug': return renderPug(path, locals, rendering);
    default: return inHandlebarsLayout(server, engine, path, locals, folders, extension);
  }
}

function mix(server: Server, target: Obj, source: Value): void {
  if (source instanceof Unknown) { target.missing ??= source; return; }
  if (!isObject(source)) return;
  if (source.missing) target.missing ??= source.missing;
  for (const key of source.keys()) target.put(key, server.machine.get(source, key));
}

function viewFolders(server: Server, settings: Settings): string[] {
  const views = settings.values.get('views');
  const list = views === undefined ? ['views'] : views instanceof Arr ? views.items : [views];
  return list.flatMap((folder) => {
    const path = typeof folder === 'string' ? server.repositoryPath(folder) : null;
    return path === null ? [] : [path];
  });
}

function find(server: Server, folders: readonly string[], name: string): string | undefined {
  const { repo } = server.start;
  const candidates = folders.map((folder) => posix.join(folder, name));
  if (name.startsWith('/')) { const absolute = server.repositoryPath(name); if (absolute !== null) candidates.unshift(absolute); }
  const index = name.replace(/(\.[^./]+)$/, '/index$1');
  return [...candidates, ...folders.map((folder) => posix.join(folder, index))].find((candidate) => repo.text(candidate) !== null);
}

function engineFor(server: Server, settings: Settings, extension: string, at: Place): Engine {
  const registered = settings.engines.get(extension);
  const engine = isObject(registered) ? engines.get(registered) : undefined;
  if (engine) return engine;
  if (registered !== undefined) throw new Undecided(`the template engine for ${extension}`, at);
  switch (extension) {
    case '.ejs': return { kind: 'ejs' };
    case '.pug': case '.jade': return { kind: 'pug' };
    case '.hbs': return settings.defaultEngine ?? { kind: 'hbs', registry: server.hbs };
    default: throw new Undecided(`the template engine for ${extension}`, at);
  }
}

// ── Layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** express-ejs-layouts: the view's output is `body` in the layout; parts between `contentFor(name)` go where the layout says `defineContent(name)`. */
function inEjsLayout(server: Server, settings: Settings, path: string, locals: Obj, folders: readonly string[]): Piece[] {
  const { machine } = server;
  const rendering = { machine, repo: server.start.repo, views: folders };
  const sections = new Map<string, Piece[]>();
  const marks = new Map<Piece, string>();
  locals.put('contentFor', machine.fn('contentFor', ([name], _self, at) => {
    const mark: Piece = { kind: 'html', text: ' ', at, advances: false };
    marks.set(mark, spelled(name));
    return new Rendered(machine, [mark]);
  }));
  let section = 'body';
  for (const piece of renderEjs(path, locals, rendering)) {
    section = marks.get(piece) ?? section;
    sections.set(section, [...sections.get(section) ?? [], piece]);
  }
  const wanted = locals.own('layout')?.value ?? settings.values.get('layout') ?? 'layout';
  if (wanted === false) return sections.get('body') ?? [];
  if (typeof wanted !== 'string') throw new Undecided('the layout', { file: path, line: 1 });
  const layout = find(server, folders, posix.extname(wanted) ? wanted : `${wanted}.ejs`);
  if (layout === undefined) return machine.throwError('Error', `Failed to lookup view "${wanted}" in views directory`, { file: path, line: 1 });
  locals.put('body', new Rendered(machine, sections.get('body') ?? []));
  locals.put('defineContent', machine.fn('defineContent', ([name]) => new Rendered(machine, sections.get(spelled(name)) ?? [])));
  for (const name of ['style', 'script']) if (!locals.own(name)) locals.put(name, '');
  return renderEjs(layout, locals, rendering);
}

function inHandlebarsLayout(server: Server, engine: Engine & { kind: 'handlebars' | 'hbs' }, path: string, locals: Obj, folders: readonly string[], extension: string): Piece[] {
  const { machine } = server;
  const rendering = { machine, repo: server.start.repo, views: folders };
  const environment = handlebarsEnvironment(server, engine, locals, folders, extension);
  const data = machine.object();
  const given = locals.own('data')?.value;
  if (isObject(given)) for (const key of given.keys()) data.put(key, machine.get(given, key));
  const body = new Rendered(machine, renderHandlebars(path, locals, data, environment, rendering));
  const layout = handlebarsLayout(server, engine, locals, folders, extension);
  if (layout === undefined) return [...body.pieces];
  const context = machine.object();
  mix(server, context, locals);
  context.put('body', body);
  return renderHandlebars(layout, context, data, environment, rendering);
}

function handlebarsLayout(server: Server, engine: Engine & { kind: 'handlebars' | 'hbs' }, locals: Obj, folders: readonly string[], extension: string): string | undefined {
  const own = locals.own('layout')?.value;
  if (own === false || own === null || own === '') return undefined;
  if (own instanceof Unknown) throw new Undecided(`the layout: ${own.reason}`, own.at);
  if (engine.kind === 'hbs') {
    const name = typeof own === 'string' ? own : 'layout';
    // hbs renders without a layout when there is no such file.
    return find(server, folders, posix.extname(name) ? name : name + extension);
  }
  const wanted = own === undefined ? (engine.layout === undefined ? 'main' : engine.layout) : own;
  if (typeof wanted !== 'string' || wanted === '') return undefined;
  const layouts = typeof engine.layouts === 'string' ? [server.repositoryPath(engine.layouts) ?? ''] : folders.map((folder) => posix.join(folder, 'layouts'));
  const name = posix.extname(wanted) ? wanted : wanted + engine.extension;
  const found = find(server, layouts, name);
  if (found === undefined) return server.machine.throwError('Error', `ENOENT: no such file or directory, open '${name}'`, { file: folders[0] ?? '', line: 1 });
  return found;
}

/** A helper of an object of helpers. */
const fromObject = (helpers: Value, name: string): Value => (helpers instanceof Unknown ? undefined : isObject(helpers) ? helpers.own(name)?.value ?? (helpers.missing ? new Unknown(`${helpers.missing.reason}.${name}`, helpers.missing.at) : undefined) : undefined);

function handlebarsEnvironment(server: Server, engine: Engine & { kind: 'handlebars' | 'hbs' }, locals: Obj, folders: readonly string[], extension: string): HandlebarsEnvironment {
  const { machine, start: { repo } } = server;
  const given = locals.own('helpers')?.value;
  if (engine.kind === 'hbs') {
    const { registry } = engine;
    return {
      helper: (name) => registry.helpers.get(name),
      partial: (name) => {
        const suffixes = [extension, '.hbs', '.html', '.handlebars'];
        for (const folder of registry.partialFolders) {
          const prefix = folder === '' ? '' : `${folder}/`;
          // hbs names a partial after its path, with blanks and dashes as underscores.
          const found = repo.paths.find((path) => path.startsWith(prefix) && suffixes.some((suffix) => path.endsWith(suffix) && [path, path.replace(/[ -]/g, '_')].some((spelling) => spelling.slice(prefix.length, -suffix.length) === name)));
          if (found) return found;
        }
        return undefined;
      },
    };
  }
  const partials = engine.partials === undefined ? folders.map((folder) => posix.join(folder, 'partials')) : (engine.partials instanceof Arr ? engine.partials.items : [engine.partials]).flatMap((folder) => {
    const directory = isObject(folder) ? machine.get(folder, 'dir') : folder;
    return typeof directory === 'string' ? [server.repositoryPath(directory) ?? ''] : [];
  });
  return {
    helper: (name) => fromObject(given, name) ?? fromObject(engine.helpers, name),
    partial: (name) => partials.map((folder) => posix.join(folder, name + engine.extension)).find((path) => repo.text(path) !== null),
  };
}
