import { posix } from 'node:path';
import type { Repo } from '../framework.js';
import { looseJson, record } from '../interpret/resolution.js';
import type { Start } from './server.js';

const TEMPLATES = /\.(?:ejs|pug|jade|hbs|handlebars)$/;
/** Packages that render in the browser: an Express server beside them answers with data, or serves a build that is not in the repository. */
const FRONT_ENDS = ['react', 'vue', 'svelte', '@angular/core', 'next', 'nuxt', 'gatsby', 'astro', 'preact', 'solid-js'];
const ENTRIES = ['bin/www', 'bin/www.js', 'app.js', 'server.js', 'index.js', 'main.js', 'app.ts', 'server.ts', 'index.ts', 'main.ts'];

/** Express applications that answer with pages: a package that depends on Express, an entry module, and templates or HTML files. */
export function findServers(repo: Repo): Start[] {
  return repo.paths.filter((path) => posix.basename(path) === 'package.json' && !path.includes('node_modules/')).flatMap((manifest) => {
    const root = posix.dirname(manifest) === '.' ? '' : posix.dirname(manifest);
    const content = record(looseJson(repo.text(manifest)));
    const dependencies = new Map(Object.entries({ ...record(content?.['devDependencies']), ...record(content?.['dependencies']) }).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
    if (!dependencies.has('express')) return [];
    const inside = (path: string): boolean => (root === '' || path.startsWith(`${root}/`)) && !path.includes('node_modules/');
    const templates = repo.paths.some((path) => inside(path) && TEMPLATES.test(path));
    const pages = repo.paths.some((path) => inside(path) && /\.html?$/.test(path)) && !FRONT_ENDS.some((name) => dependencies.has(name));
    const entry = entryOf(repo, root, content ?? {});
    if (!templates && !pages) {
      repo.leaveOut('unsupported-framework', `the Express server in ${root || 'the repository'}`, 'it has no templates and no HTML files', { file: manifest, line: 1 });
      return [];
    }
    if (entry === undefined) {
      repo.leaveOut('unsupported-framework', `the Express application in ${root || 'the repository'}`, 'no entry module was found', { file: manifest, line: 1 });
      return [];
    }
    return [{ repo, root, entry, dependencies }];
  });
}

function entryOf(repo: Repo, root: string, manifest: Record<string, unknown>): string | undefined {
  const scripts = record(manifest['scripts']) ?? {};
  const named = ['start', 'dev', 'serve', 'start:dev', 'develop'].flatMap((name) => {
    const command = scripts[name];
    return typeof command === 'string' && command.length < 1_000 ? [...command.matchAll(/(?:^|\s)(?:node|nodemon|ts-node|tsx|supervisor|ts-node-dev|node-dev|pm2 start)\s+([^&|;]{1,300})/g)].flatMap((match) => match[1]!.split(/\s+/).filter((word) => word !== '' && !word.startsWith('-'))) : [];
  });
  const candidates = [...named, ...typeof manifest['main'] === 'string' ? [manifest['main']] : [], ...ENTRIES, ...ENTRIES.map((entry) => `src/${entry}`), ...ENTRIES.map((entry) => `server/${entry}`)];
  for (const candidate of candidates) {
    const path = posix.join(root, candidate).replace(/^\//, '');
    for (const file of [path, `${path}.js`, `${path}.ts`, `${path}.mjs`, `${path}.cjs`, `${path}/index.js`, path.replace(/^(.*\/)?(?:dist|build)\/(.*)\.js$/, '$1src/$2.ts')]) {
      const text = repo.text(file);
      if (text !== null && !/\.(?:json|html?|css|md)$/.test(file)) return file;
    }
  }
  return onlyListener(repo, root);
}

/** Where nothing names the entry: the one module beside the manifest that makes an Express application and listens. */
function onlyListener(repo: Repo, root: string): string | undefined {
  const [found, ...others] = repo.paths.filter((path) => {
    if (posix.dirname(path) !== (root || '.') || !/\.[cm]?[jt]s$/.test(path)) return false;
    const text = repo.text(path);
    return text !== null && /['"]express['"]/.test(text) && text.includes('.listen(');
  });
  return others.length === 0 ? found : undefined;
}
