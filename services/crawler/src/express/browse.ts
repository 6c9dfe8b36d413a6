import type { PageRequest } from '../framework.js';
import { type Fn, isObject, Undecided, type Value } from '../interpret/values.js';
import type { Piece } from '../templates/output.js';
import { makeRequest, ORIGIN } from './request.js';
import { makeResponse, statusText } from './response.js';
import type { Reply, Server } from './server.js';

const MAX_REDIRECTS = 10;

/** What a browser ends up with: the last answer, and the path it came from. */
export interface Arrival { reply: Exclude<Reply, { kind: 'redirect' }>; path: string }

/** A request and the redirects that follow it. Throws `Undecided`. `from`: the page the browser was on. */
export function browse(server: Server, app: Fn, request: PageRequest, from: string | undefined): Arrival {
  let current = request;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const reply = answer(server, app, current, from);
    if (reply.kind !== 'redirect') return { reply, path: current.path };
    const target = new URL(reply.to, new URL(current.path, ORIGIN));
    if (target.origin !== ORIGIN) throw new Undecided(`the application redirects to ${target.origin}`, reply.at);
    const [, hash] = current.path.split('#');
    current = { method: 'get', path: target.pathname + target.search + (target.hash || (hash ? `#${hash}` : '')) };
  }
  throw new Undecided('the application redirects without end', undefined);
}

function answer(server: Server, app: Fn, request: PageRequest, from: string | undefined): Reply {
  const { machine } = server;
  server.reply = undefined;
  machine.during('event', () => {
    const req = makeRequest(server, app, request, from);
    const res = makeResponse(server, app, req);
    req.put('res', res);
    const attempt = machine.attempt(() => {
      machine.call(app, [req, res, machine.fn('next', ([error]) => { finish(server, res, error); return undefined; })]);
      machine.settle();
    });
    if (!attempt.ok) {
      if (attempt.undecided) throw attempt.undecided;
      throw new Undecided('the server fails outside of a handler', attempt.thrown.at);
    }
  });
  for (const after of server.afterReply.splice(0)) after();
  const { reply } = server;
  if (!reply) throw new Undecided('no handler answers', { file: server.start.entry, line: 1 });
  return reply;
}

/** What Express answers when no handler has: 404, or the error's status. The page shows the stack, which is not known. */
function finish(server: Server, res: Value, error: Value): void {
  const { machine } = server;
  const at = { file: server.start.entry, line: 1 };
  const status = isObject(error) ? machine.get(error, 'status') ?? machine.get(error, 'statusCode') : undefined;
  const code = error === undefined ? 404 : typeof status === 'number' && status >= 400 ? status : 500;
  const pieces: Piece[] = [{ kind: 'html', text: '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Error</title></head><body><pre>', at, advances: false },
    { kind: 'value', words: { undecided: statusText(code) }, raw: false, at }, { kind: 'html', text: '</pre></body></html>', at, advances: false }];
  if (isObject(res)) server.reply ??= { kind: 'page', pieces, status: code, at, route: '*', path: '' };
}

