import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMessagesApi } from '#testing';
import { anthropicModel } from './anthropic.js';
import { readAnswer } from './answer-schema.js';
import { NO_USAGE } from './model.js';
import { modelContract, POEM, SCHEMA, STEP } from './model.contract.js';
import { requestHash, withRecording } from './recordings.js';
import { scriptedModel } from './scripted.js';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'pullwright-recordings-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

const MODEL = 'claude-sonnet-5-5';
const write = (hash: string, recording: object) => writeFile(join(folder, `${hash}.json`), JSON.stringify(recording));

describe('as any model', () => {
  modelContract(() => ({
    model: scriptedModel({ folder, model: MODEL }),
    will: ({ text, thinking, stop = 'complete' }, step = STEP) => write(requestHash(MODEL, step, SCHEMA), {
      step: step.name, model: MODEL,
      answer: { ...(stop === 'complete' ? readAnswer(text, SCHEMA) : { stop, text }), usage: { ...NO_USAGE, inputTokens: 9, outputTokens: 9 + (thinking ?? '').length, reasoningTokens: (thinking ?? '').length }, ids: { provider: 'anthropic', model: MODEL } },
    }),
  }));
});

test('what is not recorded fails with the file to write, and is never made up', async () => {
  const step = { ...STEP, turns: [{ role: 'user' as const, text: 'winter' }] };
  await expect(scriptedModel({ folder, model: MODEL }).generate(step, SCHEMA)).rejects.toMatchObject({ code: 'recording-missing', retryable: false, detail: expect.stringContaining(`${requestHash(MODEL, step, SCHEMA)}.json`) });
});

test('a recording plays as it was, without the service, and holds no credential', async () => {
  const service = await startMessagesApi(() => ({ text: JSON.stringify({ ...POEM, title: 'sk-ant-api03-abcdefghijklmnop1234' }) }));
  const real = withRecording(anthropicModel({ apiKey: service.key, baseUrl: service.baseUrl, model: MODEL }), join(folder, 'new'));
  const answer = await real.generate(STEP, SCHEMA);
  await service.close();
  const file = join(folder, 'new', `${requestHash(MODEL, STEP, SCHEMA)}.json`);
  expect(await readFile(file, 'utf8')).not.toMatch(/sk-ant|Bearer/);
  const played = await scriptedModel({ folder: join(folder, 'new'), model: MODEL }).generate(STEP, SCHEMA);
  expect(played).toEqual({ ...answer, json: { ...POEM, title: '[redacted]' }, text: JSON.stringify({ ...POEM, title: '[redacted]' }) });
});

test('everything that an answer depends on is in the hash', () => {
  const other = { ...SCHEMA, json: { type: 'object' } };
  const hashes = [
    requestHash(MODEL, STEP, SCHEMA), requestHash('claude-opus-5-5', STEP, SCHEMA), requestHash(MODEL, { ...STEP, name: 'test/read' }, SCHEMA), requestHash(MODEL, { ...STEP, system: 'You write prose.' }, SCHEMA),
    requestHash(MODEL, { ...STEP, turns: [] }, SCHEMA), requestHash(MODEL, { ...STEP, maxOutputTokens: 2 }, SCHEMA), requestHash(MODEL, { ...STEP, effort: 'max' }, SCHEMA), requestHash(MODEL, STEP, other),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(requestHash(MODEL, structuredClone(STEP), SCHEMA)).toBe(hashes[0]);
});

test('a file that is no recording is told, not skipped', async () => {
  const step = { ...STEP, system: 'broken' };
  await write(requestHash(MODEL, step, SCHEMA), { answer: 'yes' });
  await expect(scriptedModel({ folder, model: MODEL }).generate(step, SCHEMA)).rejects.toThrow(/step|answer/);
});
