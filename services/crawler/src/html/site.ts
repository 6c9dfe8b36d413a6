import type { Repo } from '../framework.js';
import { manifestOf } from '../manifest.js';

/** A folder of HTML files that is served as it is. */
export interface Site {
  /** Folder with `package.json`, or the web root itself without one. */
  root: string;
  /** Folder that `/` stands for. */
  webRoot: string;
  /** The server drops `.html` from addresses (`serve`). */
  cleanUrls: boolean;
  /** HTML files, repository paths, sorted. */
  files: string[];
}

/** Packages that render the page themselves: their HTML files are shells. */
const FRAMEWORK_PACKAGES = [
  'react', 'react-dom', 'preact', 'vue', 'nuxt', 'next', 'svelte', '@sveltejs/kit', '@angular/core', 'astro', 'solid-js', 'ember-source', 'lit', 'gatsby', '@remix-run/react', '@builder.io/qwik', 'alpinejs', '@hotwired/turbo', 'electron', 'react-native',
  '@11ty/eleventy', 'hexo', 'vuepress', 'vitepress', '@docusaurus/core', 'htmx.org', '@nestjs/core', 'jquery.terminal', 'phaser',
];
const NOT_SERVED = /(^|\/)(dist|build|out|coverage|test|tests|__tests__|e2e|cypress|fixtures|playwright-report|test-results|storybook|docs\/api|javadoc|typedoc|email|emails|mail|mjml|templates|views|_includes|_layouts|partials|layouts|node_modules)\//i;
/** Server templates and generators' sources: what a browser gets is something else. */
const TEMPLATE = /<%|\{%|\{\{|<\?php|\$\{[a-z_.]+\}|^---\r?\n/i;
const WEB_ROOTS = ['', 'public', 'src', 'docs', 'www', 'site', 'app', 'static', 'client', 'frontend', 'web', 'html', 'public_html'];

export function findSites(repo: Repo): Site[] {
  // An error page is shown in the place of others, not visited.
  const pages = repo.paths.filter((path) => /\.html?$/i.test(path) && !/(^|\/)(404|50x|500|offline)\.html?$/i.test(path) && !NOT_SERVED.test(path) && isStatic(repo.text(path)));
  const packages = repo.paths.filter((path) => /(^|\/)package\.json$/.test(path)).map((path) => path.slice(0, -'package.json'.length)).sort((a, b) => b.length - a.length);
  const byPackage = new Map<string, string[]>();
  for (const page of pages) {
    const folder = packages.find((prefix) => page.startsWith(prefix)) ?? '';
    byPackage.set(folder, [...(byPackage.get(folder) ?? []), page]);
  }
  return [...byPackage].flatMap(([prefix, files]) => sitesOf(repo, prefix, files));
}

function isStatic(text: string | null): boolean {
  if (text === null || !/<(html|body|main|h1|form|a|p|div)\b/i.test(text)) return false;
  const withoutCode = text.replaceAll(/<(script|style|code|pre)\b[\s\S]{0,200000}?<\/\1>/gi, '');
  return !TEMPLATE.test(withoutCode);
}

function sitesOf(repo: Repo, prefix: string, files: string[]): Site[] {
  const manifest = manifestOf(repo, prefix.replace(/\/$/, ''));
  if (manifest && FRAMEWORK_PACKAGES.some((name) => manifest.version(name) !== undefined)) return [];
  const scripts = Object.values(manifest?.scripts ?? {}).join('\n');
  const served = servedFolder(scripts) ?? (manifest ? staticFolder(repo, prefix) : undefined);
  const roots = served === undefined ? webRoots(repo, prefix, files) : [joined(prefix, served)];
  const cleanUrls = /(^|[\s&])(npx (-y )?)?serve(@[\w.]+)?(\s|$)/m.test(scripts);
  return roots.map((webRoot) => ({
    root: manifest ? prefix.replace(/\/$/, '') : webRoot.replace(/\/$/, ''), webRoot: webRoot.replace(/\/$/, ''), cleanUrls,
    files: files.filter((file) => file.startsWith(webRoot) && !roots.some((other) => other !== webRoot && other.length > webRoot.length && file.startsWith(other))).sort(),
  })).filter((site) => site.files.length > 0);
}
const joined = (prefix: string, folder: string): string => { const clean = folder.replace(/^\.?\/+|\/+$/g, ''); return clean === '' || clean === '.' ? prefix : `${prefix}${clean}/`; };

/** The folder that a script of `package.json` serves. */
function servedFolder(scripts: string): string | undefined {
  const match = /(?:^|[\s&])(?:http-server|live-server|lite-server|serve|sirv|servor|browser-sync start (?:--server|-s)|python3? -m http\.server(?: \d+)? (?:-d|--directory)|vite(?: dev| serve)?|parcel)(?:\s+(?:-[a-z]\s+\d+|--?[\w-]+(?:=\S+)?))*\s+([\w./-]+)/m.exec(scripts);
  const folder = match?.[1];
  return folder && !/^(build|preview|dev|dist|\d+|-.*)$/.test(folder) && !/\.(html|js|ts)$/.test(folder) ? folder : undefined;
}
/** The folder that an Express server hands out as it is. */
function staticFolder(repo: Repo, prefix: string): string | undefined {
  for (const path of repo.paths) {
    if (!path.startsWith(prefix) || !/\.(c|m)?[jt]s$/.test(path) || path.slice(prefix.length).split('/').length > 3) continue;
    const match = /\b(?:express\.static|serveStatic|serve-static)\(\s*(?:path\.(?:join|resolve)\([^)]{0,60}?,\s*)?["'`]([\w./-]{1,80})["'`]/.exec(repo.text(path) ?? '');
    if (match?.[1]) return match[1];
  }
  return undefined;
}

/**
 * Without a server to ask: the shallowest folders with an `index.html`. Several of them side by side (a collection of small pages) are served together, from the folder above, but for
 * those with addresses that start at a root of their own.
 */
function webRoots(repo: Repo, prefix: string, files: readonly string[]): string[] {
  const folders = files.filter((file) => /(^|\/)index\.html?$/i.test(file)).map((file) => file.slice(0, file.lastIndexOf('/') + 1));
  const preferred = WEB_ROOTS.map((name) => (name ? `${prefix}${name}/` : prefix)).find((folder) => folders.includes(folder));
  if (preferred !== undefined) return [preferred];
  const shallow = folders.filter((folder) => !folders.some((other) => other !== folder && folder.startsWith(other)));
  const rooted = shallow.filter((folder) => files.some((file) => file.startsWith(folder) && /\s(?:href|src|action)\s*=\s*["']?\/(?!\/)/i.test(repo.text(file) ?? '')));
  return shallow.length - rooted.length > 1 ? [prefix, ...rooted.slice(0, 9)] : shallow.slice(0, 10);
}
