import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallObserver, RecordedCall } from '../calls.js';
import type { ArmedFaults, Fault } from '../faults.js';
import { ApiError, type Answer } from './answers.js';
import { findOperation, judgeAnswer, judgeRequest } from './description.js';
import { serve } from './routes.js';
import type { Token, World } from './world.js';

const LIMIT = 2000;
const MAX_BODY = 100 * 1024 * 1024;
/** The scopes with which a token may do more than read. */
const WRITE_SCOPES = ['api'];
const READ_SCOPES = ['api', 'read_api'];

/** What tests look at and steer beside the API. */
export interface Wire { calls: RecordedCall[]; faults: ArmedFaults; observer: CallObserver | undefined; violations: string[] }

export function startServer(world: World, wire: Wire): Promise<Server> {
  const server = createServer((request, response) => {
    handle(world, wire, request, response).catch((error: unknown) => { wire.violations.push(`${request.method} ${request.url}: ${String(error)}`); response.destroy(); });
  });
  return new Promise((settle, fail) => { server.once('error', fail); server.listen(0, '127.0.0.1', () => settle(server)); });
}

async function handle(world: World, wire: Wire, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://simulator');
  const method = request.method === 'HEAD' ? 'GET' : request.method ?? 'GET';
  const found = findOperation(method, url.pathname);
  const text = await readAll(request);
  const body = text.length === 0 ? undefined : parsed(text);
  const call: RecordedCall = { number: wire.calls.length + 1, operation: found?.operation.id, method, path: `${url.pathname}${url.search}`, body, status: undefined, fault: undefined };
  wire.calls.push(call);
  if (await wire.observer?.arrived?.(call) === 'drop') return void request.socket.destroy();
  const fault = wire.faults.meets(call.operation, call.method, call.path);
  call.fault = fault?.kind;
  if (fault?.kind === 'slow') await sleep(fault.milliseconds);
  if (fault?.kind === 'cut' && !fault.done) return void request.socket.destroy();
  const refused = fault === undefined ? undefined : refusal(fault);
  const answer = refused ?? await answered(world, wire, call, request, url, found);
  await wire.observer?.done?.(call);
  if (fault?.kind === 'cut') return void request.socket.destroy();
  send(response, call, fault?.kind === 'bad-gateway' ? { status: 502, body: Buffer.from('<html>502 Bad Gateway</html>'), type: 'text/html' } : answer, fault?.kind === 'truncated', wire.calls.length);
}

const limited = (seconds: number | undefined): Answer => ({ status: 429, body: Buffer.from('Retry later\n'), type: 'text/plain', headers: { 'ratelimit-remaining': '0', 'ratelimit-observed': String(LIMIT + 1), ...(seconds !== undefined && { 'retry-after': String(seconds), 'ratelimit-reset': String(Math.floor(Date.now() / 1000) + seconds) }) } });

/** What a fault answers in place of the application; undefined when that is still asked. */
function refusal(fault: Fault): Answer | undefined {
  switch (fault.kind) {
    case 'primary-rate-limit': return limited(fault.resetInSeconds);
    case 'secondary-rate-limit': return limited(fault.retryAfterSeconds);
    case 'bad-gateway': return fault.done ? undefined : { status: 502, body: Buffer.from(''), type: 'text/html' };
    case 'server-error': return { status: fault.status, body: { message: `${fault.status} Internal Server Error` } };
    case 'forbidden': return { status: 403, body: { message: '403 Forbidden' } };
    case 'unauthorized': return { status: 401, body: { message: '401 Unauthorized' } };
    default: return undefined;
  }
}

async function answered(world: World, wire: Wire, call: RecordedCall, request: IncomingMessage, url: URL, found: ReturnType<typeof findOperation>): Promise<Answer> {
  if (!found) return violation(wire, call, ['there is no such operation in the description']);
  const { operation, params } = found;
  try {
    const user = authenticate(world, request, call.method);
    const complaints = judgeRequest(operation, params, url.searchParams, call.body);
    if (complaints.length > 0) return violation(wire, call, complaints);
    const answer = await serve({ world, operation, params, query: url.searchParams, body: (call.body ?? {}) as Record<string, unknown>, user: user.user, path: url.pathname });
    return judged(wire, call, operation, answer);
  } catch (error) {
    if (error instanceof ApiError) return judged(wire, call, operation, error.answer());
    return violation(wire, call, [error instanceof Error ? error.stack ?? error.message : String(error)]);
  }
}

function judged(wire: Wire, call: RecordedCall, operation: Parameters<typeof judgeAnswer>[0], answer: Answer): Answer {
  const complaints = judgeAnswer(operation, answer.status, answer.body === undefined ? undefined : answer.type ?? 'application/json', answer.body);
  return complaints.length === 0 ? answer : violation(wire, call, complaints.map((one) => `answer ${answer.status}: ${one}`));
}

function violation(wire: Wire, call: RecordedCall, complaints: string[]): Answer {
  wire.violations.push(...complaints.map((one) => `${call.method} ${call.path}: ${one}`));
  return { status: 500, body: { message: complaints.join('; ') } };
}

function authenticate(world: World, { headers }: IncomingMessage, method: string): Token {
  const given = headers['private-token'] ?? /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const token = typeof given === 'string' ? world.tokens.get(given) : undefined;
  if (!token) throw new ApiError(401, '401 Unauthorized');
  if (token.revoked) throw new RefusedToken(401, { error: 'invalid_token', error_description: 'Token was revoked. You have to re-authorize from the user.' });
  const allowed = method === 'GET' ? READ_SCOPES : WRITE_SCOPES;
  if (!token.scopes.some((scope) => allowed.includes(scope))) throw new RefusedToken(403, { error: 'insufficient_scope', error_description: 'The request requires higher privileges than provided by the access token.', scope: allowed.join(' ') });
  return token;
}

class RefusedToken extends ApiError {
  override answer(): Answer { return { status: this.status, body: this.words }; }
}

function send(response: ServerResponse, call: RecordedCall, answer: Answer, truncated: boolean, observed: number): void {
  const bytes = answer.body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(answer.body) ? answer.body : Buffer.from(JSON.stringify(answer.body));
  call.status = answer.status;
  response.writeHead(answer.status, {
    'ratelimit-limit': String(LIMIT), 'ratelimit-observed': String(observed), 'ratelimit-remaining': String(Math.max(0, LIMIT - observed)), 'ratelimit-reset': String(Math.floor(Date.now() / 1000) + 60), 'x-request-id': `request-${call.number}`,
    ...(answer.body !== undefined && { 'content-type': answer.type ?? 'application/json', 'content-length': String(bytes.length) }), ...answer.headers,
  });
  if (truncated) response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  else response.end(call.method === 'HEAD' ? undefined : bytes);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((length += chunk.length) > MAX_BODY) throw new Error('the body is too large');
  }
  return Buffer.concat(chunks);
}

function parsed(text: Buffer): unknown {
  try { return JSON.parse(text.toString('utf8')); } catch { return text.toString('utf8'); }
}
