import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { verifyWithFallback } from '@octokit/webhooks-methods';
import type { Request } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Bus } from '#bus';
import { Failure, ForgeEvent, subjects } from '#contracts';
import type { Heard } from './forge-delivery.js';
import { githubEvents } from './github-events.js';
import { gitlabEvents } from './gitlab-events.js';
import { rawBody } from './raw-body.js';
import { RequestFailure } from './problem.js';
import { GithubHeaders, GitlabHeaders } from './requests.js';
import type { Delivered } from './responses.js';
import { newRunId } from './run-id.js';
import { checked } from './validation.js';
import { WebhookSettings } from './webhook-settings.js';

/**
 * Where forges tell what happens. A delivery goes: media type → secret there → signature there → body, bounded → signature right → headers → JSON → shape → stored on the bus → 202.
 * 202 means that it cannot be lost any more; nothing behind the bus has to be up for it. The forge's own id of the delivery keeps a second copy from counting.
 */
@Controller('api/v1/webhooks')
export class WebhooksController {
  constructor(private readonly bus: Bus, private readonly settings: WebhookSettings) {}

  @Post('github')
  @HttpCode(202)
  async github(@Req() request: Request): Promise<Delivered> {
    const { secrets: [secret, ...previous], url } = this.settings.github;
    requireJson(request);
    if (secret === undefined) throw new Failure('webhooks-not-set-up', 'GITHUB_WEBHOOK_SECRET');
    const signature = request.headers['x-hub-signature-256'];
    if (typeof signature !== 'string' || !/^sha256=[0-9a-f]{64}$/.test(signature)) throw new Failure('signature-invalid', 'X-Hub-Signature-256 is missing or malformed');
    const body = (await rawBody(request)).toString('utf8');
    if (body === '' || !(await verifyWithFallback(secret, body, signature, previous))) throw new Failure('signature-invalid', 'X-Hub-Signature-256');
    const headers = checked(GithubHeaders, request.headers);
    return this.take('github', headers['x-github-delivery'], githubEvents(headers['x-github-event'], parsed(body), url, checked));
  }

  @Post('gitlab')
  @HttpCode(202)
  async gitlab(@Req() request: Request): Promise<Delivered> {
    const { secrets, url } = this.settings.gitlab;
    requireJson(request);
    if (secrets.length === 0) throw new Failure('webhooks-not-set-up', 'GITLAB_WEBHOOK_SECRET');
    const token = request.headers['x-gitlab-token'];
    if (typeof token !== 'string' || !secrets.map((secret) => sameSecret(secret, token)).includes(true)) throw new Failure('signature-invalid', 'X-Gitlab-Token');
    const body = (await rawBody(request)).toString('utf8');
    const headers = checked(GitlabHeaders, request.headers);
    // The key stays when a delivery is sent again; the id of the event does too, in older versions that send no key.
    return this.take('gitlab', (headers['idempotency-key'] ?? headers['x-gitlab-event-uuid']) as string, gitlabEvents(headers['x-gitlab-event'], parsed(body), url, checked));
  }

  /** All events of a delivery or, as far as the forge hears, none: it sends the whole again, and what was stored is known by its id. */
  private async take(forge: ForgeEvent['forge'], delivery: string, heard: Heard): Promise<Delivered> {
    if ('ignored' in heard) return { delivery, status: 'ignored', reason: heard.ignored };
    const events = heard.events.map((event, index) => checked(ForgeEvent, { runId: newRunId(), forge, delivery: heard.events.length > 1 ? `${delivery}.${index}` : delivery, ...event }));
    await this.bus.publishMany(events.map((data) => ({ subject: subjects.command('forge-event'), data, id: `${forge}.${data.delivery}` })));
    return { delivery, status: 'stored' };
  }
}

function requireJson(request: Request): void {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) throw new Failure('unsupported-media-type', 'set the webhook’s content type to application/json');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new RequestFailure('bad-request', { errors: [{ field: '', message: cause instanceof Error ? cause.message.slice(0, 200) : 'not JSON', remedy: 'Send the event as JSON.' }] });
  }
}

/** Takes as long whatever is wrong, the length included. */
function sameSecret(one: string, other: string): boolean {
  const [left, right] = [one, other].map((secret) => createHash('sha256').update(secret).digest()) as [Buffer, Buffer];
  return timingSafeEqual(left, right);
}
