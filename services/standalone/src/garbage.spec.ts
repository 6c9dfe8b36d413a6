import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArtifactStore, type ArtifactStore } from '#artifacts';
import { loadConfig, type Config } from '#config';
import { subjects, type ArtifactId, type Feature, type Task } from '#contracts';
import { Stage } from '../../coordinator/src/test/stage.js';
import { collectGarbage } from './garbage.js';

const PIPELINE = `name: one
version: 1
steps:
  crawl: { run: crawler/crawl }
`;
const feature = (title: string): Feature => ({
  kind: 'feature@1', name: 'login', title, commit: '0123456789abcdef0123456789abcdef01234567', depth: 'smoke', behaviours: [], existing: [], map: { screens: [], behaviours: [] }, leftOut: [],
});

let stage: Stage;
let folder: string;
let config: Config;
let store: ArtifactStore;
beforeAll(async () => {
  [stage, folder] = await Promise.all([Stage.open({ one: PIPELINE }), mkdtemp(join(tmpdir(), 'pullwright-garbage-'))]);
  config = loadConfig({ ARTIFACT_DIR: folder });
  store = openArtifactStore(config);
});
afterAll(async () => { await stage.close(); await rm(folder, { recursive: true, force: true }); });

/** Everything in the store was written two days ago. */
async function age(): Promise<void> {
  const then = new Date(Date.now() - 2 * 86_400_000);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
}

test('what runs name stays, also when its result is still on the bus; the rest goes', async () => {
  await stage.startCoordinator();
  const [made, unnamed, waiting] = await Promise.all(['made', 'unnamed', 'waiting'].map((title) => store.put('feature@1', feature(title)))) as [ArtifactId, ArtifactId, ArtifactId];
  stage.behaviour = () => ({ outputs: { map: made, features: [] } });
  await stage.reaches(await stage.start('one'), 'succeeded');
  stage.behaviour = () => 'silent';
  const late = await stage.start('one');
  await stage.until(() => stage.taken.length === 2, 'the second task');
  await stage.stopCoordinators();
  await stage.bus.publish(subjects.result('crawler'), { ...base(stage.taken[1] as Task), status: 'succeeded', outputs: { map: waiting, features: [] }, facts: {} }, { id: 'late' });
  await age();
  const collecting = collectGarbage(stage.bus, config);
  await stage.startCoordinator();
  expect((await collecting).removed).toBe(1);
  await stage.reaches(late, 'succeeded');
  expect(await Promise.all([made, waiting, unnamed].map(async (id) => (await store.stat(id)) !== undefined))).toEqual([true, true, false]);
}, 30_000);

test('without a coordinator nothing is removed', async () => {
  await stage.stopCoordinators();
  const id = await store.put('feature@1', feature('left alone'));
  await age();
  await expect(collectGarbage(stage.bus, config)).rejects.toMatchObject({ code: 'bus-unavailable' });
  expect(await store.stat(id)).toBeDefined();
});

const base = ({ runId, stepId, attempt, agent }: Task) => ({ runId, stepId, attempt, agent, durationMs: 1 });
