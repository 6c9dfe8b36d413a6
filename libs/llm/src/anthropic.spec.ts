import { startMessagesApi, type ModelService } from '#testing';
import { anthropicModel } from './anthropic.js';
import type { LanguageModel } from './model.js';
import { modelContract, POEM, SCHEMA, STEP, wiredModelContract, type WiredModelUnderTest } from './model.contract.js';
import { priceOf } from './prices.js';

const MODEL = 'claude-sonnet-5-5';
let service: ModelService;
let model: LanguageModel;
beforeAll(async () => {
  service = await startMessagesApi(() => ({ text: JSON.stringify(POEM) }));
  model = anthropicModel({ apiKey: service.key, baseUrl: service.baseUrl, model: MODEL, price: priceOf(MODEL), pollMs: 10 });
});
afterAll(() => service.close());

const under = (): WiredModelUnderTest => ({
  model,
  will: (answer) => { service.next(answer); },
  fails: (fault, headers) => { service.next(fault === 'rate-limited' ? { fault, headers } : { fault }); },
  withWrongKey: () => anthropicModel({ apiKey: 'wrong-key-wrong-key', baseUrl: service.baseUrl, model: MODEL }),
  nowhere: () => anthropicModel({ apiKey: service.key, baseUrl: 'http://127.0.0.1:9', model: MODEL }),
  requests: () => service.exchanges, violations: () => service.violations,
});
describe('as any model', () => { modelContract(under); });
describe('behind a wire', () => { wiredModelContract(under); });

const lastBody = () => service.exchanges.at(-1)?.body as Record<string, unknown>;

test('a request streams, carries the schema as output format, and nothing that models refuse', async () => {
  await model.generate({ ...STEP, effort: 'low' }, SCHEMA);
  expect(Object.keys(lastBody()).sort()).toEqual(['max_tokens', 'messages', 'model', 'output_config', 'stream', 'system']);
  expect(lastBody()).toMatchObject({ stream: true, output_config: { effort: 'low', format: { type: 'json_schema', schema: SCHEMA.json } } });
});

test('the beginning that all steps share is read from the cache from the second one on', async () => {
  const system = `You write poems. ${'Rhyme well. '.repeat(400)}`;
  const about = (words: string) => model.generate({ ...STEP, system, turns: [{ role: 'user', text: words }] }, SCHEMA);
  const [first, second] = [await about('spring'), await about('autumn, which is later')];
  expect(first.usage).toMatchObject({ cacheReadTokens: 0 });
  expect(first.usage.cacheWriteTokens).toBeGreaterThan(1_000);
  expect(second.usage).toMatchObject({ cacheReadTokens: first.usage.cacheWriteTokens, cacheWriteTokens: 0 });
  expect(second.usage.inputTokens).toBeLessThan(20);
  expect(second.usage.costUsd ?? 1).toBeLessThan((first.usage.costUsd ?? 0) / 2);
});

test('what a stream that breaks off has cost is known', async () => {
  service.next({ fault: 'cut' });
  await expect(model.generate(STEP, SCHEMA)).rejects.toMatchObject({ code: 'model-unavailable', usage: { inputTokens: expect.any(Number), outputTokens: 1 } });
});

test('questions are counted by the service, without an answer', async () => {
  expect(await model.countTokens(STEP, SCHEMA)).toEqual({ tokens: expect.any(Number), exact: true });
  expect(service.exchanges.at(-1)?.path).toBe('/v1/messages/count_tokens');
});

test('who can wait is answered by a batch, at half the price', async () => {
  const now = await model.generate(STEP, SCHEMA);
  const before = service.exchanges.length;
  const later = await model.generate(STEP, SCHEMA, { canWait: true });
  expect(later).toMatchObject({ stop: 'complete', json: POEM });
  expect(later.usage.costUsd).toBeCloseTo((now.usage.costUsd ?? 0) / 2, 10);
  const asked = service.exchanges.slice(before).map(({ method, path }) => `${method} ${path.replace(/msgbatch_[\w-]+/, ':id')}`);
  expect([asked[0], asked.at(-1)]).toEqual(['POST /v1/messages/batches', 'GET /v1/messages/batches/:id/results']);
  expect(asked.filter((one) => one === 'GET /v1/messages/batches/:id').length).toBeGreaterThanOrEqual(2);
});

test('a batch that nobody waits for any more is cancelled', async () => {
  const patient = anthropicModel({ apiKey: service.key, baseUrl: service.baseUrl, model: MODEL, pollMs: 10_000 });
  await expect(patient.generate(STEP, SCHEMA, { canWait: true, signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(service.exchanges.at(-1)?.path).toMatch(/\/cancel$/);
});

test.each<[string, object, string]>([
  ['temperature', { temperature: 0 }, 'temperature'], ['a forced tool', { tools: [], tool_choice: { type: 'any' } }, 'tool_choice'], ['thinking switched off', { thinking: { type: 'disabled' } }, 'thinking'],
  ['a schema with lengths', { output_config: { format: { type: 'json_schema', schema: { type: 'string', maxLength: 3 } } } }, 'maxLength'],
])('the simulator refuses %s, as the service does', async (_what, more, named) => {
  const body = { model: MODEL, max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }], ...more };
  const response = await fetch(`${service.baseUrl}/v1/messages`, { method: 'POST', headers: { authorization: `Bearer ${service.key}` }, body: JSON.stringify(body) });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(named)]);
});
