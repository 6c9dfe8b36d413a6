import type { Application, Framework, Outcome, PageRequest, Repo, Session } from './framework.js';
import { findSites, type Site } from './html/site.js';
import { emptyTouches, noteForeignScript, noteScript, withGlobalHandlers, withTouches, type Touches } from './html/touch.js';
import { isKnown, type Markup } from './markup.js';
import { documentOf, type PageDocument } from './templates/document.js';
import { pathOf } from './browser/address.js';

/** Sites of plain HTML files. */
export const html: Framework = {
  name: 'html',
  detect: (repo) => findSites(repo).map((site) => applicationOf(repo, site)),
};

function applicationOf(repo: Repo, site: Site): Application {
  const routes = site.files.map((file) => ({ pattern: addressOf(site, file), at: { file, line: 1 }, paths: [addressOf(site, file)] }));
  return {
    framework: 'html', root: site.root, at: { file: site.files[0] as string, line: 1 }, entryPoints: site.files.filter((file) => /(^|\/)index\.html?$/i.test(file)).slice(0, 20), routes,
    visit: (request, session) => visit(repo, site, request, session),
  };
}

/** The address under which a file is served: folders by their index. */
function addressOf(site: Site, file: string): string {
  const path = `/${site.webRoot ? file.slice(site.webRoot.length + 1) : file}`;
  const address = path.replace(/\/index\.html?$/i, '/');
  return encodeURI(site.cleanUrls ? address.replace(/\.html?$/i, '') : address);
}

function visit(repo: Repo, site: Site, request: PageRequest, session: Session | undefined): Outcome {
  const path = pathOf(request.path);
  if (request.method === 'post') return { ok: false, reason: 'needs-backend', detail: `a form is sent to ${path}, which a static site does not answer` };
  const file = fileOf(site, path);
  if (!file) return { ok: false, reason: 'unknown-outcome', detail: `no file is served at ${path}` };
  const at = { file, line: 1 };
  const document = documentOf([{ kind: 'html', text: repo.text(file) ?? '', at, advances: true }]);
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
  const touches = touchesOf(repo, site, folder, document);
  if (touches.leaves) return { ok: false, reason: 'unknown-outcome', detail: 'a script may send the browser elsewhere', at: touches.leaves };
  const markup = touches.everything ? [{ kind: 'group', when: 'unsure', why: touches.everything, children: document.markup, at } satisfies Markup] : withGlobalHandlers(withTouches(document.markup, touches), touches);
  const address = site.cleanUrls ? request.path.replace(/(\/index)?\.html?(?=$|[?#])/i, '') || '/' : request.path;
  return {
    ok: true, because: [at],
    page: {
      path: address, route: addressOf(site, file), title: touches.everything ? null : document.title, markup,
      styles: document.styles.map((style) => ('href' in style ? { path: assetPath(site, folder, style.href) } : style)), needs: [], session, fields: new Map(), at,
    },
  };
}

function fileOf(site: Site, path: string): string | undefined {
  return site.files.find((file) => { const address = addressOf(site, file); return address === path || `${address}index.html` === path || (site.cleanUrls && `${address}.html` === path); });
}

/** A repository path for an address inside of the site, else the address itself, which no file answers to. */
function assetPath(site: Site, folder: string, href: string): string {
  if (/^([a-z]+:)?\/\//i.test(href)) return href;
  const parts: string[] = href.startsWith('/') ? site.webRoot.split('/') : folder.split('/');
  for (const part of pathOf(href).split('/')) {
    if (part === '..') parts.pop();
    else if (part && part !== '.') parts.push(part);
  }
  return parts.filter(Boolean).join('/');
}

function touchesOf(repo: Repo, site: Site, folder: string, document: PageDocument): Touches {
  const touches = emptyTouches();
  for (const script of document.scripts) {
    if ('text' in script) {
      if (isKnown(script.text)) noteScript(script.text, script.at, touches);
      continue;
    }
    const src = isKnown(script.src) ? script.src : '';
    const path = assetPath(site, folder, src);
    const text = repo.text(path);
    if (text !== null) noteModule(repo, path, text, touches, new Set());
    else if (/^([a-z]+:)?\/\//i.test(src)) noteForeignScript(src, touches);
    else touches.everything ??= `the script ${src} is not in the repository`;
  }
  return touches;
}
/** A script and the modules it imports. */
function noteModule(repo: Repo, path: string, text: string, touches: Touches, seen: Set<string>): void {
  if (seen.has(path) || seen.size > 200) return;
  seen.add(path);
  noteScript(text, { file: path, line: 1 }, touches);
  for (const match of text.matchAll(/\b(?:import|export)\b[^'"`;]{0,500}?['"](\.{1,2}\/[^'"]{1,200})['"]/g)) {
    const base = new URL(match[1] as string, `file:///${path}`).pathname.slice(1);
    const found = [base, `${base}.js`, `${base}.ts`, `${base}/index.js`].find((candidate) => repo.text(candidate) !== null);
    if (found) noteModule(repo, found, repo.text(found) as string, touches, seen);
  }
}
