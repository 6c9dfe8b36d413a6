import { createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * Who needs the standalone. A client holds a connection for as long as it does; that also ends when the client is killed, so nothing outlives its users.
 * A client lets go by half-closing. It is let go at once while others stay; the last one is kept until everything has stopped, so that it can wait for that.
 */
export interface Leases {
  port: number;
  /** Settles when the last client has let go, or none came within `firstMs`; without it nobody is waited for. New clients are refused from then on. */
  over: Promise<void>;
  /** Lets everybody go. */
  close(): void;
}

export async function openLeases(firstMs?: number): Promise<Leases> {
  const held = new Set<Socket>();
  let last: Socket | undefined;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clearTimeout(nobody);
    held.add(socket);
    socket.write('held\n');
    socket.resume();
    const letGo = () => {
      if (!held.delete(socket)) return;
      if (held.size > 0 || firstMs === undefined) { socket.end(); return; }
      last = socket;
      server.close();
      end();
    };
    socket.once('end', letGo).once('close', letGo).on('error', letGo);
  });
  const nobody = firstMs === undefined ? undefined : setTimeout(() => { server.close(); end(); }, firstMs);
  await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve); });
  return { port: (server.address() as AddressInfo).port, over, close: () => { clearTimeout(nobody); server.close(); for (const socket of held) socket.destroy(); last?.destroy(); } };
}
