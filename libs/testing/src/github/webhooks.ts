import { createHmac, randomUUID } from 'node:crypto';
import { description } from './description.js';
import { nodeId, user } from './shapes/accounts.js';
import { repository as repositoryShape } from './shapes/repository.js';
import type { Emission, InstallationState, RepositoryState, SimulatedApp, World } from './world.js';

export interface Webhooks {
  /** Every attempt, in order. */
  deliveries: readonly Delivery[];
  /** Settles when everything that was due has been sent and answered. */
  settled(): Promise<void>;
  /** Sends one again, with the same delivery id. */
  redeliver(id: number): Promise<Delivery>;
}

export interface Delivery {
  id: number;
  /** `X-GitHub-Delivery`; the same for redeliveries. */
  guid: string;
  event: string;
  action: string | null;
  redelivery: boolean;
  /** What the receiver answered; 0: it could not be reached or took too long. */
  status: number;
  payload: unknown;
  headers: Record<string, string>;
}

/** One attempt, with what the App's own view of its deliveries shows. */
export interface Attempt { app: SimulatedApp; delivery: Delivery; item(): Record<string, unknown>; full(): Record<string, unknown> }

/** Apps get these whether they subscribed or not. */
const ALWAYS = new Set(['ping', 'installation', 'installation_repositories', 'github_app_authorization']);

interface Outcome { status: number; word: string; headers: Record<string, string>; body: string; seconds: number }

/** Sends what happens to the Apps that are to know, one after the other, signed, and keeps each attempt. */
export class WebhookSender implements Webhooks {
  readonly attempts: Attempt[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly world: () => World, private readonly complain: (violation: string) => void, private readonly timeout: number) {}

  get deliveries(): Delivery[] { return this.attempts.map((one) => one.delivery); }

  /** Whether anybody would be told: what is not, need not be put into words. */
  listens(event: string, repository: RepositoryState, app?: SimulatedApp): boolean {
    return this.#listeners({ event, repository, app }).length > 0;
  }

