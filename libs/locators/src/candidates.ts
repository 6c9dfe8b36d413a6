import type { Element, LocatorCandidate, Screen } from '#contracts';
import { selectorsOf, wraps } from './answering.js';

/** Longer texts make locators nobody reads, and break with the first edit. */
const MAX_TEXT = 120;
/** The words of a paragraph, where there is nothing shorter. */
const MAX_PROSE = 200;
/** Ids that tools generate (`:r1:`, `input-4821`, hashes) change from build to build. */
const STABLE_ID = /^[A-Za-z][A-Za-z]*([_-][A-Za-z]+)*\d{0,2}$/;

const usable = (words: string | null | undefined): words is string => typeof words === 'string' && words.trim() !== '' && words.length <= MAX_TEXT;

/** The ways to find an element, best first: what a user perceives, then what the markup promises, then its id. Empty when nothing static is left. */
export function candidatesFor(element: Element, screen: Pick<Screen, 'elements'>): LocatorCandidate[] {
  const candidates: LocatorCandidate[] = [];
  const { role, name, text } = element;
  if (role !== null && usable(name)) candidates.push({ by: 'role', role, name });
  // A heading's level is an editor's choice: it is used only where the name does not tell it from others, on its screen or on the one before.
  if (role === 'heading' && usable(name) && element.level !== undefined) candidates.push({ by: 'role', role, name, level: element.level });
  if (element.field && usable(element.label)) candidates.push({ by: 'label', text: element.label });
  if (usable(element.placeholder)) candidates.push({ by: 'placeholder', text: element.placeholder });
  if (usable(element.alt)) candidates.push({ by: 'alt', text: element.alt });
  if (usable(element.title)) candidates.push({ by: 'title', text: element.title });
  if (!element.field && usable(text) && !wraps(element, screen.elements[screen.elements.indexOf(element) + 1])) candidates.push({ by: 'text', text });
  if (element.testId) candidates.push({ by: 'test-id', id: element.testId });
  if (element.htmlId !== undefined && STABLE_ID.test(element.htmlId)) candidates.push({ by: 'css', selector: `#${element.htmlId}` });
  if (candidates.length === 0 && element.tag === 'p' && text !== null && text.length > MAX_TEXT && text.length <= MAX_PROSE) candidates.push({ by: 'text', text });
  return candidates;
}

/** Roles of what a user works with. */
const CONTROLS = new Set(['button', 'link', 'textbox', 'searchbox', 'spinbutton', 'combobox', 'listbox', 'checkbox', 'radio', 'switch', 'slider']);
/** Words in classes that say what a control is for; classes that say how it looks are shared, and change with the looks. */
const PURPOSES = new Set(['btn', 'button', 'close', 'toggle', 'prev', 'previous', 'next', 'open', 'menu', 'delete', 'remove', 'edit', 'increase', 'decrease', 'search', 'submit', 'cart']);
const tellsPurpose = (name: string): boolean => { const words = name.split(/[-_]+/); return words.every((word) => /^[A-Za-z]{1,24}$/.test(word)) && words.some((word) => PURPOSES.has(word.toLowerCase())); };
/** Fields among them. */
const FIELDS = new Set(['textbox', 'searchbox', 'spinbutton', 'combobox', 'listbox']);
/** Packages that add messages to a page, with buttons to close them, and no fields. */
const MESSAGES = /of (?:react-toastify|react-hot-toast|sonner|notistack)$/;
const NAME = /^[A-Za-z][\w.-]{0,60}$/;

/**
 * Ways to find a control that has no name, for steps only: as the only one of its role where it stands, by the name of its field, by a class. Next to markup that the source does
 * not give, nothing is the only one of its role.
 */
export function namelessCandidates(element: Element, screen: Pick<Screen, 'elements'> & Partial<Pick<Screen, 'opaque'>>): LocatorCandidate[] {
  const { role, tag, field } = element;
  const selectors = selectorsOf(element).filter((selector) => (field?.name !== undefined && NAME.test(field.name) && selector === `${tag}[name="${field.name}"]`) || selector === 'input[type="password"]' || (selector.startsWith(`${tag}.`) && tellsPurpose(selector.slice(tag.length + 1))));
  const foreign = (screen.opaque ?? []).filter(({ what }) => !(FIELDS.has(role ?? '') && MESSAGES.test(what)));
  return [
    ...(role !== null && CONTROLS.has(role) && !element.name && foreign.length === 0 ? [{ by: 'role' as const, role }] : []),
    ...selectors.map((selector) => ({ by: 'css' as const, selector })),
  ];
}
