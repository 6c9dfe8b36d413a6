import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Publishes bytes as they are, without the client: what no program of Pullwright would send. Settles when the server has answered, with what it said: `PONG`, or `-ERR …` for what it refuses.
 */
export async function publishRaw(url: string, subject: string, payload: Buffer, headers?: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    let heard = '';
    const answered = new Promise<string>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('utf8');
        const said = /^(PONG|-ERR.*)\r$/m.exec(heard)?.[1];
        if (said !== undefined) resolve(said);
      });
      socket.once('close', () => { resolve('closed'); });
      socket.on('error', () => { resolve('closed'); });
    });
    const head = headers === undefined ? undefined : Buffer.from(`NATS/1.0\r\n${headers}\r\n\r\n`);
    socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n');
    socket.write(head ? `HPUB ${subject} ${head.length} ${head.length + payload.length}\r\n` : `PUB ${subject} ${payload.length}\r\n`);
    if (head) socket.write(head);
    socket.write(payload);
    socket.write('\r\nPING\r\n');
    return await answered;
  } finally {
    socket.destroy();
  }
}
