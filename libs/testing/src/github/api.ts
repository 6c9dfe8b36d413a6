import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { actorOf, HOURLY_LIMIT, limitKey, limitOf } from './access.js';
import { description } from './description.js';
import { ApiError, badGateway, type Actor, type Answer } from './request.js';
import type { CallObserver, RecordedCall } from '../calls.js';
import type { ArmedFaults, Fault } from '../faults.js';
import type { Route } from './route.js';
import type { World } from './world.js';

const MAX_BODY = 50 * 1024 * 1024;

export interface Api {
  world: World; routes: Record<string, Route>; faults: ArmedFaults; calls: RecordedCall[]; violations: string[];
  observer(): CallObserver | undefined;
}

/**
 * One request to the REST API: recorded, shown to the observer, held against the description, carried out, its answer held against the description, and answered, unless a fault wants it otherwise.
 * A violation is answered with 500; what the request asked for is not done when the request itself is wrong.
 */
export async function serveApi(api: Api, request: IncomingMessage, response: ServerResponse, url: URL, path: string): Promise<void> {
  const method = request.method ?? 'GET';
  const bytes = await bodyOf(request);
  const renamed = /^\/repositories\/(\d+)(\/.*)?$/.exec(path);
  const moved = renamed === null ? undefined : api.world.repositories.find((one) => one.id === Number(renamed[1]) && !one.deleted);
  const at = moved === undefined ? path : `/repos/${moved.owner}/${moved.name}${renamed?.[2] ?? ''}`;
  const match = description().find(method === 'HEAD' ? 'GET' : method, at);
  const call: RecordedCall = { number: api.calls.length + 1, operation: match?.operation.id, method, path: decoded(path), body: undefined, status: undefined, fault: undefined };
  api.calls.push(call);
  if (await api.observer()?.arrived?.(call) === 'drop') { request.socket.destroy(); return; }

  const fault = api.faults.meets(call.operation, method, call.path);
  call.fault = fault?.kind;
  if (fault !== undefined && await early(fault, response, call)) return;

  let answer: Answer;
  let actor: Actor = { kind: 'anonymous' };
  try {
    actor = actorOf(api.world, fault?.kind === 'unauthorized' ? 'Bearer revoked' : request.headers.authorization);
    if (fault?.kind === 'forbidden') throw new ApiError(403, 'Resource not accessible by integration');
    if (match === undefined) throw violated(api, call, ['GitHub has no such operation, or the simulator does not know it'], 501);
    if (bytes === undefined) throw new ApiError(413, 'Payload too large');
    call.body = parsed(bytes);
    const complaints = description().request(match.operation, match.params, url.searchParams, call.body);
    if (complaints.length > 0) throw violated(api, call, complaints.map((one) => `request: ${one}`), 500);
    const route = api.routes[match.operation.id] as Route;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    answer = await route({ world: api.world, operation: match.operation, params: match.params, query: url.searchParams, body: call.body, headers, actor, path });
  } catch (error) {
    answer = error instanceof ApiError ? error.answer() : violated(api, call, [`the simulator broke: ${error instanceof Error ? error.stack ?? error.message : String(error)}`], 500).answer();
  }
  // What is sent is what is judged.
  if (answer.type === undefined && answer.body !== undefined) answer.body = JSON.parse(JSON.stringify(answer.body));
  const wrong = match === undefined || answer.status >= 500 ? [] : description().answer(match.operation, answer.status, answer.body === undefined ? undefined : answer.type ?? 'application/json', answer.body);
  if (wrong.length > 0) answer = violated(api, call, wrong.map((one) => `answer ${answer.status}: ${one}`), 500).answer();

  await api.observer()?.done?.(call);
  if (fault !== undefined && await late(fault, response, call, answer)) return;
  call.status = answer.status;
  send(response, answer, rateHeaders(api.world, actor));
}

function violated(api: Api, call: RecordedCall, complaints: string[], status: number): ApiError {
  api.violations.push(...complaints.map((complaint) => `${call.method} ${call.path}${call.operation === undefined ? '' : ` (${call.operation})`}: ${complaint}`));
  return new ApiError(status, `Not as GitHub's description says: ${complaints.join('; ')}`, complaints);
}

/** Clients escape the slashes of refs or do not; for people they read the same. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** undefined: more than is taken. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= MAX_BODY) chunks.push(chunk as Buffer);
  }
  return size > MAX_BODY ? undefined : Buffer.concat(chunks);
}

function parsed(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new ApiError(400, 'Problems parsing JSON');
  }
}

/** Faults that come before anything is done; true when the request is answered by that. */
async function early(fault: Fault, response: ServerResponse, call: RecordedCall): Promise<boolean> {
  if (fault.kind === 'slow') await sleep(fault.milliseconds);
  if (fault.kind === 'cut' && !fault.done) { response.destroy(); return true; }
  const answer = refusal(fault);
  if (answer === undefined) return false;
  call.status = answer.status;
  send(response, answer, {});
  return true;
}

function refusal(fault: Fault): Answer | undefined {
  switch (fault.kind) {
    case 'primary-rate-limit':
      return new ApiError(403, 'API rate limit exceeded for installation. If you reach out to GitHub Support for help, please include the request ID.', undefined, {
        'x-ratelimit-limit': String(HOURLY_LIMIT), 'x-ratelimit-remaining': '0', 'x-ratelimit-used': String(HOURLY_LIMIT), 'x-ratelimit-resource': 'core', 'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + fault.resetInSeconds),
      }).answer();
    case 'secondary-rate-limit':
      return new ApiError(fault.status ?? 403, 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.', undefined, fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) }).answer();
    case 'bad-gateway': return fault.done ? undefined : badGateway;
    case 'server-error': return new ApiError(fault.status, fault.status === 503 ? 'Service unavailable' : 'Server Error').answer();
    case 'slow': case 'truncated': case 'cut': case 'forbidden': case 'unauthorized': return undefined;
  }
}

/** Faults that come when everything is done. */
async function late(fault: Fault, response: ServerResponse, call: RecordedCall, answer: Answer): Promise<boolean> {
  if (fault.kind === 'cut') { response.destroy(); return true; }
  if (fault.kind === 'bad-gateway') {
    call.status = 502;
    send(response, badGateway, {});
    return true;
  }
  if (fault.kind !== 'truncated') return false;
  const body = bytesOf(answer);
  response.writeHead(answer.status, { 'content-type': answer.type ?? 'application/json; charset=utf-8', 'content-length': body.length });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
  return true;
}

function rateHeaders(world: World, actor: Actor): Record<string, string> {
  const key = limitKey(actor);
  const used = (world.requests.get(key) ?? 0) + 1;
  world.requests.set(key, used);
  const { limit, remaining, reset } = limitOf(world, actor);
  return { 'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-used': String(used), 'x-ratelimit-resource': 'core', 'x-ratelimit-reset': String(reset) };
}

function bytesOf(answer: Answer): Buffer {
  return answer.body === undefined ? Buffer.alloc(0) : answer.type === undefined ? Buffer.from(JSON.stringify(answer.body)) : answer.body as Buffer;
}

function send(response: ServerResponse, answer: Answer, more: Record<string, string>): void {
  const body = bytesOf(answer);
  const type: Record<string, string> = answer.body === undefined ? {} : { 'content-type': answer.type ?? 'application/json; charset=utf-8' };
  response.writeHead(answer.status, { ...type, 'content-length': body.length, 'x-github-request-id': `SIM:${Date.now().toString(16)}`, 'x-github-media-type': 'github.v3; format=json', 'x-github-api-version-selected': '2022-11-28', ...more, ...answer.headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
