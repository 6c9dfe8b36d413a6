import { z } from 'zod';
import { Failure } from '#contracts';
import { answerSchema } from './answer-schema.js';
import type { Answer, GenerateOptions, LanguageModel, ModelStep } from './model.js';

/** What every model of the port does; and what those do that are behind a wire, where more goes wrong. Each adapter's spec calls both with its own service. */

const Poem = z.object({ title: z.string().max(40), lines: z.array(z.union([z.object({ kind: z.literal('words'), words: z.string() }), z.object({ kind: z.literal('break') })])), note: z.string().nullable() });
export const SCHEMA = answerSchema('poem', Poem);
export const POEM = { title: 'Spring', lines: [{ kind: 'words', words: 'Blüten, überall' }, { kind: 'break' }], note: null };
export const STEP: ModelStep = { name: 'test/write', system: 'You write poems.', turns: [{ role: 'user', text: '{"about":"spring"}' }], maxOutputTokens: 1_000 };

/** What the model is to answer next. */
export interface WrittenAnswer { text: string; thinking?: string; stop?: 'complete' | 'truncated' | 'refused' }
export interface ModelUnderTest {
  model: LanguageModel;
  /** The next answer to this step. */
  will: (answer: WrittenAnswer, step?: ModelStep) => Promise<void> | void;
}

