import type { Application } from '../framework.js';
import { Fn } from '../interpret/values.js';
import { OpaquePattern } from './path-pattern.js';
import { routerStateOf } from './router.js';
import type { Server } from './server.js';

type Routes = Array<Application['routes'][number]>;

/** Routes that answer GET, mounted routers and static pages included. A route without parameters is its own address. */
export function routesOf(server: Server, app: Fn): Routes {
  const routes: Routes = [];
  const collect = (router: Fn, base: string, depth: number): void => {
    for (const layer of routerStateOf(router)?.layers ?? []) {
      if (layer.pattern instanceof OpaquePattern) continue;
      const { text, addresses } = layer.pattern;
      const pattern = text === '/' && base !== '' ? base : base + text;
      if (layer.method === 'use') {
        for (const handler of layer.handlers) if (handler instanceof Fn && routerStateOf(handler) && depth < 10) collect(handler, `${base}${text === '/' ? '' : text}`, depth + 1);
      } else if ((layer.method === 'get' || layer.method === 'all') && !routes.some((route) => route.pattern === pattern)) {
        routes.push({ pattern, at: layer.at, paths: /[^\w\-./~%]/.test(base) ? [] : addresses.map((address) => (address === '/' && base !== '' ? base : base + address)) });
      }
    }
  };
  collect(app, '', 0);
  for (const { prefix, folder } of staticMounts(server, app)) {
    for (const file of server.start.repo.paths) {
      const inside = folder === '' ? file : file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : '';
      if (!/\.html?$/.test(inside)) continue;
      const path = `${prefix}/${inside.replace(/(^|\/)index\.html$/, '$1')}`;
      if (!routes.some((route) => route.pattern === path)) routes.push({ pattern: path, at: { file, line: 1 }, paths: [path] });
    }
  }
  return routes;
}

/** Where folders are served, in order. */
export function staticMounts(server: Server, app: Fn): Array<{ prefix: string; folder: string }> {
  return (routerStateOf(app)?.layers ?? []).flatMap((layer) => {
    if (layer.pattern instanceof OpaquePattern) return [];
    const prefix = layer.pattern.text.replace(/\/$/, '');
    return layer.handlers.flatMap((handler) => {
      const folder = handler instanceof Fn ? server.staticFolders.get(handler) : undefined;
      return folder === undefined ? [] : [{ prefix, folder }];
    });
  });
}
