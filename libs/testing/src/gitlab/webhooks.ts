import { createHmac, randomUUID } from 'node:crypto';
import type { Emission, Hook } from './world.js';

export interface Webhooks {
  /** Every attempt, in order. */
  deliveries: readonly Delivery[];
  /** Settles when everything that was due has been sent and answered. */
  settled(): Promise<void>;
  /** Sends one again, with the same idempotency key. */
  resend(id: number): Promise<Delivery>;
}

export interface Delivery {
  id: number;
  /** X-Gitlab-Event: `Push Hook`, `Merge Request Hook`, `Note Hook`. */
  event: string;
  /** The same for every attempt. */
  idempotencyKey: string;
  /** What the receiver answered; 0: it could not be reached or took too long. */
  status: number;
  body: string;
  headers: Record<string, string>;
}

const NAMES = { push: 'Push Hook', merge_request: 'Merge Request Hook', note: 'Note Hook' } as const;

/** Sends what happened to the hooks of its project, one after the other in the order in which it happened. */
export class WebhookSender implements Webhooks {
  readonly deliveries: Delivery[] = [];
  readonly #hooks = new Map<number, Hook>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly timeout: number, private readonly instance: () => string) {}

  emit({ project, event, payload }: Emission): void {
    for (const hook of project.hooks.filter(({ events }) => events.has(event))) {
      const delivery: Delivery = { id: this.deliveries.length + 1, event: NAMES[event], idempotencyKey: randomUUID(), status: 0, body: JSON.stringify(payload), headers: {} };
      this.deliveries.push(delivery);
      this.#hooks.set(delivery.id, hook);
      this.#turn = this.#turn.then(() => this.#send(delivery, hook));
    }
  }

  async settled(): Promise<void> {
    for (let turn: Promise<unknown> | undefined; turn !== this.#turn;) await (turn = this.#turn);
  }

  async resend(id: number): Promise<Delivery> {
    const [delivery, hook] = [this.deliveries.find((one) => one.id === id), this.#hooks.get(id)];
    if (!delivery || !hook) throw new Error(`there is no delivery ${id}`);
    const again: Delivery = { ...delivery, id: this.deliveries.length + 1, status: 0 };
    this.deliveries.push(again);
    this.#hooks.set(again.id, hook);
    await this.#send(again, hook);
    return again;
  }

  async #send(delivery: Delivery, hook: Hook): Promise<void> {
    const seconds = String(Math.floor(Date.now() / 1000));
    delivery.headers = {
      'content-type': 'application/json', 'user-agent': 'GitLab/18.6.0', 'x-gitlab-event': delivery.event, 'x-gitlab-token': hook.token, 'x-gitlab-instance': this.instance(), 'x-gitlab-webhook-uuid': `${hook.id}`.padStart(36, '0'), 'x-gitlab-event-uuid': randomUUID(), 'idempotency-key': delivery.idempotencyKey,
      ...(hook.signingKey !== undefined && { 'webhook-id': delivery.idempotencyKey, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${createHmac('sha256', Buffer.from(hook.signingKey.replace(/^whsec_/, ''), 'base64')).update(`${delivery.idempotencyKey}.${seconds}.${delivery.body}`).digest('base64')}` }),
    };
    delivery.status = await fetch(hook.url, { method: 'POST', headers: delivery.headers, body: delivery.body, redirect: 'manual', signal: AbortSignal.timeout(this.timeout) }).then(async (answer) => { await answer.arrayBuffer(); return answer.status; }, () => 0);
  }
}
