import { connect } from '@nats-io/transport-node';

export interface RecordedMessage { subject: string; headers: Record<string, string>; payload: Buffer; /** Headers and payload, as the server counts them. */ bytes: number }

/** Hears every message of a NATS account from now on: publications, deliveries, requests and replies. */
export async function recordBus(servers: string): Promise<{ messages: RecordedMessage[]; stop(): Promise<void> }> {
  const connection = await connect({ servers, name: 'recorder' });
  const messages: RecordedMessage[] = [];
  connection.subscribe('>', {
    callback: (error, message) => {
      if (error) throw error;
      const headers = Object.fromEntries([...(message.headers ?? [])].map(([name, values]) => [name, values.join(',')]));
      const headerBytes = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
      messages.push({ subject: message.subject, headers, payload: Buffer.from(message.data), bytes: headerBytes + message.data.length });
    },
  });
  await connection.flush();
  return { messages, stop: () => connection.drain() };
}
