import type { Element, Feature, Location, Screen } from '#contracts';

/**
 * The feature as a model reads it: the validated artifact and nothing beside it, each element once, without what only machines need. The same feature gives the same bytes.
 */
export function questionOf({ title, behaviours, existing, map }: Feature): string {
  const elements = new Map<string, Element>();
  for (const screen of map.screens) for (const element of screen.elements) if (element.presence !== 'unsure' && !elements.has(element.id)) elements.set(element.id, element);
  return JSON.stringify({
    feature: title, existingTests: existing, tested: behaviours,
    elements: Object.fromEntries([...elements].map(([id, element]) => [id, described(element)])),
    screens: map.screens.map((screen) => screenOf(screen, elements)),
    behaviours: map.behaviours.map(({ id, kind, on, to, visited, steps, invalid, appears, disappears, changes, because }) => ({
      id, kind, on, to, visited, invalid, steps: steps.map(({ do: action, element, data }) => ({ action, element, value: data?.kind === 'literal' ? data.value : undefined, newValue: data?.kind === 'unique' ? data.format : undefined })),
      appears: some(appears), disappears: some(disappears), changes: some(changes), because: because.map(place),
    })),
  });
}

/** Whether there is anything to propose: a form whose fields the browser checks, or two behaviours that can follow each other. */
export function hasRoom({ map }: Feature): boolean {
  const moves = map.behaviours.filter(({ kind }) => kind !== 'redirect');
  return moves.some(({ invalid }) => invalid !== undefined) || moves.some((one) => moves.some((next) => next !== one && next.on === one.to));
}

const place = ({ file, line }: Location) => `${file}:${line}`;
const some = <T>(list: readonly T[]) => (list.length > 0 ? list : undefined);

function described({ tag, role, name, text, level, label, placeholder, field, link, inForm, disabled, at }: Element): object {
  return { at: place(at), role: role ?? tag, name: name ?? undefined, text: text === name ? undefined : text ?? undefined, level, label: label === name ? undefined : label, placeholder, field: field && { ...field, readOnly: field.readOnly || undefined, disabled: field.disabled || undefined }, href: link?.href, inForm, disabled };
}

function screenOf({ id, path, title, entry, elements, needs }: Screen, known: ReadonlyMap<string, Element>): object {
  const there = elements.filter(({ presence }) => presence !== 'unsure');
  const differing = there.filter((element) => JSON.stringify(described(element)) !== JSON.stringify(described(known.get(element.id) as Element)));
  return {
    id, path, title, entry: entry.by === 'visit' ? 'visit' : entry.behaviour, needs: some(needs.map(({ kind }) => kind)),
    shown: there.filter(({ presence }) => presence === 'shown').map((element) => element.id), hidden: some(there.filter(({ presence }) => presence === 'hidden').map((element) => element.id)),
    states: some(there.flatMap(({ id: element, expanded, pressed, selected }) => (expanded ?? pressed ?? selected) === undefined ? [] : [{ element, expanded, pressed, selected }])),
    differing: differing.length > 0 ? Object.fromEntries(differing.map((element) => [element.id, described(element)])) : undefined,
  };
}
