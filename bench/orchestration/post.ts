import { connect } from 'node:net';
import { Failure } from '#contracts';

const HEAD_END = '\r\n\r\n';

/**
 * Sends the same POST `count` times over `connections` kept-alive connections, each with one request at a time, and settles when all are answered with `status`.
 * Bare sockets: an HTTP client would use more CPU than the gateway it loads, on the same cores. Throws `Failure('internal')` with the first other answer.
 */
export async function postMany(url: URL, body: unknown, status: number, count: number, connections: number): Promise<void> {
  const content = JSON.stringify(body);
  const request = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(content)}\r\n\r\n${content}`;
  let left = count;
  await Promise.all(Array.from({ length: Math.min(connections, count) }, () => new Promise<void>((resolve, reject) => {
    const socket = connect({ port: Number(url.port), host: url.hostname, noDelay: true });
    let answer = '';
    const next = () => {
      if (left === 0) {
        socket.end();
        resolve();
        return;
      }
      left--;
      socket.write(request);
    };
    const fail = (what: string) => {
      left = 0;
      socket.destroy();
      reject(new Failure('internal', `POST ${url.pathname}: ${what}`));
    };
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
      const head = answer.indexOf(HEAD_END);
      if (head < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(answer)?.[1] ?? 0);
      if (answer.length < head + HEAD_END.length + length) return;
      if (answer.startsWith(`HTTP/1.1 ${status} `)) {
        answer = '';
        next();
      } else {
        fail(answer.slice(0, 500));
      }
    });
    socket.once('connect', next).once('error', (error) => { fail(error.message); }).once('close', () => { fail('the connection was closed'); });
  })));
}
