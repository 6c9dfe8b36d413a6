import { randomUUID } from 'node:crypto';
import { checkOf, pieces, sendJson, startModelService, tokensOf, type Call, type ModelService, type Reply, type WrittenModel } from './model-service.js';
import { PrefixCache } from './prefix-cache.js';

/** As far as this simulator looks into a request that is of the vendor's type. */
interface Request {
  model: string; stream?: boolean; stream_options?: { include_usage?: boolean }; messages: Array<{ role: string; content: string }>;
  response_format?: { type: string; json_schema?: { strict?: boolean; schema: Schema } }; temperature?: number | null; top_p?: number | null; max_tokens?: number | null; seed?: number | null;
}
type Schema = Record<string, unknown>;
const REASONS = /^(?:gpt-[5-9]|o\d)/;

/**
 * A service with OpenAI's chat completions over real HTTP, `/v1/chat/completions`. It refuses what OpenAI refuses: a wrong key (401), a key that the types do not have (400), sampling parameters and `max_tokens`
 * for models that reason, a strict schema that is not strict. Beginnings of questions are cached without being asked, in steps of a message.
 */
export async function startChatApi(model: WrittenModel, options: { key?: string; usage?: boolean } = {}): Promise<ModelService> {
  const check = checkOf('openai');
  const cache = new PrefixCache();
  const { service, reply } = await startModelService(options.key ?? 'sk-test-0000000000000000000000', async (call, { key, violations }) => {
    const say = (member: string, body: unknown) => { const wrong = check(member, body); if (wrong !== undefined) violations.push(`${member}: ${wrong}`); return body; };
    const fail = (status: number, code: string | null, message: string, headers: Record<string, string> = {}) => { sendJson(call, status, say('error', { error: { message, type: status === 429 ? 'requests' : status >= 500 ? 'server_error' : 'invalid_request_error', code, param: null } }), { 'x-request-id': `req_${randomUUID()}`, ...headers }); };
    if (call.request.headers.authorization !== `Bearer ${key}`) { fail(401, 'invalid_api_key', 'Incorrect API key provided'); return; }
    if (call.request.method !== 'POST' || call.path !== '/v1/chat/completions') { fail(404, null, `Invalid URL (${call.request.method} ${call.path})`); return; }
    const wrong = check('createCompletion', call.body) ?? refusalOf(call.body as Request);
    if (wrong !== undefined) { fail(400, 'invalid_request', wrong); return; }
    const request = call.body as Request;
    const [system, ...turns] = request.messages;
    const given = reply(model, { model: request.model, system: system?.content ?? '', turns: turns.map(({ role, content }) => ({ role, text: content })), schema: request.response_format?.json_schema?.schema });
    const texts = [JSON.stringify(request.response_format ?? null), ...request.messages.map(({ content }) => content)];
    const usage = (text: string, thinking: string) => usageOf(cache.account(request.model, texts, texts.map((_, i) => i)), text, thinking);
    await answer(call, request, given, { say, fail, usage, tellsUsage: options.usage ?? true });
  });
  return { ...service, baseUrl: `${service.baseUrl}/v1` };
}

interface Voice {
  say: (member: string, body: unknown) => unknown;
  fail: (status: number, code: string | null, message: string, headers?: Record<string, string>) => void;
  usage: (text: string, thinking: string) => object;
  tellsUsage: boolean;
}

async function answer(call: Call, request: Request, reply: Reply, { say, fail, usage, tellsUsage }: Voice): Promise<void> {
  const { response } = call;
  if ('fault' in reply && reply.fault === 'silent') return;
  if ('fault' in reply && reply.fault === 'rate-limited') { fail(429, 'rate_limit_exceeded', 'Rate limit reached', reply.headers); return; }
  if ('fault' in reply && reply.fault === 'overloaded') { fail(503, null, 'The engine is currently overloaded'); return; }
  const text = reply.text ?? '{"half":';
  const refused = 'stop' in reply && reply.stop === 'refused';
  const base = { id: `chatcmpl-${randomUUID()}`, created: 1_767_225_600, model: request.model };
  const used = usage(text, 'fault' in reply ? '' : reply.thinking ?? 'Let me think.');
  if (!request.stream && !('fault' in reply)) {
    sendJson(call, 200, say('completion', { ...base, object: 'chat.completion', usage: used, choices: [{ index: 0, finish_reason: finishOf(reply), logprobs: null, message: { role: 'assistant', content: refused ? null : text, refusal: refused ? text : null } }] }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': `req_${randomUUID()}` });
  const chunk = (delta: object, more: object = {}) => response.write(`data: ${JSON.stringify(say('chunk', { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: null, logprobs: null }], ...more }))}\n\n`);
  chunk({ role: 'assistant', content: '' });
  for (const piece of pieces(text)) chunk(refused ? { refusal: piece } : { content: piece });
  if ('fault' in reply) {
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    if (reply.fault === 'cut') response.destroy();
    else if (reply.fault === 'error') response.end(`data: ${JSON.stringify({ error: { message: 'The server had an error', type: 'server_error', code: null, param: null } })}\n\n`);
    else response.end();
    return;
  }
  chunk({}, { choices: [{ index: 0, delta: {}, finish_reason: finishOf(reply), logprobs: null }] });
  if (request.stream_options?.include_usage && tellsUsage) chunk({}, { choices: [], usage: used });
  response.end('data: [DONE]\n\n');
}

const finishOf = ({ stop }: { stop?: string }) => (stop === 'truncated' ? 'length' : 'stop');

function usageOf({ read, written, rest }: { read: number; written: number; rest: number }, text: string, thinking: string): object {
  const [prompt_tokens, completion_tokens] = [read + written + rest, tokensOf(text) + tokensOf(thinking)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, prompt_tokens_details: { cached_tokens: read, audio_tokens: 0 }, completion_tokens_details: { reasoning_tokens: tokensOf(thinking) } };
}

function refusalOf({ model, temperature, top_p, max_tokens, response_format }: Request): string | undefined {
  if (REASONS.test(model)) {
    if ((temperature ?? 1) !== 1 || (top_p ?? 1) !== 1) return `Unsupported value: 'temperature' with ${model}`;
    if (max_tokens !== undefined && max_tokens !== null) return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
  }
  const format = response_format?.json_schema;
  return format?.strict ? schemaRefusal(format.schema) : undefined;
}

function schemaRefusal(schema: Schema): string | undefined {
  if ('oneOf' in schema || 'allOf' in schema) return 'response_format: oneOf and allOf are not permitted';
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  if (schema['type'] === 'object' && (schema['additionalProperties'] !== false || Object.keys(properties).some((key) => !(schema['required'] as string[] | undefined)?.includes(key)))) return 'response_format: additionalProperties must be false and every key required';
  return [...Object.values(properties), ...Object.values((schema['$defs'] ?? {}) as Record<string, Schema>), ...((schema['anyOf'] ?? []) as Schema[]), ...(schema['items'] ? [schema['items'] as Schema] : [])].map(schemaRefusal).find((one) => one !== undefined);
}
