import { Logger } from '@nestjs/common';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Failure, FAILURES, STREAMS, subjects } from '#contracts';
import { consumeBatches, workSlots, type BatchOptions, type Source } from './consuming.js';
import { decode, encode, payload, type Delivered, type MessageMeta } from './message.js';
import { Gathering } from './gathering.js';
import { Publisher } from './publisher.js';
import { Replies } from './replies.js';

/** How long open() waits for a server that is not up yet. */
const CONNECT_LIMIT_MS = 30_000;
const logger = new Logger('bus');

export interface BusOptions {
  /** `nats://host:port`, several separated by commas. */
  servers: string;
  /** The service's name: names the connection, the event source and the inbox that only this service may read. */
  name: string;
  user?: string;
  password?: string;
}

/**
 * The connection to NATS: JetStream for what must not be lost, core NATS for progress and queries.
 * Every failure to reach the other side is `Failure('bus-unavailable')`. It reconnects for ever.
 */
export class Bus {
  private readonly source: Source;
  private readonly replies: Replies;
  private readonly publisher: Publisher;
  private readonly gathering = new Gathering(async (subject, json, id) => { await this.publish(subject, json, { id }); });

  private constructor(
    private readonly name: string,
    private readonly connection: NatsConnection,
    /** For `provision` and `inspect` alone. */
    readonly manager: JetStreamManager,
  ) {
    this.source = { connection, inboxPrefix: inboxOf(name) };
    this.replies = new Replies(connection, inboxOf(name));
    this.publisher = new Publisher(connection, `${inboxOf(name)}.${crypto.randomUUID()}`);
  }

  /** Waits up to 30 seconds for a server; throws `Failure('bus-unavailable')` after that, or at once when the server refuses the user. */
  static async open({ servers, name, user, password }: BusOptions): Promise<Bus> {
    const deadline = Date.now() + CONNECT_LIMIT_MS;
    for (;;) {
      try {
        const connection = await connect({
          servers: servers.split(','), name, inboxPrefix: inboxOf(name), ...(user && { user }), ...(password && { pass: password }),
          maxReconnectAttempts: -1, reconnectTimeWait: 250, reconnectJitter: 100, timeout: 5_000,
          // A stack per request would cost more than the request.
          noAsyncTraces: true,
        });
        // The API is not checked: a service may start before the streams are provisioned; health() tells.
        return new Bus(name, connection, await jetstreamManager(connection, { checkAPI: false }));
      } catch (error) {
        const refused = error instanceof Error && error.name === 'AuthorizationError';
        if (refused || Date.now() > deadline) throw new Failure('bus-unavailable', `${servers}: ${String(error)}`, { cause: error });
        await new Promise((resolve) => { setTimeout(resolve, 250); });
      }
    }
  }

  /** Calls `listener` whenever the connection has come back. */
  onReconnect(listener: () => void): void {
    void (async () => { for await (const { type } of this.connection.status()) if (type === 'reconnect') listener(); })();
  }

  /** Stores a message in the stream of its subject; settles when the server has it. The same id again within the duplicate window is stored once. */
  async publish(subject: string, data: unknown, meta: MessageMeta): Promise<void> {
    await this.publisher.send([{ subject, ...encode(this.name, subject, data, meta) }]);
  }

  /** All at once instead of one after the other; `data` that is a string is JSON already; rejects when any was not stored, and then any subset of them may have been: publish all again.
   * `unconfirmed`: sent, and not waited for. The server takes the messages of a connection one after the other, so a later one that is confirmed speaks for those before it. */
  async publishMany(messages: ReadonlyArray<{ subject: string; data: unknown; id: string; unconfirmed?: boolean }>): Promise<void> {
    await this.publisher.send(messages.map(({ subject, data, id, unconfirmed }) => ({ subject, unconfirmed, ...encode(this.name, subject, data, { id }) })));
  }

  /** Like `publish`, but what is said on one subject in the same turn shares a message `{"<name>": [data, …]}`. */
  publishTogether(subject: string, name: string, data: unknown, id: string): Promise<void> { return this.gathering.add(subject, name, data, id); }

  /** Core NATS, fire and forget: whoever listens now hears it. */
  notify(subject: string, data: unknown): void {
    this.connection.publish(subject, payload(subject, data));
  }

  /** Core NATS. `handler` gets what arrives from now on; what it throws is logged. Returns the way to stop. */
  subscribe(subject: string, handler: (data: unknown, subject: string) => void): () => void {
    const subscription = this.connection.subscribe(subject, {
      callback: (error, message) => {
        try {
          if (error) throw error;
          handler(decode(message.data), message.subject);
        } catch (thrown) {
          logger.error(`${subject}: ${String(thrown)}`, thrown instanceof Error ? thrown.stack : undefined);
        }
      },
    });
    return () => { subscription.unsubscribe(); };
  }

