import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { crashPoint } from '#config';
import { Failure } from '#contracts';

interface Outgoing { readonly subject: string; readonly headers: MsgHdrs; readonly payload: Uint8Array; readonly unconfirmed?: boolean }
interface Batch { left: number; resolve(): void; reject(error: Failure): void }
interface Sent { readonly message: Outgoing; readonly batch: Batch; tries: number }

const ANSWER_LIMIT_MS = 5_000;
/** While JetStream comes up after its server, nobody listens on the subjects of its streams yet. */
const UNHEARD = { tries: 5, waitMs: 250 };
const ERROR = Buffer.from('{"error"');

/**
 * Publishes to streams without waiting for one answer before sending the next: all messages of a batch are on their way before the first PubAck is back, and all PubAcks come
 * over one subscription. The client's own publish makes a request with a timer for each message, which costs more than the message.
 */
export class Publisher {
  private readonly sent = new Map<number, Sent>();
  private last = 0;

  /** Answers come to subjects below `inbox`, which nobody else uses. */
  constructor(private readonly connection: NatsConnection, private readonly inbox: string) {
    connection.subscribe(`${inbox}.*`, { callback: (_error, message) => { this.answered(message); } });
  }

  /** Settles when the server has stored all of them. Throws `Failure('bus-unavailable')` when any was not; then any subset of them may have been. */
  async send(messages: readonly Outgoing[]): Promise<void> {
    const confirmed = messages.reduce((count, { unconfirmed }) => (unconfirmed ? count : count + 1), 0);
    if (messages.length === 0) return;
    crashPoint('bus.before-publish');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const batch: Batch = { left: confirmed, resolve, reject };
    const first = this.last + 1;
    const timer = setTimeout(() => { reject(new Failure('bus-unavailable', `${batch.left} of ${confirmed} messages were not confirmed`)); }, ANSWER_LIMIT_MS);
    try {
      for (const message of messages) {
        if (message.unconfirmed) { this.connection.publish(message.subject, message.payload, { headers: message.headers }); continue; }
        this.sent.set(++this.last, { message, batch, tries: 1 });
        this.transmit(this.last, message);
      }
      if (confirmed > 0) await promise;
      crashPoint('bus.after-publish');
    } catch (error) {
      throw error instanceof Failure ? error : new Failure('bus-unavailable', `publish to ${messages[0]?.subject}`, { cause: error });
    } finally {
      clearTimeout(timer);
      if (batch.left > 0) for (let token = first; token < first + confirmed; token++) this.sent.delete(token);
    }
  }

  private transmit(token: number, { subject, headers, payload }: Outgoing): void {
    this.connection.publish(subject, payload, { headers, reply: `${this.inbox}.${token}` });
  }

  private answered(answer: Msg): void {
    crashPoint('bus.before-puback');
    const token = Number(answer.subject.slice(this.inbox.length + 1));
    const sent = this.sent.get(token);
    if (!sent) return;
    const { message, batch } = sent;
    if (answer.data.length === 0) {
      // A status instead of a PubAck: no stream takes this subject.
      if (sent.tries++ < UNHEARD.tries) setTimeout(() => { if (this.sent.has(token) && !this.connection.isClosed()) this.transmit(token, message); }, UNHEARD.waitMs);
      else batch.reject(new Failure('bus-unavailable', `no stream takes ${message.subject}; run \`pullwright provision\``));
    } else if (ERROR.equals(answer.data.subarray(0, ERROR.length))) {
      batch.reject(new Failure('bus-unavailable', `${message.subject} was not stored: ${Buffer.from(answer.data).toString('utf8').slice(0, 200)}`));
    } else {
      this.sent.delete(token);
      if (--batch.left === 0) batch.resolve();
    }
  }
}
