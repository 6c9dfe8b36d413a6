import type { Element, LocatorCandidate, Screen } from '#contracts';

/** Nearly all words are normal already, and each element is compared with all others of its page. */
const NORMAL = /^(?:[^\s\u200b\u00ad]+(?: [^\s\u200b\u00ad]+)*)?$/;
const normalised = (words: string) => (NORMAL.test(words) ? words : words.replaceAll(/[\u200b\u00ad]/g, '').replaceAll(/\s+/g, ' ').trim());
const same = (words: string | null | undefined, wanted: string) => typeof words === 'string' && normalised(words) === normalised(wanted);

/**
 * The elements of a screen that a locator finds, by the rules of Playwright with exact names: a role is looked up in the accessibility tree, where hidden elements are not;
 * everything else in the document, where they are. An element that may or may not be there (`unsure`) counts as there.
 */
export function answering(candidate: LocatorCandidate, screen: Pick<Screen, 'elements'>): Element[] {
  return screen.elements.filter((element, i) => answers(candidate, element) && (candidate.by !== 'role' || element.presence !== 'hidden') && (candidate.by !== 'text' || !wraps(element, screen.elements[i + 1])));
}

/**
 * Whether an element seems to be a box around the next one in the document, with that one's text at the start of its own: a text is looked up in the smallest element that has it, and the
 * words of a box, run together from its parts, are nobody's words.
 */
export function wraps(element: Element, next: Element | undefined): boolean {
  if (!element.text || !next?.text) return false;
  const [outer, inner] = [normalised(element.text), normalised(next.text)];
  return inner !== '' && outer.startsWith(inner) && (outer !== inner || element.tag !== next.tag);
}

/** The selectors that are ever written for an element, the id first. */
export const selectorsOf = ({ htmlId, tag, field, classes }: Element): string[] => [
  ...(htmlId === undefined ? [] : [`#${htmlId}`]), ...(field?.name === undefined ? [] : [`${tag}[name="${field.name}"]`]), ...(field?.type === 'password' ? ['input[type="password"]'] : []),
  ...(classes ?? '').split(' ').filter(Boolean).map((name) => `${tag}.${name}`),
];

function answers(candidate: LocatorCandidate, element: Element): boolean {
  switch (candidate.by) {
    case 'role': return element.role === candidate.role && (candidate.name === undefined || same(element.name, candidate.name)) && (candidate.level === undefined || element.level === candidate.level);
    // getByLabel finds aria-label too, on any element: there the name is not the text.
    case 'label': return same(element.label, candidate.text) || (same(element.name, candidate.text) && !same(element.text, candidate.text) && element.alt === undefined);
    case 'placeholder': return same(element.placeholder, candidate.text);
    case 'alt': return same(element.alt, candidate.text);
    case 'title': return same(element.title, candidate.text);
    case 'test-id': return element.testId === candidate.id;
    case 'text': return same(element.text, candidate.text) || (element.tag === 'input' && same(element.field?.value, candidate.text) && ['submit', 'button', 'reset'].includes(element.field?.type ?? ''));
    case 'css': return selectorsOf(element).includes(candidate.selector) || (element.classes === '*' && candidate.selector.startsWith(`${element.tag}.`));
  }
}

/** Ids of the landmarks around an element, nearest first. */
export function landmarksOf(element: Element, screen: Pick<Screen, 'elements'>): string[] {
  const around: string[] = [];
  for (let id = element.inLandmark; id !== undefined && !around.includes(id); id = screen.elements.find((one) => one.id === id)?.inLandmark) around.push(id);
  return around;
}
