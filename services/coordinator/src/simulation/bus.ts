import { itemsIn, type Delivered } from '#bus';
import { durableOf, type CommandReply, type RunEvents, type StartReplies, type Task } from '#contracts';
import type { World } from './world.js';

const DUPLICATE_WINDOW_MS = 120_000;
/** Ack waits of the consumers, as contracts has them. */
const COORDINATOR_ACK_MS = 5_000;
export const WORKER_ACK_MS = 15_000;

/** A message as the bus holds it until it is settled. */
export interface Held {
  readonly kind: 'task' | 'result' | 'command';
  readonly subject: string;
  readonly id: string;
  readonly data: unknown;
  readonly replyTo: string | undefined;
  readonly epoch: number;
  deliveries: number;
  settled: boolean;
}

/** A process that takes results and commands. */
interface Reader { readonly awake: boolean; readonly life: Life; take(kind: 'result' | 'command', messages: Delivered[]): void }

interface Ends {
  tasks(message: Held): void;
  replies(replyTo: string, reply: CommandReply | StartReplies): void;
  events(group: RunEvents): void;
  /** A coordinator will not see this message again. */
  settled(message: Held, life: Life): void;
  published(task: Task): void;
  cancelled(runId: string): void;
}

/** JetStream as far as it matters here: what is stored arrives at least once, in any order, unless it is lost; the same id within the window is stored once. */
export class SimulatedBus {
  private readonly ids = new Map<string, number>();
  private readonly arrived: Record<'result' | 'command', Held[]> = { result: [], command: [] };
  private readonly delivering = new Set<'result' | 'command'>();
  private tasks: Held[] = [];
  private epoch = 0;
  private awayUntil = 0;
  private ends: Ends;
  private readers: readonly Reader[] = [];

  /** `arrives`: what a coordinator is handed for what has arrived. `answersEarly`: a defect (defects.ts). */
  constructor(readonly world: World, private readonly arrives: (data: unknown) => unknown, private readonly answersEarly: boolean) {}

  connect(ends: Ends, readers: readonly Reader[]): void {
    this.ends = ends;
    this.readers = readers;
  }

  /** `data`: an object, or its JSON. */
  store(subject: string, data: unknown, id: string, replyTo?: string): void {
    const { world } = this;
    const known = this.ids.get(id);
    if (known !== undefined && world.now - known < DUPLICATE_WINDOW_MS) { world.note(`known ${id}`); return; }
    this.ids.set(id, world.now);
    world.note(`stored ${id}`);
    const kind = subject.split('.', 2)[1] as Held['kind'] | 'event';
    const sent: unknown = typeof data === 'string' ? JSON.parse(data) : data;
    if (kind === 'event') { for (const group of itemsIn(sent, 'told') as RunEvents[]) this.ends.events(group); return; }
    if (kind === 'task') for (const task of tasksIn(sent)) this.ends.published(task);
    if (world.strikes('message-lost')) return;
    const message: Held = { kind, subject, id, data: sent, replyTo, epoch: this.epoch, deliveries: 0, settled: false };
    if (kind === 'task') this.tasks.push(message);
    this.arrive(message, world.random.between(0, 20));
    if (world.strikes('message-doubled')) this.arrive(message, world.random.between(0, 10_000));
  }

  /** Everything that the bus holds is gone, and its memory of ids. */
  wipe(): void {
    this.epoch++;
    this.ids.clear();
  }

  /** Nobody reaches it for so long. */
  leave(ms: number): void { this.awayUntil = this.world.now + ms; }
  get isAway(): boolean { return this.world.now < this.awayUntil; }

  /** How many it holds for the consumer of an agent. */
  tasksOf(durable: string): number {
    this.tasks = this.tasks.filter(({ settled, epoch }) => !settled && epoch === this.epoch);
    return this.tasks.filter(({ data }) => durableOf(tasksIn(data)[0]?.agent ?? '') === durable).length;
  }

  /** Again, unless it was settled meanwhile. */
  redeliver(message: Held, ms: number): void {
    this.world.after(ms, () => { if (!message.settled && message.epoch === this.epoch) this.hand(message); });
  }

  /** Core NATS, for one process. */
  cancelled(runId: string): void { this.ends.cancelled(runId); }
  reply(replyTo: string, reply: CommandReply | StartReplies): void { this.ends.replies(replyTo, reply); }