export function modelContract(setUp: () => ModelUnderTest): void {
  const ask = async (written: WrittenAnswer, step = STEP): Promise<Answer> => {
    const { model, will } = setUp();
    await will(written, step);
    return model.generate(step, SCHEMA);
  };

  test('an answer that matches the schema comes as JSON, with what it took and who gave it', async () => {
    const answer = await ask({ text: JSON.stringify(POEM) });
    expect(answer).toMatchObject({ stop: 'complete', json: POEM, text: JSON.stringify(POEM), ids: { provider: expect.any(String), model: setUp().model.model } });
    expect(answer.usage.inputTokens + answer.usage.cacheReadTokens + answer.usage.cacheWriteTokens).toBeGreaterThan(0);
    expect(answer.usage.outputTokens).toBeGreaterThan(0);
  });

  test.each<[string, WrittenAnswer, RegExp]>([
    ['what is no JSON', { text: 'Here is your poem: Spring' }, /not JSON/],
    ['JSON in a fence', { text: `\`\`\`json\n${JSON.stringify(POEM)}\n\`\`\`` }, /not JSON/],
    ['a key that is missing', { text: '{"title":"Spring","note":null}' }, /lines/],
    ['a type that is another', { text: JSON.stringify({ ...POEM, title: 4 }) }, /title/],
    ['what strict mode cannot say: a length', { text: JSON.stringify({ ...POEM, title: 'x'.repeat(41) }) }, /title/],
    ['no words at all', { text: '' }, /not JSON/],
  ])('%s is invalid, says why, and costs', async (_what, written, problem) => {
    const answer = await ask(written);
    expect(answer).toMatchObject({ stop: 'invalid', problem: expect.stringMatching(problem), text: written.text });
    expect(answer.json).toBeUndefined();
    expect(answer.usage.inputTokens).toBeGreaterThan(0);
  });

  test('an answer that has reached its limit has no JSON, even if what is there is some', async () => {
    const answer = await ask({ text: JSON.stringify(POEM), stop: 'truncated' });
    expect(answer).toMatchObject({ stop: 'truncated' });
    expect(answer.json).toBeUndefined();
  });

  test('a refusal is an answer', async () => {
    const answer = await ask({ text: 'I would rather not.', stop: 'refused' });
    expect(answer).toMatchObject({ stop: 'refused' });
    expect(answer.json).toBeUndefined();
  });

  test('thinking is paid for and is no part of the text', async () => {
    const answer = await ask({ text: JSON.stringify(POEM), thinking: 'Spring, hm. '.repeat(50) });
    expect(answer.text).not.toContain('hm');
    expect(answer.usage.reasoningTokens).toBeGreaterThan(100);
    expect(answer.usage.outputTokens).toBeGreaterThan(answer.usage.reasoningTokens);
  });

  test('a second turn is asked with the first one’s answer', async () => {
    const step: ModelStep = { ...STEP, turns: [...STEP.turns, { role: 'assistant', text: '{}' }, { role: 'user', text: 'Not a poem.' }] };
    expect(await ask({ text: JSON.stringify(POEM) }, step)).toMatchObject({ stop: 'complete' });
  });

  test('the first token is told, once', async () => {
    const { model, will } = setUp();
    await will({ text: JSON.stringify(POEM) });
    const onFirstToken = { times: 0 };
    await model.generate(STEP, SCHEMA, { onFirstToken: () => { onFirstToken.times += 1; } });
    expect(onFirstToken.times).toBeGreaterThan(0);
  });

  test('who has aborted before gets his reason', async () => {
    await expect(setUp().model.generate(STEP, SCHEMA, { signal: AbortSignal.abort(new Failure('cancelled')) })).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('questions are counted', async () => {
    const { model, will } = setUp();
    await will({ text: JSON.stringify(POEM) });
    const { tokens } = await model.countTokens(STEP, SCHEMA);
    expect(tokens).toBeGreaterThan(0);
    await model.generate(STEP, SCHEMA);
  });
}

export type Fault = 'rate-limited' | 'overloaded' | 'error' | 'cut' | 'closed' | 'silent';
export interface WiredModelUnderTest extends ModelUnderTest {
  fails(fault: Fault, headers?: Record<string, string>): void;
  /** The same service with a key that it does not take. */
  withWrongKey(): LanguageModel;
  /** A model at an address where nobody listens. */
  nowhere(): LanguageModel;
  /** Requests that the service has had, and what it says that its vendor's types do not have. */
  requests(): unknown[];
  violations(): string[];
}

export function wiredModelContract(setUp: () => WiredModelUnderTest): void {
  const failing = async (fault: Fault, headers?: Record<string, string>, options: GenerateOptions = {}) => {
    const under = setUp();
    under.fails(fault, headers);
    return under.model.generate(STEP, SCHEMA, options);
  };

  test('a rate limit is told with the time to wait, and one request is one request', async () => {
    const before = setUp().requests().length;
    await expect(failing('rate-limited', { 'retry-after': '7' })).rejects.toMatchObject({ code: 'model-rate-limited', retryAfterMs: 7_000 });
    await expect(failing('rate-limited', { 'retry-after-ms': '250' })).rejects.toMatchObject({ retryAfterMs: 250 });
    await expect(failing('rate-limited', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() })).rejects.toMatchObject({ retryAfterMs: expect.any(Number) });
    await expect(failing('rate-limited')).rejects.toMatchObject({ retryAfterMs: undefined });
    expect(setUp().requests().length).toBe(before + 4);
  });

  test.each<Fault>(['overloaded', 'error', 'cut', 'closed'])('%s: no answer, and it may be tried again', async (fault) => {
    await expect(failing(fault)).rejects.toMatchObject({ code: 'model-unavailable', retryable: true });
  });

  test('nobody listens', async () => {
    await expect(setUp().nowhere().generate(STEP, SCHEMA)).rejects.toMatchObject({ code: 'model-unavailable' });
  });

  test('a wrong key is not tried again, and is not repeated', async () => {
    const failure = await setUp().withWrongKey().generate(STEP, SCHEMA).then(() => undefined, (error: unknown) => error as Failure);
    expect(failure).toMatchObject({ code: 'model-misconfigured', retryable: false });
    expect(failure?.message).not.toContain('wrong-key');
  });

  test('a setting that the service refuses is told', async () => {
    await expect(setUp().model.generate({ ...STEP, effort: 'sideways' as never }, SCHEMA)).rejects.toMatchObject({ code: 'model-misconfigured' });
  });

  test('who aborts in the middle gets his reason', async () => {
    const stopping = new AbortController();
    const asked = failing('silent', undefined, { signal: stopping.signal });
    setTimeout(() => { stopping.abort(new Failure('cancelled')); }, 50);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('both sides have kept to the vendor’s types', () => {
    expect(setUp().violations()).toEqual([]);
  });
}
