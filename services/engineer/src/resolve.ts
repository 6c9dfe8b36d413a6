import { answering, landmarksOf } from '#locators';
import type { Element, LeftOut, LocatorCandidate, RepoMap, Screen, Target } from '#contracts';

/** How one element is found: by a candidate, within a scope when the candidate alone finds several. `has` filters the scope to the one that holds something. */
export interface Found { candidate: LocatorCandidate; within?: { candidate: LocatorCandidate; has?: LocatorCandidate }; element: Element; screen: Screen }

export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(readonly reason: LeftOut['reason'], message: string) { super(message); }
}

/**
 * The locator for a target: the first candidate that finds exactly this element on its screen, the document's hidden and uncertain elements counted. A target that the map does not have
 * at that very line is refused, whoever proposed it. Throws `Refused`.
 */
export function resolve(target: Target, map: RepoMap): Found {
  const { element, screen } = elementOf(target, map);
  const candidates = target.candidates.filter((candidate) => answering(candidate, screen).some(({ id }) => id === element.id));
  if (candidates.length === 0) throw new Refused('unresolved-locator', `no candidate finds the element of ${target.at.file}:${target.at.line}`);
  const alone = candidates.find((candidate) => answering(candidate, screen).length === 1);
  if (alone) return { candidate: alone, element, screen };
  for (const candidate of candidates) {
    const within = scopeFor(candidate, element, screen);
    if (within) return { candidate, within, element, screen };
  }
  throw new Refused('ambiguous', `${answering(candidates[0] as LocatorCandidate, screen).length} elements of ${screen.path} answer to the locator of ${target.at.file}:${target.at.line}`);
}

/** The element must be in the map, at the line the target names, and certainly visible where it is used. */
function elementOf(target: Target, map: RepoMap): { element: Element; screen: Screen } {
  const screen = map.screens.find(({ id }) => id === target.screen);
  const element = screen?.elements.find(({ id }) => id === target.element);
  if (!screen || !element || element.at.file !== target.at.file || element.at.line !== target.at.line || element.at.blob !== target.at.blob) {
    throw new Refused('unresolved-locator', `the source has no such element at ${target.at.file}:${target.at.line}`);
  }
  if (element.presence !== 'shown') throw new Refused(element.presence === 'hidden' ? 'hidden-by-style' : 'unknown-condition', `the element of ${target.at.file}:${target.at.line} is not certainly visible`);
  return { element, screen };
}

function scopeFor(candidate: LocatorCandidate, element: Element, screen: Screen): Found['within'] {
  const rivals = answering(candidate, screen).filter(({ id }) => id !== element.id);
  return landmarkScope(rivals, element, screen) ?? formScope(rivals, element, screen) ?? itemScope(rivals, element, screen);
}

function landmarkScope(rivals: readonly Element[], element: Element, screen: Screen): Found['within'] {
  for (const id of landmarksOf(element, screen)) {
    const landmark = screen.elements.find((one) => one.id === id);
    if (!landmark || rivals.some((rival) => landmarksOf(rival, screen).includes(id))) continue;
    const candidate = onlyByRole(landmark, screen);
    if (candidate) return { candidate };
  }
  return undefined;
}

function formScope(rivals: readonly Element[], element: Element, screen: Screen): Found['within'] {
  const form = screen.elements.find(({ id }) => id === element.inForm);
  if (!form || rivals.some(({ inForm }) => inForm === form.id)) return undefined;
  const candidates: LocatorCandidate[] = [
    ...(form.name ? [{ by: 'role' as const, role: 'form', name: form.name }] : []),
    ...(form.testId ? [{ by: 'test-id' as const, id: form.testId }] : []),
    ...(form.htmlId && /^[A-Za-z][\w-]*$/.test(form.htmlId) ? [{ by: 'css' as const, selector: `#${form.htmlId}` }] : []),
  ];
  const candidate = candidates.find((one) => isAlone(one, form, screen));
  return candidate && { candidate };
}

/** The list item, row or article around it, told from its siblings by something with a name that only it holds. */
function itemScope(rivals: readonly Element[], element: Element, screen: Screen): Found['within'] {
  const item = screen.elements.find(({ id }) => id === element.inItem);
  if (!item || item.role === null || item.presence !== 'shown' || rivals.some(({ inItem }) => inItem === item.id)) return undefined;
  // An item around this item would hold the same things.
  const outer = screen.elements.find(({ id }) => id === item.inItem);
  if (outer?.role === item.role) return undefined;
  const inside = screen.elements.filter((one) => one.inItem === item.id && one.id !== element.id && one.presence === 'shown');
  const marks = [...inside.filter(({ role }) => role === 'heading'), ...inside.filter(({ role }) => role !== 'heading')];
  for (const mark of marks) {
    const has: LocatorCandidate | undefined = mark.role !== null && mark.name ? { by: 'role', role: mark.role, name: mark.name } : mark.text ? { by: 'text', text: mark.text } : undefined;
    if (has && answering(has, screen).every(({ inItem }) => inItem === item.id)) return { candidate: { by: 'role', role: item.role }, has };
  }
  return undefined;
}

function onlyByRole({ id, role, name }: Element, screen: Screen): LocatorCandidate | undefined {
  if (role === null) return undefined;
  const candidates: LocatorCandidate[] = [...(name ? [{ by: 'role' as const, role, name }] : []), { by: 'role', role }];
  return candidates.find((candidate) => {
    const found = answering(candidate, screen);
    return found.length === 1 && found[0]?.id === id;
  });
}

function isAlone(candidate: LocatorCandidate, element: Element, screen: Screen): boolean {
  const found = answering(candidate, screen);
  return found.length === 1 && found[0]?.id === element.id;
}

/** Whether the locator finds nothing visible on the screen where the element is expected to be away; more than one hidden match would stop Playwright's strict mode. */
export function isAwayOn(found: Found, screen: Screen): boolean {
  const there = answering(found.candidate, screen);
  return there.every(({ presence }) => presence === 'hidden') && there.length <= 1;
}
