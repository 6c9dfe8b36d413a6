import { ApiError, notFound, ok, type ApiRequest } from '../request.js';
import { asApp, type Route } from '../route.js';
import type { WebhookSender } from '../webhooks.js';
import type { SimulatedApp } from '../world.js';

/** The App's own view of its webhook: where it goes, what was delivered, and delivering it again. */
export function hookRoutes(sender: WebhookSender): Record<string, Route> {
  const attemptOf = ({ params }: ApiRequest, app: SimulatedApp) => {
    const found = sender.attempts.find((one) => one.delivery.id === Number(params.delivery_id) && one.app === app);
    if (found === undefined) throw notFound();
    return found;
  };
  return {
    'apps/get-webhook-config-for-app': asApp(async ({ actor }) => ok(config(actor.app))),
    'apps/update-webhook-config-for-app': asApp(async ({ actor, body }) => {
      const { url, secret } = (body ?? {}) as { url?: string; secret?: string };
      if (url !== undefined) actor.app.webhookUrl = url;
      if (secret !== undefined) actor.app.webhookSecret = secret;
      return ok(config(actor.app));
    }),
    'apps/list-webhook-deliveries': asApp(async ({ actor, query, world, path }) => {
      const size = Math.min(100, Number(query.get('per_page') ?? 30));
      const before = query.get('cursor') === null ? Number.POSITIVE_INFINITY : Number(query.get('cursor'));
      if (Number.isNaN(before)) throw new ApiError(400, 'Invalid cursor');
      const mine = sender.attempts.filter((one) => one.app === actor.app && one.delivery.id < before).reverse();
      const shown = mine.slice(0, size);
      const link = mine.length > size ? { link: `<${world.apiUrl}${path}?per_page=${size}&cursor=${shown.at(-1)?.delivery.id}>; rel="next"` } : undefined;
      return { status: 200, body: shown.map((one) => one.item()), headers: link };
    }),
    'apps/get-webhook-delivery': asApp(async (request) => ok(attemptOf(request, request.actor.app).full())),
    'apps/redeliver-webhook-delivery': asApp(async (request) => {
      const attempt = attemptOf(request, request.actor.app);
      void sender.redeliver(attempt.delivery.id);
      return { status: 202, body: {} };
    }),
  };
}

function config(app: SimulatedApp) {
  return { content_type: 'json', insecure_ssl: '0', secret: '********', ...(app.webhookUrl === undefined ? {} : { url: app.webhookUrl }) };
}