  /**
   * Answers requests on `pullwright.query.*` and the like; instances of a service share them. A `Failure` that the handler throws is answered as
   * `{ok: false, failure: {code, detail}}`, any other error as `internal`. The returned function takes no more requests and waits for those in work.
   */
  respond(subject: string, handler: (name: string, data: unknown) => Promise<unknown>): () => Promise<void> {
    const running = new Set<Promise<void>>();
    const subscription = this.connection.subscribe(subject, {
      queue: this.name,
      callback: (error, message) => {
        if (error) {
          logger.error(`${subject}: ${String(error)}`);
          return;
        }
        const answer = async () => {
          try {
            message.respond(payload(message.subject, await handler(message.subject.slice(message.subject.lastIndexOf('.') + 1), decode(message.data))));
          } catch (thrown) {
            const failure = thrown instanceof Failure ? thrown : new Failure('internal');
            if (FAILURES[failure.code].fault === 'us') logger.error(`${message.subject}: ${String(thrown)}`, thrown instanceof Error ? thrown.stack : undefined);
            message.respond(JSON.stringify({ ok: false, failure: { code: failure.code, ...(failure.detail && { detail: failure.detail.slice(0, 500) }) } }));
          }
        };
        const run = answer().finally(() => running.delete(run));
        running.add(run);
      },
    });
    return async () => {
      await subscription.drain();
      await Promise.all(running);
    };
  }

  /** Settles when the server has everything that was said so far, subscriptions too: who asks from now on is heard. Throws `Failure('bus-unavailable')`. */
  async flush(): Promise<void> {
    try {
      await this.connection.flush();
    } catch (error) {
      throw new Failure('bus-unavailable', 'the connection was lost', { cause: error });
    }
  }

  /** Core NATS request and reply. Throws `Failure('bus-unavailable')` when nobody serves the subject or no answer comes in time. */
  async request(subject: string, data: unknown, timeoutMs: number): Promise<unknown> {
    try {
      const reply = await this.connection.request(subject, payload(subject, data), { timeout: timeoutMs });
      return decode(reply.data);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure('bus-unavailable', `no answer on ${subject}`, { cause: error });
    }
  }

  /** Publishes durably and waits for the answer; `undefined` when none came in time: the command is stored and will be carried out. */
  async command(subject: string, data: unknown, meta: { id: string; traceparent?: string }, timeoutMs: number): Promise<unknown> {
    return this.replies.ask((replyTo) => this.publish(subject, data, { ...meta, replyTo }), timeoutMs);
  }

  /** Answers a command on the `replyTo` of its message. */
  reply(replyTo: string, data: unknown): void {
    // The subject came in a message: nothing but an inbox may be written to because of it.
    if (replyTo.startsWith('_INBOX')) this.connection.publish(replyTo, payload(replyTo, data));
    else logger.warn(`no inbox to reply to: ${replyTo.slice(0, 100)}`);
  }

  /** Batches, for work that is done many at once. See `consumeBatches`. */
  async consume(durable: string, options: BatchOptions, handler: (messages: Delivered[]) => Promise<void>): Promise<{ stop(): Promise<void> }> {
    return consumeBatches(this.source, durable, options, handler);
  }

  /** One at a time per slot, for long work. See `workSlots`. */
  async work(durable: string, { slots }: { slots: number }, handler: (message: Delivered, signal: AbortSignal) => Promise<void>): Promise<{ stop(graceMs: number): Promise<void> }> {
    return workSlots(this.source, durable, slots, handler);
  }

  /** How many messages its stream holds for a consumer, those that readers have in work included. Throws `Failure('bus-unavailable')`. */
  async held({ stream, durable }: { stream: string; durable: string }): Promise<number> {
    try {
      const { num_pending: waiting, num_ack_pending: inWork } = await this.manager.consumers.info(stream, durable);
      return waiting + inWork;
    } catch (error) {
      throw new Failure('bus-unavailable', `${stream} ${durable}`, { cause: error });
    }
  }

  /** Proves that every stream is there and that JetStream stores, by a write; throws `Failure('bus-unavailable')` that says what is wrong. */
  async health(): Promise<void> {
    const found = new Set<string>();
    try {
      for await (const name of this.manager.streams.names()) found.add(name);
    } catch (error) {
      throw new Failure('bus-unavailable', 'JetStream does not answer', { cause: error });
    }
    const missing = STREAMS.filter((stream) => !found.has(stream.name)).map((stream) => stream.name);
    if (missing.length > 0) throw new Failure('bus-unavailable', `missing ${missing.join(', ')}; run \`pullwright provision\``);
    await this.publish(subjects.health(this.name), {}, { id: crypto.randomUUID() });
  }

  /** Sends what is buffered and closes. Stop every reader first: draining does not wait for handlers. */
  async close(): Promise<void> {
    if (!this.connection.isClosed()) await this.connection.drain();
  }
}

/** Only this service may read there. */
function inboxOf(name: string): string {
  return `_INBOX_${name}`;
}
