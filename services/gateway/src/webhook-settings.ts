import type { Config } from '#config';

/** What the gateway knows of a forge: its address, and the secrets that its deliveries may be signed with, the present one first. */
export interface WebhookForge { readonly url: string; readonly secrets: readonly string[] }

/** A class, so that Nest can inject it. */
export class WebhookSettings {
  constructor(readonly github: WebhookForge, readonly gitlab: WebhookForge) {}

  static of(config: Pick<Config, 'GITHUB_URL' | 'GITHUB_WEBHOOK_SECRET' | 'GITHUB_WEBHOOK_SECRET_PREVIOUS' | 'GITLAB_URL' | 'GITLAB_WEBHOOK_SECRET' | 'GITLAB_WEBHOOK_SECRET_PREVIOUS'>): WebhookSettings {
    return new WebhookSettings(
      { url: config.GITHUB_URL, secrets: [config.GITHUB_WEBHOOK_SECRET, config.GITHUB_WEBHOOK_SECRET_PREVIOUS].filter((secret) => secret !== undefined) },
      { url: config.GITLAB_URL, secrets: [config.GITLAB_WEBHOOK_SECRET, config.GITLAB_WEBHOOK_SECRET_PREVIOUS].filter((secret) => secret !== undefined) },
    );
  }
}