  private arrive(message: Held, ms: number): void {
    const { world } = this;
    const late = world.strikes('message-delayed') ? world.random.between(0, world.random.pick([1_000, 60_000, 1_200_000])) : 0;
    world.after(ms + late, () => { if (message.epoch === this.epoch && !(message.settled && late === 0)) this.hand(message); });
  }

  private hand(message: Held): void {
    if (message.kind === 'task') { message.deliveries++; this.ends.tasks(message); return; }
    this.arrived[message.kind].push(message);
    this.deliverSoon(message.kind, this.world.random.between(0, 4));
  }

  private deliverSoon(kind: 'result' | 'command', ms: number): void {
    if (this.delivering.has(kind)) return;
    this.delivering.add(kind);
    this.world.after(ms, () => { this.delivering.delete(kind); this.deliver(kind); });
  }

  /** What has arrived goes to one of the coordinators, or to several. */
  private deliver(kind: 'result' | 'command'): void {
    const { world } = this;
    const able = this.readers.filter((reader) => reader.awake);
    if (able.length === 0 || this.isAway) { this.deliverSoon(kind, 500); return; }
    const messages = this.arrived[kind].splice(0);
    const first = world.random.pick(able);
    const spread = able.length > 1 && world.random.chance(0.3);
    const shares = new Map<Reader, Held[]>();
    for (const message of messages) {
      const reader = spread ? world.random.pick(able) : first;
      shares.set(reader, [...shares.get(reader) ?? [], message]);
    }
    for (const [reader, share] of shares) reader.take(kind, share.map((message) => this.delivery(message, reader.life)));
  }

  private delivery(message: Held, life: Life): Delivered {
    const { world } = this;
    message.deliveries++;
    life.held.add(message);
    world.note(`${life.name} takes ${message.id}`);
    if (this.answersEarly && message.replyTo) this.reply(message.replyTo, { replies: (itemsIn(message.data, 'starts') as Array<{ runId: string }>).map(({ runId }) => ({ ok: true, runId, repeated: false })) });
    const settle = (): void => {
      if (!life.alive) return;
      if (world.strikes('crash-before-ack')) { life.crash(); return; }
      life.held.delete(message);
      this.ends.settled(message, life);
      if (world.strikes('ack-lost')) this.redeliver(message, COORDINATOR_ACK_MS);
      else message.settled = true;
    };
    return {
      subject: message.subject, id: message.id, data: this.arrives(message.data), deliveries: message.deliveries, replyTo: message.replyTo, traceparent: undefined,
      ack: async () => { settle(); }, ackLater: settle, term: settle, working: () => undefined,
      nak: (delayMs = 0) => { if (life.alive) { life.held.delete(message); this.redeliver(message, delayMs); } },
    };
  }
}

export const tasksIn = (data: unknown): Task[] => itemsIn(data, 'tasks') as Task[];

/** A process from its start to its end: what it holds is delivered again after that. */
export class Life {
  readonly held = new Set<Held>();
  readonly handlers = new Map<string, (messages: Delivered[]) => Promise<void>>();
  /** Where it has sent its answers. */
  readonly replied = new Set<string>();
  alive = true;
  frozenUntil = 0;

  constructor(readonly name: string, private readonly bus: SimulatedBus, private readonly restart: () => void) {}

  crash(): void {
    if (!this.alive) return;
    this.alive = false;
    this.bus.world.note(`${this.name} ends`);
    for (const message of this.held) this.bus.redeliver(message, COORDINATOR_ACK_MS);
    this.restart();
  }

  /** The process stands still; what it holds is delivered to others as well, as soon as its ack wait is over. */
  freeze(ms: number): void {
    this.frozenUntil = this.bus.world.now + ms;
    if (ms > COORDINATOR_ACK_MS) for (const message of this.held) this.bus.redeliver(message, COORDINATOR_ACK_MS);
  }

  /** Settles after some time, and never when the process has ended by then. */
  later<T>(ms: number, settle: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void): Promise<T> {
    const { world } = this.bus;
    return new Promise<T>((resolve, reject) => {
      world.after(Math.max(ms, this.frozenUntil - world.now), () => {
        if (!this.alive) return;
        world.stir();
        settle(resolve, reject);
      });
    });
  }
}
