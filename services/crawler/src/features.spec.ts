import { Feature, type Behaviour, type RepoMap } from '#contracts';
import { sampleMap } from '#testing';
import { featuresOf } from './features.js';

/** The sample site with so many pages beside its own, each with `each` controls. */
function mapWith(pages: number, each: number): RepoMap {
  const map = sampleMap();
  const screen = map.screens[0] as RepoMap['screens'][number];
  const behaviour = map.behaviours.find((candidate) => candidate.on === screen.id) as Behaviour;
  for (let page = 0; page < pages; page++) {
    map.screens.push({ ...screen, id: `page-${page}`, path: `/page-${page}`, route: `/page-${page}` });
    for (let n = 0; n < each; n++) map.behaviours.push({ ...behaviour, id: `page-${page}-${n}`, kind: 'toggle', on: `page-${page}`, to: `page-${page}` });
  }
  return map;
}
const sorted = (ids: readonly string[]) => [...ids].sort((a, b) => a.localeCompare(b));
const every = (map: RepoMap) => sorted(map.behaviours.map(({ id }) => id));

test('every behaviour is in exactly one feature, with each screen and behaviour on the way to it', () => {
  const map = sampleMap();
  const features = featuresOf(map);
  expect(sorted(features.flatMap(({ behaviours }) => behaviours))).toEqual(every(map));
  for (const feature of features) {
    expect(Feature.parse(feature)).toEqual(feature);
    const known = new Set(feature.map.screens.map(({ id }) => id));
    for (const { on, to } of feature.map.behaviours) expect([known.has(on), known.has(to)]).toEqual([true, true]);
  }
});

test.each([[100, 2], [100, 20], [3, 40]])('%i pages of %i behaviours are at most sixty features, under different names, and none is lost', (pages, each) => {
  const map = mapWith(pages, each);
  const features = featuresOf(map);
  expect(features.length).toBeLessThanOrEqual(60);
  expect(new Set(features.map(({ name }) => name)).size).toBe(features.length);
  expect(sorted(features.flatMap(({ behaviours }) => behaviours))).toEqual(every(map));
});
