import type { Config } from '#config';
import { Registration } from './setup/registration.js';
import { SETUP_PATH, SetupSettings } from './setup/setup.controller.js';
import { Timing } from './timing.js';
import { WebhookSettings } from './webhook-settings.js';

/** What the gateway is started with, beside its connections. */
export interface GatewaySettings { webhooks: WebhookSettings; setup: SetupSettings; timing: Timing }

export function settingsOf(config: Config): GatewaySettings {
  const { GITHUB_SETUP_DIR: folder, GITHUB_SETUP_TOKEN: token, GITHUB_URL: githubUrl, GITHUB_WEBHOOK_SECRET: secret } = config;
  const registration = folder === undefined ? undefined : new Registration(githubUrl, folder, SETUP_PATH);
  return { webhooks: WebhookSettings.of(config), setup: new SetupSettings(registration, secret !== undefined, token), timing: new Timing() };
}
