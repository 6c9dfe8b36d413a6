import { posix } from 'node:path';
import { spelled } from '../../interpret/spelled.js';
import type { ModuleModel } from '../../interpret/machine.js';
import { Arr, Fn, isObject, type Native, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { parseFields, rawBodies } from '../request.js';
import { makeRouter, shareState } from '../router.js';
import type { Server } from '../server.js';
import { renderView, settingsOf, type Settings } from '../views.js';
import { Rendered } from '../../templates/rendering.js';
import { callable, commonJs, passing } from './module.js';

/** `express` itself: applications, routers, static files and body parsers. */
export function expressModel(server: Server): ModuleModel {
  return (machine) => {
    const express = callable(machine, 'express', () => makeApplication(server), {
      Router: callable(machine, 'Router', ([options]) => makeRouter(server, options)),
      static: machine.fn('static', ([folder, options]) => staticFiles(server, folder, options)),
      json: machine.fn('json', () => passing(machine, 'json')),
      text: machine.fn('text', () => passing(machine, 'text')),
      raw: machine.fn('raw', () => passing(machine, 'raw')),
      urlencoded: machine.fn('urlencoded', ([options]) => formParser(server, options)),
    });
    return commonJs(machine, express);
  };
}

export function bodyParserModel(server: Server): ModuleModel {
  return (machine) => commonJs(machine, callable(machine, 'bodyParser', ([options]) => formParser(server, options), {
    json: machine.fn('json', () => passing(machine, 'json')),
    text: machine.fn('text', () => passing(machine, 'text')),
    raw: machine.fn('raw', () => passing(machine, 'raw')),
    urlencoded: machine.fn('urlencoded', ([options]) => formParser(server, options)),
  }));
}

export function formParser(server: Server, options: Value): Fn {
  const { machine } = server;
  const extended = !isObject(options) || machine.get(options, 'extended') !== false;
  return machine.fn('urlencoded', ([req, , next]) => {
    if (isObject(req)) {
      const fields = rawBodies.get(req);
      if (fields && !isObject(machine.get(req, 'body'))) machine.set(req, 'body', parseFields(server, fields, extended));
      else if (machine.get(req, 'body') === undefined && !server.passesRejections) machine.set(req, 'body', machine.object());
    }
    return machine.call(next, []);
  });
}

function staticFiles(server: Server, folder: Value, options: Value): Fn {
  const { machine, start: { repo } } = server;
  const root = typeof folder === 'string' ? server.repositoryPath(folder) : null;
  const index = isObject(options) ? machine.get(options, 'index') : undefined;
  const extensions = isObject(options) ? machine.get(options, 'extensions') : undefined;
  const middleware = machine.fn('static', ([req, res, next], _self, at) => {
    const wanted = isObject(req) && root !== null ? machine.get(req, 'path') : undefined;
    const method = isObject(req) ? machine.get(req, 'method') : undefined;
    if (typeof wanted === 'string' && root !== null && (method === 'GET' || method === 'HEAD')) {
      const path = posix.join(root, decodeURI(wanted)).replace(/\/$/, '');
      const suffixes = extensions instanceof Arr ? extensions.items.map((suffix) => `.${spelled(suffix)}`) : [];
      const candidates = wanted.endsWith('/') ? (index === false ? [] : [posix.join(path, typeof index === 'string' ? index : 'index.html')]) : [path, ...suffixes.map((suffix) => path + suffix)];
      const file = candidates.find((candidate) => repo.paths.includes(candidate));
      if (file !== undefined && (root === '' || file.startsWith(`${root}/`))) return machine.call(machine.get(res, 'sendFile'), [`/${file}`], res, at);
      if (!wanted.endsWith('/') && repo.paths.includes(`${path}/index.html`)) return machine.call(machine.get(res, 'redirect'), [`${wanted}/`], res, at);
    }
    return machine.call(next, []);
  });
  if (root !== null) server.staticFolders.set(middleware, root);
  return middleware;
}

function makeApplication(server: Server): Fn {
  const { machine } = server;
  const router = makeRouter(server, undefined);
  const settings: Settings = { values: new Map<string, Value>([['env', 'development'], ['views', `/${posix.join(server.start.root, 'views')}`]]), engines: new Map(), ejsLayouts: false };
  const app = machine.fn('app', ([req, res, next], self, at) => {
    const outer = isObject(req) ? machine.get(req, 'app') : undefined;
    if (isObject(req)) machine.set(req, 'app', app);
    const back = machine.fn('next', (failure) => {
      if (isObject(req)) machine.set(req, 'app', outer);
      return machine.call(next, failure);
    });
    return machine.call(router, [req, res, back], self, at);
  });
  settingsOf.set(app, settings);
  server.applications.push(app);
  shareState(router, app);
  for (const key of router.keys()) app.put(key, machine.get(router, key));
  const route = machine.get(router, 'get');
  const use = machine.get(router, 'use');
  app.put('locals', machine.object({ settings: machine.namespace('the settings', { file: server.start.entry, line: 1 }) }));
  app.put('router', router).put('mountpath', '/');
  for (const [name, native] of Object.entries<Native>({
    get: (args, self, at) => (args.length === 1 && typeof args[0] === 'string' ? settings.values.get(args[0]) : machine.call(route, args, self, at)),
    use: (args, self, at) => {
      if (args.some((arg) => isObject(arg) && arg === server.ejsLayouts)) settings.ejsLayouts = true;
      return machine.call(use, args, self, at);
    },
    set: ([key, value], self) => { if (typeof key === 'string') settings.values.set(key, value); return self; },
    enable: ([key], self) => { settings.values.set(spelled(key), true); return self; },
    disable: ([key], self) => { settings.values.set(spelled(key), false); return self; },
    enabled: ([key]) => settings.values.get(spelled(key)) === true,
    disabled: ([key]) => settings.values.get(spelled(key)) !== true,
    engine: ([extension, engine], self) => {
      if (typeof extension === 'string') settings.engines.set(extension.startsWith('.') ? extension : `.${extension}`, engine);
      return self;
    },
    path: () => '',
    render: ([view, given, callback], _self, at) => {
      const then = given instanceof Fn ? given : callback;
      const html = new Rendered(machine, renderView(server, app, null, spelled(view), given instanceof Fn ? undefined : given, at));
      return then instanceof Fn ? machine.call(then, [null, html], undefined, at) : undefined;
    },
    listen: (args, _self, at) => {
      server.listening ??= app;
      const callback = args.findLast((arg) => arg instanceof Fn);
      if (callback) machine.later(callback, [], 0, false, at);
      return httpServer(server, at);
    },
  })) app.put(name, machine.fn(name, native));
  return app;
}

/** What `listen` and `http.createServer` give. */
export function httpServer(server: Server, at: Place, app?: Value): Value {
  const { machine } = server;
  const handle = machine.namespace('the HTTP server', at);
  for (const name of ['on', 'once', 'close', 'setTimeout']) handle.put(name, machine.fn(name, () => handle));
  handle.put('address', machine.fn('address', () => machine.object({ port: new Unknown('the port', at), address: '::' })));
  handle.put('listen', machine.fn('listen', (args) => {
    if (app instanceof Fn) server.listening ??= app;
    const callback = args.findLast((arg) => arg instanceof Fn);
    if (callback) machine.later(callback, [], 0, false, at);
    return handle;
  }));
  return handle;
}
