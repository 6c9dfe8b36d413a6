import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { openLeases } from './leases.js';

async function take(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  expect(String((await once(socket, 'data') as [Buffer])[0])).toBe('held\n');
  socket.resume();
  return socket;
}

describe('leases', () => {
  it('are over with the last client, which is kept until everything has stopped', async () => {
    const leases = await openLeases(60_000);
    const [one, two] = [await take(leases.port), await take(leases.port)];
    one.end();
    await once(one, 'close');
    let over = false;
    void leases.over.then(() => { over = true; });
    two.end();
    await leases.over;
    expect([over, two.destroyed]).toEqual([true, false]);
    leases.close();
    await once(two, 'close');
  });

  it('are over when the client is killed', async () => {
    const leases = await openLeases(60_000);
    (await take(leases.port)).resetAndDestroy();
    await leases.over;
    leases.close();
  });

  it('are over when nobody comes', async () => {
    const leases = await openLeases(1);
    await leases.over;
    leases.close();
  });

  it('end nothing that runs in the foreground', async () => {
    const leases = await openLeases();
    const [one, two] = [await take(leases.port), await take(leases.port)];
    one.end();
    await once(one, 'close');
    two.end();
    await once(two, 'close');
    (await take(leases.port)).destroySoon();
    leases.close();
  });

  it('refuse who comes too late', async () => {
    const leases = await openLeases(60_000);
    (await take(leases.port)).end();
    await leases.over;
    const late = connect(leases.port, '127.0.0.1');
    expect((await once(late, 'error') as [NodeJS.ErrnoException])[0].code).toBe('ECONNREFUSED');
    leases.close();
  });
});
