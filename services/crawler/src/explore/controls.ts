import type { Element } from '#contracts';
import type { DomElement } from '../accessibility/dom.js';
import { takesText } from '../browser.js';
import { literal, validDatum } from './data.js';
import { choose, click, doubleClick, fill, isAroundLink, isLocatable, isUsable, press, tick, type PlannedStep } from './plan.js';
import { isShown, type View } from './screens.js';

/** Something a user may try on a view, other than following links and submitting forms. */
export interface Trial { control: Element; kind: 'toggle' | 'edit' | 'select' | 'filter'; steps: PlannedStep[] }

export const hasHandler = (element: DomElement | undefined, ...events: string[]): boolean => events.some((event) => element?.markup.handlers?.has(event) ?? false);
function handledAbove(element: DomElement | undefined, ...events: string[]): boolean {
  for (let at: DomElement | null | undefined = element; at; at = at.parent) if (hasHandler(at, ...events)) return true;
  return false;
}

const MAX_OPTIONS = 4;

/** The trials of one element: none when nothing listens to it. */
export function trialsOf(view: View, control: Element): Trial[] {
  const node = view.dom.byKey.get(control.id);
  if (!node || !isUsable(control) || isAroundLink(node)) return [];
  const type = control.field?.type;
  if (type === 'checkbox' || type === 'radio') {
    if (!handledAbove(node, 'change', 'click', 'input') || (type === 'radio' && control.field?.checked)) return [];
    return [{ control, kind: 'toggle', steps: [tick(control.id, !control.field?.checked)] }];
  }
  if (type === 'select') {
    const others = (control.field?.options ?? []).filter((option) => option.value !== control.field?.value).slice(0, MAX_OPTIONS);
    return handledAbove(node, 'change', 'input') ? others.map((option) => ({ control, kind: 'select', steps: [choose(control.id, option.label)] })) : [];
  }
  if (type !== undefined && takesText(type)) return textTrials(view, control, node);
  if (control.tag === 'summary' && view.byId.get(control.parent ?? '')?.tag === 'details') return [{ control, kind: 'toggle', steps: [click(control.id)] }];
  const trials: Trial[] = [];
  // A button may be answered by something around it; of other elements, only their own handlers make controls.
  const answered = hasHandler(node, 'click') || (['button', 'tab', 'menuitem', 'switch'].includes(control.role ?? '') && !control.inForm && handledAbove(node, 'click'));
  if (answered && !control.link) trials.push({ control, kind: 'toggle', steps: [click(control.id)] });
  if (hasHandler(node, 'dblclick')) trials.push({ control, kind: 'edit', steps: [doubleClick(control.id)] });
  return trials;
}

function textTrials(view: View, control: Element, node: DomElement): Trial[] {
  if (control.inForm) {
    // A form may answer to every key: it counts, refuses, or lets its button be used.
    const datum = control.field && hasHandler(node, 'input', 'change') ? validDatum(control, control.field) : null;
    return datum ? [datum, literal('a')].map((each) => ({ control, kind: 'edit', steps: [fill(control.id, each)] })) : [];
  }
  if (hasHandler(node, 'keydown', 'keyup')) return [{ control, kind: 'edit', steps: [fill(control.id, literal('A short note')), press(control.id, 'Enter')] }];
  if (!hasHandler(node, 'input', 'change')) return [];
  const word = wordToFind(view);
  return [...(word ? [word] : []), 'zzzz'].map((value) => ({ control, kind: 'filter', steps: [fill(control.id, literal(value))] }));
}
/** A word of the first item of a list or table: filters are there to find such words. */
function wordToFind(view: View): string | undefined {
  const item = view.elements.find((element) => isShown(element) && ['listitem', 'row', 'article'].includes(element.role ?? '') && element.inLandmark !== undefined && element.text);
  return item?.text?.split(/\s+/).find((word) => /^[\p{L}\d]{3,20}$/u.test(word));
}

export const isTryable = (element: Element): boolean => isUsable(element) && isLocatable(element);
