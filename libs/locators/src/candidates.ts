import type { Element, LocatorCandidate, Screen } from '#contracts';
import { wraps } from './answering.js';

/** Longer texts make locators nobody reads, and break with the first edit. */
const MAX_TEXT = 120;
/** Ids that tools generate (`:r1:`, `input-4821`, hashes) change from build to build. */
const STABLE_ID = /^[A-Za-z][A-Za-z]*([_-][A-Za-z]+)*\d{0,2}$/;

const usable = (words: string | null | undefined): words is string => typeof words === 'string' && words.trim() !== '' && words.length <= MAX_TEXT;

/** The ways to find an element, best first: what a user perceives, then what the markup promises, then its id. Empty when nothing static is left. */
export function candidatesFor(element: Element, screen: Pick<Screen, 'elements'>): LocatorCandidate[] {
  const candidates: LocatorCandidate[] = [];
  const { role, name, text } = element;
  if (role !== null && usable(name)) candidates.push({ by: 'role', role, name, ...(role === 'heading' && element.level !== undefined && { level: element.level }) });
  if (element.field && usable(element.label)) candidates.push({ by: 'label', text: element.label });
  if (usable(element.placeholder)) candidates.push({ by: 'placeholder', text: element.placeholder });
  if (usable(element.alt)) candidates.push({ by: 'alt', text: element.alt });
  if (usable(element.title)) candidates.push({ by: 'title', text: element.title });
  if (!element.field && usable(text) && !wraps(element, screen.elements[screen.elements.indexOf(element) + 1])) candidates.push({ by: 'text', text });
  if (element.testId) candidates.push({ by: 'test-id', id: element.testId });
  if (element.htmlId !== undefined && STABLE_ID.test(element.htmlId)) candidates.push({ by: 'css', selector: `#${element.htmlId}` });
  return candidates;
}
