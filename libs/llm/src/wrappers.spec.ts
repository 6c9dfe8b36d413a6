import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '#config';
import { startChatApi, startMessagesApi, type ModelService } from '#testing';
import { anthropicModel } from './anthropic.js';
import { withBudget } from './budget.js';
import { GEN_AI, METRICS } from './conventions.js';
import { withFallback } from './fallback.js';
import { ModelFailure, type LanguageModel } from './model.js';
import { POEM, SCHEMA, STEP } from './model.contract.js';
import { openModel } from './open.js';
import { openAiModel } from './openai.js';
import { costOf, priceOf } from './prices.js';
import { redact } from './secrets.js';
import { withRedaction } from './redaction.js';
import { withRetry } from './retry.js';
import { withTrace, type Attributes } from './trace.js';

const MODEL = 'claude-sonnet-5-5';
const PRICE = priceOf(MODEL) ?? { input: NaN, output: NaN, cacheRead: NaN, cacheWrite: NaN };
let messages: ModelService;
let chat: ModelService;
let bare: LanguageModel;
let other: LanguageModel;
beforeAll(async () => {
  [messages, chat] = await Promise.all([startMessagesApi(() => ({ text: JSON.stringify(POEM) })), startChatApi(() => ({ text: JSON.stringify({ ...POEM, title: 'The other one’s' }) }))]);
  bare = anthropicModel({ apiKey: messages.key, baseUrl: messages.baseUrl, model: MODEL, price: PRICE });
  other = openAiModel({ baseUrl: chat.baseUrl, apiKey: chat.key, model: 'qwen3' });
});
afterAll(() => Promise.all([messages.close(), chat.close()]));

const asked = async (work: () => Promise<unknown>): Promise<number> => { const before = messages.exchanges.length; await work().catch(() => undefined); return messages.exchanges.length - before; };
const failureOf = (work: Promise<unknown>) => work.then(() => undefined, (error: unknown) => error as ModelFailure);

const patient = (options = {}) => withRetry(bare, { firstPauseMs: 5, ...options });
const settings = (changes: Record<string, string>) => loadConfig({ MODEL_PROVIDER: 'anthropic', MODEL, ANTHROPIC_API_KEY: messages.key, ANTHROPIC_BASE_URL: messages.baseUrl, ...changes });

