import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { ConsumerDefinition } from '#contracts';
import { NAK } from './message.js';

/**
 * Asking a durable consumer for messages: one subscription, to which every pull asks for its answers. A pull is
 *   asked ─┬─ its messages come, one by one ──► over
 *          ├─ its time is up: the server says how many are left ──► over, and asked again
 *          └─ no consumer, consumer deleted, silence, lost connection ──► all pulls are forgotten, and after a pause a new subscription asks
 * Invariant: asked and not yet here + here and not yet `done` ≤ capacity. A message that holds several things takes as much of it; how much the next ones will take is only known when they are
 * here, so as many are asked for as there is room for when they are like the last ones. Room is asked for in chunks of a quarter of the capacity, so that one pull serves many messages;
 * with a capacity of 1 that is one pull per message. The client's own `consume` holds no such bound: it asks again as messages arrive, not as they are done.
 * What still arrives for a subscription that was given up is handed back at once. Only stop() ends a pull; a lost connection is mended by the client itself.
 */
const logger = new Logger('bus');
/** One pull waits this long for messages. */
const EXPIRES_MS = 3_000;
/** Every pull is answered when it expires at the latest: a server that is silent for longer has forgotten it. */
const SILENCE_MS = EXPIRES_MS + 2_000;
const RETRY_MS = { first: 100, most: 2_000 };
const DRAIN_LIMIT_MS = 1_000;
/** Weight of one message in what the next ones are expected to take. */
const EXPECTATION = 1 / 8;

export class Pull {
  private subscription: Subscription | undefined;
  private inbox = '';
  private asked = 0;
  private here = 0;
  private perMessage = 1;
  private heardAt = 0;
  private retryMs = RETRY_MS.first;
  private retry: NodeJS.Timeout | undefined;
  private connected = true;
  private stopping = false;
  private readonly subject: string;
  private readonly watch: NodeJS.Timeout;

  /** `arrived` must not throw, and answers how much of the capacity its message takes, which has to be counted off by `done`. Answers go to subjects below `inboxPrefix`. */
  constructor(
    private readonly connection: NatsConnection, private readonly inboxPrefix: string, private readonly consumer: ConsumerDefinition,
    private readonly capacity: number, private readonly arrived: (message: Msg) => number,
  ) {
    this.subject = `$JS.API.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.durable}`;
    this.watch = setInterval(() => { if (this.asked > 0 && Date.now() - this.heardAt > SILENCE_MS) this.lost('silence'); }, 1_000);
    void this.follow();
    this.open();
  }

  /** So much is off the caller's hands. */
  done(count: number): void {
    this.here -= count;
    this.ask();
  }

  /** Asks no more; what is on its way is handed back. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.watch);
    clearTimeout(this.retry);
    await this.giveUp();
  }

  private open(): void {
    if (this.isOver()) return;
    const inbox = `${this.inboxPrefix}.${randomUUID()}`;
    const subscription = this.connection.subscribe(inbox, {
      callback: (error, message) => {
        if (this.subscription !== subscription) {
          if (!error && message.reply) message.respond(NAK);
        } else if (error) {
          this.lost(String(error));
        } else if (message.reply) {
          this.heard();
          this.asked -= 1;
          const weight = this.arrived(message);
          this.here += weight;
          this.perMessage += (weight - this.perMessage) * EXPECTATION;
        } else {
          this.told(message);
        }
      },
    });
    this.subscription = subscription;
    this.inbox = inbox;
    this.ask();
  }

  private ask(): void {
    // One that is larger than the whole capacity has to come as well.
    const room = Math.max(this.here <= 0 ? 1 : 0, Math.floor((this.capacity - this.here) / this.perMessage)) - this.asked;
    if (this.subscription === undefined || room < Math.max(1, Math.floor(this.capacity / this.perMessage / 4)) || this.isOver()) return;
    if (this.asked === 0) this.heardAt = Date.now();
    this.asked += room;
    this.connection.publish(this.subject, `{"batch":${room},"expires":${EXPIRES_MS * 1_000_000}}`, { reply: this.inbox });
  }

  /** A message without an ack subject is the server's word about a pull. */
  private told({ headers }: Msg): void {
    if (headers?.code === 408) {
      this.heard();
      this.asked -= Number(headers.get('Nats-Pending-Messages'));
      this.ask();
    } else {
      this.lost(headers?.code === 503 ? 'no such consumer' : `${headers?.code} ${headers?.description}`);
    }
  }

  /** A connection that is closed on purpose takes nothing more; a reader that outlives it must not end the process. */
  private isOver(): boolean { return this.connection.isClosed() || this.connection.isDraining(); }

  private heard(): void {
    this.heardAt = Date.now();
    this.retryMs = RETRY_MS.first;
  }

  private lost(why: string): void {
    logger.warn(`${this.consumer.durable}: ${why}; looking for it again`);
    void this.giveUp();
    this.retry = setTimeout(() => { this.open(); }, this.retryMs);
    this.retryMs = Math.min(RETRY_MS.most, this.retryMs * 2);
  }

  private async giveUp(): Promise<void> {
    const { subscription } = this;
    this.subscription = undefined;
    this.asked = 0;
    if (!subscription || this.connection.isClosed()) return;
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, DRAIN_LIMIT_MS);
    // A connection that is lost meanwhile rejects: then nothing is on its way.
    await Promise.race([subscription.drain().catch(() => undefined), limit.promise]);
    clearTimeout(timer);
  }

  /** While the connection is lost nothing is asked: the client would send it all after the reconnect, to subscriptions that are no more. */
  private async follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (this.stopping) return;
      if (type === 'disconnect' && this.connected) {
        this.connected = false;
        clearTimeout(this.retry);
        this.subscription?.unsubscribe();
        this.subscription = undefined;
        this.asked = 0;
      } else if (type === 'reconnect' && !this.connected) {
        this.connected = true;
        this.open();
      }
    }
  }
}
