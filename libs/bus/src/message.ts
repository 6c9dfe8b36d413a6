import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { crashPoint, isCrashPoint } from '#config';
import { Failure, MAX_MESSAGE_BYTES } from '#contracts';
import { weightOf } from './sharing.js';

/** One message that JetStream has handed out. It must be settled: ack, nak or term; until then it comes again after the consumer's ack wait. */
export interface Delivered {
  readonly subject: string;
  /** The CloudEvent's id; the same for every copy of a message. */
  readonly id: string;
  /** Parsed JSON, not validated; `undefined` when the payload is no JSON. */
  readonly data: unknown;
  /** 1 at the first delivery. */
  readonly deliveries: number;
  /** Where an answer is awaited, for a command that was sent by `Bus.command`. */
  readonly replyTo: string | undefined;
  readonly traceparent: string | undefined;
  /** Settles when the server has confirmed; throws `Failure('bus-unavailable')` when it has not, and then the message comes again. */
  ack(): Promise<void>;
  /** Acknowledges without waiting for a confirmation, for readers to whom a message that comes twice does no harm: an ack that is lost means one more delivery, which finds that it no longer counts. */
  ackLater(): void;
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
 * `ce-replyto` is an extension: JetStream keeps the NATS reply subject for its own acknowledgement. The headers are for publishing only: they are written
 * out here in one go, because the client's setters look through all names for each.
 * Throws `Failure('message-too-large')` when headers and payload pass the size bound of the bus.
 */
export function encode(source: string, subject: string, data: unknown, { id, replyTo, traceparent }: MessageMeta): { headers: MsgHdrs; payload: Uint8Array } {
  // A line break in a value would be another header.
  if (/[\r\n]/.test(id) || (replyTo && /[\r\n]/.test(replyTo)) || (traceparent && /[\r\n]/.test(traceparent))) throw new Failure('internal', 'a line break in a header');
  const head = Buffer.from(`NATS/1.0\r\nNats-Msg-Id: ${id}\r\nce-specversion: 1.0\r\nce-id: ${id}\r\nce-source: /pullwright/${source}\r\nce-type: ${eventType(subject)}\r\nce-time: ${new Date().toISOString()}\r\nce-datacontenttype: application/json\r\n${
    replyTo ? `ce-replyto: ${replyTo}\r\n` : ''}${traceparent ? `traceparent: ${traceparent}\r\n` : ''}\r\n`);
  return { headers: Object.assign(headers(), { encode: () => head }), payload: payload(subject, data, head.length) };
}

/** JSON within the size bound; a string is JSON already. For core NATS there are no headers. */
export function payload(subject: string, data: unknown, headerBytes = 0): Uint8Array {
  const bytes = Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
  const size = bytes.length + headerBytes;
  if (size > MAX_MESSAGE_BYTES) throw new Failure('message-too-large', `${eventType(subject)}: ${size} bytes, at most ${MAX_MESSAGE_BYTES}`);
  return bytes;
}

/** `undefined` for what is no JSON: a foreign or damaged message must reach the handler, which decides what becomes of it. */
export function decode(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

const ACK = Buffer.from('+ACK');
export const NAK = Buffer.from('-NAK');
const TERM = Buffer.from('+TERM');
const WORKING = Buffer.from('+WPI');
const ACK_TIMEOUT_MS = 5_000;

/** A message as it came. What is derived from its bytes is derived when somebody asks. */
export class JetStreamMessage implements Delivered {
  private parsed: { data: unknown } | undefined;
  private counted: number | undefined;
  private isSettled = false;

  constructor(private readonly message: Msg, private readonly connection: NatsConnection) {}

  get subject(): string { return this.message.subject; }
  get id(): string { return this.header('ce-id') ?? `${this.ackToken(0)}:${this.ackToken(3)}`; }
  get data(): unknown { return (this.parsed ??= { data: decode(this.message.data) }).data; }
  /** How many things it holds (sharing.ts). */
  get weight(): number { return (this.counted ??= weightOf(this.data)); }
  get deliveries(): number { return Number(this.ackToken(2)); }
  get replyTo(): string | undefined { return this.header('ce-replyto'); }
  get traceparent(): string | undefined { return this.header('traceparent'); }
  /** Whether ack, nak or term was called; a failed ack does not count. Only the first of them is sent. */
  get settled(): boolean { return this.isSettled; }

  async ack(): Promise<void> {
    if (this.isSettled) return;
    this.isSettled = true;
    try {
      crashPoint('bus.before-ack');
      await this.connection.request(this.message.reply as string, ACK, { timeout: ACK_TIMEOUT_MS });
      crashPoint('bus.after-ack');
    } catch (error) {
      this.isSettled = false;
      throw new Failure('bus-unavailable', `ack of ${this.subject}`, { cause: error });
    }
  }

  ackLater(): void {
    crashPoint('bus.before-ack');
    this.settle(ACK);
    if (isCrashPoint('bus.after-ack')) void this.connection.flush().then(() => { crashPoint('bus.after-ack'); });
  }
  nak(delayMs = 0): void { this.settle(delayMs > 0 ? Buffer.from(`-NAK {"delay":${Math.round(delayMs * 1_000_000)}}`) : NAK); }
  term(): void { this.settle(TERM); }
  working(): void { if (!this.isSettled) this.message.respond(WORKING); }

  private settle(answer: Uint8Array): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.message.respond(answer);
  }

  private header(name: string): string | undefined { return this.message.headers?.get(name) || undefined; }

  /** Of `<stream>.<consumer>.<deliveries>.<stream sequence>.…`, which follows `$JS.ACK.` and, from server 2.10 on, perhaps a domain and an account. */
  private ackToken(index: number): string {
    const tokens = (this.message.reply as string).split('.');
    return tokens[(tokens.length > 9 ? 4 : 2) + index] as string;
  }
}

/** The subject without the run's id, so that there are as many types as there are kinds of message. */
function eventType(subject: string): string {
  const start = subject.indexOf('.run_');
  if (start < 0) return subject;
  const end = subject.indexOf('.', start + 1);
  return end < 0 ? subject.slice(0, start) : subject.slice(0, start) + subject.slice(end);
}
