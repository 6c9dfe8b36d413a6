import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError, OpenAIError } from 'openai';
import { readAnswer } from './answer-schema.js';
import { ModelFailure, NO_USAGE, type Answer, type LanguageModel, type ModelStep, type Price, type Usage, type AnswerSchema } from './model.js';
import { costOf } from './prices.js';
import { failureOfStatus, isBrokenOff } from './status.js';

/** `baseUrl` with the version in its path, as vLLM, Ollama and others give it: `http://127.0.0.1:11434/v1`. `temperature` is left out for models that refuse one. */
export interface OpenAiOptions { baseUrl: string; apiKey?: string; model: string; price?: Price; temperature?: number }

type Params = OpenAI.ChatCompletionCreateParamsStreaming;
const PROVIDER = 'openai';
const TIMEOUT_MS = 600_000;
/** The seed of every request to a model that takes one. */
const SEED = 1;
/** OpenAI's models that reason: they take an effort, and answer 400 to sampling parameters and to `max_tokens`. */
const REASONS = /^(?:gpt-[5-9]|o\d)/;
/** JSON is denser in tokens than prose. */
const BYTES_PER_TOKEN = 2;

/** Any service with OpenAI's chat completions: the schema goes as `response_format`, and it streams, so that a long answer is not taken for a dead connection. */
export function openAiModel(options: OpenAiOptions): LanguageModel {
  const { baseUrl, apiKey, model, price } = options;
  // A local server wants no key, the client wants one. What it would look up in the environment is said here.
  const client = new OpenAI({ baseURL: baseUrl, apiKey: apiKey ?? 'none', organization: null, project: null, webhookSecret: null, maxRetries: 0, timeout: TIMEOUT_MS, logLevel: 'off' });
  return {
    provider: PROVIDER, model, price,
    generate: async (step, schema, { signal, onFirstToken } = {}) => {
      const seen: Seen = { text: '', refusal: false };
      let requestId: string | undefined;
      try {
        const { data: chunks, request_id } = await client.chat.completions.create(paramsOf(step, schema, options), { signal }).withResponse();
        requestId = request_id ?? undefined;
        for await (const chunk of chunks) take(chunk, seen, onFirstToken);
      } catch (error) {
        throw failureOf(error, signal, seen.usage && usageOf(seen.usage, price));
      }
      signal?.throwIfAborted();
      if (seen.finish === undefined) throw new ModelFailure('model-unavailable', `${PROVIDER}: the stream broke off`);
      const usage = seen.usage ? usageOf(seen.usage, price) : guessed(step, schema, seen.text, price);
      return { ...ending(seen, schema), usage, ids: { provider: PROVIDER, model: seen.model ?? model, message: seen.id, request: requestId } };
    },
    // Not one of these services has a way to count that the others have too.
    countTokens: async (step, schema) => ({ tokens: guess(JSON.stringify([step.system, step.turns, schema.json])), exact: false }),
  };
}

function paramsOf({ system, turns, maxOutputTokens, effort }: ModelStep, { name, json }: AnswerSchema, { model, temperature }: OpenAiOptions): Params {
  return {
    model, messages: [{ role: 'system', content: system }, ...turns.map(({ role, text }) => ({ role, content: text }))],
    response_format: { type: 'json_schema', json_schema: { name, strict: true, schema: json } }, stream: true, stream_options: { include_usage: true },
    ...(REASONS.test(model) ? { max_completion_tokens: maxOutputTokens, ...(effort && { reasoning_effort: effort }) } : { max_tokens: maxOutputTokens, seed: SEED, ...(temperature !== undefined && { temperature }) }),
  };
}

interface Seen { text: string; refusal: boolean; finish?: NonNullable<OpenAI.ChatCompletionChunk.Choice['finish_reason']>; usage?: OpenAI.CompletionUsage; id?: string; model?: string }

function take({ id, model, usage, choices: [choice] }: OpenAI.ChatCompletionChunk, seen: Seen, onFirstToken?: () => void): void {
  Object.assign(seen, { id, model }, usage && { usage });
  if (!choice) return;
  if (seen.text === '' && choice.delta.content) onFirstToken?.();
  seen.text += choice.delta.content ?? '';
  if (choice.delta.refusal) seen.refusal = true;
  if (choice.finish_reason) seen.finish = choice.finish_reason;
}

function ending({ text, refusal, finish }: Seen, schema: AnswerSchema): Pick<Answer, 'stop' | 'json' | 'problem' | 'text'> {
  if (refusal || finish === 'content_filter') return { stop: 'refused', text };
  if (finish === 'length') return { stop: 'truncated', text };
  return finish === 'stop' ? readAnswer(text, schema) : { stop: 'invalid', problem: 'The answer has no end.', text };
}

function usageOf(used: OpenAI.CompletionUsage, price: Price | undefined): Usage {
  const [cacheReadTokens, cacheWriteTokens] = [used.prompt_tokens_details?.cached_tokens ?? 0, used.prompt_tokens_details?.cache_write_tokens ?? 0];
  const usage = {
    inputTokens: Math.max(0, used.prompt_tokens - cacheReadTokens - cacheWriteTokens), cacheReadTokens, cacheWriteTokens,
    outputTokens: used.completion_tokens, reasoningTokens: used.completion_tokens_details?.reasoning_tokens ?? 0,
  };
  return { ...usage, costUsd: costOf(usage, price) };
}

/** For a server that does not tell. */
function guessed({ system, turns }: ModelStep, { json }: AnswerSchema, text: string, price: Price | undefined): Usage {
  const usage = { ...NO_USAGE, inputTokens: guess(JSON.stringify([system, turns, json])), outputTokens: guess(text) };
  return { ...usage, costUsd: costOf(usage, price) };
}
const guess = (words: string) => Math.ceil(Buffer.byteLength(words) / BYTES_PER_TOKEN);

function failureOf(error: unknown, signal?: AbortSignal, usage: Usage = NO_USAGE): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof APIConnectionError) return new ModelFailure('model-unavailable', `${PROVIDER}: ${error instanceof APIConnectionTimeoutError ? 'no answer in time' : 'the connection failed'}`, { usage, cause: error });
  // An error inside a stream comes without a status, after the 200.
  if (error instanceof APIError) return failureOfStatus(PROVIDER, error.status ?? (error.code === 'rate_limit_exceeded' ? 429 : 500), error.message, { headers: error.headers, usage, cause: error });
  return error instanceof OpenAIError || isBrokenOff(error) ? new ModelFailure('model-unavailable', `${PROVIDER}: the stream broke off`, { usage, cause: error }) : error;
}
