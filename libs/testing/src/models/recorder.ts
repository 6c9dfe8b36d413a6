import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { redact } from '#llm';

export interface ModelRecorder { baseUrl: string; close(): Promise<void> }

/** Of an answer's headers these are kept: the others name accounts and machines. */
const KEPT = ['content-type', 'retry-after', 'retry-after-ms'];

/**
 * Stands before a real model service. What it has recorded in `folder` it plays, byte for byte; with a key it asks the service for the rest and records that, credentials taken out; without one it answers 501 and names the
 * file that is missing. Clients send any key: the real one is put in here, and stands in no file.
 */
export async function startModelRecorder({ folder, upstream, key }: { folder: string; upstream: string; key?: string }): Promise<ModelRecorder> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString('utf8');
      const file = join(folder, `${createHash('sha256').update(`${request.method} ${request.url}\n${redact(body)}`).digest('hex')}.json`);
      const recorded = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return undefined; throw error; });
      if (recorded === undefined && key === undefined) { response.writeHead(501, { 'content-type': 'text/plain' }).end(`not recorded: ${file}`); return; }
      const { status, headers, text } = recorded === undefined ? await ask(request.method ?? 'GET', `${upstream}${request.url}`, request.headers, body, key ?? '') : JSON.parse(recorded) as Recorded;
      if (recorded === undefined) {
        await mkdir(folder, { recursive: true });
        await writeFile(file, `${JSON.stringify({ request: `${request.method} ${request.url}`, status, headers, text: redact(text, [key ?? '']) }, null, 2)}\n`);
      }
      response.writeHead(status, headers).end(text);
    })().catch((error: unknown) => { response.writeHead(502).end(String(error)); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => new Promise((resolve) => { server.close(() => { resolve(); }); server.closeAllConnections(); }) };
}

interface Recorded { status: number; headers: Record<string, string>; text: string }

async function ask(method: string, url: string, given: NodeJS.Dict<string | string[]>, body: string, key: string): Promise<Recorded> {
  const version = given['anthropic-version'];
  const answer = await fetch(url, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...(typeof version === 'string' && { 'anthropic-version': version }) }, ...(body !== '' && { body }) });
  return { status: answer.status, headers: Object.fromEntries(KEPT.flatMap((name) => (answer.headers.has(name) ? [[name, answer.headers.get(name) as string]] : []))), text: await answer.text() };
}
