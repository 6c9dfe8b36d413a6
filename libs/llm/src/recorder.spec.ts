import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMessagesApi, startModelRecorder } from '#testing';
import { anthropicModel } from './anthropic.js';
import { POEM, SCHEMA, STEP } from './model.contract.js';

const through = (baseUrl: string) => anthropicModel({ apiKey: 'any', baseUrl, model: 'claude-sonnet-5-5' });

test('the wire of a service is recorded with its key, and played without one and without the service', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pullwright-wire-'));
  const service = await startMessagesApi(() => ({ text: JSON.stringify(POEM) }), { key: 'sk-ant-the-real-key-0000000001' });

  const recording = await startModelRecorder({ folder, upstream: service.baseUrl, key: service.key });
  const answer = await through(recording.baseUrl).generate(STEP, SCHEMA);
  expect(answer).toMatchObject({ stop: 'complete', json: POEM });
  await Promise.all([recording.close(), service.close()]);
  const files = await readdir(folder);
  expect(files).toHaveLength(1);
  expect(await readFile(join(folder, files[0] as string), 'utf8')).not.toMatch(/sk-ant|authorization|request-id/i);

  const playing = await startModelRecorder({ folder, upstream: 'http://127.0.0.1:9' });
  const played = await through(playing.baseUrl).generate(STEP, SCHEMA);
  expect({ ...played, ids: undefined }).toEqual({ ...answer, ids: undefined });
  await expect(through(playing.baseUrl).generate({ ...STEP, system: 'You write prose.' }, SCHEMA)).rejects.toMatchObject({ code: 'model-unavailable', detail: expect.stringContaining('501') });
  await playing.close();
  await rm(folder, { recursive: true, force: true });
});
