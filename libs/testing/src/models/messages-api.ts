import { randomUUID } from 'node:crypto';
import { checkOf, pieces, sendJson, startModelService, tokensOf, type Call, type ModelService, type Reply, type WrittenModel } from './model-service.js';
import { PrefixCache } from './prefix-cache.js';

/** As far as this simulator looks into a request that is of the vendor's type. */
interface Request {
  model: string; max_tokens: number; stream?: boolean; system?: string | TextBlock[]; messages: Array<{ role: string; content: string | TextBlock[] }>;
  output_config?: { format?: { schema: Schema } | null }; thinking?: { type: string }; tool_choice?: { type: string };
}
interface TextBlock { type: string; text: string; cache_control?: object | null }
type Schema = Record<string, unknown>;

const blocks = (content: string | TextBlock[] = []): TextBlock[] => (typeof content === 'string' ? [{ type: 'text', text: content }] : content);
const words = (content: string | TextBlock[] | undefined) => blocks(content).map(({ text }) => text).join('\n');
/** Models of 5.5 think without being asked. */
const THOUGHT = 'Let me think.';
const REFUSED_KEYWORDS = ['oneOf', 'allOf', 'not', 'minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'maxItems', 'uniqueItems'];

/**
 * Anthropic's Messages API over real HTTP: `/v1/messages` (a stream, or one answer), `/v1/messages/count_tokens`, `/v1/messages/batches`. It refuses what the service refuses: a wrong key (401), a key that
 * the types do not have such as `temperature` (400), a schema beyond strict mode, a forced tool, thinking that is switched off or an assistant's last word on models of 5.5. Thinking comes before the answer.
 */
export async function startMessagesApi(model: WrittenModel, options: { key?: string; now?: () => number; batchLooks?: number } = {}): Promise<ModelService> {
  const check = checkOf('anthropic');
  const cache = new PrefixCache(options.now);
  const batches = new Map<string, { params: Request; customId: string; looks: number; canceled: boolean }>();
  const usage = (request: Request, output: string, thinking: string) => usageOf(cache.account(request.model, ...prefixOf(request)), output, thinking);

  const { service, reply } = await startModelService(options.key ?? 'sk-ant-test-0000000000000000', async (call, { baseUrl, key, violations }) => {
    const say = (member: string, body: unknown) => { const wrong = check(member, body); if (wrong !== undefined) violations.push(`${member}: ${wrong}`); return body; };
    const fail = (status: number, type: string, message: string, headers: Record<string, string> = {}) => { sendJson(call, status, say('error', { type: 'error', error: { type, message }, request_id: `req_${randomUUID()}` }), { 'request-id': `req_${randomUUID()}`, ...headers }); };
    const given = call.request.headers.authorization?.replace(/^Bearer /, '') ?? call.request.headers['x-api-key'];
    if (given !== key) { fail(401, 'authentication_error', 'invalid authentication credentials'); return; }

    const route = `${call.request.method} ${call.path.replace(/msgbatch_[\w-]+/, ':id')}`;
    const id = /msgbatch_[\w-]+/.exec(call.path)?.[0] ?? '';
    const batch = batches.get(id);
    if (route === 'POST /v1/messages') {
      const wrong = check('createMessage', call.body) ?? refusalOf(call.body as Request);
      if (wrong !== undefined) { fail(400, 'invalid_request_error', wrong); return; }
      const request = call.body as Request;
      await answer(call, request, asked(request), { say, fail, usage });
    } else if (route === 'POST /v1/messages/count_tokens') {
      const wrong = check('countTokens', call.body);
      if (wrong !== undefined) { fail(400, 'invalid_request_error', wrong); return; }
      sendJson(call, 200, say('tokensCount', { input_tokens: tokensOf(...prefixOf(call.body as Request)[0]) }));
    } else if (route === 'POST /v1/messages/batches') {
      const wrong = check('createBatch', call.body);
      if (wrong !== undefined) { fail(400, 'invalid_request_error', wrong); return; }
      const [one] = (call.body as { requests: Array<{ custom_id: string; params: Request }> }).requests;
      if (!one) { fail(400, 'invalid_request_error', 'requests: at least one'); return; }
      const made = `msgbatch_${randomUUID()}`;
      batches.set(made, { params: one.params, customId: one.custom_id, looks: options.batchLooks ?? 1, canceled: false });
      sendJson(call, 200, say('batch', batchOf(made, 'in_progress', baseUrl)));
    } else if (!batch) {
      fail(404, 'not_found_error', call.path);
    } else if (route === 'GET /v1/messages/batches/:id') {
      batch.looks -= 1;
      sendJson(call, 200, say('batch', batchOf(id, batch.looks < 0 ? 'ended' : 'in_progress', baseUrl)));
    } else if (route === 'POST /v1/messages/batches/:id/cancel') {
      batch.canceled = true;
      sendJson(call, 200, say('batch', batchOf(id, 'canceling', baseUrl)));
    } else if (route === 'GET /v1/messages/batches/:id/results') {
      const refusal = refusalOf(batch.params);
      const given = asked(batch.params);
      const result = batch.canceled ? { type: 'canceled' } : refusal !== undefined ? { type: 'errored', error: { type: 'error', error: { type: 'invalid_request_error', message: refusal }, request_id: null } }
        : 'fault' in given ? { type: 'expired' } : { type: 'succeeded', message: say('message', messageOf(batch.params, given, { ...usage(batch.params, given.text, given.thinking ?? THOUGHT), service_tier: 'batch' })) };
      call.response.writeHead(200, { 'content-type': 'application/x-jsonl' }).end(`${JSON.stringify(say('batchLine', { custom_id: batch.customId, result }))}\n`);
    } else {
      fail(404, 'not_found_error', call.path);
    }
  });
  const asked = (request: Request) => reply(model, { model: request.model, system: words(request.system), turns: request.messages.map(({ role, content }) => ({ role, text: words(content) })), schema: request.output_config?.format?.schema });
  return service;
}

interface Voice {
  say: (member: string, body: unknown) => unknown;
  fail: (status: number, type: string, message: string, headers?: Record<string, string>) => void;
  usage: (request: Request, output: string, thinking: string) => Record<string, unknown>;
}

async function answer(call: Call, request: Request, reply: Reply, { say, fail, usage }: Voice): Promise<void> {
  const { response } = call;
  if ('fault' in reply && reply.fault === 'silent') return;
  if ('fault' in reply && reply.fault === 'rate-limited') { fail(429, 'rate_limit_error', 'over the limit', reply.headers); return; }
  if ('fault' in reply && reply.fault === 'overloaded') { fail(529, 'overloaded_error', 'Overloaded'); return; }
  const text = reply.text ?? '{"half":';
  const thinking = 'fault' in reply ? 'Hm.' : reply.thinking ?? THOUGHT;
  const used = usage(request, text, thinking);
  if (!request.stream && !('fault' in reply)) { sendJson(call, 200, say('message', messageOf(request, reply, used)), { 'request-id': `req_${randomUUID()}` }); return; }

  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': `req_${randomUUID()}` });
  const event = (data: { type: string }) => response.write(`event: ${data.type}\ndata: ${JSON.stringify(data.type === 'ping' || data.type === 'error' ? data : say('streamEvent', data))}\n\n`);
  const block = (index: number, content_block: object, deltas: object[]) => {
    event({ type: 'content_block_start', index, content_block } as { type: string });
    for (const delta of deltas) event({ type: 'content_block_delta', index, delta } as { type: string });
  };
  event({ type: 'message_start', message: { ...messageOf(request, { text: '' }, { ...used, output_tokens: 1 }), content: [], stop_reason: null } } as { type: string });
  event({ type: 'ping' });
  block(0, { type: 'thinking', thinking: '', signature: '' }, [{ type: 'thinking_delta', thinking }, { type: 'signature_delta', signature: 'c2lnbmF0dXJl' }]);
  event({ type: 'content_block_stop', index: 0 } as { type: string });
  block(1, { type: 'text', text: '', citations: null }, pieces(text).map((piece) => ({ type: 'text_delta', text: piece })));
  if ('fault' in reply) {
    // What was written before has to have left: the client is in the middle of it then.
    await new Promise((resolve) => { response.write(': \n\n', resolve); });
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    if (reply.fault === 'cut') response.destroy();
    else if (reply.fault === 'error') { event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } } as { type: string }); response.end(); } else response.end();
    return;
  }
  event({ type: 'content_block_stop', index: 1 } as { type: string });
  const { cache_creation_input_tokens, cache_read_input_tokens, input_tokens, output_tokens, output_tokens_details, server_tool_use } = used;
  event({ type: 'message_delta', delta: { stop_reason: stopOf(reply), stop_sequence: null, stop_details: null, container: null }, usage: { cache_creation_input_tokens, cache_read_input_tokens, input_tokens, output_tokens, output_tokens_details, server_tool_use } } as { type: string });
  event({ type: 'message_stop' });
  response.end();
}

