import type { Behaviour, Feature, RepoMap, Screen } from '#contracts';

/** A feature has at most so many behaviours: a spec file that people still read. */
const MAX_BEHAVIOURS = 14;
/** A task names each of its input artifacts within the size bound of the bus; about ninety fit. */
const MAX_FEATURES = 60;
const SUBMITS = new Set<Behaviour['kind']>(['submit-valid', 'submit-missing', 'submit-malformed', 'submit-rejected']);

interface Group { key: string; title: string; behaviours: Behaviour[] }

/**
 * Cuts the map into features: one for moving around, one for each form, one for what else can be done on the pages of a route. Each carries the part of the
 * map its cases need, so that it can be designed without the rest.
 */
export function featuresOf(map: RepoMap): Feature[] {
  const screens = new Map(map.screens.map((screen) => [screen.id, screen]));
  const groups = new Map<string, Group>();
  for (const behaviour of map.behaviours) {
    const { key, title } = groupOf(behaviour, screens);
    const group = groups.get(key) ?? { key, title, behaviours: [] };
    group.behaviours.push(behaviour);
    groups.set(key, group);
  }
  const names = new Set<string>();
  return fold([...groups.values()].flatMap(split)).map((group) => {
    const name = unique(slug(group.key), names);
    const behaviours = group.behaviours.map((behaviour) => behaviour.id);
    return { kind: 'feature@1', name, title: group.title, depth: map.depth, behaviours, existing: existingTitles(map, group, screens), map: sliceOf(map, group.behaviours), leftOut: [] } satisfies Feature;
  });
}

function groupOf(behaviour: Behaviour, screens: ReadonlyMap<string, Screen>): { key: string; title: string } {
  const screen = screens.get(behaviour.on);
  const page = pageName(screen?.route ?? '/');
  if (behaviour.kind === 'navigation' || behaviour.kind === 'redirect') {
    const area = firstSegment(screen?.route ?? '/');
    return area ? { key: `${area} navigation`, title: `Moving around in ${area}` } : { key: 'navigation', title: 'Moving around' };
  }
  if (SUBMITS.has(behaviour.kind)) {
    const button = screen?.elements.find((element) => element.id === behaviour.steps.at(-1)?.element);
    const words = button?.name ?? button?.text ?? button?.label ?? 'form';
    return { key: `${page} ${words}`, title: `${titleCase(page)}: ${words}` };
  }
  return { key: page, title: `${titleCase(page)} page` };
}
const firstSegment = (route: string): string => route.split('/').find((part) => part && !/^[:[{*(]/.test(part))?.replace(/\.html?$/i, '') ?? '';
const pageName = (route: string): string => route.split('/').filter((part) => part && !/^[:[{*(]/.test(part)).join(' ').replaceAll(/\.html?\b/gi, '') || 'home';
const titleCase = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const slug = (text: string): string => text.toLowerCase().normalize('NFKD').replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 56).replace(/-+$/, '') || 'feature';
function unique(wanted: string, names: Set<string>): string {
  let name = wanted;
  for (let n = 2; names.has(name); n++) name = `${wanted}-${n}`;
  names.add(name);
  return name;
}

/** Groups of one or two navigations stay; larger ones than a person reads are cut in order. */
function split(group: Group): Group[] {
  const parts = Math.ceil(group.behaviours.length / MAX_BEHAVIOURS);
  const size = Math.ceil(group.behaviours.length / parts);
  return Array.from({ length: parts }, (_, i) => ({ ...group, title: parts > 1 ? `${group.title} (${i + 1} of ${parts})` : group.title, behaviours: group.behaviours.slice(i * size, (i + 1) * size) }));
}

/** When there are too many features, the smallest become one, cut as any other: none is lost, only its file is shared. */
function fold(groups: Group[]): Group[] {
  if (groups.length <= MAX_FEATURES) return groups;
  const bySize = [...groups].sort((a, b) => b.behaviours.length - a.behaviours.length);
  for (let kept = MAX_FEATURES - 1; kept >= 0; kept--) {
    const rest = split({ key: 'further pages', title: 'Further pages', behaviours: bySize.slice(kept).flatMap((group) => group.behaviours) });
    if (kept + rest.length <= MAX_FEATURES) return [...groups.filter((group) => bySize.indexOf(group) < kept), ...rest];
  }
  // More behaviours than fit even so: then files are longer than people like to read.
  const all = groups.flatMap((group) => group.behaviours);
  const size = Math.ceil(all.length / MAX_FEATURES);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => ({ key: 'further pages', title: `Further pages (${i + 1})`, behaviours: all.slice(i * size, (i + 1) * size) }));
}

/** The behaviours, all behaviours on the way to their screens, and every screen that one of them names. */
function sliceOf(map: RepoMap, wanted: readonly Behaviour[]): Feature['map'] {
  const byId = new Map(map.behaviours.map((behaviour) => [behaviour.id, behaviour]));
  const screens = new Map(map.screens.map((screen) => [screen.id, screen]));
  const behaviours = new Set<string>();
  const needed = new Set<string>();
  const queue = wanted.map((behaviour) => behaviour.id);
  for (const id of queue) {
    const behaviour = byId.get(id);
    if (!behaviour || behaviours.has(id)) continue;
    behaviours.add(id);
    for (const screenId of [behaviour.on, behaviour.to]) needed.add(screenId);
    const entry = screens.get(behaviour.on)?.entry;
    if (entry?.by === 'behaviour') queue.push(entry.behaviour);
  }
  return { screens: map.screens.filter((screen) => needed.has(screen.id)), behaviours: map.behaviours.filter((behaviour) => behaviours.has(behaviour.id)) };
}

/** Titles of specs that speak of the same pages, by the words of route and file. */
function existingTitles(map: RepoMap, group: Group, screens: ReadonlyMap<string, Screen>): string[] {
  const words = new Set(group.behaviours.flatMap((behaviour) => pageName(screens.get(behaviour.on)?.route ?? '').toLowerCase().split(/[^a-z0-9]+/)).filter((word) => word.length > 3));
  const titles = map.tests.specs.flatMap((spec) => spec.titles.filter((title) => `${spec.file} ${title}`.toLowerCase().split(/[^a-z0-9]+/).some((word) => words.has(word))));
  return [...new Set(titles)].slice(0, 50);
}
