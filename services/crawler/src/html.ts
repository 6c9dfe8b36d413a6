import type { Application, EventOutcome, Framework, Outcome, Page, PageRequest, Repo, Session, UserEvent } from './framework.js';
import { follow, load, type Followed, type Script, type StaticSession } from './html/run.js';
import { Undecided } from './interpret/values.js';
import { findSites, type Site } from './html/site.js';
import { emptyTouches, isData, isHarmless, noteForeignScript, noteScript, withGlobalHandlers, withTouches, type Touches } from './html/touch.js';
import { isKnown, type Markup, type MarkupElement, type Place } from './markup.js';
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
    visit: (request, session) => visit({ repo, site }, request, session),
    dispatch: (page, element, event) => dispatch({ repo, site }, page, element, event),
  };
}

/** The address under which a file is served: folders by their index. */
function addressOf(site: Site, file: string): string {
  const path = `/${site.webRoot ? file.slice(site.webRoot.length + 1) : file}`;
  const address = path.replace(/\/index\.html?$/i, '/');
  return encodeURI(site.cleanUrls ? address.replace(/\.html?$/i, '') : address);
}

interface Served { repo: Repo; site: Site }

function visit({ repo, site }: Served, request: PageRequest, session: Session | undefined, hops = 0): Outcome {
  const path = pathOf(request.path);
  if (request.method === 'post') return { ok: false, reason: 'needs-backend', detail: `a form is sent to ${path}, which a static site does not answer` };
  const file = fileOf(site, path);
  if (!file) return { ok: false, reason: 'unknown-outcome', detail: `no file is served at ${path}` };
  const address = site.cleanUrls ? request.path.replace(/(\/index)?\.html?(?=$|[?#])/i, '') || '/' : request.path;
  const document = documentFor(repo, file);
  const scripts = scriptsOf(repo, site, file, document);
  if (scripts) {
    const followed = attempt(() => load({ repo, root: site.root, file, document, scripts }, address, (session as StaticSession | undefined)?.left));
    if (followed.ok) return finished({ repo, site }, file, document, followed.value, hops);
  }
  return asWritten(repo, site, file, document, address, session);
}

/** What an event leads to, on a page whose scripts are followed. */
function dispatch({ repo, site }: Served, page: Page, element: MarkupElement, event: UserEvent): EventOutcome {
  const file = page.at.file;
  const document = documentFor(repo, file);
  const scripts = isFollowed(page.session) ? scriptsOf(repo, site, file, document) : null;
  if (!scripts) return { ok: false, reason: 'unknown-handler', detail: `a handler of ${event.type} that is not followed`, at: element.at };
  const followed = attempt(() => follow({ repo, root: site.root, file, document, scripts }, page, element, event));
  if (!followed.ok) return followed;
  const outcome = finished({ repo, site }, file, document, followed.value, 0);
  return outcome.ok ? { ...outcome, because: [...followed.value.because, ...outcome.because], defaultPrevented: followed.value.prevented || followed.value.leaving !== null } : outcome;
}
const isFollowed = (session: Session | undefined): boolean => session !== undefined && 'history' in session;

type Attempted<T> = { ok: true; value: T } | { ok: false; reason: 'unknown-outcome'; detail: string; at?: Place };
function attempt<T>(run: () => T): Attempted<T> {
  try {
    return { ok: true, value: run() };
  } catch (error) {
    // A deep recursion of the program is one of the interpreter too.
    if (error instanceof RangeError) return { ok: false, reason: 'unknown-outcome', detail: 'the program nests too deeply' };
    if (!(error instanceof Undecided)) throw error;
    return { ok: false, reason: 'unknown-outcome', detail: error.reason, ...(error.at?.file && { at: error.at }) };
  }
}

const MAX_HOPS = 5;
/** The page after scripts or handlers ran, or the page that they sent the browser to. */
function finished(where: Served, file: string, document: PageDocument, followed: Followed, hops: number): Outcome {
  if (followed.leaving !== null) {
    if (hops >= MAX_HOPS) return { ok: false, reason: 'unknown-outcome', detail: 'pages send the browser on and on' };
    return visit(where, { method: 'get', path: followed.leaving }, followed.page.session, hops + 1);
  }
  const at = { file, line: 1 };
  return { ok: true, because: [...followed.because, at], page: { ...followed.page, route: addressOf(where.site, file), styles: stylesOf(where.site, file, document), needs: [] } };
}

/** The page as its file says, with all that its scripts may touch unsure. */
function asWritten(repo: Repo, site: Site, file: string, document: PageDocument, address: string, session: Session | undefined): Outcome {
  const at = { file, line: 1 };
  const touches = touchesOf(repo, site, folderOf(file), document);
  if (touches.leaves) return { ok: false, reason: 'unknown-outcome', detail: 'a script may send the browser elsewhere', at: touches.leaves };
  const markup = touches.everything ? [{ kind: 'group', when: 'unsure', why: touches.everything, children: document.markup, at } satisfies Markup] : withGlobalHandlers(withTouches(document.markup, touches), touches);
  return { ok: true, because: [at], page: { path: address, route: addressOf(site, file), title: touches.everything ? null : document.title, markup, styles: stylesOf(site, file, document), needs: [], session, fields: new Map(), at } };
}

const documents = new WeakMap<Repo, Map<string, PageDocument>>();
function documentFor(repo: Repo, file: string): PageDocument {
  const known = documents.get(repo) ?? new Map<string, PageDocument>();
  documents.set(repo, known);
  const document = known.get(file) ?? documentOf([{ kind: 'html', text: repo.text(file) ?? '', at: { file, line: 1 }, advances: true }]);
  known.set(file, document);
  return document;
}
const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '');
const stylesOf = (site: Site, file: string, document: PageDocument): Page['styles'] => document.styles.map((style) => ('href' in style ? { path: assetPath(site, folderOf(file), style.href) } : style));

/** The page's own scripts, or `null` when one of them is not in the repository and may touch the page. */
function scriptsOf(repo: Repo, site: Site, file: string, document: PageDocument): Script[] | null {
  const scripts: Script[] = [];
  for (const script of document.scripts) {
    if ('text' in script) {
      if (!isKnown(script.text)) return null;
      if (!isData(script.text)) scripts.push({ file, at: script.at, text: script.text });
      continue;
    }
    const src = isKnown(script.src) ? script.src : '';
    const path = assetPath(site, folderOf(file), src);
    if (repo.text(path) !== null) scripts.push({ file: path, at: { file: path, line: 1 } });
    else if (!isHarmless(src)) return null;
  }
  return scripts;
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