const stopOf = ({ stop }: Extract<Reply, { text: string; stop?: string }>) => (stop === 'truncated' ? 'max_tokens' : stop === 'refused' ? 'refusal' : 'end_turn');

function messageOf({ model }: Request, reply: { text: string; thinking?: string; stop?: 'complete' | 'truncated' | 'refused' }, usage: Record<string, unknown>): Record<string, unknown> {
  return {
    id: `msg_${randomUUID()}`, type: 'message', role: 'assistant', model, container: null, diagnostics: null, stop_reason: stopOf(reply), stop_sequence: null, stop_details: null, usage,
    content: [{ type: 'thinking', thinking: reply.thinking ?? THOUGHT, signature: 'c2lnbmF0dXJl' }, { type: 'text', text: reply.text, citations: null }],
  };
}

function usageOf({ read, written, rest }: { read: number; written: number; rest: number }, output: string, thinking: string): Record<string, unknown> {
  return {
    input_tokens: rest, cache_read_input_tokens: read, cache_creation_input_tokens: written, cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens: tokensOf(output) + tokensOf(thinking), output_tokens_details: { thinking_tokens: tokensOf(thinking) }, server_tool_use: null, service_tier: 'standard', speed: 'standard', inference_geo: null,
  };
}

/** In the order in which the service reads: what shapes the answer, the system prompt, the turns; and after which of them the client has put its marks. */
function prefixOf({ output_config, system, messages }: Request): [blocks: string[], marks: number[]] {
  const all = [{ type: 'text', text: JSON.stringify(output_config?.format ?? null) }, ...blocks(system), ...messages.flatMap(({ content }) => blocks(content))];
  return [all.map(({ text }) => text), all.flatMap((block, i) => ('cache_control' in block && block.cache_control ? [i] : []))];
}

