import type { Machine, ModuleModel } from '../../interpret/machine.js';
import { Fn, isObject, type Obj, Unknown, type Value } from '../../interpret/values.js';
import { Rendered } from '../../templates/rendering.js';
import type { HbsRegistry, Server } from '../server.js';
import { asEngine } from '../views.js';
import { callable, commonJs, functions } from './module.js';

/** Template engines as packages: what `app.engine` is given, and what is registered on them. Rendering is `views.ts`. */
export function templateModels(server: Server): Array<[string, ModuleModel]> {
  return [
    ['ejs', plainEngine('ejs')], ['pug', plainEngine('pug')], ['jade', plainEngine('pug')],
    ['express-ejs-layouts', (machine) => commonJs(machine, server.ejsLayouts ??= callable(machine, 'expressLayouts', ([, , next]) => machine.call(next, [])))],
    ['express-handlebars', (machine) => commonJs(machine, expressHandlebars(machine))],
    ['hbs', (machine) => commonJs(machine, hbs(server, machine))],
    ['handlebars', (machine, at) => commonJs(machine, handlebars(machine, machine.namespace('handlebars', at), server.hbs))],
  ];
}

/** An engine without settings of its own. */
const plainEngine = (kind: 'ejs' | 'pug'): ModuleModel => (machine) => {
  const render = asEngine(machine.fn('renderFile', (_args, _self, at) => new Unknown('rendering outside of an answer', at)), { kind });
  return commonJs(machine, asEngine(callable(machine, kind, () => undefined, { renderFile: render, __express: render }), { kind }));
};

function expressHandlebars(machine: Machine): Fn {
  const engineOf = (options: Value): Fn => {
    const option = (name: string): Value => (isObject(options) ? machine.get(options, name) : undefined);
    const extension = option('extname') ?? '.handlebars';
    return asEngine(machine.fn('engine', (_args, _self, at) => new Unknown('rendering outside of an answer', at)), {
      kind: 'handlebars', layout: option('defaultLayout'), layouts: option('layoutsDir'), partials: option('partialsDir'), helpers: option('helpers'),
      extension: typeof extension === 'string' ? (extension.startsWith('.') ? extension : `.${extension}`) : '.handlebars',
    });
  };
  const create = ([options]: Value[]): Value => machine.object({ engine: engineOf(options), extname: isObject(options) ? machine.get(options, 'extname') : undefined, handlebars: handlebarsOf(machine) });
  const make = callable(machine, 'exphbs', ([options]) => engineOf(options), functions(machine, { engine: ([options]) => engineOf(options), create }));
  make.put('ExpressHandlebars', callable(machine, 'ExpressHandlebars', create));
  return make;
}

const handlebarsOf = (machine: Machine): Obj => handlebars(machine, machine.namespace('handlebars', { file: '', line: 1 }), { partialFolders: [], partials: new Map(), helpers: new Map() });

function registerInto(machine: Machine, registry: HbsRegistry): Record<string, Fn> {
  return functions(machine, {
    registerHelper: ([name, helper]) => {
      if (typeof name === 'string') registry.helpers.set(name, helper);
      else if (isObject(name)) for (const key of name.keys()) registry.helpers.set(key, machine.get(name, key));
      return undefined;
    },
    registerAsyncHelper: ([name], _self, at) => { if (typeof name === 'string') registry.helpers.set(name, new Unknown(`the helper ${name}`, at)); return undefined; },
    registerPartial: ([name, partial]) => { if (typeof name === 'string') registry.partials.set(name, partial); return undefined; },
  });
}

function handlebars(machine: Machine, namespace: Obj, registry: HbsRegistry): Obj {
  for (const [name, fn] of Object.entries(registerInto(machine, registry))) namespace.put(name, fn);
  return namespace.put('SafeString', callable(machine, 'SafeString', ([text], _self, at) => new Rendered(machine, [{ kind: 'value', words: typeof text === 'string' ? text : { undecided: 'a safe string' }, raw: true, at }])));
}

function hbs(server: Server, machine: Machine): Obj {
  const registry = server.hbs;
  const render = asEngine(machine.fn('__express', (_args, _self, at) => new Unknown('rendering outside of an answer', at)), { kind: 'hbs', registry });
  const made = handlebars(machine, machine.namespace('hbs', { file: server.start.entry, line: 1 }), registry);
  made.put('__express', render).put('handlebars', made);
  made.put('registerPartials', machine.fn('registerPartials', ([folder, second, third]) => {
    const path = typeof folder === 'string' ? server.repositoryPath(folder) : null;
    if (path !== null) registry.partialFolders.push(path);
    const callback = [second, third].find((value) => value instanceof Fn);
    return callback ? machine.call(callback, []) : undefined;
  }));
  made.put('localsAsTemplateData', machine.fn('localsAsTemplateData', () => undefined));
  asEngine(render, { kind: 'hbs', registry });
  return made;
}
