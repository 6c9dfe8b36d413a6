import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const GENERIC_PAGE = `<!doctype html><html lang="en"><head><title>Constant</title></head><body><h1>Constant page</h1><p>The same for every address.</p></body></html>`;

export interface ConstantPage {
  baseUrl: string;
  /** Paths of the pages (not of their images and styles) that were asked for. */
  visited(): readonly string[];
  close(): Promise<void>;
}

/** A server that answers every request with the same page: what a test must notice. */
export async function serveConstantPage(html: string): Promise<ConstantPage> {
  const visited: string[] = [];
  const server = createServer((request, response) => {
    if (request.headers.accept?.includes('text/html')) visited.push(new URL(request.url ?? '/', 'http://constant').pathname);
    request.resume();
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  });
  await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve); });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    visited: () => visited,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}
