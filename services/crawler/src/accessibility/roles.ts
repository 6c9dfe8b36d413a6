import { attribute, childElements, closest, known, tagOf, type Dom, type DomElement } from './dom.js';

/**
 * Roles as Playwright's `getByRole` computes them (which is HTML-AAM with the liberties of Chromium), because that is where the tests run.
 * `undefined`: the source does not decide the role.
 */
export type Role = string | null | undefined;

const ROLES = new Set([
  'alert', 'alertdialog', 'application', 'article', 'banner', 'blockquote', 'button', 'caption', 'cell', 'checkbox', 'code', 'columnheader', 'combobox', 'complementary', 'contentinfo', 'definition', 'deletion',
  'dialog', 'directory', 'document', 'emphasis', 'feed', 'figure', 'form', 'generic', 'grid', 'gridcell', 'group', 'heading', 'img', 'insertion', 'link', 'list', 'listbox', 'listitem', 'log', 'main', 'mark', 'marquee',
  'math', 'meter', 'menu', 'menubar', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'navigation', 'none', 'note', 'option', 'paragraph', 'presentation', 'progressbar', 'radio', 'radiogroup', 'region', 'row',
  'rowgroup', 'rowheader', 'scrollbar', 'search', 'searchbox', 'separator', 'slider', 'spinbutton', 'status', 'strong', 'subscript', 'superscript', 'switch', 'tab', 'table', 'tablist', 'tabpanel', 'term', 'textbox',
  'time', 'timer', 'toolbar', 'tooltip', 'tree', 'treegrid', 'treeitem',
]);

const GLOBAL_ARIA = [
  'aria-atomic', 'aria-busy', 'aria-controls', 'aria-current', 'aria-describedby', 'aria-details', 'aria-dropeffect', 'aria-flowto', 'aria-grabbed', 'aria-hidden', 'aria-keyshortcuts', 'aria-live', 'aria-owns', 'aria-relevant',
];
const NAME_PROHIBITED = new Set(['caption', 'code', 'deletion', 'emphasis', 'generic', 'insertion', 'paragraph', 'presentation', 'strong', 'subscript', 'superscript']);

function hasGlobalAria(element: DomElement, role: string | null): boolean {
  const has = (name: string): boolean => attribute(element, name) !== null;
  return GLOBAL_ARIA.some(has) || (!NAME_PROHIBITED.has(role ?? '') && (has('aria-label') || has('aria-labelledby'))) || (role !== 'generic' && has('aria-roledescription'));
}
const hasTabIndex = (element: DomElement): boolean => { const value = known(element, 'tabindex'); return value !== undefined && !Number.isNaN(Number(value)); };

/** Disabled by its own attribute, or by a fieldset around it; `undefined` when the source does not decide. */
export function isDisabled(element: DomElement): boolean | undefined {
  if (!['button', 'input', 'select', 'textarea', 'option', 'optgroup'].includes(tagOf(element))) return false;
  const own = attribute(element, 'disabled');
  if (typeof own === 'string') return true;
  const optgroup = tagOf(element) === 'option' ? closest(element, (e) => tagOf(e) === 'optgroup') : null;
  if (optgroup && attribute(optgroup, 'disabled') !== null) return known(optgroup, 'disabled') === undefined ? undefined : true;
  const fieldset = closest(element.parent, (e) => tagOf(e) === 'fieldset' && attribute(e, 'disabled') !== null);
  if (fieldset) {
    const legend = childElements(fieldset).find((child) => tagOf(child) === 'legend');
    if (!legend || !closest(element, (e) => e === legend)) return known(fieldset, 'disabled') === undefined ? undefined : true;
  }
  return own === null ? false : undefined;
}

function isFocusable(element: DomElement): boolean {
  if (isDisabled(element)) return false;
  const tag = tagOf(element);
  return ['button', 'details', 'select', 'textarea'].includes(tag) || ((tag === 'a' || tag === 'area') && attribute(element, 'href') !== null)
    || (tag === 'input' && attribute(element, 'hidden') === null) || hasTabIndex(element);
}

