import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import { Failure, MAX_MESSAGE_BYTES } from '#contracts';

/** One message that JetStream has handed out. It must be settled: ack, nak or term; until then it comes again after the consumer's ack wait. */
export interface Delivered {
  subject: string;
  /** The CloudEvent's id; the same for every copy of a message. */
  id: string;
  /** Parsed JSON, not validated; `undefined` when the payload is no JSON. */
  data: unknown;
  /** 1 at the first delivery. */
  deliveries: number;
  /** Where an answer is awaited, for a command that was sent by `Bus.command`. */
  replyTo?: string;
  traceparent?: string;
  /** Settles when the server has confirmed; throws `Failure('bus-unavailable')` when it has not, and then the message comes again. */
  ack(): Promise<void>;
  /** Hands it back; it comes again after `delayMs`, to whoever asks first. */
  nak(delayMs?: number): void;
  /** It never comes again; the server publishes an advisory, which the coordinator records. */
  term(): void;
  /** Renews the ack wait. */
  working(): void;
}

/** What the caller of publish may say about a message besides its content. */
export interface MessageMeta {
  /** Deterministic: the same id twice within the stream's duplicate window is stored once. */
  id: string;
  replyTo?: string;
  /** W3C trace context. */
  traceparent?: string;
}

/**
 * A CloudEvent 1.0 in binary mode. Header look-ups in NATS are case-sensitive, so every name is lower-case, except `Nats-Msg-Id`, which is NATS's own.
 * `ce-replyto` is an extension: JetStream keeps the NATS reply subject for its own acknowledgement.
 * Throws `Failure('message-too-large')` when headers and payload pass the size bound of the bus.
 */
export function encode(source: string, subject: string, data: unknown, meta: MessageMeta): { headers: MsgHdrs; payload: string } {
  const fields: Record<string, string> = {
    'Nats-Msg-Id': meta.id,
    'ce-specversion': '1.0',
    'ce-id': meta.id,
    'ce-source': `/pullwright/${source}`,
    'ce-type': eventType(subject),
    'ce-time': new Date().toISOString(),
    'ce-datacontenttype': 'application/json',
    ...(meta.replyTo && { 'ce-replyto': meta.replyTo }),
    ...(meta.traceparent && { traceparent: meta.traceparent }),
  };
  const encoded = headers();
  for (const [name, value] of Object.entries(fields)) encoded.set(name, value);
  return { headers: encoded, payload: payload(subject, data, fields) };
}

/** JSON within the size bound; for core NATS there are no headers. */
export function payload(subject: string, data: unknown, fields: Record<string, string> = {}): string {
  const text = JSON.stringify(data);
  const head = Object.entries(fields).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 4, 12);
  const size = Buffer.byteLength(text) + head;
  if (size > MAX_MESSAGE_BYTES) throw new Failure('message-too-large', `${eventType(subject)}: ${size} bytes, at most ${MAX_MESSAGE_BYTES}`);
  return text;
}

/** `undefined` for what is no JSON: a foreign or damaged message must reach the handler, which decides what becomes of it. */
export function decode(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

export function delivered(message: JsMsg): Delivered {
  const replyTo = message.headers?.get('ce-replyto');
  const traceparent = message.headers?.get('traceparent');
  return {
    subject: message.subject,
    id: message.headers?.get('ce-id') || `${message.info.stream}:${message.seq}`,
    data: decode(message.data),
    deliveries: message.info.deliveryCount,
    ...(replyTo && { replyTo }),
    ...(traceparent && { traceparent }),
    ack: async () => {
      // Settling twice answers false; only an unconfirmed first ack is a failure, and it rejects.
      await message.ackAck().catch((error: unknown) => { throw new Failure('bus-unavailable', `ack of ${message.subject}`, { cause: error }); });
    },
    nak: (delayMs) => { message.nak(delayMs); },
    term: () => { message.term(); },
    working: () => { message.working(); },
  };
}

/** The subject without the run's id, so that there are as many types as there are kinds of message. */
function eventType(subject: string): string {
  return subject.split('.').filter((token) => !token.startsWith('run_')).join('.');
}
