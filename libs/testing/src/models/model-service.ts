import { Ajv, type ValidateFunction } from 'ajv';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** What both simulators of model services are made of: a real HTTP server that checks everything it hears and says against the vendor's types, and a model behind it that a spec has written. */

/** What a model is asked, whatever the wire. */
export interface Asked { model: string; system: string; turns: Array<{ role: string; text: string }>; schema: unknown }

/** An answer (text, which should be JSON), or what goes wrong instead: on the way (`fault`), or in the answer. */
export type Reply =
  | { text: string; thinking?: string; stop?: 'complete' | 'truncated' | 'refused' }
  /** `cut`: the socket breaks in the middle. `closed`: the stream ends well, in the middle. `error`: the service says inside the stream that something went wrong. `silent`: nothing ever comes. */
  | { fault: 'rate-limited'; headers?: Record<string, string> } | { fault: 'overloaded' | 'error' | 'cut' | 'closed' | 'silent'; text?: string };

export interface Exchange { method: string; path: string; headers: IncomingMessage['headers']; body: unknown; status: number }

export interface ModelService {
  baseUrl: string;
  /** The key that it takes. */
  key: string;
  /** What came in, in order. */
  exchanges: Exchange[];
  /** What the service itself has said that the vendor's types do not allow; a defect of the simulator. */
  violations: string[];
  /** The next requests get these, one each; then `model` is asked again. */
  next(...replies: Reply[]): void;
  close(): Promise<void>;
}

/** The answers of the model behind the service. */
export type WrittenModel = (asked: Asked) => Reply;

export interface Call { request: IncomingMessage; response: ServerResponse; path: string; body: unknown; exchange: Exchange }

/** Checks a value against one member of the vendor's `Wire`; answers with what is wrong. */
export type Check = (member: string, value: unknown) => string | undefined;

export function checkOf(vendor: 'anthropic' | 'openai'): Check {
  // The build does not copy it: from there it is found among the sources.
  const file = fileURLToPath(new URL(`./${vendor}.schema.json`, import.meta.url)).replace(/[/\\]dist(?=[/\\]libs[/\\])/, '');
  const ajv = new Ajv({ strict: false, allErrors: false, verbose: false });
  ajv.addSchema(JSON.parse(readFileSync(file, 'utf8')) as object, 'wire');
  const compiled = new Map<string, ValidateFunction>();
  return (member, value) => {
    const validate = compiled.get(member) ?? ajv.compile({ $ref: `wire#/definitions/Wire/properties/${member}` });
    compiled.set(member, validate);
    if (validate(value)) return undefined;
    const [error] = [...validate.errors ?? []].sort((a, b) => b.instancePath.length - a.instancePath.length);
    return `${error?.instancePath.slice(1).replaceAll('/', '.') || member}: ${error?.message ?? ''}${error?.keyword === 'additionalProperties' ? ` (${String(error.params['additionalProperty'])})` : ''}`;
  };
}

/** Starts the server; `handle` answers one request and may throw: that is a defect, and answered with 500. */
export async function startModelService(key: string, handle: (call: Call, service: ModelService) => Promise<void>): Promise<{ service: ModelService; reply: (model: WrittenModel, asked: Asked) => Reply }> {
  const queue: Reply[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url ?? '/', 'http://models').pathname;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const exchange: Exchange = { method: request.method ?? '', path, headers: request.headers, body, status: 0 };
      service.exchanges.push(exchange);
      response.on('close', () => { exchange.status = response.statusCode; });
      await handle({ request, response, path, body, exchange }, service);
    })().catch((error: unknown) => {
      service.violations.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const service: ModelService = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key, exchanges: [], violations: [],
    next: (...replies) => { queue.push(...replies); },
    close: () => new Promise((resolve) => { server.close(() => { resolve(); }); server.closeAllConnections(); }),
  };
  return { service, reply: (model, asked) => queue.shift() ?? model(asked) };
}

export function sendJson({ response }: Call, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** The text in pieces, as a model writes it. */
export function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,40}/g) ?? [];
}

/** Four bytes are a token here: as good as any other, and the same everywhere. */
export const tokensOf = (...texts: string[]): number => Math.ceil(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 4);
