import { appRoutes } from './routes/apps.js';
import { checkRoutes } from './routes/checks.js';
import { commitRoutes } from './routes/commits.js';
import { contentRoutes } from './routes/contents.js';
import { gitCommitRoutes } from './routes/git-commits.js';
import { gitTreeRoutes } from './routes/git-trees.js';
import { gitRoutes } from './routes/git.js';
import { hookRoutes } from './routes/hooks.js';
import { issueRoutes } from './routes/issues.js';
import { metaRoutes } from './routes/meta.js';
import { pullRoutes } from './routes/pulls.js';
import { repositoryRoutes } from './routes/repositories.js';
import type { Route } from './route.js';
import type { WebhookSender } from './webhooks.js';

/** Every operation that is served, by the name it has in GitHub's description, which also says its method and path. A spec holds this table and the description against each other. */
export function operations(webhooks: WebhookSender): Record<string, Route> {
  return {
    ...metaRoutes, ...appRoutes, ...hookRoutes(webhooks), ...repositoryRoutes, ...commitRoutes, ...contentRoutes, ...gitRoutes, ...gitCommitRoutes, ...gitTreeRoutes, ...pullRoutes, ...issueRoutes, ...checkRoutes,
  };
}
