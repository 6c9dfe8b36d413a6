import Anthropic, { AnthropicError, APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAnswer } from './answer-schema.js';
import { ModelFailure, NO_USAGE, type Answer, type GenerateOptions, type LanguageModel, type ModelStep, type Price, type Usage, type AnswerSchema } from './model.js';
import { costOf } from './prices.js';
import { failureOfStatus, isBrokenOff } from './status.js';

export interface AnthropicOptions { apiKey: string; baseUrl?: string; model: string; price?: Price; /** How long a batch is left alone between two looks. */ pollMs?: number }

type Params = Anthropic.MessageCreateParamsNonStreaming;
interface Context { client: Anthropic; options: AnthropicOptions }
const PROVIDER = 'anthropic';
const TIMEOUT_MS = 600_000;
const POLL_MS = 30_000;

/**
 * The Messages API. It always streams, since the service refuses long answers otherwise; the schema goes as `output_config.format`, since models refuse a forced tool; blocks are picked by type, since
 * thinking comes first; no sampling parameters, since no model of this API version takes them. The system prompt is the cached prefix: it and the schema are the same for every step of an agent.
 * Nothing is tried again in here: the SDK would not see a stream that breaks off, and one place decides about tries.
 */
export function anthropicModel(options: AnthropicOptions): LanguageModel {
  // Everything that the SDK would look up in the environment or on the disk is said here.
  const client = new Anthropic({ apiKey: options.apiKey, authToken: null, webhookKey: null, baseURL: options.baseUrl ?? 'https://api.anthropic.com', maxRetries: 0, timeout: TIMEOUT_MS, openTelemetry: false, logLevel: 'off' });
  const context = { client, options };
  return {
    provider: PROVIDER, model: options.model, price: options.price,
    generate: (step, schema, generating = {}) => (generating.canWait ? viaBatch(context, step, schema, generating) : viaStream(context, step, schema, generating)),
    countTokens: async (step, schema, signal) => {
      const { model, system, messages, output_config } = paramsOf(step, schema, options.model);
      const { input_tokens: tokens } = await client.messages.countTokens({ model, system, messages, output_config }, { signal }).catch((error: unknown) => { throw failureOf(error, signal); });
      return { tokens, exact: true };
    },
  };
}

function paramsOf({ system, turns, maxOutputTokens, effort }: ModelStep, { json }: AnswerSchema, model: string): Params {
  return {
    model, max_tokens: maxOutputTokens, system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
    messages: turns.map(({ role, text }) => ({ role, content: text })), output_config: { format: { type: 'json_schema', schema: json }, ...(effort && { effort }) },
  };
}

async function viaStream({ client, options }: Context, step: ModelStep, schema: AnswerSchema, { signal, onFirstToken }: GenerateOptions): Promise<Answer> {
  let message: Anthropic.Message | undefined;
  let [text, ended, requestId] = ['', false, undefined as string | undefined];
  try {
    const { data: events, request_id } = await client.messages.create({ ...paramsOf(step, schema, options.model), stream: true }, { signal }).withResponse();
    requestId = request_id ?? undefined;
    for await (const event of events) {
      if (event.type === 'message_start') message = event.message;
      else if (event.type === 'content_block_start') onFirstToken?.();
      else if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
      else if (event.type === 'message_delta' && message) message = { ...message, stop_reason: event.delta.stop_reason, usage: { ...message.usage, ...present(event.usage) } };
      else if (event.type === 'message_stop') ended = true;
    }
  } catch (error) {
    throw failureOf(error, signal, message && usageOf(message.usage, options.price));
  }
  signal?.throwIfAborted();
  // A connection that is closed between two events looks like an end.
  if (!ended || !message) throw new ModelFailure('model-unavailable', `${PROVIDER}: the stream broke off`, { usage: message && usageOf(message.usage, options.price) });
  return answerOf(message, text, schema, options, requestId);
}