describe('retry', () => {
  test('waits as long as the service asks', async () => {
    messages.next({ fault: 'rate-limited', headers: { 'retry-after-ms': '300' } });
    const started = performance.now();
    await expect(patient().generate(STEP, SCHEMA)).resolves.toMatchObject({ stop: 'complete' });
    expect(performance.now() - started).toBeGreaterThanOrEqual(295);
  });

  test('a stream that broke off is asked for again from its beginning, and both are paid for', async () => {
    const once = await bare.generate(STEP, SCHEMA);
    messages.next({ fault: 'cut' }, { fault: 'error' }, { fault: 'closed' });
    const answer = await patient().generate(STEP, SCHEMA);
    expect(answer).toMatchObject({ stop: 'complete', json: POEM });
    expect(answer.usage.inputTokens).toBe(4 * once.usage.inputTokens);
    expect(answer.usage.outputTokens).toBe(once.usage.outputTokens + 3);
  });

  test('gives up after its tries, or when it would have to wait too long; a wrong key is not tried twice', async () => {
    messages.next(...Array.from({ length: 3 }, () => ({ fault: 'overloaded' as const })));
    expect(await asked(() => patient({ attempts: 3 }).generate(STEP, SCHEMA))).toBe(3);
    messages.next({ fault: 'rate-limited', headers: { 'retry-after': '3600' } });
    expect(await asked(() => patient().generate(STEP, SCHEMA))).toBe(1);
    const wrong = anthropicModel({ apiKey: 'another', baseUrl: messages.baseUrl, model: MODEL });
    expect(await asked(() => withRetry(wrong).generate(STEP, SCHEMA))).toBe(1);
  });

  test('an answer that is no good is not asked for again: that is for whoever has asked', async () => {
    messages.next({ text: 'no JSON' });
    expect(await asked(() => patient().generate(STEP, SCHEMA))).toBe(1);
  });

  test('who aborts while it waits gets his reason at once', async () => {
    messages.next({ fault: 'overloaded' });
    await expect(patient({ firstPauseMs: 60_000, longestPauseMs: 90_000 }).generate(STEP, SCHEMA, { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('fallback', () => {
  test('the next one answers for one that is over its limit or away, and says so', async () => {
    messages.next({ fault: 'rate-limited' }, { fault: 'cut' });
    const chain = withFallback([bare, other]);
    for (let i = 0; i < 2; i++) await expect(chain.generate(STEP, SCHEMA)).resolves.toMatchObject({ json: { title: 'The other one’s' }, ids: { provider: 'openai', model: 'qwen3' } });
    await expect(chain.generate(STEP, SCHEMA)).resolves.toMatchObject({ ids: { provider: 'anthropic' } });
  });

  test('a wrong key is not hidden, and the last one’s failure is the chain’s', async () => {
    const wrong = anthropicModel({ apiKey: 'another', baseUrl: messages.baseUrl, model: MODEL });
    await expect(withFallback([wrong, other]).generate(STEP, SCHEMA)).rejects.toMatchObject({ code: 'model-misconfigured' });
    messages.next({ fault: 'overloaded' });
    chat.next({ fault: 'rate-limited' });
    await expect(withFallback([bare, other]).generate(STEP, SCHEMA)).rejects.toMatchObject({ code: 'model-rate-limited' });
  });
});

describe('budget', () => {
  const question = { ...STEP, system: `You write poems. ${'Rhyme well. '.repeat(100)}` };

  test('a question whose longest answer does not fit any more is not asked', async () => {
    const one = await bare.generate(question, SCHEMA);
    const cap = one.usage.inputTokens + one.usage.outputTokens + one.usage.inputTokens + question.maxOutputTokens;
    const model = withBudget(bare, { tokens: cap });
    await model.generate(question, SCHEMA);
    await model.generate(question, SCHEMA);
    // What is left is counted by the service before it is refused.
    expect(await asked(async () => { expect(await failureOf(model.generate(question, SCHEMA))).toMatchObject({ code: 'over-budget', retryable: false }); })).toBe(1);
    expect(messages.exchanges.at(-1)?.path).toMatch(/count_tokens$/);
    expect(model.spent().inputTokens + model.spent().outputTokens).toBeLessThanOrEqual(cap);
  });

  test('questions under way at the same time share what is left', async () => {
    const one = await bare.generate(question, SCHEMA);
    const model = withBudget(bare, { tokens: Math.ceil(1.5 * (one.usage.inputTokens + question.maxOutputTokens)) });
    const both = await Promise.allSettled([model.generate(question, SCHEMA), model.generate(question, SCHEMA)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('money counts too, broken answers included', async () => {
    messages.next({ fault: 'cut' });
    const model = withBudget(withRetry(bare, { firstPauseMs: 1 }), { usd: 0.05 });
    const { usage } = await model.generate(question, SCHEMA);
    expect(usage.costUsd).toBeGreaterThan((await bare.generate(question, SCHEMA)).usage.costUsd ?? Infinity);
    expect(model.spent().costUsd).toBe(usage.costUsd);
    messages.next({ fault: 'cut' });
    await expect(withBudget(bare, { usd: 0.05 }).generate(question, SCHEMA)).rejects.toMatchObject({ usage: { costUsd: expect.any(Number) } });
    await expect(withBudget(bare, { usd: 0.001 }).generate(question, SCHEMA)).rejects.toMatchObject({ code: 'over-budget' });
  });

  test('a budget in money needs a price', () => {
    expect(() => withBudget(other, { usd: 1 })).toThrow(expect.objectContaining({ code: 'model-misconfigured', detail: expect.stringContaining('MODEL_PRICE') as string }));
  });

  test('prices count every token once', () => {
    const usage = { inputTokens: 1_000_000, cacheReadTokens: 1_000_000, cacheWriteTokens: 1_000_000, outputTokens: 1_000_000, reasoningTokens: 900_000 };
    expect(costOf(usage, PRICE)).toBeCloseTo(2 + 0.2 + 2.5 + 10, 10);
    expect(costOf(usage, priceOf('claude-haiku-5-5'))).toBeCloseTo(5 * (0.1 + 0.01 + 0.125 + 0.5), 10);
    expect(costOf(usage, priceOf('a-model-of-tomorrow'))).toBeNull();
  });
});

describe('trace', () => {
  test('a span and its metrics for each question, by the conventions, without a word of it', async () => {
    const spans: Array<{ name: string; attributes: Attributes }> = [];
    const metrics = new Map<string, number>();
    const traced = withTrace(bare, { span: (name, attributes) => { spans.push({ name, attributes }); }, metric: (name, value) => { metrics.set(name, value); } });
    const { usage } = await traced.generate(STEP, SCHEMA);
    messages.next({ fault: 'cut' });
    await failureOf(traced.generate(STEP, SCHEMA));
    expect(spans.map(({ name }) => name)).toEqual([`chat ${MODEL}`, `chat ${MODEL}`]);
    expect(spans[0]?.attributes).toMatchObject({ [GEN_AI.provider]: 'anthropic', [GEN_AI.agent]: 'test/write', [GEN_AI.finishReasons]: ['complete'], [GEN_AI.inputTokens]: usage.inputTokens, [GEN_AI.outputTokens]: usage.outputTokens });
    expect(spans[1]?.attributes).toMatchObject({ [GEN_AI.errorType]: 'model-unavailable' });
    expect([...metrics.keys()].sort()).toEqual(Object.values(METRICS).sort());
    expect(JSON.stringify(spans)).not.toMatch(/poem|spring|blüten/i);
  });
});

describe('redaction', () => {
  const SECRETS = [
    'sk-ant-api03-abcdefghijklmnop1234567', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'github_pat_11ABCDEFG0abcdefghijkl', 'glpat-abcdefghij0123456789', 'AKIAIOSFODNN7EXAMPLE', 'xoxb-123456789012-abcdefghij',
    'sk_live_abcdefghijklmnop1234', '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N',
  ];
  test('credentials in what a repository holds do not reach the service', async () => {
    const step = { ...STEP, turns: [{ role: 'user' as const, text: JSON.stringify({ readme: SECRETS.join(' '), url: 'postgres://app:hunter22@db/app', canary: 'canary-7f3b21' }) }] };
    await withRedaction(bare, ['canary-7f3b21']).generate(step, SCHEMA);
    const sent = JSON.stringify(messages.exchanges.at(-1)?.body);
    expect(sent).toContain('[redacted]');
    for (const secret of [...SECRETS, 'MIIEpAIBAAKCAQEA', 'hunter22', 'canary-7f3b21']) expect(sent).not.toContain(secret);
  });
  test('what only looks a little like one stays', () => {
    const words = 'b'.repeat(40) + ' task-list-of-the-long-name skip AKIA mailto:ada@example.com https://example.com/a@b sk-short';
    expect(redact(words)).toBe(words);
  });
});

describe('from the settings', () => {
  const observer = { span: () => undefined, metric: () => undefined };

  test('no provider, no model', async () => {
    expect(await openModel(loadConfig({}), observer)).toBeUndefined();
  });

  test('the whole of it: over its limit, the next one answers within the budget, and it is recorded for the scripted one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pullwright-recordings-'));
    messages.next({ fault: 'rate-limited', headers: { 'retry-after': '3600' } });
    const model = await openModel(settings({ MODEL_FALLBACK: 'openai:qwen3', OPENAI_BASE_URL: chat.baseUrl, OPENAI_API_KEY: chat.key, MODEL_RECORDINGS: folder }), observer);
    const answer = await model?.generate(STEP, SCHEMA);
    expect(answer).toMatchObject({ ids: { model: 'qwen3' } });
    expect(await readdir(folder)).toHaveLength(1);
    const played = await openModel(loadConfig({ MODEL_PROVIDER: 'scripted', MODEL, MODEL_RECORDINGS: folder }), observer);
    expect(await played?.generate(STEP, SCHEMA)).toEqual(answer);
    await rm(folder, { recursive: true });
  });

  test.each<[string, Record<string, string>, string]>([
    ['a model of nobody', { MODEL_PROVIDER: '' }, 'MODEL_PROVIDER: '], ['a provider without a model', { MODEL: '' }, 'MODEL: '], ['no key', { ANTHROPIC_API_KEY: '' }, 'ANTHROPIC_API_KEY: '],
    ['no key for who comes next', { MODEL_FALLBACK: 'openai:gpt-6-mini' }, 'OPENAI_API_KEY: '], ['a fallback of nobody', { MODEL_FALLBACK: 'gpt-6' }, 'MODEL_FALLBACK: '], ['credentials in an address', { OPENAI_BASE_URL: 'http://me:pw@127.0.0.1/v1' }, 'OPENAI_BASE_URL: '],
    ['recorded answers from nowhere', { MODEL_PROVIDER: 'scripted' }, 'MODEL_RECORDINGS: '], ['a price that is none', { MODEL_PRICE: 'cheap' }, 'MODEL_PRICE: '],
  ])('%s is refused at the start, by its name', (_what, changes, named) => {
    expect(() => settings(changes)).toThrow(expect.objectContaining({ code: 'bad-request', detail: expect.stringContaining(named) as string }));
  });
});
