import { z } from 'zod';
import { Failure } from '#contracts';

/** The GitHub App that Pullwright asks for: what it may, each with its reason, and the events that it gets. docs/github-app.md says the same; a test compares them. */
export const APP_PERMISSIONS = [
  { permission: 'metadata', level: 'read', reason: 'every App has it: names, branches, and what a person may do in the repository before a comment of theirs counts' },
  { permission: 'contents', level: 'write', reason: 'reads the source at a commit, and puts the tests on a branch of its own' },
  { permission: 'pull_requests', level: 'write', reason: 'opens and updates the pull request, and edits its one comment' },
  { permission: 'checks', level: 'write', reason: 'shows at the commit how far a run is and what it found; GitHub lets nobody make a check with less' },
  { permission: 'issues', level: 'read', reason: 'hears of comments on pull requests: for GitHub these are comments on issues' },
] as const;
/** `installation` and its kin come to every App. */
export const APP_EVENTS = ['push', 'pull_request', 'issue_comment', 'check_run', 'check_suite'] as const;

/** GitHub takes no longer names. */
export const APP_NAME_LENGTH = 34;

export interface AppRequest {
  /** Where GitHub is: `https://github.com`, or a GitHub Enterprise Server. */
  githubUrl: string;
  /** Whose App it becomes; one's own when there is none. */
  organization?: string;
  name: string;
  /** The address at which GitHub reaches the gateway. */
  gatewayUrl: string;
  /** Where GitHub leads back to. */
  redirectUrl: string;
}

/** GitHub's manifest of the App: https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest. */
export function manifestOf({ name, gatewayUrl, redirectUrl }: Pick<AppRequest, 'name' | 'gatewayUrl' | 'redirectUrl'>): Record<string, unknown> {
  return {
    name, url: gatewayUrl, redirect_url: redirectUrl, public: false, description: 'Turns a repository into a pull request of end-to-end tests.',
    hook_attributes: { url: new URL('/api/v1/webhooks/github', gatewayUrl).href, active: true },
    default_permissions: Object.fromEntries(APP_PERMISSIONS.map(({ permission, level }) => [permission, level])), default_events: APP_EVENTS,
  };
}

/** Where the manifest is posted; GitHub asks the person there, and leads back with a code. */
export function registrationUrl({ githubUrl, organization }: Pick<AppRequest, 'githubUrl' | 'organization'>, state: string): string {
  const url = new URL(organization === undefined ? '/settings/apps/new' : `/organizations/${encodeURIComponent(organization)}/settings/apps/new`, githubUrl);
  url.searchParams.set('state', state);
  return url.href;
}

const Registered = z.object({ id: z.int(), slug: z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/), name: z.string(), html_url: z.url(), pem: z.string().includes('PRIVATE KEY'), webhook_secret: z.string().min(16) });
/** The App as GitHub has made it, with what it tells once and never again. */
export type Registered = z.infer<typeof Registered>;

const ANSWER_LIMIT_MS = 30_000;

/** Exchanges the code, which is good once and for an hour. Needs no credential. Throws `bad-request` for a code that GitHub does not take, `forge-unavailable` when it does not answer. */
export async function convert(githubUrl: string, code: string): Promise<Registered> {
  const { origin, hostname } = new URL(githubUrl);
  const api = hostname === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
  const response = await fetch(`${api}/app-manifests/${encodeURIComponent(code)}/conversions`, { method: 'POST', headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28', 'user-agent': 'pullwright' }, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
    .catch((cause: unknown) => { throw new Failure('forge-unavailable', `${api} did not answer`, { cause }); });
  if (response.status === 404 || response.status === 422) throw new Failure('bad-request', 'code: GitHub does not take it; it is good once and for an hour, so begin again');
  if (response.status !== 201) throw new Failure('forge-unavailable', `${api} answered ${response.status}`);
  // What a parser says would quote the key.
  const registered = Registered.safeParse(await response.json().catch(() => undefined));
  if (!registered.success) throw new Failure('forge-unavailable', `what ${api} answered is no App: ${registered.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
  return registered.data;
}
