import type { Page, Repo } from '../framework.js';
import { parseSheet, type Sheet, type StyleRule } from './sheet.js';
import { parseSelector, type Selector } from './selectors.js';

/** The sheets of a page, parsed and indexed by what the subject of each selector must carry. */
export interface Stylebook {
  /** Number of rules so far: the order of appearance. */
  size: number;
  byId: Map<string, IndexedRule[]>; byClass: Map<string, IndexedRule[]>; byTag: Map<string, IndexedRule[]>; rest: IndexedRule[];
  /** A sheet that the repository does not hold applies too (a CDN, a package). */
  unknownSheets: boolean;
  /** So does a sheet of an icon font, which only says how icons look. */
  icons: boolean;
  tailwind: boolean;
  /** Tailwind's breakpoints are changed by the project. */
  customScreens: boolean;
}
export interface IndexedRule { rule: StyleRule; selector: Selector; order: number }

const MAX_IMPORTS = 200;
/** Sheets that only bring letters. */
const FONTS = /fonts\.(googleapis|gstatic)\.com|fonts\.bunny\.net|^@fontsource/;

const ICONS = /^(?!.*(?:combine\/|bootstrap(?!-icons|cdn))).*(?:^|[/@.])(?:font-?awesome(?:-free)?|fortawesome|boxicons|bootstrap-icons|ionicons|line-?awesome|remixicon|material-icons)\b/i;

/** Makes stylebooks for the pages of one repository; sheets and combinations of sheets are parsed once. */
export class Stylist {
  private readonly sheets = new Map<string, Sheet>();
  private readonly books = new Map<string, Stylebook>();
  private readonly tailwindInUse: boolean;
  private readonly customScreens: boolean;

  constructor(private readonly repo: Repo) {
    const configs = repo.paths.filter((path) => /(^|\/)tailwind\.config\.[cm]?[jt]s$/.test(path));
    this.tailwindInUse = configs.length > 0 || repo.paths.some((path) => /(^|\/)package\.json$/.test(path) && /"tailwindcss"\s*:/.test(repo.text(path) ?? ''));
    this.customScreens = configs.some((path) => /\bscreens\b/.test(repo.text(path) ?? ''));
  }

  bookOf(page: Page): Stylebook {
    const id = JSON.stringify(page.styles.map((style) => ('path' in style ? style.path : style.text)));
    const known = this.books.get(id);
    if (known) return known;
    const book: Stylebook = { size: 0, byId: new Map(), byClass: new Map(), byTag: new Map(), rest: [], unknownSheets: false, icons: false, tailwind: this.tailwindInUse, customScreens: this.customScreens };
    const seen = new Set<string>();
    const addPath = (path: string): void => {
      if (seen.has(path) || seen.size > MAX_IMPORTS) return;
      seen.add(path);
      const text = this.repo.text(path);
      if (text === null || /\.(sass|styl)$/.test(path)) { ofOthers(path, book); return; }
      add(this.parsed(path, text), path);
    };
    const add = (sheet: Sheet, path: string | null): void => {
      for (const imported of sheet.imports) this.follow(imported, path, addPath, book);
      if (sheet.tailwind) book.tailwind = true;
      for (const rule of sheet.rules) index(rule, book);
    };
    for (const style of page.styles) {
      if ('path' in style) addPath(style.path);
      else add(this.parsed(`\0${style.text}`, style.text), null);
    }
    this.books.set(id, book);
    return book;
  }

  private parsed(key: string, text: string): Sheet {
    const sheet = this.sheets.get(key) ?? parseSheet(text);
    this.sheets.set(key, sheet);
    return sheet;
  }

  private follow(imported: string, from: string | null, addPath: (path: string) => void, book: Stylebook): void {
    if (/^tailwindcss(\/|$)/.test(imported)) { book.tailwind = true; return; }
    if (imported.startsWith('sass:')) return;
    const folder = from?.includes('/') ? from.slice(0, from.lastIndexOf('/')) : '';
    const base = normalize(imported.startsWith('/') ? imported.slice(1) : `${folder}/${imported}`);
    const name = base.slice(base.lastIndexOf('/') + 1);
    const partial = `${base.slice(0, base.length - name.length)}_${name}`;
    const path = [base, `${base}.css`, `${base}.scss`, `${base}.less`, `${partial}.scss`, partial, `${base}/_index.scss`, `${base}/index.scss`].find((candidate) => this.repo.text(candidate) !== null);
    if (path) addPath(path);
    else ofOthers(imported, book);
  }
}

/** Notes a sheet that the repository does not hold. */
function ofOthers(address: string, book: Stylebook): void {
  if (ICONS.test(address)) book.icons = true;
  else if (!FONTS.test(address)) book.unknownSheets = true;
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

const parsedSelectors = new WeakMap<StyleRule, Selector | null>();
function index(rule: StyleRule, book: Stylebook): void {
  const known = parsedSelectors.get(rule);
  const selector = known === undefined ? parseSelector(rule.selector) : known;
  parsedSelectors.set(rule, selector);
  if (!selector) return;
  const entry: IndexedRule = { rule, selector, order: book.size++ };
  const shelf = selector.key && { id: book.byId, class: book.byClass, tag: book.byTag }[selector.key.by];
  if (!shelf || !selector.key) { book.rest.push(entry); return; }
  const list = shelf.get(selector.key.name);
  if (list) list.push(entry);
  else shelf.set(selector.key.name, [entry]);
}