/** The `type` of an input as the DOM gives it: unknown words are `text`. `undefined` when the source does not decide it. */
export function inputType(element: DomElement): string | undefined {
  const value = attribute(element, 'type');
  if (value === null) return 'text';
  if (typeof value !== 'string') return undefined;
  const type = value.toLowerCase();
  return INPUT_TYPES.has(type) ? type : 'text';
}
const INPUT_TYPES = new Set([
  'hidden', 'text', 'search', 'tel', 'url', 'email', 'password', 'date', 'month', 'week', 'time', 'datetime-local', 'number', 'range', 'color', 'checkbox', 'radio', 'file', 'submit', 'image', 'reset', 'button',
]);
const INPUT_ROLES = new Map([
  ['button', 'button'], ['checkbox', 'checkbox'], ['image', 'button'], ['number', 'spinbutton'], ['radio', 'radio'], ['range', 'slider'], ['reset', 'button'], ['submit', 'button'], ['file', 'button'],
]);
const TAG_ROLES = new Map([
  ['article', 'article'], ['aside', 'complementary'], ['blockquote', 'blockquote'], ['button', 'button'], ['caption', 'caption'], ['code', 'code'], ['datalist', 'listbox'], ['dd', 'definition'], ['del', 'deletion'],
  ['details', 'group'], ['dfn', 'term'], ['dialog', 'dialog'], ['dt', 'term'], ['em', 'emphasis'], ['fieldset', 'group'], ['figure', 'figure'], ['h1', 'heading'], ['h2', 'heading'], ['h3', 'heading'], ['h4', 'heading'],
  ['h5', 'heading'], ['h6', 'heading'], ['hr', 'separator'], ['html', 'document'], ['ins', 'insertion'], ['li', 'listitem'], ['main', 'main'], ['mark', 'mark'], ['math', 'math'], ['menu', 'list'], ['meter', 'meter'],
  ['nav', 'navigation'], ['ol', 'list'], ['optgroup', 'group'], ['option', 'option'], ['output', 'status'], ['p', 'paragraph'], ['progress', 'progressbar'], ['search', 'search'], ['strong', 'strong'], ['sub', 'subscript'],
  ['sup', 'superscript'], ['svg', 'img'], ['table', 'table'], ['tbody', 'rowgroup'], ['textarea', 'textbox'], ['tfoot', 'rowgroup'], ['thead', 'rowgroup'], ['time', 'time'], ['tr', 'row'], ['ul', 'list'],
]);
/** Elements inside a parent with `role=presentation` lose their role with it. */
const INHERITS_PRESENTATION = new Map([
  ['dd', ['dl', 'div']], ['div', ['dl']], ['dt', ['dl', 'div']], ['li', ['ol', 'ul']], ['tbody', ['table']], ['td', ['tr']], ['tfoot', ['table']], ['th', ['tr']], ['thead', ['table']], ['tr', ['thead', 'tbody', 'tfoot', 'table']],
]);

function explicitRole(element: DomElement): Role {
  const value = attribute(element, 'role');
  if (value !== null && typeof value !== 'string') return undefined;
  return (value ?? '').split(' ').find((word) => ROLES.has(word.trim())) ?? null;
}

/** `header` and `footer` are landmarks only outside of these. */
function insideSectioning(element: DomElement): boolean {
  return closest(element.parent, (at) => {
    const role = attribute(at, 'role');
    return role === null ? ['article', 'aside', 'main', 'nav', 'section'].includes(tagOf(at)) : typeof role === 'string' && ['article', 'complementary', 'main', 'navigation', 'region'].includes(role);
  }) !== null;
}

