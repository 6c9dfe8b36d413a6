import { startChatApi, type ModelService } from '#testing';
import { modelContract, POEM, SCHEMA, STEP, wiredModelContract, type WiredModelUnderTest } from './model.contract.js';
import type { LanguageModel } from './model.js';
import { openAiModel } from './openai.js';

const MODEL = 'qwen3-coder:30b';
let service: ModelService;
let model: LanguageModel;
beforeAll(async () => {
  service = await startChatApi(() => ({ text: JSON.stringify(POEM) }));
  model = openAiModel({ baseUrl: service.baseUrl, apiKey: service.key, model: MODEL, temperature: 0.2 });
});
afterAll(() => service.close());

const under = (): WiredModelUnderTest => ({
  model,
  will: (answer) => { service.next(answer); },
  fails: (fault, headers) => { service.next(fault === 'rate-limited' ? { fault, headers } : { fault }); },
  withWrongKey: () => openAiModel({ baseUrl: service.baseUrl, apiKey: 'wrong-key-wrong-key', model: MODEL }),
  nowhere: () => openAiModel({ baseUrl: 'http://127.0.0.1:9/v1', model: MODEL }),
  requests: () => service.exchanges, violations: () => service.violations,
});
describe('as any model', () => { modelContract(under); });
describe('behind a wire', () => { wiredModelContract(() => ({ ...under(), model: openAiModel({ baseUrl: service.baseUrl, apiKey: service.key, model: 'gpt-6-mini' }) })); });

const lastBody = () => service.exchanges.at(-1)?.body as Record<string, unknown>;

test('sampling goes to models that take it; models that reason get an effort', async () => {
  await model.generate({ ...STEP, effort: 'low' }, SCHEMA);
  expect(lastBody()).toMatchObject({ max_tokens: 1_000, temperature: 0.2, seed: 1, response_format: { json_schema: { strict: true, schema: SCHEMA.json } } });
  expect(lastBody()).not.toHaveProperty('reasoning_effort');
  await openAiModel({ baseUrl: service.baseUrl, apiKey: service.key, model: 'gpt-6.1-sol', temperature: 0.2 }).generate({ ...STEP, effort: 'low' }, SCHEMA);
  expect(Object.keys(lastBody()).sort()).toEqual(['max_completion_tokens', 'messages', 'model', 'reasoning_effort', 'response_format', 'stream', 'stream_options']);
});

test('the simulator refuses sampling for models that reason, as the service does', async () => {
  const response = await fetch(`${service.baseUrl}/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${service.key}` }, body: JSON.stringify({ model: 'o3', temperature: 0, messages: [{ role: 'user', content: 'Hello' }] }) });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('temperature')]);
});

test('a beginning that was there before is counted as read from the cache', async () => {
  const system = `You write poems. ${'Rhyme well. '.repeat(400)}`;
  await model.generate({ ...STEP, system }, SCHEMA);
  const { usage } = await model.generate({ ...STEP, system, turns: [{ role: 'user', text: 'autumn' }] }, SCHEMA);
  expect(usage.cacheReadTokens).toBeGreaterThan(1_000);
  expect(usage.inputTokens).toBeLessThan(20);
});

test('a server that tells no usage is guessed rather too high', async () => {
  const silent = await startChatApi(() => ({ text: JSON.stringify(POEM) }), { usage: false });
  const quiet = openAiModel({ baseUrl: silent.baseUrl, apiKey: silent.key, model: MODEL });
  const [told, guessed] = [await model.generate(STEP, SCHEMA), await quiet.generate(STEP, SCHEMA)];
  await silent.close();
  expect(guessed.usage.inputTokens).toBeGreaterThan(told.usage.inputTokens);
});
