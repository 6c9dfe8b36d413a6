import { serverSentEvents, type ServerSentEvent } from './server-sent-events.js';

async function read(...chunks: Uint8Array[]): Promise<ServerSentEvent[]> {
  const body = new ReadableStream<Uint8Array>({ start: (controller) => { for (const chunk of chunks) controller.enqueue(chunk); controller.close(); } });
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(body)) events.push(event);
  return events;
}
const bytes = (text: string) => new TextEncoder().encode(text);

describe('serverSentEvents', () => {
  it('reads id, event and data; an id stays until the next one; comments are nothing', async () => {
    expect(await read(bytes(': hello\n\nid: 7\ndata: {"a":1}\n\nevent: progress\ndata: x\ndata: y\n\ndata\n\n'))).toEqual([
      { event: 'message', id: '7', data: '{"a":1}' }, { event: 'progress', id: '7', data: 'x\ny' }, { event: 'message', id: '7', data: '' },
    ]);
  });

  it('reads the same however the bytes are cut, also within a character and a line end', async () => {
    const whole = bytes('id: 1\r\ndata: “ü”\r\n\r\nid: 2\ndata: b\n\n');
    const expected = await read(whole);
    expect(expected.map(({ data }) => data)).toEqual(['“ü”', 'b']);
    for (let cut = 1; cut < whole.length; cut++) expect(await read(whole.subarray(0, cut), whole.subarray(cut))).toEqual(expected);
  });

  it('does not tell an event that was cut off', async () => {
    expect(await read(bytes('id: 1\ndata: whole\n\nid: 2\ndata: hal'))).toEqual([{ event: 'message', id: '1', data: 'whole' }]);
  });
});
