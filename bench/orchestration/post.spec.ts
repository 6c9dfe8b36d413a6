import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { postMany } from './post.js';

let server: Server;
let bodies: string[];
let status: number;
let url: URL;
beforeEach(async () => {
  bodies = [];
  status = 202;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => { body += chunk.toString(); }).on('end', () => {
      bodies.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(status, { 'content-length': 3 });
      response.write('an');
      response.end('d');
    });
  });
  await new Promise<void>((listening) => { server.listen(0, '127.0.0.1', listening); });
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/runs`);
});
afterEach(() => { server.close(); server.closeAllConnections(); });

test('posts as often as asked', async () => {
  await postMany(url, { a: 1 }, 202, 50, 4);
  expect(bodies).toEqual(Array.from({ length: 50 }, () => 'POST /runs {"a":1}'));
});

test('another answer, and nobody there, are failures', async () => {
  status = 503;
  await expect(postMany(url, {}, 202, 5, 2)).rejects.toMatchObject({ code: 'internal', detail: expect.stringContaining('503') as string });
  url.port = '1';
  await expect(postMany(url, {}, 202, 5, 2)).rejects.toMatchObject({ code: 'internal', detail: expect.stringContaining('ECONNREFUSED') as string });
});
