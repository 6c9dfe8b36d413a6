import type { Application, Framework, Repo } from '../framework.js';
import { join, looseJson, record } from '../interpret/resolution.js';
import { ReactApplication } from './application.js';
import { readShell } from './shell.js';

/** React in the browser, with or without react-router: built by Vite, Create React App, webpack, Parcel and the like. */
export const react: Framework = { name: 'react', detect };

/** These render React on a server of their own, or not in a browser. */
const OTHERS = ['next', '@remix-run/react', '@remix-run/node', '@react-router/dev', 'gatsby', 'expo', 'react-native', 'astro', '@docusaurus/core', '@tanstack/react-start', 'electron'];
const HTML = ['index.html', 'public/index.html', 'src/index.html', 'app/index.html', 'client/index.html', 'static/index.html'];
const ENTRIES = ['src/main', 'src/index', 'src/client', 'src/app', 'src/App', 'index', 'main', 'app/main', 'app/index', 'client/index', 'client/src/index', 'src/js/index', 'src/js/app'];
const LIBRARY_FOLDERS = /(^|\/)(node_modules|examples?\/node_modules|__fixtures__|\.storybook)(\/|$)/;

function detect(repo: Repo): Application[] {
  return repo.paths.filter((path) => /(^|\/)package\.json$/.test(path) && !LIBRARY_FOLDERS.test(path)).flatMap((path) => {
    const manifest = record(looseJson(repo.text(path)));
    const dependencies = { ...record(manifest?.['devDependencies']), ...record(manifest?.['dependencies']) };
    if (!('react' in dependencies) || !('react-dom' in dependencies) || OTHERS.some((name) => name in dependencies)) return [];
    const root = path.split('/').slice(0, -1).join('/');
    const application = applicationAt(repo, root, dependencies, typeof manifest?.['homepage'] === 'string' ? manifest['homepage'] : undefined);
    return application ? [application] : [];
  });
}

function applicationAt(repo: Repo, root: string, dependencies: Readonly<Record<string, unknown>>, homepage: string | undefined): Application | undefined {
  const html = HTML.map((name) => join(root, name)).find((path) => repo.paths.includes(path));
  const shell = html === undefined ? null : readShell(repo, root, html);
  const guesses = ENTRIES.flatMap((stem) => ['.tsx', '.jsx', '.ts', '.js'].map((extension) => join(root, stem + extension))).filter((path) => repo.paths.includes(path));
  const entries = shell && shell.scripts.length > 0 ? shell.scripts : [configuredEntry(repo, root) ?? guesses.find((path) => /createRoot|hydrateRoot|ReactDOM|react-dom/.test(repo.text(path) ?? ''))].filter((path) => path !== undefined);
  const [entry] = entries;
  if (entry === undefined) return undefined;
  const router = 'react-router-dom' in dependencies || 'react-router' in dependencies;
  const version = dependencies[router && 'react-router-dom' in dependencies ? 'react-router-dom' : router ? 'react-router' : 'react'];
  const title = typeof shell?.title === 'string' ? shell.title : '';
  return new ReactApplication({ repo, root, entries, title, base: basePath(repo, root, dependencies, homepage), transitions: router && typeof version === 'string' && Number(/\d+/.exec(version)?.[0]) >= 7 }, shell, router ? 'react-router' : 'react', typeof version === 'string' ? version : undefined, { file: entry, line: 1 });
}

/** The entry that a webpack or rollup configuration simply writes. */
function configuredEntry(repo: Repo, root: string): string | undefined {
  for (const name of ['webpack.config.js', 'webpack.common.js', 'webpack.dev.js', 'rspack.config.js', 'config/webpack.common.js']) {
    const match = /\bentry\s{0,4}:\s{0,4}[[{\s]{0,20}(?:\w{1,40}\s{0,4}:\s{0,4})?(?:path\.(?:resolve|join)\([^'"\n]{0,60})?['"]\.?\/?([\w./-]{1,100})['"]/.exec((repo.text(join(root, name)) ?? '').slice(0, 50_000));
    const path = match?.[1] === undefined ? undefined : ['', '.js', '.jsx', '.ts', '.tsx', '/index.js', '/index.jsx', '/index.tsx'].map((extension) => join(root, `${match[1] ?? ''}${extension}`)).find((candidate) => repo.paths.includes(candidate) && /\.[jt]sx?$/.test(candidate));
    if (path !== undefined) return path;
  }
  return undefined;
}

/** The path under which the development server shows the application: Vite's `base`, or the path of `homepage` for Create React App. */
function basePath(repo: Repo, root: string, dependencies: Readonly<Record<string, unknown>>, homepage: string | undefined): string {
  for (const name of ['vite.config.ts', 'vite.config.js', 'vite.config.mts', 'vite.config.mjs']) {
    const match = /(?:^|[\s{,])base\s{0,4}:\s{0,4}['"](\/[\w./-]{0,80})['"]/.exec((repo.text(join(root, name)) ?? '').slice(0, 50_000));
    if (match?.[1] !== undefined) return match[1].endsWith('/') ? match[1] : `${match[1]}/`;
  }
  if ('react-scripts' in dependencies && homepage !== undefined) {
    const path = URL.canParse(homepage) ? new URL(homepage).pathname : homepage.startsWith('/') ? homepage : '/';
    return path.endsWith('/') ? path : `${path}/`;
  }
  return '/';
}