async function viaBatch({ client, options }: Context, step: ModelStep, schema: AnswerSchema, { signal, onFirstToken }: GenerateOptions): Promise<Answer> {
  let id: string | undefined;
  try {
    let batch = await client.messages.batches.create({ requests: [{ custom_id: 'step', params: paramsOf(step, schema, options.model) }] }, { signal });
    id = batch.id;
    while (batch.processing_status !== 'ended') {
      await sleep(options.pollMs ?? POLL_MS, undefined, { signal });
      batch = await client.messages.batches.retrieve(batch.id, {}, { signal });
    }
    for await (const { result } of await client.messages.batches.results(batch.id, {}, { signal })) {
      if (result.type === 'errored') throw failureOfStatus(PROVIDER, statusOf(result.error.error.type), result.error.error.message);
      if (result.type !== 'succeeded') throw new ModelFailure('model-unavailable', `${PROVIDER}: the batch has ${result.type}`);
      onFirstToken?.();
      return answerOf(result.message, result.message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''), schema, options, undefined, true);
    }
    throw new ModelFailure('model-unavailable', `${PROVIDER}: the batch has no result`);
  } catch (error) {
    // Nobody waits for it any more, and it would be paid for.
    if (signal?.aborted && id !== undefined) await client.messages.batches.cancel(id).catch(() => undefined);
    throw error instanceof ModelFailure ? error : failureOf(error, signal);
  }
}

function answerOf({ id, model, stop_reason, usage: used }: Anthropic.Message, text: string, schema: AnswerSchema, { price }: AnthropicOptions, request?: string, waited = false): Answer {
  const base = { text, usage: usageOf(used, price, waited), ids: { provider: PROVIDER, model, message: id, request } };
  switch (stop_reason) {
    case 'end_turn': case 'stop_sequence': return { ...base, ...readAnswer(text, schema) };
    case 'max_tokens': case 'model_context_window_exceeded': return { ...base, stop: 'truncated' };
    case 'refusal': return { ...base, stop: 'refused' };
    case 'tool_use': case 'pause_turn': case null: return { ...base, stop: 'invalid', problem: 'The answer has no end.' };
  }
}

function usageOf(used: Anthropic.Usage, price: Price | undefined, waited = false): Usage {
  const usage = {
    inputTokens: used.input_tokens, cacheReadTokens: used.cache_read_input_tokens ?? 0, cacheWriteTokens: used.cache_creation_input_tokens ?? 0,
    outputTokens: used.output_tokens, reasoningTokens: used.output_tokens_details?.thinking_tokens ?? 0,
  };
  return { ...usage, costUsd: costOf(usage, price, waited) };
}

/** The last event of a stream repeats only some of the figures; `null` there does not undo one. */
const present = (usage: Anthropic.MessageDeltaUsage) => Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null)) as Partial<Anthropic.Usage>;

function failureOf(error: unknown, signal?: AbortSignal, usage: Usage = NO_USAGE): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof APIConnectionError) return new ModelFailure('model-unavailable', `${PROVIDER}: ${connectionProblem(error)}`, { usage, cause: error });
  // An error inside a stream comes without a status, after the 200.
  if (error instanceof APIError) return failureOfStatus(PROVIDER, error.status ?? statusOf(error.type), error.apiMessage ?? '', { headers: error.headers, usage, cause: error });
  return error instanceof AnthropicError || isBrokenOff(error) ? new ModelFailure('model-unavailable', `${PROVIDER}: the stream broke off`, { usage, cause: error }) : error;
}
const connectionProblem = (error: Error) => (error instanceof APIConnectionTimeoutError ? 'no answer in time' : 'the connection failed');

function statusOf(type: string | null | undefined): number {
  switch (type) {
    case 'rate_limit_error': return 429;
    case 'invalid_request_error': return 400;
    case 'authentication_error': return 401;
    case 'permission_error': return 403;
    case 'not_found_error': return 404;
    default: return 529;
  }
}