  #listeners({ event, repository, app, installation: given }: Pick<Emission, 'event' | 'repository' | 'app' | 'installation'>): Array<{ app: SimulatedApp; installation: InstallationState | undefined }> {
    const world = this.world();
    return (app === undefined ? world.apps : [app]).map((one) => ({ app: one, installation: given ?? (repository === undefined ? undefined : world.installationFor(repository, one)) })).filter(({ app: { webhookUrl }, installation }) => {
      if (webhookUrl === undefined || (installation?.suspendedAt !== undefined && event !== 'installation')) return false;
      return ALWAYS.has(event) || installation?.events.includes(event) === true;
    });
  }

  /** The payload is fixed now, whatever changes until it is sent. */
  emit(emission: Emission): void {
    const { event, action, repository } = emission;
    for (const { app, installation } of this.#listeners(emission)) {
      const payload = this.#payload(emission, installation);
      for (const complaint of description().webhook(event, action, payload)) this.complain(`webhook ${event}${action === null ? '' : `.${action}`}: ${complaint}`);
      void this.#enqueue(app, { event, action, payload, guid: randomUUID(), redelivery: false, installationId: installation?.id ?? null, repositoryId: repository?.id ?? null });
    }
  }

  #payload({ event, repository, sender, payload }: Emission, installation: InstallationState | undefined): unknown {
    const world = this.world();
    const shared: Record<string, unknown> = { ...payload, sender: user(world, sender) };
    if (repository !== undefined) {
      shared.repository = repositoryShape(world, repository);
      // A push has times in seconds here, and says who is its master.
      if (event === 'push') shared.repository = { ...repositoryShape(world, repository), created_at: Date.parse(repository.createdAt) / 1000, pushed_at: Date.parse(repository.pushedAt) / 1000, stargazers: 0, master_branch: repository.defaultBranch };
      const account = world.account(repository.owner);
      if (account.type === 'Organization') shared.organization = organization(world, account.login, account.id);
      if (installation !== undefined) shared.installation = { id: installation.id, node_id: nodeId('IN', installation.id) };
    }
    return JSON.parse(JSON.stringify(shared));
  }

  #enqueue(app: SimulatedApp, message: Message): Promise<Delivery> {
    const sent = this.#queue.then(() => this.#send(app, message));
    this.#queue = sent;
    return sent;
  }

  async #send(app: SimulatedApp, message: Message): Promise<Delivery> {
    const id = this.world().id();
    const body = JSON.stringify(message.payload);
    const headers: Record<string, string> = {
      accept: '*/*', 'content-type': 'application/json', 'user-agent': 'GitHub-Hookshot/simulated', 'x-github-delivery': message.guid, 'x-github-event': message.event, 'x-github-hook-id': String(app.id),
      'x-github-hook-installation-target-id': String(app.id), 'x-github-hook-installation-target-type': 'integration', 'x-hub-signature-256': `sha256=${createHmac('sha256', app.webhookSecret).update(body).digest('hex')}`,
    };
    const url = app.webhookUrl ?? '';
    const at = new Date();
    const outcome = await post(url, headers, body, this.timeout);
    const delivery: Delivery = { id, guid: message.guid, event: message.event, action: message.action, redelivery: message.redelivery, status: outcome.status, payload: message.payload, headers };
    const item = () => ({
      id, guid: message.guid, delivered_at: at.toISOString(), redelivery: message.redelivery, duration: outcome.seconds, status: outcome.word, status_code: outcome.status, event: message.event, action: message.action, installation_id: message.installationId, repository_id: message.repositoryId, throttled_at: null,
    });
    this.attempts.push({ app, delivery, item, full: () => ({ ...item(), url, request: { headers, payload: message.payload }, response: { headers: outcome.headers, payload: outcome.body } }) });
    return delivery;
  }

  async settled(): Promise<void> {
    for (let seen: unknown; seen !== this.#queue;) {
      seen = this.#queue;
      await seen;
    }
  }

  async redeliver(id: number): Promise<Delivery> {
    const attempt = this.attempts.find((one) => one.delivery.id === id);
    if (attempt === undefined) throw new Error(`there is no delivery ${id}`);
    const { event, action, payload, guid } = attempt.delivery;
    const { installation_id: installationId, repository_id: repositoryId } = attempt.item() as { installation_id: number | null; repository_id: number | null };
    return this.#enqueue(attempt.app, { event, action, payload, guid, redelivery: true, installationId, repositoryId });
  }
}

interface Message { event: string; action: string | null; payload: unknown; guid: string; redelivery: boolean; installationId: number | null; repositoryId: number | null }

async function post(url: string, headers: Record<string, string>, body: string, timeout: number): Promise<Outcome> {
  const begin = performance.now();
  const seconds = () => Math.round(performance.now() - begin) / 1000;
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(timeout) });
    const text = (await response.text()).slice(0, 10_000);
    return { status: response.status, word: response.ok ? 'OK' : `Invalid HTTP Response: ${response.status}`, headers: Object.fromEntries(response.headers), body: text, seconds: seconds() };
  } catch (error) {
    // It is kept as a delivery that failed, which is what GitHub does.
    return { status: 0, word: (error as Error).name === 'TimeoutError' ? 'timed out' : 'failed to connect to host', headers: {}, body: '', seconds: seconds() };
  }
}

function organization(world: World, login: string, id: number) {
  const url = `${world.apiUrl}/orgs/${login}`;
  return { login, id, node_id: nodeId('O', id), url, repos_url: `${url}/repos`, events_url: `${url}/events`, hooks_url: `${url}/hooks`, issues_url: `${url}/issues`, members_url: `${url}/members{/member}`, public_members_url: `${url}/public_members{/member}`, avatar_url: `${world.url}/avatars/o/${id}?v=4`, description: null };
}
