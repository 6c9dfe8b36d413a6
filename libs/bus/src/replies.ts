import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { decode } from './message.js';

const SWEEP_MS = 50;

interface Waiting { resolve: (answer: unknown) => void; deadline: number }

/** Where answers to commands are awaited: one subscription, at which every command has an address of its own, and one timer for all that wait. */
export class Replies {
  private readonly base: string;
  private readonly waiting = new Map<string, Waiting>();
  private sweeper: NodeJS.Timeout | undefined;
  private last = 0;
  private listens = false;
  private turn: Promise<void> | undefined;

  constructor(private readonly connection: NatsConnection, inboxPrefix: string) { this.base = `${inboxPrefix}.${randomUUID()}.`; }

  /** Calls `send` with the address and waits for what comes there; `undefined` when nothing came in time. Throws what `send` throws. */
  async ask(send: (replyTo: string) => Promise<void>, timeoutMs: number): Promise<unknown> {
    this.listen();
    const { promise: answered, resolve } = Promise.withResolvers<unknown>();
    const token = String(++this.last);
    this.waiting.set(token, { resolve, deadline: performance.now() + timeoutMs });
    this.sweeper ??= setInterval(() => { this.sweep(); }, SWEEP_MS);
    try {
      // What is asked in one turn of the event loop leaves in one write to the socket.
      await (this.turn ??= new Promise<void>((next) => { setImmediate(() => { this.turn = undefined; next(); }); }));
      await send(this.base + token);
      return await answered;
    } finally {
      this.waiting.delete(token);
    }
  }

  private listen(): void {
    if (this.listens) return;
    this.listens = true;
    this.connection.subscribe(`${this.base}*`, { callback: (error, message) => {
      if (!error) this.waiting.get(message.subject.slice(this.base.length))?.resolve(decode(message.data));
    } });
  }

  private sweep(): void {
    const now = performance.now();
    for (const { resolve, deadline } of this.waiting.values()) if (deadline <= now) resolve(undefined);
    if (this.waiting.size === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
  }
}