function nativeRole(dom: Dom, element: DomElement): Role {
  const tag = tagOf(element);
  switch (tag) {
    case 'a': case 'area': return attribute(element, 'href') !== null ? 'link' : null;
    case 'form': return hasOwnName(element) ? 'form' : null;
    case 'section': return hasOwnName(element) ? 'region' : null;
    case 'header': return insideSectioning(element) ? null : 'banner';
    case 'footer': return insideSectioning(element) ? null : 'contentinfo';
    case 'img': {
      const alt = attribute(element, 'alt');
      if (alt !== null && typeof alt !== 'string') return undefined;
      return alt === '' && !attribute(element, 'title') && !hasGlobalAria(element, null) && !hasTabIndex(element) ? 'presentation' : 'img';
    }
    case 'input': {
      const type = inputType(element);
      if (type === undefined) return undefined;
      if (type === 'hidden') return null;
      if (['email', 'search', 'tel', 'text', 'url'].includes(type)) {
        const list = known(element, 'list');
        const target = list ? dom.byId.get(list) : undefined;
        return target && tagOf(target) === 'datalist' ? 'combobox' : type === 'search' ? 'searchbox' : 'textbox';
      }
      return INPUT_ROLES.get(type) ?? 'textbox';
    }
    case 'select': return attribute(element, 'multiple') !== null || Number(known(element, 'size') ?? 0) > 1 ? 'listbox' : 'combobox';
    case 'td': {
      const table = closest(element, (at) => tagOf(at) === 'table');
      const role = table ? explicitRole(table) : null;
      return role === 'grid' || role === 'treegrid' ? 'gridcell' : 'cell';
    }
    case 'th': return headerCellRole(element);
    default: return TAG_ROLES.get(tag) ?? null;
  }
}
const hasOwnName = (element: DomElement): boolean => attribute(element, 'aria-label') !== null || attribute(element, 'aria-labelledby') !== null;

const isHeader = (element: DomElement | undefined): boolean => !!element && tagOf(element) === 'th';
const isData = (element: DomElement | undefined): boolean => !!element && tagOf(element) === 'td' && element.content.some((node) => node.kind !== 'text' || typeof node.text !== 'string' || node.text.trim() !== '');
function headerCellRole(cell: DomElement): Role {
  const scope = known(cell, 'scope');
  if (scope === 'col' || scope === 'colgroup') return 'columnheader';
  if (scope === 'row' || scope === 'rowgroup') return 'rowheader';
  const row = cell.parent;
  if (!row || row.content.some((node) => node.kind === 'gap')) return undefined;
  const cells = childElements(row);
  const at = cells.indexOf(cell);
  const [before, after] = [cells[at - 1], cells[at + 1]];
  if (!before && !after) {
    const table = closest(row, (e) => tagOf(e) === 'table');
    const rows = table ? rowCount(table) : 0;
    return table && tagOf(row) === 'tr' && rows <= 1 ? null : 'columnheader';
  }
  if (isHeader(before) && isHeader(after)) return 'columnheader';
  return isData(before) || isData(after) ? 'rowheader' : 'columnheader';
}
function rowCount(table: DomElement): number {
  return childElements(table).reduce((sum, child) => sum + (tagOf(child) === 'tr' ? 1 : childElements(child).filter((e) => tagOf(e) === 'tr').length), 0);
}

function implicitRole(dom: Dom, element: DomElement): Role {
  const role = nativeRole(dom, element);
  if (!role) return role;
  for (let at = element; at.parent && INHERITS_PRESENTATION.get(tagOf(at))?.includes(tagOf(at.parent)); at = at.parent) {
    const explicit = explicitRole(at.parent);
    if ((explicit === 'none' || explicit === 'presentation') && !hasGlobalAria(at.parent, explicit) && !isFocusable(at.parent)) return explicit;
  }
  return role;
}

/** The role by Playwright's rules: explicit first; `none` and `presentation` yield when the element can be focused or carries global ARIA. */
export function roleOf(dom: Dom, element: DomElement): Role {
  const explicit = explicitRole(element);
  if (explicit === undefined) return undefined;
  if (explicit === null) return implicitRole(dom, element);
  if (explicit === 'none' || explicit === 'presentation') {
    const implicit = implicitRole(dom, element);
    if (implicit === undefined) return undefined;
    if (hasGlobalAria(element, implicit) || isFocusable(element)) return implicit;
  }
  return explicit;
}

/** Heading level, by tag or `aria-level`. */
export function levelOf(element: DomElement, role: Role): number | undefined {
  const native = /^h([1-6])$/.exec(tagOf(element))?.[1];
  if (native) return Number(native);
  const level = role === 'heading' ? Number(known(element, 'aria-level') ?? Number.NaN) : Number.NaN;
  return Number.isInteger(level) && level >= 1 && level <= 6 ? level : undefined;
}