/** What is of the right type and refused all the same. */
function refusalOf({ model, max_tokens, messages, thinking, tool_choice, output_config }: Request): string | undefined {
  if (max_tokens < 1) return 'max_tokens: at least 1';
  const newest = /-5-5(-\d{8})?$/.test(model);
  if (newest && thinking && ['disabled', 'enabled'].includes(thinking.type)) return `thinking: ${thinking.type} is not supported by ${model}`;
  if (newest && tool_choice && ['any', 'tool'].includes(tool_choice.type)) return `tool_choice: ${tool_choice.type} is not supported by ${model}`;
  if (newest && messages.at(-1)?.role === 'assistant') return 'messages: the last one may not be the assistant’s';
  const schema = output_config?.format?.schema;
  return schema && schemaRefusal(schema);
}

function schemaRefusal(schema: Schema): string | undefined {
  const keyword = REFUSED_KEYWORDS.find((one) => one in schema);
  if (keyword !== undefined) return `output_config.format.schema: ${keyword} is not supported`;
  if (schema['type'] === 'object' && schema['additionalProperties'] !== false) return 'output_config.format.schema: additionalProperties must be false';
  const inner = [...Object.values((schema['properties'] ?? {}) as Record<string, Schema>), ...Object.values((schema['$defs'] ?? {}) as Record<string, Schema>), ...((schema['anyOf'] ?? []) as Schema[]), ...(schema['items'] ? [schema['items'] as Schema] : [])];
  return inner.map(schemaRefusal).find((one) => one !== undefined);
}

function batchOf(id: string, status: 'in_progress' | 'canceling' | 'ended', origin: string): Record<string, unknown> {
  const ended = status === 'ended';
  return {
    id, type: 'message_batch', processing_status: status, request_counts: { processing: ended ? 0 : 1, succeeded: ended ? 1 : 0, errored: 0, canceled: 0, expired: 0 }, created_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z',
    ended_at: ended ? '2026-01-01T00:01:00Z' : null, archived_at: null, cancel_initiated_at: status === 'canceling' ? '2026-01-01T00:00:30Z' : null, results_url: ended ? `${origin}/v1/messages/batches/${id}/results` : null,
  };
}
